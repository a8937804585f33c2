"""The exchange's refusals, as Aster words them."""


class ApiError(Exception):
    """A request that is refused: the body `{code, msg}` and its status."""

    def __init__(self, code: int, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status

    @property
    def body(self) -> dict[str, object]:
        """As it is answered."""
        return {"code": self.code, "msg": self.message}


def missing(name: str) -> ApiError:
    """A parameter that has to be given and was not, or makes no sense."""
    return ApiError(-1102, f"Mandatory parameter '{name}' was not sent, was empty/null, or malformed.")
