"""How the supervisor sees that a part is ready: one small question, asked again until the answer is yes."""

import http.client
import json
import socket
from collections.abc import Callable
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from redis import Redis

Probe = Callable[[], bool]

_TIMEOUT_SECONDS = 1.0


def always() -> bool:
    """Ready as soon as it runs."""
    return True


def listens(host: str, port: int) -> Probe:
    """Ready when something accepts connections there."""

    def probe() -> bool:
        try:
            with socket.create_connection((host, port), _TIMEOUT_SECONDS):
                return True
        except OSError:
            return False

    return probe


def answers(url: str) -> Probe:
    """Ready when GET `url` (plain HTTP) answers with a 2xx status."""
    address = urlsplit(url)

    def probe() -> bool:
        connection = http.client.HTTPConnection(address.netloc, timeout=_TIMEOUT_SECONDS)
        try:
            connection.request("GET", address.path or "/")
            return 200 <= connection.getresponse().status < 300
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    return probe


def has_spoken(url: str, token: str, agent: str) -> Probe:
    """Ready when the gateway, whose GET `url` tells when agents were last seen, has seen the agent."""
    address = urlsplit(url)

    def probe() -> bool:
        connection = http.client.HTTPConnection(address.netloc, timeout=_TIMEOUT_SECONDS)
        try:
            connection.request("GET", address.path, headers={"Authorization": f"Bearer {token}"})
            seen = json.loads(connection.getresponse().read())
            return bool(seen[agent]["last_seen"])
        except (OSError, http.client.HTTPException, ValueError, KeyError, TypeError):
            return False
        finally:
            connection.close()

    return probe


def pings(redis_url: str) -> Probe:
    """Ready when the Redis there answers a ping."""
    from redis import RedisError

    client = _client(redis_url)

    def probe() -> bool:
        try:
            return bool(client.ping())
        except RedisError:
            return False

    return probe


def says_ready(redis_url: str, flow_key: str) -> Probe:
    """Ready when the part wrote field `ready` = 1 into its own flow hash of the live view."""
    from redis import RedisError

    client = _client(redis_url)

    def probe() -> bool:
        try:
            return client.hget(flow_key, "ready") == b"1"
        except RedisError:
            return False

    return probe


def _client(redis_url: str) -> "Redis":
    """Imported late: the forge is to be at work before anything that takes its time to load."""
    from redis import Redis

    return Redis.from_url(redis_url, socket_timeout=_TIMEOUT_SECONDS)
