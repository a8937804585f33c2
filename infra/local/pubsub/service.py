"""What both gRPC services share: refusals as status codes, pages of a list, and the handler table."""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any

import grpc
from google.pubsub_v1 import types

from infra.local.pubsub import errors

Handler = Callable[[Any, Any], Awaitable[Any]]

MAX_PAGE = 1_000

_CODES = {
    errors.NotFoundError: grpc.StatusCode.NOT_FOUND,
    errors.AlreadyExistsError: grpc.StatusCode.ALREADY_EXISTS,
    errors.InvalidArgumentError: grpc.StatusCode.INVALID_ARGUMENT,
    errors.FailedPreconditionError: grpc.StatusCode.FAILED_PRECONDITION,
    errors.NotEmulatedError: grpc.StatusCode.UNIMPLEMENTED,
}


async def refuse(context: Any, error: errors.BrokerError) -> None:
    """End the call with the status code of the error and its text."""
    await context.abort(_CODES[type(error)], str(error))


def unary(handler: Callable[[Any, Any], Any], request: Any, answer: Any) -> grpc.RpcMethodHandler:
    """A unary method. `handler(request, context)` returns the answer, or an awaitable of it."""

    async def call(pb: Any, context: Any) -> Any:
        try:
            result = handler(pb, context)
            return await result if isinstance(result, Awaitable) else result
        except errors.BrokerError as error:
            await refuse(context, error)

    return grpc.unary_unary_rpc_method_handler(
        call, request_deserializer=request.FromString, response_serializer=answer.SerializeToString
    )


def pb_class(name: str) -> Any:
    """The plain protobuf class of a google.pubsub.v1 type."""
    return getattr(types, name).pb()


def service(name: str, methods: Mapping[str, grpc.RpcMethodHandler]) -> grpc.GenericRpcHandler:
    """The handler of one google.pubsub.v1 service."""
    return grpc.method_handlers_generic_handler(f"google.pubsub.v1.{name}", dict(methods))


def page(names: Iterable[str], size: int, token: str) -> tuple[list[str], str]:
    """One page of sorted names and the token of the next ('' at the end). Raises InvalidArgumentError."""
    if size < 0:
        raise errors.InvalidArgumentError("page_size must not be negative.")
    rest = sorted(name for name in names if name > token)
    limit = min(size or MAX_PAGE, MAX_PAGE)
    return rest[:limit], rest[limit - 1] if len(rest) > limit else ""
