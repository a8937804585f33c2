"""A batch is asked at the same time: who waits for whom, and what stays right when calls run side by side."""

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from agents.endpoints.breaker import BreakerPolicy, Circuit
from agents.endpoints.client import EndpointClient, VertexConnection
from agents.endpoints.directory import Vertex
from agents.endpoints.handler import DecisionHandler
from agents.kinds.forecast import BARS_AHEAD
from contracts.calls import CallBudget
from contracts.decisions import CallOutcome, CallStatus, DecisionRequest
from contracts.roster import Roster
from contracts.rows.decisions import ModelCall
from tests.agents.endpoints import scripted
from tests.agents.endpoints.test_faults import BACKINGS, FAULTY, HOLD, RESOURCES, WELL
from tests.agents.questions import question, roster
from tests.transforms.decisions.told import entry, snapshot
from transforms.decisions.agent_context import REQUESTS, AgentContext
from transforms.decisions.consequences import consequences

FORECASTER = "lagllama-degen"
CALM = {"model": "lag-llama", "quantiles": [[100.0, 101.0, 102.0, 103.0, 104.0]] * BARS_AHEAD}


@dataclass
class Desk:
    """The agents' endpoints behind one client whose breakers' clock the test holds."""

    server: scripted.ScriptedServer
    deadline: float = 30.0
    roster: Roster = field(default_factory=roster)
    seconds: float = 0.0
    sleep: Callable[[float], None] = lambda pause: None

    def __post_init__(self) -> None:
        self.connection = VertexConnection(
            Vertex("p", "l", self.server.url),
            RESOURCES,
            deadline_seconds=self.deadline,
            wait_seconds=0.001,
            breaker=BreakerPolicy(failures=3, open_seconds=10, longest_seconds=40),
        )
        made = self.connection.connect()
        self.client = EndpointClient(
            self.connection, made.predictions, lambda: self.seconds, lambda pause: self.sleep(pause)
        )

    def ask(self, *requests: DecisionRequest) -> list[CallOutcome]:
        return list(DecisionHandler(self.roster, self.connection).run_inference(requests, self.client))


def asked(agent: str, number: int = 0) -> DecisionRequest:
    return question(agent, decision_id=f"{agent}-{number}")


def test_a_slow_endpoint_delays_no_other_and_the_answers_keep_their_order():
    """The faulty agent's endpoint answers only after the other's was asked twice: one after another, it never would."""
    others = threading.Semaphore(0)

    def after_the_others(handler: scripted.Handler) -> None:
        for _ in range(2):
            others.acquire()
        scripted.says(HOLD)(handler)

    def tells(handler: scripted.Handler) -> None:
        scripted.says(HOLD)(handler)
        others.release()

    with scripted.serving({BACKINGS[FAULTY]: [after_the_others], BACKINGS[WELL]: [tells]}) as server:
        outcomes = Desk(server).ask(asked(FAULTY), asked(WELL, 1), asked(WELL, 2))
    assert [outcome.status for outcome in outcomes] == [CallStatus.ANSWERED] * 3
    assert [o.request.decision_id for o in outcomes] == [f"{FAULTY}-0", f"{WELL}-1", f"{WELL}-2"]


def test_calls_of_one_endpoint_run_side_by_side():
    together = threading.Barrier(4)

    def when_all_are_there(handler: scripted.Handler) -> None:
        together.wait()
        scripted.says(HOLD)(handler)

    with scripted.serving({BACKINGS[FAULTY]: [when_all_are_there]}) as server:
        outcomes = Desk(server).ask(*(asked(FAULTY, number) for number in range(4)))
    assert [outcome.status for outcome in outcomes] == [CallStatus.ANSWERED] * 4


def test_a_batch_takes_one_deadline_and_what_was_not_made_by_then_is_not_paid():
    """Far more questions than the endpoint has threads: those in the queue end with the others."""
    with scripted.serving({BACKINGS[FAULTY]: [scripted.never]}) as server:
        outcomes = Desk(server, deadline=0.5).ask(*(asked(FAULTY, number) for number in range(30)))
    assert {outcome.status for outcome in outcomes} == {CallStatus.DEADLINE}
    assert {outcome.attempts for outcome in outcomes} == {0, 1}
    assert all((outcome.cost_usd > 0) == (outcome.attempts > 0) for outcome in outcomes)


def test_a_batch_that_fails_together_opens_the_breaker_once_and_one_trial_decides():
    healed = {"now": False}

    def deed(handler: scripted.Handler) -> None:
        (scripted.says(HOLD) if healed["now"] else scripted.fails(404))(handler)

    with scripted.serving({BACKINGS[FAULTY]: [deed]}) as server:
        desk = Desk(server)
        batch = [asked(FAULTY, number) for number in range(8)]
        first = desk.ask(*batch)
        breaker = desk.client.breaker(BACKINGS[FAULTY])
        assert (breaker.circuit, breaker.era, breaker.admit()) == (Circuit.OPEN, 1, 10)
        desk.seconds, healed["now"] = 10, True
        second = desk.ask(*batch)
        third = desk.ask(*batch)
    assert {outcome.status for outcome in first} == {CallStatus.REFUSED}
    assert [outcome.status for outcome in second] == [CallStatus.ANSWERED] + [CallStatus.CIRCUIT_OPEN] * 7
    assert {outcome.status for outcome in third} == {CallStatus.ANSWERED}


