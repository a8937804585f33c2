"""The calls that a deployment is made of: made up before anything is called, so that they can be looked at first."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from agents.deployment.catalogue import Served
from agents.deployment.prices import Machine

if TYPE_CHECKING:
    from google.cloud.aiplatform_v1.types import DeployedModel, Endpoint, Model

HEALTH_ROUTE, PREDICT_ROUTE, PORT = "/health", "/predict", 8080
LABELS = {"app": "sapphire"}
LOADING = timedelta(minutes=45)
"""How long Vertex AI waits for a container's first 200 at its health route; the weights come from the hub meanwhile."""


class Access(StrEnum):
    """From where an endpoint can be asked."""

    PUBLIC = "public"
    """At Vertex AI's own host, with credentials."""
    DEDICATED = "dedicated"
    """At a public host of its own."""
    CONNECT = "connect"
    """By Private Service Connect, at an address in `network`, which Vertex AI makes there."""
    NETWORK = "network"
    """From the peered `network` alone."""

    @property
    def needs_network(self) -> bool:
        """Whether a network has to be named."""
        return self in (Access.CONNECT, Access.NETWORK)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the operator asks for: an endpoint by its display name, what is behind it, and where it can be asked.

    `network` is `projects/NUMBER/global/networks/NAME`.
    """

    endpoint: str
    served: Served
    machine: Machine
    image: str
    access: Access = Access.PUBLIC
    network: str = ""
    replicas: int = 1
    spot: bool = False


def model_of(wanted: Wanted) -> "Model":
    """The model resource: the image and what it is told."""
    from google.cloud.aiplatform_v1.types import EnvVar, Model, ModelContainerSpec
    from google.cloud.aiplatform_v1.types import Port as ContainerPort

    environment = wanted.served.environment
    return Model(
        display_name=wanted.served.model,
        labels=LABELS,
        container_spec=ModelContainerSpec(
            image_uri=wanted.image,
            env=[EnvVar(name=name, value=value) for name, value in sorted(environment.items())],
            ports=[ContainerPort(container_port=PORT)],
            health_route=HEALTH_ROUTE,
            predict_route=PREDICT_ROUTE,
            deployment_timeout=LOADING,
        ),
    )


def endpoint_of(wanted: Wanted, project: str) -> "Endpoint":
    """The endpoint resource."""
    from google.cloud.aiplatform_v1.types import Endpoint, PrivateServiceConnectConfig, PSCAutomationConfig

    endpoint = Endpoint(display_name=wanted.endpoint, labels=LABELS)
    if wanted.access is Access.DEDICATED:
        endpoint.dedicated_endpoint_enabled = True
    elif wanted.access is Access.NETWORK:
        endpoint.network = wanted.network
    elif wanted.access is Access.CONNECT:
        endpoint.private_service_connect_config = PrivateServiceConnectConfig(
            enable_private_service_connect=True,
            project_allowlist=[project],
            psc_automation_configs=[PSCAutomationConfig(project_id=project, network=wanted.network)],
        )
    return endpoint


def deployed_model_of(wanted: Wanted, model: str) -> "DeployedModel":
    """The deployment of `model` (a resource name) to the endpoint."""
    from google.cloud.aiplatform_v1.types import (
        AcceleratorType,
        DedicatedResources,
        DeployedModel,
        MachineSpec,
    )

    machine = MachineSpec(machine_type=wanted.machine.machine_type)
    if wanted.machine.accelerator:
        machine.accelerator_type = getattr(AcceleratorType, wanted.machine.accelerator)
        machine.accelerator_count = wanted.machine.accelerators
    return DeployedModel(
        model=model,
        display_name=wanted.served.model,
        dedicated_resources=DedicatedResources(
            machine_spec=machine,
            min_replica_count=wanted.replicas,
            max_replica_count=wanted.replicas,
            spot=wanted.spot,
        ),
    )


def planned(
    wanted: Wanted, project: str, parent: str, existing: str | None
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every call that deploying takes, in order: its name and its request as JSON; nothing is called.

    `existing` is the resource name of an endpoint that is there already, without a model.
    """
    model, endpoint = f"{parent}/models/(made by the first call)", existing
    yield "models.upload", {"parent": parent, "model": _json(model_of(wanted))}
    if endpoint is None:
        endpoint = f"{parent}/endpoints/(made by the second call)"
        yield "endpoints.create", {"parent": parent, "endpoint": _json(endpoint_of(wanted, project))}
    deployed = _json(deployed_model_of(wanted, model))
    yield (
        "endpoints.deployModel",
        {"endpoint": endpoint, "deployedModel": deployed, "trafficSplit": {"0": 100}},
    )


def _json(message: Any) -> dict[str, Any]:
    from google.protobuf import json_format

    told: dict[str, Any] = json_format.MessageToDict(type(message).pb(message))
    return told
