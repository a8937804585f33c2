"""`python -m infra.cli` is the `sapphire` command."""

from infra.cli import main

main()
