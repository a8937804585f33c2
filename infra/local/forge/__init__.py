"""The forge: a process that imports the heavy libraries once, and that the stack's Python parts are forked from.

Each part would spend seconds of processor time on the same imports (Beam, Google's clients, FastAPI). Forked, it
shares them; all else is its own: process group, environment, log, and `__main__`, as with `python -m`.

T0  the forge is started and imports, module by module, what the parts' modules import at their top
T1  a part is ordered: as soon as its module's imports are there it is forked, while the rest is still coming
T2  a part ends: the forge says with which exit code
T3  orders are closed: what was not forked yet never is, and the forge ends with its last part

Importing is all that may happen in the forge: threads do not live through a fork, so nothing that starts some (a
gRPC channel, a Polars query, a client) is ever made here.
"""
