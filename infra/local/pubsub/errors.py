"""What the broker refuses, one class per gRPC status that the real service answers with."""


class BrokerError(Exception):
    """A request that the broker refuses; its text is one sentence for the caller."""


class NotFoundError(BrokerError):
    """The topic, subscription or snapshot does not exist (NOT_FOUND)."""


class AlreadyExistsError(BrokerError):
    """The name is taken (ALREADY_EXISTS)."""


class InvalidArgumentError(BrokerError):
    """The request breaks a documented limit or rule (INVALID_ARGUMENT)."""


class FailedPreconditionError(BrokerError):
    """The request is well formed but not possible in this state (FAILED_PRECONDITION)."""


class NotEmulatedError(BrokerError):
    """The real service can do this, the emulator cannot (UNIMPLEMENTED)."""
