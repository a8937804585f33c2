"""What one throttle verdict costs: Sapphire's throttle, beside the libraries' in-memory limiters and a bare GCRA.

Every candidate answers the same question, may this sender speak now, for ten senders in turn, with a
budget that admits all of it: an admission writes state, so it is the dearer answer.
"""

import timeit
from collections.abc import Callable
from itertools import cycle
from statistics import median

import limits
from pyrate_limiter import Duration, InMemoryBucket, Limiter, Rate
from throttled import RateLimiterType, Throttled, rate_limiter, store

from contracts.controls import Budget, MessageClass
from contracts.coordination.throttle import Throttle
from tests.benchmarks.figure import Figure, Figures

CALLS = 20_000
ROUNDS = 5
PER_SECOND = 1_000_000
BURST = 10_000
SENDERS = [f"agent-{i}" for i in range(10)]


def measure() -> Figures:
    """Microseconds a verdict, the median of a few rounds, the libraries' by the same loop."""
    return {
        "throttle verdict": Figure(
            _microseconds(_throttle()),
            "us",
            beside={
                "bare GCRA": _microseconds(_bare_gcra()),
                "limits, fixed window": _microseconds(_limits(limits.strategies.FixedWindowRateLimiter)),
                "limits, sliding window": _microseconds(
                    _limits(limits.strategies.SlidingWindowCounterRateLimiter)
                ),
                "throttled-py, gcra": _microseconds(_throttled()),
                "pyrate-limiter, leaky bucket": _microseconds(_pyrate()),
            },
        )
    }


def _microseconds(ask: Callable[[str], bool]) -> float:
    senders = cycle(SENDERS)
    if not all(ask(next(senders)) for _ in SENDERS):
        raise AssertionError("the budget is meant to admit every call, or the candidates do different work")
    rounds = timeit.repeat(lambda: ask(next(senders)), number=CALLS, repeat=ROUNDS)
    return median(rounds) / CALLS * 1e6


def _throttle() -> Callable[[str], bool]:
    """Ours, as the desk asks it: exact, with the time to wait as the reason of a refusal."""
    budget = Budget(seconds_per_message=1 / PER_SECOND, burst=BURST)
    lines = {sender: (sender, MessageClass.SIGNAL) for sender in SENDERS}
    throttle = Throttle(dict.fromkeys(lines.values(), budget))
    now = 0

    def ask(sender: str) -> bool:
        nonlocal now
        now += 1
        return not throttle.take(lines[sender], now)

    return ask


def _bare_gcra() -> Callable[[str], bool]:
    """The floor: the rule alone, without a reason or a record."""
    interval, tolerance = 1 / PER_SECOND, BURST / PER_SECOND
    due: dict[str, float] = {}
    now = 0.0

    def ask(sender: str) -> bool:
        nonlocal now
        now += interval
        at = max(due.get(sender, now), now)
        if at - now > tolerance:
            return False
        due[sender] = at + interval
        return True

    return ask


def _limits(strategy: type[limits.strategies.RateLimiter]) -> Callable[[str], bool]:
    limiter = strategy(limits.storage.MemoryStorage())
    budget = limits.RateLimitItemPerSecond(PER_SECOND)
    return lambda sender: limiter.hit(budget, sender)


def _throttled() -> Callable[[str], bool]:
    limiter = Throttled(
        using=RateLimiterType.GCRA.value,
        quota=rate_limiter.per_sec(PER_SECOND, burst=BURST * len(SENDERS)),
        store=store.MemoryStore(),
    )
    return lambda sender: not limiter.limit(sender).limited


def _pyrate() -> Callable[[str], bool]:
    """One bucket for each sender: its buckets know no keys."""
    limiters = {sender: Limiter(InMemoryBucket([Rate(PER_SECOND, Duration.SECOND)])) for sender in SENDERS}
    return lambda sender: bool(limiters[sender].try_acquire(sender))
