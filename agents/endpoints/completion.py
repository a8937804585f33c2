"""Reading a chat completion as it comes out of an endpoint."""

import re
from typing import Annotated

from pydantic import BaseModel, Field, ValidationError

from contracts.refusals import Reason, Refusal, describe

_NOT_IN_A_NAME = re.compile(r"[^A-Za-z0-9._:-]+")


class _Message(BaseModel):
    content: str


class _Choice(BaseModel):
    message: _Message


class _Usage(BaseModel):
    prompt_tokens: int | None = None
    completion_tokens: int | None = None


class Completion(BaseModel):
    """What is read of a chat completion; the rest is let be."""

    model: str
    choices: Annotated[list[_Choice], Field(min_length=1)]
    usage: _Usage = _Usage()

    @property
    def text(self) -> str:
        """What the model wrote."""
        return self.choices[0].message.content

    @property
    def model_name(self) -> str:
        """The model as a name of ours, `org/Model-7B` being `org.Model-7B`."""
        return _NOT_IN_A_NAME.sub(".", self.model).strip("._:-")[:64] or "unnamed"


def read_completion(prediction: object) -> Completion:
    """The completion in a prediction, which vLLM's container gives as an object or as a list of one.

    Raises `Refusal` (bad_answer) when there is none.
    """
    if isinstance(prediction, list) and len(prediction) == 1:
        prediction = prediction[0]
    try:
        return Completion.model_validate(prediction)
    except ValidationError as error:
        raise Refusal(Reason.BAD_ANSWER, f"not a chat completion: {describe(error)}") from None
