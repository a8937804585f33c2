"""`python -m infra.local.pubsub` as a process, and a Beam job that reads from the emulator."""

import os
import queue
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from google.api_core import exceptions
from google.cloud.pubsub_v1.subscriber.message import Message
from google.pubsub_v1.types import StreamingPullRequest

from infra.local.pubsub.server import Server
from tests.infra.local.pubsub.conftest import Clients

COMMAND = [sys.executable, "-m", "infra.local.pubsub"]
BEAM_JOB = Path(__file__).with_name("beam_job.py")


@pytest.fixture
def processes() -> Iterator[list["subprocess.Popen[str]"]]:
    started: list[subprocess.Popen[str]] = []
    yield started
    for process in started:
        process.kill()
        process.communicate(timeout=10)


def _open_stream(subscription: str, done: threading.Event) -> Iterator[StreamingPullRequest]:
    yield StreamingPullRequest(subscription=subscription, stream_ack_deadline_seconds=10)
    done.wait(30)


def test_ready_line_and_sigterm_with_an_open_stream(
    processes: list["subprocess.Popen[str]"], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments = ["--port", "0", "--stats-port", "0", "--data-dir", str(tmp_path / "state")]
    process = subprocess.Popen([*COMMAND, *arguments], stdout=subprocess.PIPE, text=True)
    processes.append(process)
    assert process.stdout is not None
    ready = process.stdout.readline()
    assert ready.startswith("Pub/Sub emulator ready: PUBSUB_EMULATOR_HOST=127.0.0.1:")
    assert "counts on http://127.0.0.1:" in ready
    clients = Clients(int(ready.split(",")[0].rsplit(":", 1)[1]), monkeypatch)
    clients.create()
    clients.publisher.publish(clients.topic, b"x").result(5)
    done = threading.Event()
    answers = clients.subscriber.api.streaming_pull(requests=_open_stream(clients.subscription, done))
    assert [item.message.data for item in next(answers).received_messages] == [b"x"]

    process.send_signal(signal.SIGTERM)

    assert process.wait(5) == 0
    with pytest.raises(exceptions.GoogleAPICallError):
        for _ in answers:
            pass
    done.set()
    clients.close()
    assert (tmp_path / "state" / "pubsub.sqlite").exists()


def test_a_port_in_use_is_one_sentence_and_exit_2() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        result = subprocess.run([*COMMAND, "--port", port], capture_output=True, text=True, timeout=30)
    assert result.returncode == 2
    assert f"Port {port} on 127.0.0.1 cannot be used" in result.stderr
    assert "--port" in result.stderr and len(result.stderr.splitlines()) == 1


def test_a_beam_streaming_job_reads_and_publishes(
    server: Server, connect: Callable[[Server], Clients], processes: list["subprocess.Popen[str]"]
) -> None:
    clients = connect(server)
    clients.create()
    out = clients.publisher.topic_path("sapphire-test", "out")
    out_subscription = clients.subscriber.subscription_path("sapphire-test", "out-sub")
    clients.publisher.create_topic(name=out)
    clients.subscriber.create_subscription(name=out_subscription, topic=out)
    for number in range(20):
        clients.publisher.publish(clients.topic, str(number).encode(), double=str(2 * number)).result(5)

    environment = {**os.environ, "PUBSUB_EMULATOR_HOST": f"127.0.0.1:{server.port}"}
    processes.append(
        subprocess.Popen(
            [sys.executable, str(BEAM_JOB), clients.subscription, out], env=environment, text=True
        )
    )
    results: queue.Queue[bytes] = queue.Queue()

    def receive(message: Message) -> None:
        results.put(message.data)
        message.ack()

    stream = clients.subscriber.subscribe(out_subscription, callback=receive)
    data = [results.get(timeout=60) for _ in range(20)]
    stream.cancel()
    stream.result(5)

    assert sorted(data) == sorted(f"{number}:{2 * number}".encode() for number in range(20))
    counts = server.broker.subscription(clients.subscription).counts
    assert (counts.delivered, counts.acked, counts.redelivered) == (20, 20, 0)
