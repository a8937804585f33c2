"""A bot talks to another through the gateway while the coordination job is stopped and started: all is heard, once."""

import threading
from collections.abc import Iterator

import httpx
import pytest

from agents.client import GatewayClient
from contracts.message import Message, MessageType
from contracts.payloads import Question
from tests.end_to_end.coordination_stand import JOB, Stand, stand

MESSAGES = 120
BEFORE = 30
"""So many are said before the job is told to stop; the others while it stops, is away, and comes back."""

SENDER, HEARER = "freqtrade-hft", "hummingbot-mm"
WAIT_SECONDS = 20.0

pytestmark = [pytest.mark.end_to_end, pytest.mark.timeout(180)]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stand]:
    with stand(tmp_path_factory.mktemp("restarts") / "state") as there:
        yield there


def say(bot: GatewayClient, name: str) -> None:
    bot.send(Question(topic="restart", question=name), HEARER, message_id=name)


def widen_the_budget(running: Stand) -> None:
    """More than the roster allows: a job that forgot its controls would throttle what follows."""
    body = {
        "action": "budget", "agent": SENDER, "message_class": "chatter", "issued_by": "test",
        "budget": {"seconds_per_message": 0.001, "burst": 1_000},
    }  # fmt: skip
    headers = {"Authorization": f"Bearer {running.operators_token}"}
    httpx.post(f"{running.gateway_url}/controls", json=body, headers=headers).raise_for_status()


def heard(bot: GatewayClient, until: str) -> list[str]:
    """The questions that came, up to the one called `until`, each acknowledged as it was taken."""
    names: list[str] = []
    while until not in names:
        taken = bot.inbox(wait=WAIT_SECONDS)
        assert taken, f"nothing came for {WAIT_SECONDS:g} s; so far {names[-3:]}"
        bot.ack(taken)
        names += [_name(message) for message in taken if message.type is MessageType.QUESTION]
    return names


def _name(message: Message) -> str:
    return message.message_id


def test_nothing_is_lost_and_nothing_doubled(running: Stand) -> None:
    """T0 the budget is widened and 30 messages are said; T1 SIGTERM, while 90 more are being said; T2 started again;
    T3 an old message is said again; T4 kill -9 when the desk was quiet for a second, and the same again.
    """
    said = [f"q-{number:03d}" for number in range(MESSAGES)]
    with running.client(SENDER) as sender, running.client(HEARER) as hearer:
        widen_the_budget(running)
        for name in said[:BEFORE]:
            say(sender, name)
        talk = threading.Thread(target=lambda: [say(sender, name) for name in said[BEFORE:]])
        talk.start()
        assert running.processes.stop(JOB) == 0
        running.processes.start(JOB)
        talk.join()
        say(sender, said[0])
        say(sender, "after-stop")
        assert heard(hearer, "after-stop") == [*said, "after-stop"]

        # A control, every question, a state, the repeated one and the last.
        running.wait_until_told(JOB, 1 + len(said) + 1 + 2)
        running.processes.kill(JOB)
        running.processes.start(JOB)
        say(sender, said[1])
        say(sender, "after-kill")
        assert heard(hearer, "after-kill") == ["after-kill"]

    rows = running.rows()
    messages = [row for table, row in rows if table == "messages"]
    verdicts = [(row["message_id"], row["verdict"]) for row in messages if row["sender"] == SENDER]
    assert verdicts == [
        *((name, "admitted") for name in said),
        (said[0], "duplicate"), ("after-stop", "admitted"), (said[1], "duplicate"), ("after-kill", "admitted"),
    ]  # fmt: skip
    assert [row["position"] for row in messages] == list(range(1, len(messages) + 1))
    controls = [(row["action"], row["issued_by"]) for table, row in rows if table == "controls"]
    assert controls == [("budget", "test"), ("restore", "launcher"), ("restore", "launcher")]
    assert (
        running.look().subscriptions[f"inbox-{HEARER}"].received == len(said) + 2 + 1
    )  # and the budget's control


def test_the_gateway_ends_well_when_it_is_told_to(running: Stand) -> None:
    assert running.processes.stop("gateway") == 0
