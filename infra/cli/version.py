"""`sapphire version`."""

EXAMPLE = "Example: [bold]sapphire version[/bold]"


def version() -> None:
    """Tell which Sapphire, Python and Beam these are."""
    import platform
    from importlib.metadata import PackageNotFoundError
    from importlib.metadata import version as installed

    from rich.console import Console

    def of(distribution: str) -> str:
        try:
            return installed(distribution)
        except PackageNotFoundError:
            return "not installed"

    Console(soft_wrap=True).print(
        f"sapphire-desk {of('sapphire-desk')}, Python {platform.python_version()}, "
        f"apache-beam {of('apache-beam')}",
        highlight=False,
    )
