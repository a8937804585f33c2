"""What is deployed where, and what it costs: the files fit the roster, the server and one another."""

from datetime import date
from decimal import Decimal

from typer.testing import CliRunner

from agents.deployment.catalogue import catalogue
from agents.deployment.prices import list_prices
from agents.serving.__main__ import app
from agents.serving.backend import backend_named
from agents.serving.options import ServerOptions
from contracts.roster import EndpointBacking
from tests.agents.questions import roster


def test_every_endpoint_of_the_roster_has_something_behind_it():
    named = [
        profile.backing.endpoint
        for profile in roster().agents
        if isinstance(profile.backing, EndpointBacking)
    ]
    assert sorted(catalogue().endpoints) == sorted(named)


def test_every_machine_has_a_price():
    prices = list_prices()
    for served in catalogue().endpoints.values():
        machine = prices.machines[served.machine]
        assert bool(machine.accelerator) == (served.image == "gpu")
    assert prices.as_of >= date(2026, 11, 24)


def test_a_month_is_its_hours():
    prices = list_prices()
    assert prices.machines["l4"].machine_type == "g2-standard-4"
    assert (prices.machines["l4"].accelerator, prices.machines["l4"].accelerators) == ("NVIDIA_L4", 1)
    assert prices.monthly("l4") == Decimal("620.50")
    assert prices.monthly("l4", replicas=2) == Decimal("1241.00")
    assert prices.monthly("cpu", private_address=True) == Decimal("167.90")


def test_the_server_reads_what_a_container_is_told():
    told = " ".join(CliRunner().invoke(app, ["--help"], terminal_width=200, color=False).output.split())
    for served in catalogue().endpoints.values():
        assert all(name in told for name in served.environment), served
        options = ServerOptions(model=served.model, weights=served.weights, adapter=served.adapter)
        assert served.model in backend_named(served.backend, options).models()
    fingpt = catalogue().endpoints["fingpt-alpha-endpoint"].environment
    assert fingpt["SAPPHIRE_VLLM_ARGUMENTS"] == "--gpu-memory-utilization 0.92"
    assert fingpt["SAPPHIRE_CONTEXT_TOKENS"] == "4096"
