"""The publish step: a bundle is tried again until Pub/Sub has taken it whole."""

from typing import Any

import pytest
from google.api_core.exceptions import NotFound

from tests.transforms.coordination.desk import message
from tests.transforms.export.rows import message_row
from tests.transforms.test_ordered_publishing import ScriptedClient
from transforms import publishing
from transforms.core import ROWS
from transforms.emission import Emission
from transforms.ordered_publishing import OrderedPublisher

TOPIC = "projects/p/topics/inbox"


class Unreachable(ScriptedClient):
    """Refuses everything while it is away."""

    away = True

    def publish(self, *args: Any, **more: Any) -> Any:
        future = super().publish(*args, **more)
        if not future.done():
            (self.refuse if self.away else self.take)()
        return future


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> Unreachable:
    client = Unreachable()
    monkeypatch.setattr(publishing, "once_a_process", lambda name, make: OrderedPublisher(client))
    return client


def bundle(*emissions: Emission) -> None:
    """What a runner does with a bundle, each time with a DoFn of its own."""
    step = publishing._Publish({"inbox": TOPIC, ROWS: TOPIC})
    step.setup()
    step.start_bundle()
    for emission in emissions:
        step.process(emission)
    step.finish_bundle()


def test_a_bundle_that_failed_is_published_when_it_is_tried_again(client: Unreachable) -> None:
    said = [message("ann", number, recipient="bob") for number in (1, 2)]
    row = message_row(0)
    emissions = [Emission("inbox", one, "main", number, 0) for number, one in enumerate(said, 1)]
    emissions.append(Emission(ROWS, row, "main", 2, 1))
    for _ in range(2):
        with pytest.raises(NotFound):
            bundle(*emissions)
    client.away = False
    bundle(*emissions)
    assert client.taken == [*(one.to_json() for one in said), row.to_json()]
