"""Endpoints that fail for longer than a call: what is waited for, when they are left alone, and that they come back."""

import itertools
import json
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal

import pytest

from agents.endpoints.breaker import BreakerPolicy, Circuit
from agents.endpoints.client import EndpointClient, VertexConnection
from agents.endpoints.directory import Vertex
from agents.endpoints.handler import DecisionHandler
from contracts.calls import CallBudget
from contracts.decisions import CallOutcome, CallStatus, DecisionRequest
from contracts.message import Message, MessageType
from contracts.rows.decisions import DecisionRow, ModelCall
from tests.agents.endpoints import scripted
from tests.agents.endpoints.test_faults import BACKINGS, FAULTY, HOLD, RESOURCES, WELL
from tests.agents.questions import question, roster
from tests.transforms.decisions.told import START, entry, snapshot
from transforms.decisions.agent_context import REQUESTS, AgentContext
from transforms.decisions.consequences import USAGES, consequences

POLICY = BreakerPolicy(failures=3, hung=2, open_seconds=10, longest_seconds=40)


@dataclass
class Desk:
    """The agents' endpoints behind one client whose breakers' clock and pauses the test holds."""

    server: scripted.ScriptedServer
    deadline: float = 30.0
    seconds: float = 0.0
    pauses: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        connection = VertexConnection(
            Vertex("p", "l", self.server.url),
            RESOURCES,
            deadline_seconds=self.deadline,
            attempts=3,
            wait_seconds=0.001,
            breaker=POLICY,
        )
        made = connection.connect()
        self.client = EndpointClient(connection, made.predictions, lambda: self.seconds, self.pauses.append)
        self.handler = DecisionHandler(roster(), connection)

    def ask(self, request: DecisionRequest) -> CallOutcome:
        (outcome,) = self.handler.run_inference([request], self.client)
        return outcome

    def circuit(self, agent: str) -> Circuit:
        return self.client.breaker(BACKINGS[agent]).circuit


def test_retry_after_is_waited_for():
    with scripted.serving({BACKINGS[FAULTY]: [scripted.fails(429, "2"), scripted.says(HOLD)]}) as server:
        desk = Desk(server)
        outcome = desk.ask(question(FAULTY))
    assert (outcome.status, outcome.attempts, desk.pauses) == (CallStatus.ANSWERED, 2, [2.0])


def test_a_retry_after_beyond_the_deadline_ends_the_call_and_leaves_the_endpoint_alone_so_long():
    with scripted.serving({BACKINGS[FAULTY]: [scripted.fails(429, "35"), scripted.says(HOLD)]}) as server:
        desk = Desk(server)
        first, second = desk.ask(question(FAULTY)), desk.ask(question(FAULTY))
        desk.seconds = 35
        third = desk.ask(question(FAULTY))
    assert (first.status, first.attempts, desk.pauses) == (CallStatus.THROTTLED, 1, [])
    assert (second.status, second.attempts) == (CallStatus.CIRCUIT_OPEN, 0)
    assert "left alone for another 35.0 s" in second.error
    assert third.status is CallStatus.ANSWERED


def test_without_retry_after_the_waits_are_short_and_random():
    with scripted.serving({BACKINGS[FAULTY]: [scripted.fails(429)]}) as server:
        desk = Desk(server)
        outcome = desk.ask(question(FAULTY))
    assert (outcome.status, outcome.attempts) == (CallStatus.THROTTLED, 3)
    assert all(0 <= pause <= 0.002 for pause in desk.pauses)


