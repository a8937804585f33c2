"""`sapphire endpoint`: the Vertex AI endpoints of the agents' models: deploy, list, cost, undeploy."""

from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from infra.cli.failures import UsageError

if TYPE_CHECKING:
    from agents.deployment.deploying import Deployments

app = typer.Typer(
    name="endpoint",
    help="The Vertex AI endpoints of the agents' models, in the project of GOOGLE_CLOUD_PROJECT.",
    epilog="Example: [bold]sapphire endpoint cost[/bold]",
    no_args_is_help=True,
)

Chosen = TypeVar("Chosen")

_Name = Annotated[str, typer.Argument(help="The endpoint, as agents/deployment/catalogue.yaml names it.")]
_Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]


@app.command(epilog="Example: [bold]sapphire endpoint cost[/bold]")
def cost() -> None:
    """Say what every endpoint of the catalogue would cost a month, by the list prices that prices.yaml assumes."""
    from rich.console import Console
    from rich.table import Table

    from agents.deployment.catalogue import catalogue
    from agents.deployment.prices import list_prices

    prices, console = list_prices(), Console(soft_wrap=True)
    table = Table(box=None, header_style="bold")
    for name in ("endpoint", "machine"):
        table.add_column(name)
    table.add_column("USD a month", justify="right")
    total = Decimal(0)
    for name, served in catalogue().endpoints.items():
        machine, monthly = prices.machines[served.machine], prices.monthly(served.machine)
        what = machine.machine_type + (f" + {machine.accelerator}" if machine.accelerator else "")
        table.add_row(name, what, f"{monthly:,.2f}")
        total += monthly
    table.add_row("all", "", f"{total:,.2f}", style="bold")
    console.print(table)
    console.print(_ASSUMED.format(prices=prices))


@app.command("list", epilog="Example: [bold]GOOGLE_CLOUD_PROJECT=my-project sapphire endpoint list[/bold]")
def list_endpoints() -> None:
    """List the project's endpoints: how each is reached, what is deployed on which machine."""
    from rich.console import Console
    from rich.table import Table

    table = Table("endpoint", "access", "model", "machine", "replicas", box=None, header_style="bold")
    for found in _deployments().found():
        if not found.models:
            table.add_row(found.endpoint, found.access, "-", "-", "-")
        for model in found.models:
            machine, replicas = model.machine_type or "-", str(model.replicas or "-")
            table.add_row(found.endpoint, found.access, model.name, machine, replicas)
    Console(soft_wrap=True).print(table)


@app.command(
    epilog="Examples: [bold]sapphire endpoint deploy qwen-momentum-endpoint --image REGION-docker.pkg.dev/P/R/"
    "model-server:gpu --dry-run[/bold]; [bold]sapphire endpoint deploy qwen-momentum-endpoint --image ... --access connect "
    "--network projects/123/global/networks/desk[/bold]"
)
def deploy(
    endpoint: _Name,
    image: Annotated[
        str, typer.Option(help="The model server's image in a registry that Vertex AI can read.")
    ],
    access: Annotated[
        str,
        typer.Option(
            help="public; dedicated (a public host of its own); connect (Private Service Connect); network (peered)."
        ),
    ] = "public",
    network: Annotated[
        str, typer.Option(help="For connect and network: projects/NUMBER/global/networks/NAME.")
    ] = "",
    machine: Annotated[
        str | None,
        typer.Option(
            help="Another machine of agents/deployment/prices.yaml.", show_default="the catalogue's"
        ),
    ] = None,
    replicas: Annotated[int, typer.Option(min=1, max=10, help="Machines, all always there.")] = 1,
    spot: Annotated[
        bool, typer.Option("--spot", help="Machines that Google may take away at any time.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print every call, and make none.")] = False,
    yes: _Yes = False,
) -> None:
    """Upload a model, make its endpoint and deploy it there, on an L4 GPU where the catalogue says so.

    Says what that costs a month, and asks, before anything is made.
    """
    from rich.console import Console

    from agents.deployment.catalogue import catalogue
    from agents.deployment.prices import list_prices
    from agents.deployment.steps import Access, Wanted

    console, prices = Console(soft_wrap=True), list_prices()
    served = _one_of(endpoint, catalogue().endpoints, "endpoint")
    chosen = machine or served.machine
    wanted = Wanted(
        endpoint=endpoint,
        served=served,
        machine=_one_of(chosen, prices.machines, "machine"),
        image=image,
        access=_one_of(access, {str(one): one for one in Access}, "access"),
        network=network,
        replicas=replicas,
        spot=spot,
    )
    if served.image == "gpu" and not wanted.machine.accelerator:
        raise UsageError(f"{endpoint} needs a GPU, and the machine {chosen} has none")
    deployments = _deployments()
    monthly = prices.monthly(chosen, replicas, wanted.access is Access.CONNECT)
    console.print(f"{endpoint}: {served.about}")
    console.print(_told(wanted.machine.machine_type, replicas, monthly, spot))
    console.print(_ASSUMED.format(prices=prices))
    if dry_run:
        for number, (call, request) in enumerate(deployments.planned(wanted), start=1):
            console.print(f"{number}. {call}", style="bold")
            console.print_json(data=request)
        return
    if not yes and not typer.confirm("Deploy it?"):
        raise typer.Exit(1)
    name = deployments.deploy(wanted, lambda said: console.print(said, markup=False))
    console.print(f"deployed: {name}", markup=False)


@app.command(epilog="Example: [bold]sapphire endpoint undeploy qwen-momentum-endpoint[/bold]")
def undeploy(
    endpoint: Annotated[str, typer.Argument(help="The endpoint, by its display name.")],
    keep_endpoint: Annotated[
        bool, typer.Option("--keep-endpoint", help="Leave the endpoint, which costs nothing without a model.")
    ] = False,
    yes: _Yes = False,
) -> None:
    """Take an endpoint's model away, which ends its cost; the endpoint goes too."""
    from rich.console import Console

    console, deployments = Console(soft_wrap=True), _deployments()
    if not yes and not typer.confirm(f"Undeploy {endpoint}? Its agent is then without a model."):
        raise typer.Exit(1)
    gone = deployments.undeploy(endpoint, keep_endpoint, lambda said: console.print(said, markup=False))
    console.print(f"undeployed: {gone.name}", markup=False)


_ASSUMED = (
    "List prices as assumed on {prices.as_of} in agents/deployment/prices.yaml, on demand, {prices.hours_per_month} hours a "
    "month, whether asked or not. Your invoice decides."
)


def _told(machine: str, replicas: int, monthly: Decimal, spot: bool) -> str:
    less = ", less on Spot machines," if spot else ""
    return f"{replicas} x {machine}: about {monthly:,.2f} USD a month{less} as long as it is deployed."


def _deployments() -> "Deployments":
    from agents.deployment.deploying import Deployments
    from agents.endpoints.directory import Vertex
    from contracts.settings import Settings

    settings = Settings()
    return Deployments(Vertex(settings.project, settings.location, settings.vertex_url))


def _one_of(name: str, known: dict[str, Chosen], what: str) -> Chosen:
    if name not in known:
        raise UsageError(f"there is no {what} {name}: choose from {', '.join(known)}")
    return known[name]
