"""Predictions at hosts of the endpoints' own, beside those at Vertex AI's: one client for both."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import requests
import urllib3
from google.api_core import exceptions as google
from google.protobuf import json_format
from google.protobuf.struct_pb2 import Value
from urllib3.exceptions import InsecureRequestWarning

from agents.endpoints.addresses import is_googles, is_url
from agents.endpoints.directory import Vertex

if TYPE_CHECKING:
    from google.auth.credentials import Credentials
    from google.cloud.aiplatform_v1 import PredictionServiceClient
    from google.cloud.aiplatform_v1.types import PredictResponse

_SCOPES = ("https://www.googleapis.com/auth/cloud-platform",)


class Predictions:
    """Asks an endpoint by its address (addresses.py): as Google's prediction client does, with the same errors.

    Private Service Connect speaks TLS with a certificate that no authority has signed. It is checked against the
    authorities in the file `ca` where one is given; else it is taken as it comes, as Google's own client does: the
    connection does not leave the network. Credentials (None: the process's own, when first needed) are sent by https alone.
    """

    def __init__(
        self,
        client: "PredictionServiceClient",
        credentials: "Credentials | None" = None,
        ca: Path | None = None,
    ) -> None:
        self._client = client
        self._credentials = credentials
        self._private_check: bool | str = str(ca) if ca else False
        self._plain = requests.Session()
        self._authorized: requests.Session | None = None

    def predict(
        self, endpoint: str, instances: Sequence[Value], retry: None = None, timeout: float = 60.0
    ) -> "PredictResponse":
        """The answer; raises `google.api_core.exceptions.GoogleAPIError` or `requests.RequestException`."""
        if not is_url(endpoint):
            return self._client.predict(
                endpoint=endpoint, instances=list(instances), retry=retry, timeout=timeout
            )
        body = {"instances": [json_format.MessageToDict(instance) for instance in instances]}
        answer = self._asking(endpoint).post(
            endpoint, json=body, timeout=timeout, verify=True if is_googles(endpoint) else self._private_check
        )
        if not answer.ok:
            raise google.from_http_response(answer)  # type: ignore[no-untyped-call]
        return _response(answer)

    def _asking(self, endpoint: str) -> requests.Session:
        if not endpoint.startswith("https://"):
            return self._plain
        if self._authorized is None:
            urllib3.disable_warnings(InsecureRequestWarning)  # that nobody signed the certificate: see above
            self._authorized = _authorized(self._credentials)
        return self._authorized


def predictions_at(vertex: Vertex) -> Predictions:
    """The client for the endpoints of `vertex`; importing aiplatform makes this take seconds."""
    from google.cloud.aiplatform_v1 import PredictionServiceClient

    arguments = vertex.client_arguments()
    return Predictions(PredictionServiceClient(**arguments), arguments.get("credentials"), vertex.ca)


def _authorized(credentials: "Credentials | None") -> requests.Session:
    import google.auth
    from google.auth.transport.requests import AuthorizedSession

    if credentials is None:
        credentials, _ = google.auth.default(scopes=_SCOPES)
    return AuthorizedSession(credentials)  # type: ignore[no-untyped-call]


def _response(answer: requests.Response) -> "PredictResponse":
    from google.cloud.aiplatform_v1.types import PredictResponse

    try:
        content: Any = answer.json()
        told = {"predictions": content["predictions"]}
        return PredictResponse(json_format.ParseDict(told, PredictResponse.pb(PredictResponse())))
    except (ValueError, KeyError, TypeError):
        raise json_format.ParseError(
            f"no predictions in the answer: {json.dumps(answer.text[:200])}"
        ) from None
