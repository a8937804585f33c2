"""The address at which an endpoint is asked: its resource name at Vertex AI's own host, or a URL at a host of its own."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit


class NoAddress(LookupError):
    """The endpoint is private and nothing says where it is; the text says what to do."""


def address_of(endpoint: Any, scheme: str, hosts: Mapping[str, str]) -> str:
    """Where predictions of the endpoint (an `aiplatform_v1.Endpoint` with a model) are asked for.

    * Public: its resource name, `projects/.../endpoints/1`, for the prediction client.
    * Public and dedicated: `https://<its own DNS name>/v1/projects/.../endpoints/1:predict`.
    * Private by Private Service Connect: the same path at the address that `hosts` gives for its display name, else at
      the one that Vertex AI made in our network by itself; `scheme` is https, except at the emulator.
    * Private in a peered network: the `predictHttpUri` of its model.

    Raises `NoAddress`.
    """
    name = endpoint.display_name
    connect = endpoint.private_service_connect_config
    if connect.enable_private_service_connect:
        made = (config.ip_address for config in connect.psc_automation_configs if config.ip_address)
        host = hosts.get(name) or next(made, "")
        if not host:
            raise NoAddress(
                f"the endpoint {name} is private (Private Service Connect) and has no address in this network: make a "
                f"forwarding rule to its service attachment {_attachment(endpoint)}, and give the rule's address in "
                f'SAPPHIRE_ENDPOINT_HOSTS={{"{name}": "10.0.0.5"}}'
            )
        return f"{scheme}://{host}/v1/{endpoint.name}:predict"
    if endpoint.network:
        uri = str(endpoint.deployed_models[0].private_endpoints.predict_http_uri)
        if not uri:
            raise NoAddress(
                f"the endpoint {name} is private, and its model has no address yet: wait until it is deployed"
            )
        return uri
    if endpoint.dedicated_endpoint_enabled and endpoint.dedicated_endpoint_dns:
        return f"https://{endpoint.dedicated_endpoint_dns}/v1/{endpoint.name}:predict"
    return str(endpoint.name)


def is_url(address: str) -> bool:
    """Whether the address is a host of its own."""
    return urlsplit(address).scheme in ("http", "https")


def is_googles(address: str) -> bool:
    """Whether the host is a public one of Google's, whose certificate everybody can check."""
    host = urlsplit(address).hostname or ""
    return host.endswith((".googleapis.com", ".vertexai.goog"))


def _attachment(endpoint: Any) -> str:
    deployed = next(iter(endpoint.deployed_models), None)
    own = endpoint.private_service_connect_config.service_attachment
    return str((deployed and deployed.private_endpoints.service_attachment) or own or "(not there yet)")
