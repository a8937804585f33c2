"""Plays a recording into market-data: paced as it was lived (or faster), or as fast as Pub/Sub takes it.

    python -m execution.feed.replay                                   # the packaged sample, 60 times as fast
    python -m execution.feed.replay day.jsonl.gz --speed 1 --for 300
    python -m execution.feed.replay bars/ --speed max

What is published is what was recorded and nothing else: of a recording of bars, the paper venue and the
agents see bars only, each at the moment it closed; no quotes, trades or books are made up from them.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Annotated

import structlog
import typer
from redis import Redis
from rich.console import Console

from contracts.live_view import LiveView
from contracts.settings import Settings
from contracts.time import WallClock
from contracts.topics import MARKET_DATA
from execution.feed.pacing import Pacer, clock_setter
from execution.feed.publishing import MarketPublisher, PublishingError, ordered_publisher
from execution.feed.recordings import Recording, RecordingError, open_recording
from execution.feed.replay_flow import FlowReport
from execution.feed.stop import Stop

_log = structlog.get_logger("execution.feed.replay")

_BEHIND_SECONDS = 1.0
_FLUSH_SECONDS = 10.0

app = typer.Typer(add_completion=False, rich_markup_mode="rich")


@dataclass(slots=True)
class Replay:
    """One recording being played back. `stop.sleep` and the pacer's clock make its time."""

    recording: Recording
    publisher: MarketPublisher
    pacer: Pacer
    stop: Stop
    reached: datetime | None = None
    _due: int = field(default=0, init=False)
    _said_behind: float = field(default=0.0, init=False)

    def run(self, report: FlowReport) -> None:
        """Publish until the recording is over or the stop asked for; then wait for Pub/Sub, 10 s at most."""
        try:
            self._publish_what_is_due(report)
        finally:
            self.pacer.stop()
            if not self.publisher.flush(_FLUSH_SECONDS):
                _log.error(
                    "Pub/Sub has not confirmed everything", unconfirmed_events=self.publisher.under_way
                )
            report.write()

    def _publish_what_is_due(self, report: FlowReport) -> None:
        for timed in self.recording.batches():
            if not self.pacer.wait_until(timed.receive_time):
                return
            self._due += timed.events
            if not self.publisher.publish(timed.batch, timed.events, self.stop.goes_on):
                return
            self.reached = max(self.reached or timed.batch.event_time, timed.batch.event_time)
            self._say_when_behind()
            report.write_if_due()

    def counts(self) -> Mapping[str, int | str]:
        """The flow: in = out + refused + held.

        in: events that were due, and what the recording could not give as events so far; out: taken by
        Pub/Sub; refused: unreadable, unwanted (each reason as `refused:<reason>`) or refused by Pub/Sub;
        held: due and not confirmed.
        """
        unread = self.recording.counts.refused
        published, failed = self.publisher.published, self.publisher.failed
        return {
            "in": self._due + unread.total(),
            "out": published,
            "refused": unread.total() + failed,
            "held": self._due - published - failed,
            "batches": self.publisher.batches,
            "event_time": self.reached.isoformat() if self.reached else "",
            **{f"refused:{reason}": count for reason, count in sorted(unread.items())},
            **({"refused:not taken by Pub/Sub": failed} if failed else {}),
        }

    def summary(self, seconds: float) -> str:
        """How it went, in one line."""
        counts = self.counts()
        until = f" to {self.reached:%Y-%m-%d %H:%M:%S} UTC" if self.reached else ""
        reasons = self.recording.describe_refusals()
        return (
            f"Replayed {self.recording.name}{until}: {counts['out']:,} events in {counts['batches']:,} "
            f"batches in {seconds:.1f} s; {counts['refused']:,} refused{f' ({reasons})' if reasons else ''}, "
            f"{counts['held']:,} unconfirmed."
        )

    def _say_when_behind(self) -> None:
        behind = self.pacer.behind().total_seconds()
        if behind > _BEHIND_SECONDS and behind > 2 * self._said_behind:
            _log.warning(
                "the replay is behind its clock: a lower --speed would hold it", seconds=round(behind, 1)
            )
            self._said_behind = behind


def read_speed(value: str) -> float:
    """The speed in `value`: a number, or `max` for 0."""
    try:
        speed = 0.0 if value == "max" else float(value)
    except ValueError:
        speed = -1.0
    if not 0 <= speed <= 1e6:
        raise typer.BadParameter("give a number such as 60, or max for as fast as possible")
    return speed


@app.command(epilog="Example: python -m execution.feed.replay day.jsonl.gz --speed 10 --for 60")
def main(
    recording: Annotated[
        Path | None,
        typer.Argument(help="File or folder of bars, or a raw stream file; the packaged sample when none"),
    ] = None,
    speed: Annotated[
        str, typer.Option(help="Times as fast as it was lived; 0 or max: as fast as possible")
    ] = "60",
    seconds: Annotated[float | None, typer.Option("--for", min=0.0, help="End after so many seconds")] = None,
    unconfirmed: Annotated[int, typer.Option(min=1, help="Batches under way to Pub/Sub at most")] = 1_000,
) -> None:
    """Play a recording into the market-data topic and set the replay clock."""
    times = read_speed(speed)
    settings = Settings()
    stop = Stop(seconds)
    began = time.monotonic()
    try:
        market = open_recording(recording)
        market.start()  # fails before anything is published
        publisher = MarketPublisher(ordered_publisher(), MARKET_DATA.path(settings.project), unconfirmed)
        redis = Redis.from_url(settings.redis_url, socket_connect_timeout=0.5, socket_timeout=0.5)

        def sleep(duration: float) -> bool:
            report.write_if_due()
            return stop.sleep(duration)

        replay = Replay(
            market, publisher, Pacer(times, WallClock(), sleep, clock_setter(settings.clock)), stop
        )
        report = FlowReport(redis, LiveView(settings.desk), "replay", replay.counts)
        with stop.on_signals():
            replay.run(report)
    except (RecordingError, PublishingError) as error:
        Console(stderr=True).print(str(error), style="red", highlight=False, markup=False, soft_wrap=True)
        raise typer.Exit(2) from None
    Console().print(replay.summary(time.monotonic() - began), highlight=False, markup=False, soft_wrap=True)
    if publisher.failed or replay.counts()["held"]:
        raise typer.Exit(1)


if __name__ == "__main__":
    app()
