"""Who may speak: a token of its own for each agent, one for the operators."""

import hashlib
import hmac
import json
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Self

SHORTEST = 16


class TokensError(ValueError):
    """The gateway cannot tell who is who; the text names the fix. It then stays closed."""


class Tokens:
    """The desk's tokens. Only their digests are kept, and a look-up takes the same time whoever asks."""

    def __init__(self, agents: Mapping[str, str], admin: str = "") -> None:
        secrets = [*agents.values(), *([admin] if admin else [])]
        if any(len(secret) < SHORTEST for secret in secrets):
            raise TokensError(f"a token is shorter than {SHORTEST} characters: make longer ones")
        if len(set(secrets)) != len(secrets):
            raise TokensError("two tokens are the same: give each agent, and the operators, one of their own")
        self._agents = {agent: _digest(token) for agent, token in agents.items()}
        self._admin = _digest(admin) if admin else None

    @classmethod
    def read(cls, path: Path | None, known: Collection[str], admin: str = "") -> Self:
        """The tokens in a JSON file {agent: token} of `known` agents; raises `TokensError`."""
        if path is None:
            raise TokensError(
                "the gateway knows no tokens: name a JSON file {agent: token} in SAPPHIRE_GATEWAY_TOKENS"
            )
        try:
            content = json.loads(path.read_text())
        except OSError as error:
            raise TokensError(f"the tokens in {path} cannot be read: {error.strerror}") from None
        except ValueError:
            raise TokensError(f"{path} is not JSON: it should hold {{agent: token}}") from None
        if not isinstance(content, dict) or not all(isinstance(token, str) for token in content.values()):
            raise TokensError(f"{path} should hold one JSON object {{agent: token}}")
        strangers = sorted(set(content) - set(known))
        if strangers:
            raise TokensError(f"{path} has tokens for {', '.join(strangers)}, who are not on the roster")
        return cls(content, admin)

    def agent_of(self, token: str) -> str | None:
        """The agent whose token it is, or None."""
        given, found = _digest(token), None
        for agent, digest in self._agents.items():
            if hmac.compare_digest(given, digest):
                found = agent
        return found

    def is_admin(self, token: str) -> bool:
        """Whether it is the operators' token; never when they have none."""
        return self._admin is not None and hmac.compare_digest(_digest(token), self._admin)


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
