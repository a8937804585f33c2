"""Who may do what: bearer tokens, each with its scope; nobody, where no token is set.

| scope | may |
| --- | --- |
| trade | place orders, send heartbeats, read |
| admin | stop and release trading, see the protection, read |
| read | read orders and positions |
"""

import secrets
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import orjson
from fastapi import Depends
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import SecretStr

from contracts.settings import Settings

BEARER = HTTPBearer(
    auto_error=False, description="A token of the scope that the route needs", scheme_name="execution token"
)
Credentials = Annotated[HTTPAuthorizationCredentials | None, Depends(BEARER)]


class Scope(StrEnum):
    """What a token is for."""

    TRADE = "trade"
    READ = "read"
    ADMIN = "admin"


_ALLOWS = {
    Scope.TRADE: frozenset({Scope.TRADE, Scope.READ}),
    Scope.READ: frozenset({Scope.READ}),
    Scope.ADMIN: frozenset({Scope.ADMIN, Scope.READ}),
}


class Unauthorised(Exception):
    """The caller is nobody that is known; the text says what is missing, never what was sent."""


class Forbidden(Exception):
    """The caller is known, and may not do this."""


class TokensError(ValueError):
    """The tokens cannot be used; the text says why."""


class Tokens:
    """The service's tokens."""

    def __init__(self, tokens: Mapping[Scope, SecretStr]) -> None:
        """Raises `TokensError` when two scopes share a token: it could not be told what it may do."""
        self._tokens = {scope: token.get_secret_value().encode() for scope, token in tokens.items()}
        given = [token for token in self._tokens.values() if token]
        if len(set(given)) < len(given):
            raise TokensError("two scopes have the same token: give each its own")

    @classmethod
    def of(cls, settings: Settings) -> "Tokens":
        """The environment's tokens; a scope that SAPPHIRE_EXECUTION_TOKENS names is taken from that file."""
        tokens = {
            Scope.TRADE: settings.execution_token,
            Scope.READ: settings.execution_read_token,
            Scope.ADMIN: settings.execution_admin_token,
        }
        if settings.execution_tokens is not None:
            tokens |= _read(settings.execution_tokens)
        return cls(tokens)

    def check(self, scope: Scope, credentials: HTTPAuthorizationCredentials | None) -> None:
        """Raises `Unauthorised` or `Forbidden` unless the caller bears a token that allows the scope.

        Every token is compared, each in constant time, so that the time tells nothing.
        """
        if not any(self._tokens.get(holder) for holder, allowed in _ALLOWS.items() if scope in allowed):
            raise Unauthorised(
                f"this service has no {scope} token, so nobody may do this: start it with "
                f"{_VARIABLES[scope]} or SAPPHIRE_EXECUTION_TOKENS set"
            )
        if credentials is None:
            raise Unauthorised("send the header Authorization: Bearer <token>")
        sent = credentials.credentials.encode()
        matches = [s for s, token in self._tokens.items() if secrets.compare_digest(sent, token) and token]
        if not matches:
            raise Unauthorised("the token is not one that this service was started with")
        if scope not in _ALLOWS[matches[0]]:
            raise Forbidden(f"this needs a token of scope {scope}")


_VARIABLES = {
    Scope.TRADE: "SAPPHIRE_EXECUTION_TOKEN",
    Scope.READ: "SAPPHIRE_EXECUTION_READ_TOKEN",
    Scope.ADMIN: "SAPPHIRE_EXECUTION_ADMIN_TOKEN",
}


def _read(path: Path) -> dict[Scope, SecretStr]:
    try:
        found = orjson.loads(path.read_bytes())
        return {Scope(scope): SecretStr(token) for scope, token in found.items() if isinstance(token, str)}
    except OSError as error:
        raise TokensError(f"the tokens in {path} cannot be read: {error.strerror}") from None
    except (ValueError, AttributeError):
        raise TokensError(f"{path} has to be a JSON object of trade, read and admin to tokens") from None
