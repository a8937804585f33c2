"""The counts of one subscription, for an accounting that must balance."""

from dataclasses import dataclass


@dataclass(slots=True)
class Counts:
    """received + restored = acked + dead_lettered + dropped + discarded + what is still in the backlog."""

    received: int = 0  # published to the topic and admitted by the filter
    filtered: int = 0  # published to the topic and not admitted
    restored: int = 0  # brought back by a restart or a seek
    delivered: int = 0  # handed to a consumer, redeliveries included
    redelivered: int = 0
    acked: int = 0
    dead_lettered: int = 0
    dropped: int = 0  # lost to the bounds of memory or to the retention time
    discarded: int = 0  # set aside by a seek or a detach
