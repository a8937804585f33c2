"""How the Aster venue is reached and set up: environment variables, the private key only from a secret."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import BeforeValidator, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from contracts.refusals import describe

_KEY_DIGITS = 64
_LOOPBACK = {"127.0.0.1", "localhost", "::1"}
_TESTNET = ("https://fapi.asterdex-testnet.com", "wss://fstream.asterdex-testnet.com")


class AsterSettingsError(ValueError):
    """The venue cannot be used as it is set up; the text says what to change, and never holds a secret."""


class PositionMode(StrEnum):
    """Whether a symbol has one net position, or a long and a short one beside each other."""

    ONE_WAY = "one-way"
    HEDGE = "hedge"


class AsterSettings(BaseSettings):
    """The environment of the Aster venue; every variable begins with SAPPHIRE_ASTER_."""

    model_config = SettingsConfigDict(
        env_prefix="SAPPHIRE_ASTER_", frozen=True, extra="ignore", hide_input_in_errors=True
    )

    network: str = Field(
        default="mainnet", description="`mainnet`, `testnet`, or the http address of a local exchange"
    )
    private_key: SecretStr = Field(default=SecretStr(""), description="key of the wallet that signs (0x...)")
    private_key_file: Path | None = Field(default=None, description="file that holds the key alone")
    account: str | None = Field(
        default=None, description="address of the account when the key is an agent's, not its own"
    )
    position_mode: PositionMode = Field(default=PositionMode.ONE_WAY, description="`one-way` or `hedge`")
    leverage: Annotated[int, Field(ge=1, le=125)] | None = Field(
        default=None, description="set for every symbol at the start; left as it is when not given"
    )
    margin: Annotated[Literal["cross", "isolated"] | None, BeforeValidator(lambda value: value or None)] = (
        Field(default=None, description="`cross` or `isolated`; left as it is when not given")
    )
    deadline: float = Field(default=5.0, gt=0, le=60, description="seconds that an answer is waited for")
    countdown: int = Field(
        default=60,
        ge=5,
        le=600,
        description="seconds after our last heartbeat that open orders are cancelled",
    )

    @classmethod
    def read(cls) -> "AsterSettings":
        """From the environment; raises `AsterSettingsError`."""
        try:
            return cls()
        except ValidationError as error:
            raise AsterSettingsError(f"SAPPHIRE_ASTER_*: {describe(error)}") from None

    def key(self) -> str:
        """The private key, to be handed to ccxt and to nobody else; raises `AsterSettingsError`."""
        written = self.private_key.get_secret_value().strip()
        if not written and self.private_key_file is not None:
            try:
                written = self.private_key_file.read_text().strip()
            except OSError as error:
                raise AsterSettingsError(
                    f"the key in SAPPHIRE_ASTER_PRIVATE_KEY_FILE cannot be read: {error.strerror}"
                ) from None
            except UnicodeDecodeError:
                raise AsterSettingsError("SAPPHIRE_ASTER_PRIVATE_KEY_FILE holds no key in hex") from None
        if not written:
            raise AsterSettingsError(
                "the Aster venue signs with a private key: give SAPPHIRE_ASTER_PRIVATE_KEY_FILE or "
                "SAPPHIRE_ASTER_PRIVATE_KEY"
            )
        digits = written.removeprefix("0x").removeprefix("0X")
        if len(digits) != _KEY_DIGITS or not set(digits.lower()) <= set("0123456789abcdef"):
            raise AsterSettingsError("the Aster private key is not 64 hexadecimal digits (0x...)")
        return f"0x{digits.lower()}"

    @property
    def is_live(self) -> bool:
        """Whether real money is traded there: everywhere but on the testnet and on this machine."""
        return self.network != "testnet" and not self._is_local

    @property
    def name(self) -> str:
        """The venue's name on orders and executions."""
        if self.network == "testnet":
            return "aster-testnet"
        return "aster-local" if self._is_local else "aster"

    @property
    def addresses(self) -> tuple[str | None, str | None, int | None]:
        """REST and stream addresses and the chain to sign for; None is ccxt's own. Raises `AsterSettingsError`."""
        if self.network == "mainnet":
            return None, None, None
        if self.network == "testnet":
            # ccxt takes seconds to import, and who only reads settings does not need it.
            from execution.aster_exchange import TESTNET_CHAIN_ID

            return *_TESTNET, TESTNET_CHAIN_ID
        scheme, rest = urlsplit(self.network).scheme, self.network.rstrip("/")
        if scheme not in ("http", "https"):
            raise AsterSettingsError(
                "SAPPHIRE_ASTER_NETWORK is mainnet, testnet or the address of a local exchange (http://...)"
            )
        return rest, "ws" + rest.removeprefix("http"), None

    @property
    def _is_local(self) -> bool:
        return self.network.startswith("http") and urlsplit(self.network).hostname in _LOOPBACK
