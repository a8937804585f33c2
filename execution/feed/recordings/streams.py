"""The venue's raw streams as they were recorded: lines of `<receive ns> <raw JSON>`, .jsonl or .jsonl.gz."""

import gzip
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from execution.feed.recordings.recording import WINDOW_NS, Recording, RecordingError, Stretch
from execution.feed.recordings.stream_reader import StreamReader, stamps

_READ_BYTES = 1_000_000


class StreamRecording(Recording):
    """A recording of raw streams, of any number of symbols.

    Events are ordered by the receive time; lines out of order are sorted as far as the stretch at hand
    reaches (1 MB of lines), and later ones count as received with the newest line before them.

    A REST snapshot does not say its symbol: it gets that of the only symbol that the recording has shown by
    then, and is refused when there are several. trade and aggTrade say the same twice: whichever comes first
    for a symbol is taken, the other refused. Trades whose X is not MARKET (liquidations, insurance fund) and
    bars that are still open are refused by name.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(str(path))
        self._path = path

    def stretches(self) -> Iterator[Stretch]:
        reader = StreamReader(self.counts.refused)
        carried: list[bytes] = []
        try:
            for lines in _lines(self._path):
                reader.look_ahead(lines)
                complete, carried = _split_at_last_window([*carried, *reader.with_stamp(lines)])
                if complete:
                    yield reader.stretch(complete)
        except (OSError, EOFError, zlib.error) as error:
            raise RecordingError(f"{self._path} cannot be read to its end: {error}.") from None
        if carried:
            yield reader.stretch(carried)


def _lines(path: Path) -> Iterator[list[bytes]]:
    """The file's lines without their ends, some thousands at a time."""
    rest = b""
    with gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb") as file:
        while block := file.read(_READ_BYTES):
            *lines, rest = (rest + block).split(b"\n")
            yield lines
    if rest:
        yield [rest]


def _split_at_last_window(lines: list[bytes]) -> tuple[list[bytes], list[bytes]]:
    """The lines before the last window of receive time, and those in it, which may have more to come."""
    if not lines:
        return [], []
    window = stamps(lines) // WINDOW_NS
    early = window < window.max()
    if early.all() or not early.any():
        return [], lines
    first_late = int(np.argmin(early))
    if early[first_late:].any():  # out of order
        return (
            [line for line, is_early in zip(lines, early.tolist(), strict=True) if is_early],
            [line for line, is_early in zip(lines, early.tolist(), strict=True) if not is_early],
        )
    return lines[:first_late], lines[first_late:]
