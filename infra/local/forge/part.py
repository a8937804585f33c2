"""The forked process: from a copy of the forge to what `python -m` would have made."""

import ctypes
import os
import runpy
import sys
from collections.abc import Callable

from infra.local.forge.order import Order

_PR_SET_NAME = 15
_NAME_BYTES = 15


def run(order: Order, tie: Callable[[], None] | None) -> None:
    """Become the ordered part and run it to its end; `tie` ties it to the forge."""
    os.setsid()
    if tie:
        tie()
    _speak_into(order.log)
    os.environ.clear()
    os.environ.update(order.env)
    ctypes.CDLL(None).prctl(_PR_SET_NAME, order.name.encode()[:_NAME_BYTES])  # for ps and top
    sys.argv = [order.module, *order.arguments]
    runpy.run_module(order.module, run_name="__main__", alter_sys=True)


def _speak_into(log: str) -> None:
    output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(output, 1)
    os.dup2(output, 2)
    for descriptor in {nothing, output} - {0, 1, 2}:
        os.close(descriptor)
