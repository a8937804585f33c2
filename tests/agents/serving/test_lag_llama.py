"""The Lag-Llama path, with stand-ins for the libraries: what they are asked for, and what is made of it."""

import sys
from datetime import UTC, datetime
from types import ModuleType, SimpleNamespace
from typing import ClassVar

import numpy as np
import pytest

from agents.kinds.forecast import LEVELS, AskForecast
from agents.serving import lag_llama
from agents.serving.backend import CannotServe, UnknownModel, backend_named
from agents.serving.options import ServerOptions
from tests.agents.questions import question, roster

HYPER = {
    "input_size": 1,
    "n_layer": 8,
    "n_embd_per_head": 16,
    "n_head": 9,
    "scaling": "robust",
    "time_feat": True,
    "context_length": 32,
}


class Estimator:
    """Stands for lag_llama's: forecasts the last value, and a spread by the level."""

    made: ClassVar[list[dict]] = []
    seen: ClassVar[list[dict]] = []

    def __init__(self, **arguments):
        self.made.append(arguments)

    def create_transformation(self):
        return "transformation"

    def create_lightning_module(self):
        return "module"

    def create_predictor(self, transformation, module):
        assert (transformation, module) == ("transformation", "module")
        bars = self.made[-1]["prediction_length"]

        def predict(dataset):
            (history,) = self.seen[:] = list(dataset)

            def quantile(level):  # sampled quantiles may cross by a hair: those at 0.25 and 0.5 do
                return np.full(bars, history["target"][-1] + (0.7 if level == 0.25 else level))

            return iter([SimpleNamespace(quantile=quantile)])

        return SimpleNamespace(predict=predict)


@pytest.fixture
def checkpoint(tmp_path, monkeypatch):
    """A checkpoint, with the libraries installed."""
    torch = ModuleType("torch")
    torch.device = lambda name: name
    torch.cuda = SimpleNamespace(is_available=lambda: False)
    torch.manual_seed = lambda seed: None
    torch.load = lambda path, map_location, weights_only: torch.content
    torch.content = {"hyper_parameters": {"model_kwargs": HYPER}}
    estimator = ModuleType("lag_llama.gluon.estimator")
    estimator.LagLlamaEstimator = Estimator
    for name, module in {
        "torch": torch,
        "lag_llama": ModuleType("lag_llama"),
        "lag_llama.gluon": ModuleType("lag_llama.gluon"),
        "lag_llama.gluon.estimator": estimator,
    }.items():
        monkeypatch.setitem(sys.modules, name, module)
    monkeypatch.setattr(lag_llama, "find_spec", lambda name: object())
    path = tmp_path / "lag-llama.ckpt"
    path.write_bytes(b"weights")
    Estimator.made.clear()
    return path, torch


def instance():
    return AskForecast().instance(roster().by_agent["lagllama-degen"], question())


def test_a_history_goes_in_and_rising_quantiles_come_out(checkpoint):
    path, _ = checkpoint
    backend = backend_named("forecast", ServerOptions(weights=str(path)))
    assert (backend.models(), backend.runs) == (
        ("lag-llama",),
        f"Lag-Llama ({path}) through gluonts and torch",
    )
    backend.load()
    answer = backend.predict("lag-llama", instance())
    read = AskForecast().receive(answer)
    assert read.model == "lag-llama"
    last = float(np.float32(question().closes[-1]))
    expected = [last + level for level in (0.05, 0.7, 0.7, 0.75, 0.95)]
    assert answer["quantiles"] == [pytest.approx(expected, abs=1e-5)] * 15
    assert AskForecast().opinion(read.text, question())
    backend.predict("lag-llama", instance())
    (made,) = Estimator.made
    assert made == {name: value for name, value in HYPER.items() if name != "context_length"} | {
        "ckpt_path": str(path),
        "prediction_length": 15,
        "context_length": 32,
        "rope_scaling": {"type": "linear", "factor": 47 / 32},
        "nonnegative_pred_samples": True,
        "batch_size": 1,
        "num_parallel_samples": 100,
        "device": "cpu",
    }
    (history,) = Estimator.seen
    closes = question().closes
    assert history["target"].tolist() == [pytest.approx(close, rel=1e-6) for close in closes]
    assert (history["start"] + len(closes) - 1).to_timestamp() == datetime(2024, 1, 15, 10)  # noqa: DTZ001
    assert LEVELS == (0.05, 0.25, 0.5, 0.75, 0.95)


def test_a_file_that_is_no_checkpoint_is_said(checkpoint):
    path, torch = checkpoint
    torch.content = {"something": "else"}
    backend = backend_named("forecast", ServerOptions(weights=str(path)))
    with pytest.raises(CannotServe, match="is not a checkpoint of Lag-Llama"):
        backend.load()
    with pytest.raises(CannotServe, match=r"there is no checkpoint /nowhere"):
        backend_named("forecast", ServerOptions(weights="/nowhere"))
    with pytest.raises(UnknownModel):
        backend.predict("statistical", instance())


def test_what_runs_is_told(checkpoint, monkeypatch):
    assert "no --weights were given" in backend_named("forecast").runs
    monkeypatch.setattr(lag_llama, "find_spec", lambda name: None if name == "torch" else object())
    backend = backend_named("forecast")
    assert backend.runs == "the statistical forecaster (not Lag-Llama: torch not installed)"
    assert backend.models() == ("statistical",)
    with pytest.raises(CannotServe, match="Lag-Llama needs torch, not installed here"):
        backend_named("forecast", ServerOptions(weights="/nowhere"))


def test_the_end_of_a_history_is_optional():
    from agents.serving.forecast_request import read_forecast_instance

    without = {name: value for name, value in instance().items() if name not in ("end", "bar_seconds")}
    assert read_forecast_instance(without).end == datetime(2024, 1, 1, tzinfo=UTC)
