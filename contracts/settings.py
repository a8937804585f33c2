"""Where a process finds the rest of the desk: environment variables, each with its meaning, read in one place."""

from functools import cached_property
from pathlib import Path

from pydantic import AliasChoices, Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from contracts.time import Clock, clock_from


class Settings(BaseSettings):
    """The environment of any Sapphire process; `Settings()` reads it.

    Google's own variables (GOOGLE_CLOUD_PROJECT, PUBSUB_EMULATOR_HOST, BIGQUERY_EMULATOR_HOST,
    GOOGLE_APPLICATION_CREDENTIALS) keep their names and are read by Google's clients; ours begin with SAPPHIRE_.
    """

    model_config = SettingsConfigDict(
        env_prefix="SAPPHIRE_", frozen=True, extra="ignore", populate_by_name=True
    )

    project: str = Field(
        default="sapphire-local",
        validation_alias=AliasChoices("GOOGLE_CLOUD_PROJECT", "project"),
        description="Google Cloud project of topics, tables and endpoints",
    )
    location: str = Field(default="us-central1", description="region of the Vertex AI endpoints")
    dataset: str = Field(default="sapphire", description="BigQuery dataset of the tables")
    desk: str = Field(default="main", description="the desk, as the roster names it")
    roster: Path = Field(
        default=Path(__file__).parent.parent / "agents" / "roster.yaml", description="the roster's file"
    )
    limits: Path = Field(
        default=Path(__file__).parent.parent / "transforms" / "portfolio" / "limits.yaml",
        description="the file of the desk's limits",
    )
    clock: str = Field(default="wall", description="`wall`, or the file of a replay's clock")
    redis_url: str = Field(
        default="redis://127.0.0.1:6379/0",
        validation_alias=AliasChoices("REDIS_URL", "redis_url"),
        description="the live view",
    )
    vertex_url: str | None = Field(
        default=None, description="Vertex AI's address when it is not Google's own"
    )
    endpoint_hosts: dict[str, str] = Field(
        default_factory=dict,
        description="JSON {endpoint: address} of private Vertex AI endpoints, where their resources do not tell it",
    )
    endpoint_ca: Path | None = Field(
        default=None,
        description="PEM file of the authorities that private endpoints' certificates are checked against",
    )
    execution_url: str = Field(default="http://127.0.0.1:8080", description="the execution service")
    execution_token: SecretStr = Field(default=SecretStr(""), description="token with which orders are sent")
    execution_tokens: Path | None = Field(
        default=None,
        description="JSON file {scope: token} of the execution service; scopes are trade, read and admin",
    )
    execution_read_token: SecretStr = Field(
        default=SecretStr(""), description="token that may read orders and positions at the execution service"
    )
    execution_admin_token: SecretStr = Field(
        default=SecretStr(""), description="token that may stop and release trading at the execution service"
    )
    protection: Path | None = Field(
        default=None, description="YAML file of the execution service's hard limits; its own when not given"
    )
    kill_switch: Path = Field(
        default=Path(".sapphire/kill-switch.json"),
        description="where the execution service's kill switch is latched",
    )
    gateway_url: str = Field(default="http://127.0.0.1:8081", description="the coordinator's gateway")
    gateway_tokens: Path | None = Field(
        default=None, description="JSON file {agent: token} that the gateway knows"
    )
    admin_token: SecretStr = Field(
        default=SecretStr(""),
        description="the operators' token for controls at the gateway; empty keeps them closed",
    )
    agent_token: SecretStr = Field(default=SecretStr(""), description="a bot's own token at the gateway")
    ledger_url: str = Field(
        default="sqlite:///.sapphire/ledger.db", description="SQLAlchemy URL of the order ledger"
    )

    @cached_property
    def desk_clock(self) -> Clock:
        """The clock that events are stamped with."""
        return clock_from(self.clock)
