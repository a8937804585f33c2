"""The part of Vertex AI's REST API that deploys: models and endpoints come and go, by operations that are done at once.

What is deployed is a name: predictions are sent to the model server under the model's display name, whatever its image.
"""

from dataclasses import replace
from typing import Any

from fastapi import FastAPI, HTTPException
from pydantic import BaseModel, ConfigDict, Field

from infra.local.vertex.endpoints import Access, Endpoint, Endpoints, endpoint_id_of, model_id

_TYPES = "type.googleapis.com/google.cloud.aiplatform.v1."


class _Resource(BaseModel):
    model_config = ConfigDict(extra="allow")

    display_name: str = Field(alias="displayName", min_length=1)


class _Upload(BaseModel):
    model: _Resource


class _Deployed(BaseModel):
    model_config = ConfigDict(extra="allow")

    model: str
    resources: dict[str, Any] = Field(default_factory=dict, alias="dedicatedResources")


class _Deploy(BaseModel):
    deployed: _Deployed = Field(alias="deployedModel")


class _Undeploy(BaseModel):
    deployed_id: str = Field(alias="deployedModelId")


def add_deployment(app: FastAPI, parent: str, endpoints: Endpoints) -> None:
    """Add the routes below `parent` to the emulator's app."""
    models: dict[str, str] = {}

    @app.post(f"{parent}/models:upload")
    async def upload(project: str, location: str, body: _Upload) -> dict[str, Any]:
        number = model_id(body.model.display_name)
        models[number] = body.model.display_name
        return _done("UploadModelResponse", model=f"{_home(project, location)}/models/{number}")

    @app.delete(f"{parent}/models/{{number}}")
    async def delete_model(number: str) -> dict[str, Any]:
        if models.pop(number, None) is None:
            raise HTTPException(404, f"The Model does not exist: {number}")
        return _done("")

    @app.post(f"{parent}/endpoints")
    async def create(project: str, location: str, body: _Resource) -> dict[str, Any]:
        made = Endpoint(
            body.display_name,
            endpoint_id_of(body.display_name),
            "",
            access=_access(body.model_extra or {}),
            private_host=endpoints.private_host,
        )
        endpoints.put(made)
        return _done("Endpoint", **made.resource(project, location))

    @app.post(f"{parent}/endpoints/{{endpoint_id}}:deployModel")
    async def deploy(project: str, location: str, endpoint_id: str, body: _Deploy) -> dict[str, Any]:
        endpoint = known(endpoint_id)
        name = models.get(body.deployed.model.rpartition("/")[2])
        if name is None:
            raise HTTPException(404, f"The Model does not exist: {body.deployed.model}")
        if endpoint.model:
            raise HTTPException(
                400, f"this emulator deploys one model to an endpoint, and {endpoint.model} is there"
            )
        endpoints.put(replace(endpoint, model=name, machine=body.deployed.resources or None))
        (deployed,) = known(endpoint_id).resource(project, location)["deployedModels"]
        return _done("DeployModelResponse", deployedModel=deployed)

    @app.post(f"{parent}/endpoints/{{endpoint_id}}:undeployModel")
    async def undeploy(endpoint_id: str, body: _Undeploy) -> dict[str, Any]:
        endpoint = known(endpoint_id)
        if not endpoint.model or endpoint.deployed_id != body.deployed_id:
            raise HTTPException(
                404, f"there is no deployed model {body.deployed_id} at {endpoint.display_name}"
            )
        endpoints.put(replace(endpoint, model="", machine=None))
        return _done("UndeployModelResponse")

    @app.delete(f"{parent}/endpoints/{{endpoint_id}}")
    async def delete(endpoint_id: str) -> dict[str, Any]:
        if known(endpoint_id).model:
            raise HTTPException(400, "an endpoint with a model cannot be deleted: undeploy it first")
        endpoints.remove(endpoint_id)
        return _done("")

    def known(endpoint_id: str) -> Endpoint:
        endpoint = endpoints.by_id(endpoint_id)
        if endpoint is None:
            raise HTTPException(404, f"The Endpoint does not exist: {endpoint_id}")
        return endpoint


def _home(project: str, location: str) -> str:
    return f"projects/{project}/locations/{location}"


def _done(kind: str, **response: Any) -> dict[str, Any]:
    """A long-running operation that is over."""
    kind = _TYPES + kind if kind else "type.googleapis.com/google.protobuf.Empty"
    return {"name": "operations/1", "done": True, "response": {"@type": kind} | response}


def _access(told: dict[str, Any]) -> Access:
    if (told.get("privateServiceConnectConfig") or {}).get("enablePrivateServiceConnect"):
        return Access.CONNECT
    return Access.NETWORK if told.get("network") else Access.PUBLIC
