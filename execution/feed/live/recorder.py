"""Writing the raw frames down, as open_recording reads them back."""

import gzip
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import BinaryIO, cast

from execution.feed.live.errors import FeedError

_FLUSH_SECONDS = 5.0


class Recorder:
    """A recording that is being written: one line a frame, `<receive ns> <raw JSON>`; gzip when the name ends in .gz.

    What was written reaches the disk every five seconds and at `close`. Raises `FeedError` when the file is there
    already, or cannot be written.
    """

    def __init__(self, path: Path, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._path = path
        self._monotonic = monotonic
        self._flush_due = monotonic() + _FLUSH_SECONDS
        self.lines = 0
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            file = gzip.open(path, "xb") if path.suffix == ".gz" else path.open("xb")  # noqa: SIM115
        except OSError as error:
            if path.exists():
                raise FeedError(f"{path} is there already: give --record another name.") from None
            raise FeedError(f"{path} cannot be written: {error}.") from None
        self._file = cast(BinaryIO, file)

    def write(self, lines: Sequence[bytes]) -> None:
        """Add the lines."""
        try:
            self._file.writelines(line + b"\n" for line in lines)
            if self._monotonic() >= self._flush_due:
                self._file.flush()
                self._flush_due = self._monotonic() + _FLUSH_SECONDS
        except OSError as error:
            raise FeedError(f"{self._path} cannot be written: {error}.") from None
        self.lines += len(lines)

    def close(self) -> None:
        """End the recording."""
        self._file.close()
