"""`python -m infra.local.forge MODULE...`: the forge as a process; its standard input is the channel of orders."""

import os
import socket
import sys

from infra.local.forge.part import run
from infra.local.forge.server import Server
from infra.local.lifeline import tied_to


def main() -> None:
    """Serve; what comes back from serving with an order is a forked process, and runs it to its end."""
    tie = tied_to(os.getpid())
    order = Server(socket.socket(fileno=sys.stdin.fileno()), sys.argv[1:]).serve()
    if order:
        run(order, tie)


if __name__ == "__main__":
    main()
