"""The chat format of vLLM on Vertex: chat-completion instances in, OpenAI-like completions out."""

from typing import Annotated, Any, Literal

import orjson
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from agents.serving.whole_numbers import with_whole_numbers
from contracts.refusals import describe


class BadInstance(ValueError):
    """The instance is not one that the server can answer; the text says what is wrong (HTTP 400)."""


class _TextPart(BaseModel):
    type: Literal["text"]
    text: str


class ChatMessage(BaseModel):
    """One turn of the talk; its content is a text or a list of text parts."""

    role: Literal["system", "user", "assistant"]
    content: str | list[_TextPart]

    @property
    def texts(self) -> list[str]:
        """The parts of the content."""
        return [self.content] if isinstance(self.content, str) else [part.text for part in self.content]


class ChatInstance(BaseModel):
    """A chat-completion instance; options that no backend here has a use for are let through, as vLLM does."""

    model_config = ConfigDict(extra="ignore", populate_by_name=True)

    request_format: Annotated[Literal["chatCompletions"], Field(alias="@requestFormat")]
    messages: Annotated[list[ChatMessage], Field(min_length=1)]
    max_tokens: float | None = None
    temperature: float | None = None
    response_format: dict[str, Any] | None = None

    @property
    def answer_name(self) -> str:
        """What its response_format calls the answer; empty when it has none."""
        schema = (self.response_format or {}).get("json_schema")
        return str(schema.get("name", "")) if isinstance(schema, dict) else ""

    def documents(self) -> list[dict[str, Any]]:
        """The JSON objects among the parts of the user's messages, in order."""
        texts = (text for message in self.messages if message.role == "user" for text in message.texts)
        return [content for text in texts if isinstance(content := _json(text), dict)]


def read_instance(content: object) -> ChatInstance:
    """The instance in a request's body; raises `BadInstance`."""
    try:
        return ChatInstance.model_validate(content)
    except ValidationError as error:
        raise BadInstance(f"not a chat-completion instance: {describe(error)}") from None


def openai_body(instance: object, most_tokens: int) -> dict[str, Any]:
    """The body of an OpenAI chat completion that asks the same, for at most `most_tokens`; raises `BadInstance`.

    Numbers are integers again where they are whole (whole_numbers.py).
    """
    chat = read_instance(instance)
    assert isinstance(instance, dict)  # noqa: S101  # read_instance takes nothing else
    body = {name: with_whole_numbers(instance[name]) for name in _PASSED_ON if instance.get(name) is not None}
    return body | {"max_tokens": max(1, min(int(chat.max_tokens or most_tokens), most_tokens))}


def completion(
    model: str, content: str, tokens_in: int, tokens_out: int, finish_reason: str = "stop"
) -> dict[str, Any]:
    """A finished chat completion with one choice."""
    return {
        "object": "chat.completion",
        "model": model,
        "choices": [
            {"index": 0, "message": {"role": "assistant", "content": content}, "finish_reason": finish_reason}
        ],
        "usage": {
            "prompt_tokens": tokens_in,
            "completion_tokens": tokens_out,
            "total_tokens": tokens_in + tokens_out,
        },
    }


_PASSED_ON = ("messages", "temperature", "top_p", "seed", "stop", "response_format")


def _json(text: str) -> object:
    """What a JSON object holds; None of any other text, which is mostly prose."""
    if not text.lstrip().startswith("{"):
        return None
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
