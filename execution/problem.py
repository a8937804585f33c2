"""How the service says no: problem details for HTTP (RFC 9457), as application/problem+json."""

from pydantic import BaseModel, ConfigDict, Field

PROBLEM_JSON = "application/problem+json"


class FieldProblem(BaseModel):
    """What is wrong with one field of the request."""

    field: str
    detail: str


class Problem(BaseModel):
    """One clear sentence, and the fields that it is about."""

    model_config = ConfigDict(extra="ignore")

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    errors: list[FieldProblem] = Field(default_factory=list)

    def __str__(self) -> str:
        """The problem in one line."""
        fields = "; ".join(f"{error.field}: {error.detail}" for error in self.errors)
        return f"{self.status} {self.title}: {self.detail}" + (f" ({fields})" if fields else "")
