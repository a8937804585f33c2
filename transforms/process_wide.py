"""What a process makes once, however often its DoFns are made anew.

`DoFn.setup` sounds like once a worker, but the streaming direct runner unpickles and sets up each DoFn for every bundle, and
other runners have several instances a process. A client that connects, or a core that was just restored, is too
dear for that.
"""

import threading
from collections.abc import Callable, Hashable
from typing import Any, TypeVar

Made = TypeVar("Made")

_made: dict[Hashable, Any] = {}
_lock = threading.Lock()


def once_a_process(name: Hashable, make: Callable[[], Made]) -> Made:
    """What `make` gave when it was first asked for under this name; it lives as long as the process."""
    with _lock:
        if name not in _made:
            _made[name] = make()
        made: Made = _made[name]
        return made
