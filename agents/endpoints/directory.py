"""Finding endpoints: from the display names of the roster to the names that Vertex AI calls them by, once."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from google.api_core.client_options import ClientOptions
from google.auth.credentials import AnonymousCredentials

from agents.endpoints.addresses import NoAddress, address_of


class EndpointMissing(LookupError):
    """An endpoint is not there, or has no model; the text says which and what to do."""


class VertexUnreachable(ConnectionError):
    """Vertex AI does not answer, or does not let us in; the text says where and why."""


@dataclass(frozen=True)
class Vertex:
    """Where Vertex AI is: `url` None is Google's own, by gRPC with the process's credentials.

    Any other address is spoken to by REST and without credentials: the local emulator's. `hosts` gives addresses of
    private endpoints by display name, and `ca` the authorities that their certificates are checked against.
    """

    project: str
    location: str
    url: str | None = None
    hosts: Mapping[str, str] = field(default_factory=dict, hash=False)
    ca: Path | None = None

    @property
    def private_scheme(self) -> str:
        """How private endpoints are spoken to: by https, and at the emulator as the emulator is."""
        return self.url.partition("://")[0] if self.url else "https"

    def client_arguments(self) -> dict[str, Any]:
        """The arguments of any aiplatform client."""
        if self.url is None:
            host = f"{self.location}-aiplatform.googleapis.com"
            return {"client_options": ClientOptions(api_endpoint=host)}
        return {
            "client_options": ClientOptions(api_endpoint=self.url),
            "transport": "rest",
            "credentials": AnonymousCredentials(),  # type: ignore[no-untyped-call]
        }


def find_endpoints(vertex: Vertex, display_names: Iterable[str], timeout: float = 30.0) -> dict[str, str]:
    """The address of each endpoint (addresses.py): its full resource name, or the URL of a private or dedicated one.

    Raises `EndpointMissing` for the first that is not there, is there twice, has no model deployed, or is private without
    an address, and `VertexUnreachable`. Importing aiplatform takes seconds, so it is done here and not by who only names
    endpoints.
    """
    from google.api_core.exceptions import GoogleAPIError
    from google.auth.exceptions import GoogleAuthError
    from google.cloud.aiplatform_v1 import EndpointServiceClient
    from requests import RequestException

    parent = f"projects/{vertex.project}/locations/{vertex.location}"
    try:
        client = EndpointServiceClient(**vertex.client_arguments())
        found = {}
        for name in display_names:
            request = {"parent": parent, "filter": f"display_name={json.dumps(name)}"}
            listed = list(client.list_endpoints(request=request, timeout=timeout))
            found[name] = address_of(_the_one(name, parent, listed), vertex.private_scheme, vertex.hosts)
        return found
    except NoAddress as error:
        raise EndpointMissing(str(error)) from None
    except (GoogleAPIError, GoogleAuthError, RequestException) as error:
        where = vertex.url or f"Vertex AI ({vertex.location})"
        raise VertexUnreachable(f"endpoints cannot be listed at {where}: {error}") from None


def _the_one(name: str, parent: str, listed: list[Any]) -> Any:
    if not listed:
        raise EndpointMissing(f"there is no endpoint {name} in {parent}: deploy it, or correct the roster")
    if len(listed) > 1:
        ids = ", ".join(endpoint.name.rpartition("/")[2] for endpoint in listed)
        raise EndpointMissing(f"{parent} has more than one endpoint {name} ({ids}): delete all but one")
    if not listed[0].deployed_models:
        raise EndpointMissing(f"the endpoint {name} in {parent} has no model: deploy one to it")
    return listed[0]
