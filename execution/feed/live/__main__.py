"""`python -m execution.feed.live` is `sapphire feed`."""

import typer

from execution.feed.live.command import EXAMPLE, feed

app = typer.Typer(add_completion=False, rich_markup_mode="rich")
app.command(epilog=EXAMPLE)(feed)

if __name__ == "__main__":
    app()
