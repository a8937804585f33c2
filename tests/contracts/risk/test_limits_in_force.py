"""Limits that are changed while the desk runs, and after it started anew."""

from decimal import Decimal

import pytest
from pydantic import ValidationError

from contracts.controls import Control, ControlAction
from contracts.risk.limits import Limits, checked_changes
from contracts.risk.limits_in_force import LimitsInForce

D = Decimal


def test_a_change_holds_over_the_file_also_over_an_edited_one() -> None:
    """The timeline of the docstring."""
    force = LimitsInForce(Limits(desk_gross="0.75", desk_net="0.50"))
    assert force.change({"desk_gross": D("0.60")}, 1)
    assert (force.now.desk_gross, force.now.desk_net) == (D("0.60"), D("0.50"))
    anew = LimitsInForce(Limits(desk_gross="0.80", desk_net="0.40"))
    anew.load(force.dump())
    assert (anew.now.desk_gross, anew.now.desk_net) == (D("0.60"), D("0.40"))
    assert Limits.model_validate(anew.dump()["in_force"]) == anew.now


def test_an_older_change_than_the_last_is_none() -> None:
    force = LimitsInForce(Limits())
    assert force.change({"desk_gross": D("0.60")}, 5)
    assert not force.change({"desk_gross": D("0.90")}, 4)
    assert force.now.desk_gross == D("0.60")


def test_what_does_not_fit_together_leaves_everything_as_it_was() -> None:
    force = LimitsInForce(Limits())
    before = force.dump()
    with pytest.raises(ValueError, match="the drawdown bands are"):
        force.change({"reduce_drawdown": D("0.2")}, 1)
    assert force.dump() == before
    assert force.change({"reduce_drawdown": D("0.2"), "halt_drawdown": D("0.3")}, 1)


def test_a_file_that_does_not_fit_the_changes_is_refused() -> None:
    force = LimitsInForce(Limits())
    force.change({"reduce_drawdown": D("0.09")}, 1)
    with pytest.raises(ValueError, match="the drawdown bands are"):
        LimitsInForce(Limits(halt_drawdown="0.08")).load(force.dump())


def test_a_limit_that_may_be_off_can_be_switched_off() -> None:
    force = LimitsInForce(Limits(consensus_leverage=2))
    assert force.change(checked_changes({"consensus_leverage": None}), 1)
    assert force.now.consensus_leverage is None


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({}, "name at least one limit"),
        ({"desk_gros": 1}, "there is no limit desk_gros; did you mean desk_gross?"),
        ({"desk_gross": "0"}, "desk_gross: Input should be greater than 0"),
        ({"desk_gross": None}, "desk_gross: "),
        ({"orders_per_minute": "1.5"}, "orders_per_minute: "),
        ({"desk_gross": "NaN"}, "finite number"),
        (None, "a limits control needs limits"),
    ],
)
def test_a_control_names_known_limits_and_values_they_may_have(changes: dict | None, sentence: str) -> None:
    with pytest.raises(ValidationError) as error:
        Control(action=ControlAction.LIMITS, issued_by="ada", limits=changes)
    assert sentence in str(error.value)


def test_a_control_is_the_same_after_the_wire() -> None:
    control = Control(
        action=ControlAction.LIMITS, issued_by="ada", limits={"orders_per_minute": 30, "desk_gross": 0.6}
    )
    assert control.limits == {"desk_gross": D("0.6"), "orders_per_minute": D(30)}
    assert Control.from_json(control.to_json()) == control
