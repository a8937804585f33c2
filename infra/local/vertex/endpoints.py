"""The endpoints that the emulator has: those of the roster, each with one deployed model."""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Self

from contracts.roster import EndpointBacking, Roster


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An endpoint: its display name, a numeric id that follows from it, and the model deployed to it."""

    display_name: str
    id: str
    model: str

    def resource(self, project: str, location: str) -> dict[str, Any]:
        """The endpoint as `endpoints.get` tells it."""
        return {
            "name": f"projects/{project}/locations/{location}/endpoints/{self.id}",
            "displayName": self.display_name,
            "deployedModels": [self._deployed(project, location)],
            "trafficSplit": {self._deployed_id: 100},
        }

    def prediction(self, project: str, location: str, predictions: Any) -> dict[str, Any]:
        """The answer of `predict`."""
        deployed = self._deployed(project, location)
        return {
            "predictions": predictions,
            "deployedModelId": deployed["id"],
            "model": deployed["model"],
            "modelDisplayName": self.model,
            "modelVersionId": "1",
        }

    @property
    def _deployed_id(self) -> str:
        return _number(f"deployed/{self.display_name}")

    def _deployed(self, project: str, location: str) -> dict[str, Any]:
        model = f"projects/{project}/locations/{location}/models/{_number(f'model/{self.model}')}"
        return {"id": self._deployed_id, "model": model, "displayName": self.model}


class Endpoints:
    """All of them, by id and by display name."""

    def __init__(self, endpoints: list[Endpoint]) -> None:
        self._by_id = {endpoint.id: endpoint for endpoint in endpoints}

    @classmethod
    def of(cls, roster: Roster) -> Self:
        """The endpoints that the roster names, with the rules that stand in for their models deployed."""
        backings = (profile.backing for profile in roster.agents)
        return cls(
            [
                Endpoint(backing.endpoint, _number(backing.endpoint), backing.rule)
                for backing in backings
                if isinstance(backing, EndpointBacking)
            ]
        )

    def __len__(self) -> int:
        return len(self._by_id)

    def by_id(self, endpoint_id: str) -> Endpoint | None:
        """The endpoint with that id."""
        return self._by_id.get(endpoint_id)

    def matching(self, condition: str) -> Iterator[Endpoint]:
        """Those that fit a list filter, "" or `display_name=...`; raises ValueError for another."""
        wanted = _DISPLAY_NAME.fullmatch(condition.strip())
        if condition.strip() and not wanted:
            raise ValueError(f"this emulator filters by display_name only, not by {condition!r}")
        for endpoint in self._by_id.values():
            if wanted is None or endpoint.display_name == (wanted["quoted"] or wanted["plain"]):
                yield endpoint


_DISPLAY_NAME = re.compile(r'display_?[nN]ame\s*=\s*(?:"(?P<quoted>[^"]*)"|(?P<plain>[^"\s]+))')


def _number(text: str) -> str:
    """Nineteen digits, as Google's ids have, that follow from `text`."""
    digest = hashlib.blake2b(text.encode(), digest_size=16).hexdigest()
    return str(10**18 + int(digest, 16) % (9 * 10**18))
