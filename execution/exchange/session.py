"""One run of the paper exchange: the server, the account, and what its market is made of, until it is asked to end."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

import coincurve
from google.api_core.exceptions import AlreadyExists, GoogleAPIError
from google.cloud import pubsub_v1

from contracts.instruments import INSTRUMENTS
from contracts.time import WallClock
from contracts.topics import market_data_for
from execution.exchange.server import ExchangeServer
from execution.exchange.signatures import address_of, new_wallet
from execution.feed.pacing import Pacer
from execution.feed.recordings import open_recording
from execution.feed.stop import Stop
from execution.market_follower import MarketFollower

_SUBSCRIBER = "paper-exchange"


class ExchangeError(Exception):
    """The exchange cannot run as asked; the text is one sentence for the user."""


@dataclass(frozen=True, slots=True)
class Market:
    """What the market is made of: a recording (None: the packaged sample) at a speed, or a project's Pub/Sub."""

    recording: Path | None = None
    speed: float = 60.0
    project: str | None = None


@dataclass(frozen=True, slots=True)
class Wallet:
    """A throwaway key pair, made on this machine."""

    private_key: str = field(repr=False)
    address: str

    @classmethod
    def kept_in(cls, path: Path | None) -> "Wallet":
        """The wallet whose key is in the file, which is made where there is none; raises `ExchangeError`."""
        if path is None or not path.exists():
            wallet = cls(*new_wallet())
            if path is not None:
                path.touch(mode=0o600)
                path.write_text(f"{wallet.private_key}\n")
            return wallet
        try:
            key = path.read_text().strip()
            return cls(key, address_of(coincurve.PrivateKey.from_hex(key.removeprefix("0x")).public_key))
        except (OSError, ValueError):
            raise ExchangeError(f"{path} holds no private key: remove it, and a new one is made.") from None


def check_symbols(names: str) -> list[str]:
    """The symbols in a list with commas; raises `ExchangeError`."""
    symbols = [name.strip().upper() for name in names.split(",") if name.strip()]
    if unknown := [name for name in symbols if name not in INSTRUMENTS]:
        raise ExchangeError(f"unknown symbol {', '.join(unknown)}; known are {', '.join(INSTRUMENTS)}.")
    if not symbols:
        raise ExchangeError(f"name at least one symbol of {', '.join(INSTRUMENTS)}.")
    return symbols


def run_session(
    symbols: list[str],
    port: int,
    wallet: Wallet,
    deposit: Decimal,
    market: Market,
    stop: Stop,
    ready: Callable[[ExchangeServer], object],
    said: Callable[[str], object],
) -> None:
    """Serve until `stop`; `ready` is called once it can be connected to, `said` with what the user should know.

    Raises `ExchangeError` and `RecordingError`.
    """
    server = ExchangeServer(symbols, port=port)
    try:
        server.start()
    except OSError as error:
        raise ExchangeError(
            f"port {port} cannot be used ({error.strerror}): choose another with --port."
        ) from None
    try:
        server.open_account(deposit, wallet.address)
        ready(server)
        if market.project is None:
            _play(server, market, stop, said)
        else:
            with _following(server, market.project):
                while stop.sleep(0.5):
                    continue
    finally:
        server.stop()


def _play(server: ExchangeServer, market: Market, stop: Stop, said: Callable[[str], object]) -> None:
    recording = open_recording(market.recording)
    recording.start()
    pacer = Pacer(market.speed, WallClock(), stop.sleep, lambda *_: None)
    for timed in recording.batches():
        if not pacer.wait_until(timed.receive_time):
            return
        server.feed(timed.batch)
    said("The recording is over: the market stands at its last prices.")
    while stop.sleep(0.5):
        continue


@contextmanager
def _following(server: ExchangeServer, project: str) -> Iterator[None]:
    """A subscription of its own to the project's market data, which ends with the exchange."""
    subscription = market_data_for(_SUBSCRIBER)
    path = subscription.path(project)
    subscriber = pubsub_v1.SubscriberClient()
    try:
        with suppress(AlreadyExists):
            wanted = {
                "name": path,
                "topic": subscription.topic.path(project),
                "enable_message_ordering": True,
            }
            subscriber.create_subscription(request=wanted, timeout=10.0)
    except GoogleAPIError as error:
        raise ExchangeError(
            f"Pub/Sub has no market data in project {project} ({type(error).__name__}): "
            "start `sapphire run` first, or leave --pubsub out."
        ) from None
    follower = MarketFollower(subscriber, path, server.feed)
    follower.start()
    try:
        yield
    finally:
        follower.stop()
        with suppress(GoogleAPIError):
            subscriber.delete_subscription(subscription=path, timeout=10.0)
        subscriber.close()
