"""Opening a recording: which kind it is, told by its content."""

import gzip
import zlib
from pathlib import Path

from execution.feed.recordings.bars import BarRecording, symbol_of
from execution.feed.recordings.order_by_order import OrderByOrderRecording, is_order_by_order
from execution.feed.recordings.parquet_bars import MAGIC
from execution.feed.recordings.recording import Recording, RecordingError
from execution.feed.recordings.streams import StreamRecording

SAMPLE = Path(__file__).parent.parent / "samples" / "2024-01-15"
"""The packaged sample: one-minute bars of BTCUSDT and ETHUSDT, 2024-01-15."""

_BARS = (".csv", ".csv.gz", ".parquet")

_KNOWN = (
    "a recording is a file of raw stream lines (.jsonl or .jsonl.gz: `<receive time in ns> <JSON>`), "
    "a file or folder of bars (.csv, .csv.gz or .parquet), or a folder of an order-by-order recording"
)


def open_recording(path: Path | None = None) -> Recording:
    """The recording at `path`: a file, or a folder of bars or of orders; None is the packaged sample.

    Raises `RecordingError` when there is none, it is empty, or it is not one that we know.
    """
    path = path or SAMPLE
    if path.is_dir() and is_order_by_order(path):
        return OrderByOrderRecording(path)
    if path.is_dir():
        files = sorted(file for file in path.iterdir() if file.name.endswith(_BARS))
        if not files:
            raise RecordingError(f"{path} holds no bars (.csv, .csv.gz or .parquet); {_KNOWN}.")
        return BarRecording(str(path), files)
    if not path.exists():
        raise RecordingError(f"There is no recording {path}; {_KNOWN}.")
    line = _first_line(path)
    if line[:19].isdigit() and line[19:20] == b" ":
        return StreamRecording(path)
    if (
        line.startswith((b"open_time,", b"date,open,high,low,close,volume,close_time,"))
        or _is_bar(line)
        or _is_parquet(path, line)
    ):
        if symbol_of(path) is None:
            raise RecordingError(f"{path} does not name its symbol: call it like BTCUSDT-1m.csv.")
        return BarRecording(str(path), [path])
    raise RecordingError(f"{path} is not a recording that we know; {_KNOWN}.")


def _first_line(path: Path) -> bytes:
    try:
        with gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb") as file:
            for line in file:
                if line.strip() and not line.startswith(b"#"):
                    return bytes(line)
    except (OSError, EOFError, zlib.error) as error:
        raise RecordingError(f"{path} cannot be read: {error}.") from None
    raise RecordingError(f"{path} is empty; {_KNOWN}.")


def _is_parquet(path: Path, line: bytes) -> bool:
    return path.suffix == ".parquet" and line.startswith(MAGIC)


def _is_bar(line: bytes) -> bool:
    fields = line.split(b",")
    return len(fields) >= 10 and fields[0].strip().isdigit() and fields[6].strip().isdigit()
