"""Topics and subscriptions of a desk's project, created through the ordinary Pub/Sub client."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from google.api_core.exceptions import AlreadyExists, GoogleAPICallError
from google.cloud import pubsub_v1

from contracts.roster import Roster
from contracts.topics import (
    DEAD_LETTERS,
    ROWS,
    SUBSCRIPTIONS,
    TOPICS,
    Subscription,
    Topic,
    inbox_of,
    market_data_for,
)
from infra.local.errors import StackError

ACK_DEADLINE_SECONDS = 60

# Of rows each stands for itself, and a line that waits for one slow row would only cost.
_UNORDERED = (ROWS, DEAD_LETTERS)

_TIMEOUT_SECONDS = 15.0


@dataclass(frozen=True, slots=True)
class Created:
    """How many were made, of how many that are there now."""

    topics: int
    subscriptions: int
    of_topics: int
    of_subscriptions: int


def subscriptions_of(roster: Roster) -> tuple[Subscription, ...]:
    """What a desk needs: the jobs' subscriptions, each external agent's inbox and its view of the market."""
    external = [profile.agent for profile in roster.agents if not profile.is_model_backed]
    return (*SUBSCRIPTIONS, *map(inbox_of, external), *map(market_data_for, external))


def create(project: str, subscriptions: Sequence[Subscription], topics: Iterable[Topic] = TOPICS) -> Created:
    """Create what is missing; what is there already stays as it is.

    A subscription keeps the order of an ordering key (a symbol, a desk), because a job reads one log; not
    that of rows and dead letters. Raises `StackError` when Pub/Sub does not answer.
    """
    publisher, subscriber = pubsub_v1.PublisherClient(), pubsub_v1.SubscriberClient()
    wanted = tuple(topics)
    try:
        with subscriber:
            made_topics = sum(_create_topic(publisher, topic.path(project)) for topic in wanted)
            made = sum(
                _create_subscription(subscriber, subscription, project) for subscription in subscriptions
            )
    except GoogleAPICallError as error:
        raise StackError(f"Pub/Sub refused to create topics in {project}: {error.message}") from None
    finally:
        publisher.transport.close()  # type: ignore[no-untyped-call]
    return Created(made_topics, made, len(wanted), len(subscriptions))


def _create_topic(publisher: pubsub_v1.PublisherClient, path: str) -> bool:
    try:
        publisher.create_topic(name=path, timeout=_TIMEOUT_SECONDS)
    except AlreadyExists:
        return False
    return True


def _create_subscription(
    subscriber: pubsub_v1.SubscriberClient, subscription: Subscription, project: str
) -> bool:
    request = {
        "name": subscription.path(project),
        "topic": subscription.topic.path(project),
        "ack_deadline_seconds": ACK_DEADLINE_SECONDS,
        "enable_message_ordering": subscription.topic not in _UNORDERED,
        "filter": subscription.filter,
    }
    try:
        subscriber.create_subscription(request=request, timeout=_TIMEOUT_SECONDS)
    except AlreadyExists:
        return False
    return True
