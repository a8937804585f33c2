"""Live trading, only on purpose: a flag and a typed confirmation; paper is the default."""

from execution.venues.venue import Venue


class LiveRefused(ValueError):
    """The venue may not be traded as the service was started; the text says what to type."""


def confirmation_of(venue: str) -> str:
    """What has to be typed to trade real money at a venue."""
    return f"trade real money on {venue}"


def check_live(venue: Venue, *, live: bool, confirmation: str) -> None:
    """Raises `LiveRefused` unless a live venue was asked for by the flag and confirmed word by word."""
    if live and not venue.is_live:
        raise LiveRefused(f"--live was given, and {venue.name} trades no real money: leave it out")
    if not venue.is_live:
        return
    if not live:
        raise LiveRefused(f"{venue.name} trades real money: it needs --live and --confirm")
    if confirmation != confirmation_of(venue.name):
        raise LiveRefused(f"to trade real money give --confirm '{confirmation_of(venue.name)}', word by word")
