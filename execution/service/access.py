"""Who may place orders: the bearer of the token; nobody, when no token is set."""

import secrets
from typing import Annotated

from fastapi import Depends
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import SecretStr

BEARER = HTTPBearer(auto_error=False, description="SAPPHIRE_EXECUTION_TOKEN", scheme_name="execution token")
Credentials = Annotated[HTTPAuthorizationCredentials | None, Depends(BEARER)]


class Unauthorised(Exception):
    """The caller may not do this; the text says what is missing, never what was sent."""


def check_token(token: SecretStr, credentials: HTTPAuthorizationCredentials | None) -> None:
    """Raises `Unauthorised` unless the caller bears the token; compared in constant time."""
    expected = token.get_secret_value()
    if not expected:
        raise Unauthorised(
            "this service has no token, so it takes no orders: start it with SAPPHIRE_EXECUTION_TOKEN set"
        )
    if credentials is None:
        raise Unauthorised("send the header Authorization: Bearer <token>")
    if not secrets.compare_digest(credentials.credentials.encode(), expected.encode()):
        raise Unauthorised("the token is not the one that this service was started with")