FAULTS = {
    "500": scripted.fails(500),
    "503": scripted.fails(503),
    "429": scripted.fails(429),
    "reset": scripted.resets,
    "half an answer": scripted.half,
    "wrong content type": scripted.html,
    "undeployed": scripted.fails(404),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_an_outage_of_30_seconds_opens_the_breaker_closes_it_again_and_harms_nobody_else(fault):
    """One question a second to two agents; the faulty one's endpoint is out from second 5 to 35."""
    out = {"now": False}

    def deed(handler: scripted.Handler) -> None:
        (FAULTS[fault] if out["now"] else scripted.says(HOLD))(handler)

    with scripted.serving({BACKINGS[FAULTY]: [deed], BACKINGS[WELL]: [scripted.says(HOLD)]}) as server:
        desk, faulty, well = Desk(server), [], []
        for second in range(60):
            desk.seconds, out["now"] = float(second), 5 <= second < 35
            faulty.append(desk.ask(question(FAULTY)))
            well.append(desk.ask(question(WELL)))
    statuses = [outcome.status for outcome in faulty]
    assert {outcome.status for outcome in well} == {CallStatus.ANSWERED}
    assert statuses[:5] == [CallStatus.ANSWERED] * 5
    # Three failures open it at second 7; the trials at 17 fails, the one at 37 is answered.
    failed = [second for second, outcome in enumerate(faulty) if outcome.attempts and outcome.opinion is None]
    assert failed == [5, 6, 7, 17]
    assert statuses[8:17] + statuses[18:37] == [CallStatus.CIRCUIT_OPEN] * 28
    assert statuses[37:] == [CallStatus.ANSWERED] * 23
    assert desk.circuit(FAULTY) is Circuit.CLOSED


def test_a_slow_endpoint_is_left_alone_too():
    with scripted.serving({BACKINGS[FAULTY]: [scripted.never]}) as server:
        desk = Desk(server, deadline=0.2)
        outcomes = [desk.ask(question(FAULTY)) for _ in range(5)]
    expected = [CallStatus.DEADLINE] * 2 + [CallStatus.CIRCUIT_OPEN] * 3
    assert [outcome.status for outcome in outcomes] == expected
    assert desk.circuit(WELL) is Circuit.CLOSED


def test_through_faults_of_every_kind_nothing_is_lost_and_the_budget_is_kept():
    """Context, endpoint and consequences together: each question that was asked has its decision and its row."""
    thrice = [deed for deed in FAULTS.values() for _ in range(3)]
    deeds = [*thrice, scripted.says("Buy it!"), scripted.says(HOLD)]
    backing = roster().by_agent[FAULTY].backing
    budget = CallBudget(calls_per_hour=20, tokens_per_hour=60_000, usd_per_hour=Decimal("0.02"))
    profile = roster().by_agent[FAULTY].with_valid(backing=backing.with_valid(budget=budget))
    with scripted.serving({BACKINGS[FAULTY]: deeds}) as server:
        desk = Desk(server)
        core = AgentContext("main", profile, roster().price_of(backing))
        rows, positions = [], itertools.count(1)

        def tell(message: Message) -> None:
            for port, value in core.apply(entry(message, next(positions))):
                follows = consequences(desk.ask(value)) if port == REQUESTS else [(port, value)]
                rows.extend(value for _, value in follows if isinstance(value, DecisionRow | ModelCall))
                for usage in (value for port, value in follows if port == USAGES):
                    tell(usage)

        minutes = 120
        for minute in range(minutes):
            desk.seconds = 4.0 * minute
            tell(snapshot(minute))
    decisions = [row for row in rows if isinstance(row, DecisionRow)]
    calls = [row for row in rows if isinstance(row, ModelCall)]
    assert [row.event_time for row in decisions] == [START + timedelta(minutes=n) for n in range(minutes)]
    assert [row.decision_id for row in calls] == [row.decision_id for row in decisions]
    assert {"answered", "unavailable", "circuit_open", "over_budget"} <= {row.outcome for row in calls}
    for last in calls:
        hour = [
            row for row in calls if last.event_time - timedelta(hours=1) < row.event_time <= last.event_time
        ]
        assert sum(row.attempts > 0 for row in hour) <= budget.calls_per_hour
        assert sum((row.cost_usd or Decimal(0)) for row in hour) <= budget.usd_per_hour


def test_the_usage_of_a_refused_trial_is_told_with_its_type():
    with scripted.serving({BACKINGS[FAULTY]: [scripted.fails(404)]}) as server:
        desk = Desk(server)
        outcomes = [desk.ask(question(FAULTY)) for _ in range(4)]
    usages = [dict(consequences(outcome))[USAGES] for outcome in outcomes]
    assert {usage.type for usage in usages} == {MessageType.USAGE}
    assert [usage.payload.made for usage in usages] == [True, True, True, False]
    assert json.loads(usages[-1].to_json())["payload"]["cost_usd"] == "0"