def test_retry_after_holds_for_every_call_of_the_endpoint():
    """While one call waits the two seconds that it was asked to, another begins: it waits first, and then asks."""
    pauses: list[float] = []
    late: list[CallOutcome] = []

    with scripted.serving({BACKINGS[FAULTY]: [scripted.fails(429, "2"), scripted.says(HOLD)]}) as server:
        desk = Desk(server)

        def sleep(pause: float) -> None:
            pauses.append(pause)
            if len(pauses) == 1:
                late.extend(desk.ask(asked(FAULTY, 2)))
                assert server.calls[BACKINGS[FAULTY]] == 2

        desk.sleep = sleep
        (outcome,) = desk.ask(asked(FAULTY, 1))
    assert pauses == [2.0, 2.0]
    assert (outcome.status, outcome.attempts) == (CallStatus.ANSWERED, 2)
    assert (late[0].status, late[0].attempts) == (CallStatus.ANSWERED, 1)


def test_a_retry_after_beyond_the_deadline_is_not_waited_for_by_others_either():
    with scripted.serving({BACKINGS[FAULTY]: [scripted.says(HOLD)]}) as server:
        desk = Desk(server)
        desk.client.breaker(BACKINGS[FAULTY]).leave_alone(35)
        (outcome,) = desk.ask(asked(FAULTY))
    assert (outcome.status, outcome.attempts, server.calls[BACKINGS[FAULTY]]) == (CallStatus.THROTTLED, 0, 0)
    assert "asked to be left alone for another 35.0 s" in outcome.error


def test_what_is_asked_at_once_keeps_its_budget():
    """Reserved one by one before anything is asked, so that no concurrency can overdraw it."""
    backing = roster().by_agent[FAULTY].backing
    budget = CallBudget(calls_per_hour=5)
    profile = roster().by_agent[FAULTY].with_valid(backing=backing.with_valid(budget=budget))
    core = AgentContext("main", profile, roster().price_of(backing))
    said = [output for n in range(9) for output in core.apply(entry(snapshot(n), n + 1))]
    requests = [value for port, value in said if port == REQUESTS]
    refused = [value for _, value in said if isinstance(value, ModelCall)]
    with scripted.serving({BACKINGS[FAULTY]: [scripted.says(HOLD)]}) as server:
        outcomes = Desk(server).ask(*requests)
    assert (len(outcomes), server.calls[BACKINGS[FAULTY]], len(refused)) == (5, 5, 4)
    calls = [v for o in outcomes for _, v in consequences(o) if isinstance(v, ModelCall)]
    assert [call.decision_id for call in calls] == [request.decision_id for request in requests]
    assert {call.outcome for call in refused} == {"over_budget"}


# --- one call for several questions -------------------------------------------------------------------------------


def batching(most: int) -> Roster:
    agents = [
        profile.with_valid(backing=profile.backing.with_valid(batch=most))
        if profile.agent == FORECASTER
        else profile
        for profile in roster().agents
    ]
    return roster().with_valid(agents=tuple(agents))


def forecaster(sizes: list[int], refused: float = -1.0) -> scripted.Deed:
    def deed(handler: scripted.Handler) -> None:
        instances = json.loads(handler.body)["instances"]
        sizes.append(len(instances))
        if any(instance["target"][-1] == refused for instance in instances):
            return scripted.fails(400)(handler)
        handler.answer(200, json.dumps({"predictions": [CALM] * len(instances)}).encode())

    return deed


def test_questions_for_an_endpoint_that_gains_from_it_share_a_call():
    sizes: list[int] = []
    with scripted.serving(
        {BACKINGS[FORECASTER]: [forecaster(sizes)], BACKINGS[WELL]: [scripted.says(HOLD)]}
    ) as server:
        desk = Desk(server, roster=batching(4))
        outcomes = desk.ask(*(asked(FORECASTER, n) for n in range(6)), asked(WELL, 1), asked(WELL, 2))
    assert (sorted(sizes), server.calls[BACKINGS[WELL]]) == ([2, 4], 2)
    assert {outcome.status for outcome in outcomes} == {CallStatus.ANSWERED}
    assert [o.request.decision_id for o in outcomes[:6]] == [f"{FORECASTER}-{n}" for n in range(6)]


def test_a_question_that_is_refused_costs_itself_and_not_those_in_the_same_call():
    sizes: list[int] = []
    bad = asked(FORECASTER, 1).with_valid(closes=(100.0, 13.0))
    with scripted.serving({BACKINGS[FORECASTER]: [forecaster(sizes, refused=13.0)]}) as server:
        outcomes = Desk(server, roster=batching(8)).ask(asked(FORECASTER, 0), bad, asked(FORECASTER, 2))
    assert sizes == [3, 1, 1, 1]
    assert [o.status for o in outcomes] == [CallStatus.ANSWERED, CallStatus.REFUSED, CallStatus.ANSWERED]


def test_fewer_predictions_than_questions_are_no_answer():
    with scripted.serving({BACKINGS[FORECASTER]: [scripted.predicts(CALM)]}) as server:
        outcomes = Desk(server, roster=batching(8)).ask(asked(FORECASTER, 0), asked(FORECASTER, 1))
    assert [(o.status, o.error[:31]) for o in outcomes] == [
        (CallStatus.NOT_JSON, "1 predictions for 2 instances: ")
    ] * 2
