"""What the model server measures about itself, for Prometheus; each with its meaning, all in one place."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from agents.serving.turns import Turns

_SECONDS = (0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0, 40.0, 80.0)


class Metrics:
    """One server's measures, in a registry of their own."""

    def __init__(self, turns: Turns) -> None:
        self._registry = registry = CollectorRegistry()
        self.predictions = Counter(
            "sapphire_predictions",
            "Requests by the model asked and the HTTP status answered",
            ("model", "status"),
            registry=registry,
        )
        self.seconds = Histogram(
            "sapphire_prediction_seconds",
            "How long a request took, waiting for its turn included",
            ("model",),
            buckets=_SECONDS,
            registry=registry,
        )
        self.tokens = Counter(
            "sapphire_tokens",
            "Tokens of answered chats by model and direction (in: prompt, out: answer)",
            ("model", "direction"),
            registry=registry,
        )
        self.ready = Gauge(
            "sapphire_model_ready", "1 when the model has loaded and can answer", registry=registry
        )
        running = Gauge("sapphire_predictions_running", "Requests being answered now", registry=registry)
        waiting = Gauge("sapphire_predictions_waiting", "Requests waiting for their turn", registry=registry)
        running.set_function(lambda: turns.running)
        waiting.set_function(lambda: turns.waiting)

    def count_tokens(self, model: str, prediction: object) -> None:
        """Count the tokens that a prediction tells, if it tells any."""
        usage = prediction.get("usage") if isinstance(prediction, dict) else None
        if isinstance(usage, dict):
            for direction, name in (("in", "prompt_tokens"), ("out", "completion_tokens")):
                self.tokens.labels(model, direction).inc(usage.get(name) or 0)

    def text(self) -> bytes:
        """The measures in Prometheus's text format."""
        return generate_latest(self._registry)
