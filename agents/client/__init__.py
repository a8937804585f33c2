"""The gateway's client, for bots and people: `GatewayClient`, `AsyncGatewayClient` and their errors."""

from agents.client.asynchronous import AsyncGatewayClient
from agents.client.errors import BackPressure, GatewayError, Refused, Unreachable
from agents.client.synchronous import GatewayClient

__all__ = ["AsyncGatewayClient", "BackPressure", "GatewayClient", "GatewayError", "Refused", "Unreachable"]
