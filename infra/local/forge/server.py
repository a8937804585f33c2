"""The forge's side: imports ahead, forks what is ordered, reaps what ended."""

import gc
import os
import selectors
import signal
import socket
from collections.abc import Sequence

from infra.local.forge.imports import imported_ahead
from infra.local.forge.order import Order, Report

_WITHDRAWN = -signal.SIGTERM
_CHUNK = 65_536


class Server:
    """Serves the orders that come over `channel`, importing first what `modules` import at their top."""

    def __init__(self, channel: socket.socket, modules: Sequence[str]) -> None:
        self._channel = channel
        self._coming = list(modules)
        self._orders: list[Order] = []
        self._unread = b""
        self._is_open = True
        # The number and the pid, by the descriptor that tells of the end.
        self._running: dict[int, tuple[int, int]] = {}
        self._is_reaping = False
        self._selector = selectors.DefaultSelector()
        self._selector.register(channel, selectors.EVENT_READ)

    def serve(self) -> Order | None:
        """Serve until the orders are closed and all that was forked has ended.

        Returns None then; in a forked process it returns what that process has to become.
        """
        gc.disable()  # a collection would touch, and so copy, what the forks share
        # One import can take seconds, and an end is waited for: it is told in the middle of it.
        signal.signal(signal.SIGCHLD, lambda number, frame: self._reap_ended())
        while self._coming and self._is_open:
            for _ in imported_ahead(self._coming[0]):
                if order := self._turn(0):
                    return order
            del self._coming[0]
            if order := self._turn(0):
                return order
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        while self._is_open or self._running:
            if order := self._turn(None):
                return order
        return None

    def _turn(self, seconds: float | None) -> Order | None:
        if any(key.fileobj is self._channel for key, _ in self._selector.select(seconds)):
            self._listen()
        self._reap_ended()
        for order in [order for order in self._orders if order.module not in self._coming]:
            self._orders.remove(order)
            if self._forks(order):
                return order
        return None

    def _listen(self) -> None:
        chunk = self._channel.recv(_CHUNK)
        if not chunk:
            self._close()
            return
        *lines, self._unread = (self._unread + chunk).split(b"\n")
        self._orders += map(Order.read, lines)

    def _close(self) -> None:
        """No more orders: what was not forked yet never is."""
        self._is_open = False
        self._selector.unregister(self._channel)
        for order in self._orders:
            self._tell(Report(order.number, exit_code=_WITHDRAWN))
        self._orders.clear()

    def _forks(self, order: Order) -> bool:
        """Fork; True in the new process."""
        gc.freeze()
        pid = os.fork()
        if pid == 0:
            self._leave()
            return True
        self._tell(Report(order.number, pid=pid))
        descriptor = os.pidfd_open(pid)
        self._running[descriptor] = order.number, pid
        self._selector.register(descriptor, selectors.EVENT_READ)
        return False

    def _leave(self) -> None:
        """What the forked process does not keep."""
        self._selector.close()
        self._channel.detach()  # as standard input it is replaced, and never a free number in between
        for descriptor in self._running:
            os.close(descriptor)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        gc.enable()

    def _reap_ended(self) -> None:
        if self._is_reaping:  # a signal in the middle of it
            return
        self._is_reaping = True
        for descriptor, (number, pid) in list(self._running.items()):
            ended, status = os.waitpid(pid, os.WNOHANG)
            if ended:
                del self._running[descriptor]
                self._selector.unregister(descriptor)
                os.close(descriptor)
                self._tell(Report(number, exit_code=os.waitstatus_to_exitcode(status)))
        self._is_reaping = False

    def _tell(self, report: Report) -> None:
        try:
            self._channel.sendall(report.line())
        except OSError:  # nobody listens any more
            return
