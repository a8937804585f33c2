from hypothesis import given
from hypothesis import strategies as st

from agents.endpoints.breaker import Breaker, BreakerPolicy, Circuit

POLICY = BreakerPolicy(failures=2, open_seconds=15, longest_seconds=40)


class Hands:
    """A clock that the test moves."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def breaker() -> tuple[Breaker, Hands]:
    clock = Hands()
    return Breaker(POLICY, clock), clock


def test_it_opens_after_failures_in_a_row_and_tries_one_call_later():
    circuit, clock = breaker()
    circuit.failed()
    circuit.succeeded()
    circuit.failed()
    assert (circuit.circuit, circuit.admit()) == (Circuit.CLOSED, 0)
    circuit.failed()
    assert (circuit.circuit, circuit.admit()) == (Circuit.OPEN, 15)
    clock.now = 15
    assert (circuit.circuit, circuit.admit()) == (Circuit.HALF_OPEN, 0)
    assert circuit.admit() == 15  # the trial is under way
    circuit.succeeded()
    assert (circuit.circuit, circuit.admit()) == (Circuit.CLOSED, 0)


def test_a_failed_trial_opens_it_for_twice_as_long_up_to_a_bound_and_success_forgets_that():
    circuit, clock = breaker()
    circuit.failed()
    circuit.failed()
    for pause in (15, 30, 40, 40):
        assert circuit.admit() == pause
        clock.now += pause
        assert circuit.admit() == 0
        circuit.failed()
    clock.now += 40
    assert circuit.admit() == 0
    circuit.succeeded()
    circuit.failed()
    circuit.failed()
    assert circuit.admit() == 15


def test_it_is_left_alone_as_long_as_it_asks_and_no_longer_than_the_bound():
    circuit, clock = breaker()
    circuit.failed(retry_after=7)
    assert circuit.admit() == 7
    clock.now = 7
    assert circuit.admit() == 0
    circuit.succeeded()
    circuit.failed(retry_after=3_600)
    assert circuit.admit() == 40


def test_a_call_that_hung_counts_for_several_that_failed_at_once():
    circuit = Breaker(BreakerPolicy(failures=5, hung=3), Hands())
    circuit.failed()
    circuit.failed(hung=True)
    assert circuit.circuit is Circuit.CLOSED
    circuit.failed()
    assert circuit.circuit is Circuit.OPEN


def test_what_was_admitted_before_it_opened_changes_nothing():
    circuit, _ = breaker()
    for _ in range(9):
        circuit.failed()
    assert circuit.admit() == 15


def test_a_trial_that_nobody_reports_does_not_hold_it_for_ever():
    circuit, clock = breaker()
    circuit.failed()
    circuit.failed()
    clock.now = 15
    assert circuit.admit() == 0
    clock.now = 30
    assert circuit.admit() == 0


@given(st.lists(st.tuples(st.floats(0, 50), st.booleans()), max_size=60))
def test_an_open_circuit_is_never_asked_and_always_tried_again(calls):
    circuit, clock = breaker()
    for pause, good in calls:
        clock.now += pause
        wait = circuit.admit()
        assert 0 <= wait <= POLICY.longest_seconds
        if wait == 0:
            circuit.succeeded() if good else circuit.failed()
    clock.now += POLICY.longest_seconds
    assert circuit.admit() == 0


def test_what_a_call_of_an_earlier_era_came_to_decides_nothing_in_this_one():
    circuit, clock = breaker()
    before = circuit.era
    for _ in range(5):
        circuit.failed(era=before)
    assert (circuit.circuit, circuit.era, circuit.admit()) == (Circuit.OPEN, 1, 15)
    clock.now = 15
    era = circuit.era
    assert circuit.admit() == 0  # the trial
    circuit.succeeded(before)
    circuit.failed(era=before)
    assert circuit.admit() == 15  # still the trial alone
    circuit.succeeded(era)
    assert (circuit.circuit, circuit.admit()) == (Circuit.CLOSED, 0)


def test_an_endpoint_that_asks_to_be_left_alone_is_so_for_all_and_no_longer_than_the_bound():
    circuit, clock = breaker()
    circuit.leave_alone(7)
    circuit.leave_alone(3)
    assert (circuit.quiet(), circuit.admit()) == (7, 0)
    clock.now = 7
    assert circuit.quiet() == 0
    circuit.leave_alone(3_600)
    assert circuit.quiet() == 40
