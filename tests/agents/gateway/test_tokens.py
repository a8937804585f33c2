import json
from pathlib import Path

import pytest

from agents.gateway.tokens import Tokens, TokensError

LONG = "x" * 16


def test_a_token_tells_its_agent() -> None:
    tokens = Tokens({"a": "token-of-agent-a", "b": "token-of-agent-b"}, "token-of-operators")
    assert tokens.agent_of("token-of-agent-a") == "a"
    assert tokens.agent_of("token-of-agent-b") == "b"
    assert tokens.agent_of("token-of-operators") is None
    assert tokens.agent_of("") is None
    assert tokens.is_admin("token-of-operators")
    assert not tokens.is_admin("token-of-agent-a")


def test_without_an_operators_token_nobody_is_one() -> None:
    tokens = Tokens({"a": LONG})
    assert not tokens.is_admin("")
    assert not tokens.is_admin(LONG)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, "cannot be read"),
        ("{", "is not JSON"),
        ("[]", "one JSON object"),
        ('{"a": 1}', "one JSON object"),
        (json.dumps({"stranger": LONG}), "not on the roster"),
        (json.dumps({"a": "short"}), "shorter than 16"),
        (json.dumps({"a": LONG, "b": LONG}), "two tokens are the same"),
    ],
)
def test_a_wrong_file_keeps_the_gateway_closed(tmp_path: Path, content: str | None, says: str) -> None:
    path = tmp_path / "tokens.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(TokensError, match=says):
        Tokens.read(path, {"a", "b"})


def test_no_file_keeps_the_gateway_closed() -> None:
    with pytest.raises(TokensError, match="SAPPHIRE_GATEWAY_TOKENS"):
        Tokens.read(None, {"a"})


def test_no_token_is_kept_in_the_clear() -> None:
    assert "token-of-agent-a" not in repr(vars(Tokens({"a": "token-of-agent-a"})))
