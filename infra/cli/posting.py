"""What a command asks of a running service, by HTTP and with a token."""

from infra.cli.failures import UsageError


def post(service: str, address: str, path: str, token: str, body: dict[str, object]) -> dict[str, object]:
    """The service's answer, a JSON object; raises `UsageError` when it is unreachable or refuses."""
    import httpx

    try:
        answer = httpx.post(
            f"{address}{path}",
            json=body,
            headers={"authorization": f"Bearer {token}"},
            timeout=10.0,
            trust_env=False,
        )
    except httpx.HTTPError as error:
        raise UsageError(
            f"the {service} at {address} does not answer ({type(error).__name__}): give its address by --url"
        ) from None
    if not answer.is_success:
        raise UsageError(f"the {service} refused: {answer.status_code} {answer.text[:500]}")
    found: dict[str, object] = answer.json()
    return found
