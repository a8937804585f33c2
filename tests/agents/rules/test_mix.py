import pytest

from agents.rules.mix import GROSS, mix

RISING = [100.0 + 0.5 * n + 0.2 * (n % 2) for n in range(40)]
FALLING = RISING[::-1]
FLAT = [100.0 + 0.2 * (n % 2) for n in range(41)]


def test_what_drifts_is_held_by_the_inverse_of_its_risk():
    weights = mix({"A": (RISING, 0.0), "B": (FALLING, 0.0), "C": (FLAT, 0.0), "D": ([1.0], 0.0)})
    assert weights["A"] > 0 > weights["B"]
    assert (weights["C"], weights["D"]) == (0.0, 0.0)
    assert sum(map(abs, weights.values())) <= GROSS


def test_what_is_held_is_kept_while_it_goes_its_way():
    gentle = [100.0 + 0.004 * n + 0.2 * (n % 3) for n in range(40)]
    assert mix({"A": (gentle, 0.0)}) == {"A": 0.0}
    held = mix({"A": (gentle, 1.0)})["A"]
    assert held == pytest.approx(GROSS) or held == 0.0
    assert mix({"A": (FALLING, 1.0)})["A"] < 0
