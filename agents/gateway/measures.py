"""What the gateway counts and measures about itself, and how it reaches the live view."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from redis import Redis

from contracts.live_view import SAMPLES_KEPT, LiveView

LATENCY = "message_to_inbox"


@dataclass
class Measures:
    """Counts since the start, and latencies that were not written yet.

    `posted`: messages that were posted = published + refused. `matched`: messages that came to an inbox =
    acknowledged + unreadable + held.
    """

    posted: int = 0
    published: int = 0
    refused: int = 0
    matched: int = 0
    acknowledged: int = 0
    unreadable: int = 0
    latencies_ms: list[float] = field(default_factory=list)

    @contextmanager
    def counted(self) -> Iterator[None]:
        """Counts one posted message: published when all went well, refused when it did not."""
        self.posted += 1
        try:
            yield
        except BaseException:
            self.refused += 1
            raise
        self.published += 1

    def latency(self, milliseconds: float) -> None:
        """Keep one sample; while the live view cannot be reached, the newest are kept."""
        self.latencies_ms.append(milliseconds)
        if len(self.latencies_ms) > 2 * SAMPLES_KEPT:
            del self.latencies_ms[:SAMPLES_KEPT]

    def write(self, redis: Redis, view: LiveView, held: int) -> None:
        """Write counts and new samples to the live view; raises `redis.RedisError` and then loses nothing."""
        samples = list(self.latencies_ms)
        with redis.pipeline(transaction=False) as pipe:
            pipe.hset(
                view.flow("gateway"),
                mapping={"in": self.posted, "out": self.published, "refused": self.refused},
            )
            pipe.hset(
                view.flow("inbox"),
                mapping={
                    "in": self.matched,
                    "out": self.acknowledged,
                    "refused": self.unreadable,
                    "held": held,
                },
            )
            if samples:
                pipe.lpush(view.latency(LATENCY), *(f"{sample:.3f}" for sample in samples))
                pipe.ltrim(view.latency(LATENCY), 0, SAMPLES_KEPT - 1)
            pipe.execute()
        del self.latencies_ms[: len(samples)]
