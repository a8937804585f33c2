"""The endpoints that the emulator has: those of the roster, each with one deployed model."""

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Self

from contracts.roster import EndpointBacking, Roster


class Access(StrEnum):
    """From where an endpoint can be asked."""

    PUBLIC = "public"
    """At Vertex AI's own host."""
    CONNECT = "connect"
    """By Private Service Connect: the same path, at an address in one's own network."""
    NETWORK = "network"
    """From a peered network: at the address of the model itself."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An endpoint: its display name, a numeric id that follows from it, and the model deployed to it, empty for none.

    `machine` are the dedicated resources that it was given. `server` is the model server that the model is at (None: the
    emulator's usual one). One that is not public is asked at `private_host` (host and port) alone.
    """

    display_name: str
    id: str
    model: str
    server: str | None = None
    access: Access = Access.PUBLIC
    private_host: str = ""
    machine: Mapping[str, Any] | None = None

    def resource(self, project: str, location: str) -> dict[str, Any]:
        """The endpoint as `endpoints.get` tells it."""
        deployed = self._deployed(project, location)
        told: dict[str, Any] = {
            "name": f"projects/{project}/locations/{location}/endpoints/{self.id}",
            "displayName": self.display_name,
        }
        if self.model:
            told |= {"deployedModels": [deployed], "trafficSplit": {self.deployed_id: 100}}
        network = f"projects/{project}/global/networks/local"
        if self.access is Access.CONNECT:
            made = {
                "projectId": project,
                "network": network,
                "ipAddress": self.private_host,
                "state": "PSC_AUTOMATION_STATE_SUCCESSFUL",
            }
            told["privateServiceConnectConfig"] = {
                "enablePrivateServiceConnect": True,
                "projectAllowlist": [project],
                "pscAutomationConfigs": [made],
            }
        if self.access is Access.NETWORK:
            told["network"] = network
        if self.access is Access.NETWORK and self.model:
            predicts = f"http://{self.private_host}/v1/models/{self.deployed_id}:predict"
            deployed["privateEndpoints"] = {"predictHttpUri": predicts}
        return told

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
    def deployed_id(self) -> str:
        """The id of its deployed model."""
        return _number(f"deployed/{self.display_name}")

    def _deployed(self, project: str, location: str) -> dict[str, Any]:
        model = f"projects/{project}/locations/{location}/models/{model_id(self.model)}"
        told = {"id": self.deployed_id, "model": model, "displayName": self.model}
        return told | {"dedicatedResources": dict(self.machine)} if self.machine else told


class Endpoints:
    """All of them, by id and by display name."""

    def __init__(self, endpoints: list[Endpoint], private_host: str = "") -> None:
        self._by_id = {endpoint.id: endpoint for endpoint in endpoints}
        self.private_host = private_host

    @classmethod
    def of(
        cls,
        roster: Roster,
        served: Mapping[str, str] | None = None,
        access: Mapping[str, Access] | None = None,
        private_host: str = "",
    ) -> Self:
        """The endpoints that the roster names.

        Deployed are the models of the roster that are `served` (model: model server), and for the others the rules that
        stand in for them. `access` says who is private, by display name; raises ValueError for a name that is nobody's.
        """
        served, access = served or {}, access or {}
        backings = [
            profile.backing for profile in roster.agents if isinstance(profile.backing, EndpointBacking)
        ]
        if strangers := set(access) - {backing.endpoint for backing in backings}:
            raise ValueError(f"the roster has no endpoint {', '.join(sorted(strangers))}")
        return cls(
            [
                Endpoint(
                    backing.endpoint,
                    endpoint_id_of(backing.endpoint),
                    backing.model if backing.model in served else backing.rule,
                    served.get(backing.model),
                    access.get(backing.endpoint, Access.PUBLIC),
                    private_host,
                )
                for backing in backings
            ],
            private_host,
        )

    def put(self, endpoint: Endpoint) -> None:
        """Add it, or put it in the place of the one with its id."""
        self._by_id[endpoint.id] = endpoint

    def remove(self, endpoint_id: str) -> None:
        """Forget it."""
        del self._by_id[endpoint_id]

    def __len__(self) -> int:
        return len(self._by_id)

    def by_id(self, endpoint_id: str) -> Endpoint | None:
        """The endpoint with that id."""
        return self._by_id.get(endpoint_id)

    def by_deployed_id(self, deployed_id: str) -> Endpoint | None:
        """The endpoint that the deployed model with that id is at."""
        return next((one for one in self._by_id.values() if one.deployed_id == deployed_id), None)

    def matching(self, condition: str) -> Iterator[Endpoint]:
        """Those that fit a list filter, "" or `display_name=...`; raises ValueError for another."""
        wanted = _DISPLAY_NAME.fullmatch(condition.strip())
        if condition.strip() and not wanted:
            raise ValueError(f"this emulator filters by display_name only, not by {condition!r}")
        for endpoint in self._by_id.values():
            if wanted is None or endpoint.display_name == (wanted["quoted"] or wanted["plain"]):
                yield endpoint


def model_id(model: str) -> str:
    """The id of the model resource with that display name."""
    return _number(f"model/{model}")


def endpoint_id_of(display_name: str) -> str:
    """The id of the endpoint with that display name."""
    return _number(display_name)


_DISPLAY_NAME = re.compile(r'display_?[nN]ame\s*=\s*(?:"(?P<quoted>[^"]*)"|(?P<plain>[^"\s]+))')


def _number(text: str) -> str:
    """Nineteen digits, as Google's ids have, that follow from `text`."""
    digest = hashlib.blake2b(text.encode(), digest_size=16).hexdigest()
    return str(10**18 + int(digest, 16) % (9 * 10**18))
