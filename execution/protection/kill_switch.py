"""The kill switch: latched on disk, so that it holds through any restart until somebody releases it by name.

Whatever the file says that cannot be read means killed: a torn or foreign file must not let orders through.
"""

import os
import threading
from datetime import datetime
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from contracts.time import UtcTime


class Kill(BaseModel):
    """Who stopped trading, when (wall clock), why, and whether positions are to be closed."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    issued_by: str
    reason: str
    at: UtcTime
    flatten: bool = False


class KillSwitch:
    """The switch and its file. Safe to use from several threads."""

    def __init__(self, path: Path, now: datetime) -> None:
        """Read the file; `now` is the wall-clock time that an unreadable one is dated with."""
        self._path = path
        self._lock = threading.Lock()
        self._kill = self._read(now)
        self._latched = True

    @property
    def kill(self) -> Kill | None:
        """Why trading is stopped; None when it is not."""
        return self._kill

    def engage(self, kill: Kill) -> Kill:
        """Stop trading; the kill that holds. A later one changes nothing but may add `flatten`."""
        with self._lock:
            held = self._kill
            if held is not None and (held.flatten or not kill.flatten) and self._latched:
                return held
            # In memory first: what cannot be written must still stop trading now.
            self._latched = False
            self._kill = (
                kill if held is None else held.model_copy(update={"flatten": held.flatten or kill.flatten})
            )
            self._write(self._kill)
            self._latched = True
            return self._kill

    def release(self) -> Kill | None:
        """Let orders through again; the kill that held. The file goes first: a crash in between stays killed."""
        with self._lock:
            held = self._kill
            self._path.unlink(missing_ok=True)
            _sync(self._path.parent)
            self._kill = None
            return held

    def _read(self, now: datetime) -> Kill | None:
        try:
            return Kill.model_validate_json(self._path.read_bytes())
        except FileNotFoundError:
            return None
        except (OSError, ValidationError):
            return Kill(issued_by="execution", reason=f"{self._path.name} cannot be read: held shut", at=now)

    def _write(self, kill: Kill) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        pending = self._path.with_suffix(".pending")
        with pending.open("wb") as file:
            file.write(kill.model_dump_json().encode())
            file.flush()
            os.fsync(file.fileno())
        pending.replace(self._path)
        _sync(self._path.parent)


def _sync(folder: Path) -> None:
    """Make a change of the folder's entries outlive a power cut."""
    if not folder.is_dir():
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
