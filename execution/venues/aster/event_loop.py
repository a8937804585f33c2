"""An asyncio loop on a thread of its own, behind calls that wait."""

import asyncio
import concurrent.futures
import threading
from collections.abc import Coroutine
from typing import Any, TypeVar

from execution.venues.venue import Unclear

_Answer = TypeVar("_Answer")


class LoopThread:
    """Runs coroutines for whoever calls, from any thread."""

    def __init__(self, name: str) -> None:
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """Cancel what is under way and end."""
        if not self._thread.is_alive():
            return
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(10.0)

    def wait_for(self, work: Coroutine[Any, Any, _Answer], seconds: float) -> _Answer:
        """What `work` returns or raises; raises `Unclear` after `seconds`."""
        future = asyncio.run_coroutine_threadsafe(work, self.loop)
        try:
            return future.result(seconds)
        except concurrent.futures.TimeoutError:
            future.cancel()
            raise Unclear(f"no answer in {seconds:g} s") from None
        except concurrent.futures.CancelledError:
            raise Unclear("the connection to the venue was closed") from None

    def begin(self, work: Coroutine[Any, Any, Any]) -> None:
        """Start `work` and let it run."""
        asyncio.run_coroutine_threadsafe(work, self.loop)

    def _run(self) -> None:
        asyncio.set_event_loop(self.loop)
        try:
            self.loop.run_forever()
            tasks = asyncio.all_tasks(self.loop)
            for task in tasks:
                task.cancel()
            self.loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
        finally:
            self.loop.close()
