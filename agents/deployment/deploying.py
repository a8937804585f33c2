"""Deploying to Vertex AI and taking it away again."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from google.api_core.exceptions import GoogleAPIError
from google.auth.exceptions import GoogleAuthError
from requests import RequestException

from agents.deployment.steps import Access, Wanted, deployed_model_of, endpoint_of, model_of, planned
from agents.endpoints.directory import Vertex

DEPLOY_SECONDS = 3_600.0
"""How long Vertex AI may take to find a GPU, pull the image, and wait for the model to load."""
_CALL_SECONDS = 120.0

Tell = Callable[[str], None]


class DeploymentError(RuntimeError):
    """What was asked for cannot be, or Vertex AI refused it; the text says what to do."""


@dataclass(frozen=True, slots=True)
class Found:
    """An endpoint as it is now: its resource name, how it is reached, and its models with their machines."""

    endpoint: str
    name: str
    access: Access
    models: tuple["FoundModel", ...]


@dataclass(frozen=True, slots=True)
class FoundModel:
    """A deployed model: its id at the endpoint, its resource name, its machine."""

    id: str
    name: str
    model: str
    machine_type: str
    replicas: int


class Deployments:
    """The endpoints of one project and region, with aiplatform's own clients; importing them takes seconds."""

    def __init__(self, vertex: Vertex) -> None:
        from google.cloud.aiplatform_v1 import EndpointServiceClient, ModelServiceClient

        self._vertex = vertex
        self._parent = f"projects/{vertex.project}/locations/{vertex.location}"
        with self._told():
            self._endpoints = EndpointServiceClient(**vertex.client_arguments())
            self._models = ModelServiceClient(**vertex.client_arguments())

    def found(self) -> list[Found]:
        """All endpoints of the project, by display name."""
        with self._told():
            listed = list(self._endpoints.list_endpoints(parent=self._parent, timeout=_CALL_SECONDS))
        return sorted((_found(endpoint) for endpoint in listed), key=lambda each: each.endpoint)

    def planned(self, wanted: Wanted) -> Iterator[tuple[str, dict[str, Any]]]:
        """The calls that `deploy` would make; raises `DeploymentError` for what it would refuse."""
        return planned(wanted, self._vertex.project, self._parent, self._free(wanted))

    def deploy(self, wanted: Wanted, tell: Tell) -> str:
        """Upload the model, make the endpoint unless it is there, deploy; returns the endpoint's resource name.

        What was made stays when a later call fails, so that a second attempt goes on from there. Raises `DeploymentError`.
        """
        endpoint = self._free(wanted)
        with self._told():
            tell(f"uploading the model {wanted.served.model}")
            uploading = self._models.upload_model(
                parent=self._parent, model=model_of(wanted), timeout=_CALL_SECONDS
            )
            model = str(_ended(uploading).model)
            if endpoint is None:
                tell(f"making the endpoint {wanted.endpoint}")
                making = self._endpoints.create_endpoint(
                    parent=self._parent,
                    endpoint=endpoint_of(wanted, self._vertex.project),
                    timeout=_CALL_SECONDS,
                )
                endpoint = str(_ended(making).name)
            tell(f"deploying to {endpoint}: this may take half an hour")
            deploying = self._endpoints.deploy_model(
                endpoint=endpoint,
                deployed_model=deployed_model_of(wanted, model),
                traffic_split={"0": 100},
                timeout=_CALL_SECONDS,
            )
            _ended(deploying)
        return endpoint

    def undeploy(self, endpoint: str, keep_endpoint: bool, tell: Tell) -> Found:
        """Take the models away, which ends their cost, and the endpoint too unless it is to be kept."""
        found = self._the_one(endpoint)
        if found is None:
            raise DeploymentError(f"there is no endpoint {endpoint} in {self._parent}")
        with self._told():
            for model in found.models:
                tell(f"undeploying {model.name} from {endpoint}")
                undeploying = self._endpoints.undeploy_model(
                    endpoint=found.name, deployed_model_id=model.id, timeout=_CALL_SECONDS
                )
                _ended(undeploying)
                _ended(self._models.delete_model(name=model.model, timeout=_CALL_SECONDS))
            if not keep_endpoint:
                tell(f"deleting the endpoint {endpoint}")
                _ended(self._endpoints.delete_endpoint(name=found.name, timeout=_CALL_SECONDS))
        return found

    def _free(self, wanted: Wanted) -> str | None:
        """The wanted endpoint if it is there and has room; None if it has to be made."""
        if wanted.access.needs_network and not wanted.network:
            raise DeploymentError(
                f"access {wanted.access} needs a network: --network projects/NUMBER/global/networks/NAME"
            )
        found = self._the_one(wanted.endpoint)
        if found is None:
            return None
        if found.models:
            names = ", ".join(model.name for model in found.models)
            raise DeploymentError(f"{wanted.endpoint} has a model already ({names}): undeploy it first")
        if found.access is not wanted.access:
            told = f"{wanted.endpoint} is there already and {found.access}, not {wanted.access}"
            raise DeploymentError(f"{told}: undeploy it first, or ask for --access {found.access}")
        return found.name

    def _the_one(self, endpoint: str) -> Found | None:
        found = [each for each in self.found() if each.endpoint == endpoint]
        if len(found) > 1:
            names = ", ".join(each.name for each in found)
            raise DeploymentError(f"there is more than one endpoint {endpoint} ({names}): delete all but one")
        return found[0] if found else None

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Errors of the libraries, in one sentence."""
        try:
            yield
        except (GoogleAPIError, GoogleAuthError, RequestException) as error:
            where = self._vertex.url or f"Vertex AI ({self._vertex.location})"
            raise DeploymentError(f"{where}: {error}") from None


def _ended(operation: Any) -> Any:
    """What came of a long-running operation, once it is over."""
    return operation.result(timeout=DEPLOY_SECONDS)


def _found(endpoint: Any) -> Found:
    access = Access.PUBLIC
    if endpoint.private_service_connect_config.enable_private_service_connect:
        access = Access.CONNECT
    elif endpoint.network:
        access = Access.NETWORK
    elif endpoint.dedicated_endpoint_enabled:
        access = Access.DEDICATED
    models = tuple(
        FoundModel(
            deployed.id,
            deployed.display_name,
            deployed.model,
            deployed.dedicated_resources.machine_spec.machine_type,
            deployed.dedicated_resources.min_replica_count,
        )
        for deployed in endpoint.deployed_models
    )
    return Found(endpoint.display_name, endpoint.name, access, models)
