"""Language models that a run can have instead of rules: small ones, which this machine runs by itself."""

from dataclasses import dataclass

from contracts.calls import ModelPrice
from contracts.roster import AgentProfile, EndpointBacking, Roster

RULE = "rule"
"""No language model: the documented trading rules answer."""


@dataclass(frozen=True, slots=True)
class LanguageModel:
    """A model and how it has to be asked on a machine of two cores that runs the whole desk beside it.

    Its agents are asked briefly (agents/kinds/brief.py), so often at most as `cadence_seconds` of event time lets them,
    and a call may take `deadline_seconds`. `speed` is that of the replay unless the user gives one: what waits for an
    answer must not be out of date when it comes.
    """

    name: str
    about: str
    deadline_seconds: float = 50.0
    cadence_seconds: int = 120
    speed: float = 2.0
    tokens_in: int = 512
    tokens_out: int = 128
    threads: int = 1

    def asked_by(self, roster: Roster) -> Roster:
        """The roster with this model behind the endpoints that are asked for decisions; the others stay as they are."""
        prices = (
            roster.prices | {self.name: roster.prices.get(self.name, ModelPrice())} if roster.prices else {}
        )
        agents = tuple(self._changed(profile) for profile in roster.agents)
        return roster.model_copy(update={"prices": prices, "agents": agents})

    def agents(self, roster: Roster) -> tuple[str, ...]:
        """Whom it answers for."""
        return tuple(profile.agent for profile in roster.agents if self._answers_for(profile))

    @property
    def server_options(self) -> tuple[str, ...]:
        """The model server's command line."""
        return (
            *("--backend", "llama_cpp", "--weights", self.name, "--threads", str(self.threads)),
            *("--context-tokens", str(2 * (self.tokens_in + self.tokens_out))),
            *("--answer-tokens", str(self.tokens_out), "--answer-seconds", f"{self.deadline_seconds:g}"),
        )

    def _answers_for(self, profile: AgentProfile) -> bool:
        return isinstance(profile.backing, EndpointBacking) and profile.backing.asks in ("decision", "brief")

    def _changed(self, profile: AgentProfile) -> AgentProfile:
        backing = profile.backing
        if not self._answers_for(profile) or not isinstance(backing, EndpointBacking):
            return profile
        budget = backing.budget.model_copy(
            update={"tokens_in": self.tokens_in, "tokens_out": self.tokens_out}
        )
        asked = backing.model_copy(update={"model": self.name, "asks": "brief", "budget": budget, "batch": 1})
        cadence = max(profile.cadence_seconds, self.cadence_seconds)
        return profile.model_copy(update={"backing": asked, "cadence_seconds": cadence})


LANGUAGE_MODELS = {
    "smollm2": LanguageModel(
        "smollm2", "SmolLM2-135M, a real language model on the CPU, whose judgement is worth nothing"
    ),
}


def choices() -> str:
    """What can be chosen, as a sentence."""
    others = ", or ".join(f"{model.name} ({model.about})" for model in LANGUAGE_MODELS.values())
    return f"choose {RULE} (documented trading rules), or {others}"
