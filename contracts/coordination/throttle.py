"""The throttle: a message budget for each sender and class, by the generic cell rate algorithm (GCRA)."""

from collections.abc import Iterable, Mapping
from typing import Any

from contracts.controls import Budget, MessageClass
from contracts.roster import Roster

Line = tuple[str, MessageClass]
"""What has a budget of its own: a sender and a class of message."""

_MICROS = 1_000_000


class Throttle:
    """Admits on average one message in `period`, and `burst` at once, for each sender and class.

    GCRA keeps one number a line: the theoretical arrival time (TAT), when the line would be at rest again. A message at
    time t conforms if TAT - t <= (burst - 1) x period; then TAT becomes max(TAT, t) + period. All in whole microseconds,
    so verdicts are exact. With period 10 s and burst 3 (all of it back after the cooldown of 30 s):

        t      0 s    0 s    0 s    0 s                 10 s   12 s                 60 s
        TAT   10 s   20 s   30 s   30 s                 40 s   40 s                 70 s
               in     in     in    throttled, in 10 s    in    throttled, in 8 s     in

    Source: ITU-T I.371, virtual scheduling; the state stays one integer a line, however many messages pass.
    """

    def __init__(self, budgets: Mapping[Line, Budget]) -> None:
        self._given = dict(budgets)
        self._budgets = dict(budgets)
        self._rates = {line: _rate(budget) for line, budget in budgets.items()}
        self._arrivals: dict[Line, int] = dict.fromkeys(budgets, 0)
        self._changed: set[Line] = set()

    @classmethod
    def of(cls, roster: Roster) -> "Throttle":
        """The throttle with the budgets that the roster gives."""
        return cls(
            {
                (profile.agent, message_class): budget
                for profile in roster.agents
                for message_class, budget in (
                    (MessageClass.SIGNAL, profile.budgets.signal),
                    (MessageClass.CHATTER, profile.budgets.chatter),
                )
            }
        )

    def wait(self, line: Line, now: int) -> int:
        """Microseconds until a message would be admitted, 0 when it would be now; asking changes nothing."""
        _, tolerance = self._rates[line]
        return max(0, self._arrivals[line] - now - tolerance)

    def take(self, line: Line, now: int) -> int:
        """Take one message out of the budget at `now`; 0 when it is admitted, else the microseconds to wait.

        A throttled message costs nothing. Raises KeyError for a line without a budget.
        """
        period, tolerance = self._rates[line]
        arrival = self._arrivals[line]
        if arrival <= now:
            self._arrivals[line] = now + period
            return 0
        excess = arrival - now - tolerance
        if excess > 0:
            return excess
        self._arrivals[line] = arrival + period
        return 0

    def budget(self, line: Line) -> Budget:
        """The budget in force."""
        return self._budgets[line]

    def change(self, line: Line, budget: Budget, now: int) -> None:
        """Put another budget in force from `now` on.

        The same share of the burst stays spent: of an agent that has spent one of three messages, a third. Raises KeyError
        for a line without a budget.
        """
        self._spend_as_much(line, self._budgets[line], budget, now)
        self._put(line, budget)
        self._changed.add(line)

    def _spend_as_much(self, line: Line, of: Budget, budget: Budget, now: int) -> None:
        owed = max(0, self._arrivals[line] - now)
        self._arrivals[line] = now + owed * _cooldown(budget) // _cooldown(of)

    def _put(self, line: Line, budget: Budget) -> None:
        self._budgets[line] = budget
        self._rates[line] = _rate(budget)

    def state(self) -> list[list[Any]]:
        """The lines as plain lists, in their order, and whether their budget was changed: what `take_up` reads."""
        return [
            [*line, self._arrivals[line], *_plain(self._budgets[line]), line in self._changed]
            for line in sorted(self._budgets)
        ]

    def take_up(self, state: Iterable[list[Any]], now: int) -> None:
        """Go on from what `state` gave at `now`; agents that left the roster since are forgotten.

        A budget that was changed stays in force. One that was not is the roster's, which may be another by now.
        """
        self._changed.clear()
        for agent, message_class, arrival, seconds_per_message, burst, is_changed in state:
            line = (agent, MessageClass(message_class))
            if line in self._given:
                was = Budget(seconds_per_message=seconds_per_message, burst=burst)
                self._arrivals[line] = arrival
                self._put(line, was)
                if is_changed:
                    self._changed.add(line)
                elif was != self._given[line]:
                    self._spend_as_much(line, was, self._given[line], now)
                    self._put(line, self._given[line])


def _rate(budget: Budget) -> tuple[int, int]:
    period = round(budget.seconds_per_message * _MICROS)
    return period, (budget.burst - 1) * period


def _cooldown(budget: Budget) -> int:
    return budget.burst * _rate(budget)[0]


def _plain(budget: Budget) -> tuple[float, int]:
    return budget.seconds_per_message, budget.burst
