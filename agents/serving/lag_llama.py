"""Lag-Llama through gluonts: sampled paths of a price, and their quantiles."""

from dataclasses import dataclass, field
from datetime import timedelta
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from agents.serving.backend import CannotServe
from agents.serving.forecast_request import ForecastInstance

LAG_LLAMA = "lag-llama"
LIBRARIES = ("torch", "gluonts", "lag_llama")
CONTEXT_BARS = 32
"""What the released checkpoint was trained to look at (lags reach further back, as far as there is history)."""
SAMPLES = 100
"""Paths that are drawn for a forecast; its quantiles are theirs."""
SEED = 20_240_115
"""Paths are drawn from here for every request anew, so that equal requests have equal answers."""

_FROM_CHECKPOINT = ("input_size", "n_layer", "n_embd_per_head", "n_head", "scaling", "time_feat")


def missing_libraries() -> tuple[str, ...]:
    """Those of the libraries that are not installed."""
    return tuple(name for name in LIBRARIES if find_spec(name) is None)


@dataclass
class LagLlama:
    """The model in memory; not for several threads at once."""

    checkpoint: Path
    hyper_parameters: dict[str, Any]
    device: Any
    _predictors: dict[int, Any] = field(default_factory=dict)

    @classmethod
    def loaded(cls, checkpoint: Path) -> "LagLlama":
        """Read the checkpoint; raises `CannotServe` for one that is not Lag-Llama's."""
        import torch

        device = torch.device("cuda:0" if torch.cuda.is_available() else "cpu")
        try:
            # The released file is a pickle: it is as trusted as the code in this image, and is pinned with it.
            content = torch.load(str(checkpoint), map_location=device, weights_only=False)
            return cls(checkpoint, content["hyper_parameters"]["model_kwargs"], device)
        except (KeyError, OSError, RuntimeError, ValueError) as error:
            raise CannotServe(f"{checkpoint} is not a checkpoint of Lag-Llama: {error}") from None

    def quantiles(self, asked: ForecastInstance) -> list[list[float]]:
        """For each bar ahead the quantiles at the asked levels, ever rising with the level."""
        import pandas as pd
        import torch

        torch.manual_seed(SEED)
        begin = asked.end - timedelta(seconds=asked.bar_seconds * (len(asked.target) - 1))
        history = {
            "start": pd.Period(begin.replace(tzinfo=None), freq=f"{asked.bar_seconds}s"),
            "target": np.asarray(asked.target, dtype=np.float32),
        }
        (drawn,) = self._predictor(asked.prediction_length).predict([history])
        columns = [np.asarray(drawn.quantile(level), dtype=float) for level in asked.quantile_levels]
        rows = np.stack(columns, axis=1)
        order = np.argsort(asked.quantile_levels)
        rows[:, order] = np.maximum.accumulate(rows[:, order], axis=1)
        return [[float(value) for value in row] for row in rows]

    def _predictor(self, bars_ahead: int) -> Any:
        if bars_ahead not in self._predictors:
            self._predictors = {bars_ahead: self._made(bars_ahead)}  # one: every agent asks for as many
        return self._predictors[bars_ahead]

    def _made(self, bars_ahead: int) -> Any:
        from lag_llama.gluon.estimator import LagLlamaEstimator

        known = {name: self.hyper_parameters[name] for name in _FROM_CHECKPOINT}
        trained_on = self.hyper_parameters.get("context_length", CONTEXT_BARS)
        estimator = LagLlamaEstimator(
            ckpt_path=str(self.checkpoint),
            prediction_length=bars_ahead,
            context_length=CONTEXT_BARS,
            rope_scaling={"type": "linear", "factor": max(1.0, (CONTEXT_BARS + bars_ahead) / trained_on)},
            nonnegative_pred_samples=True,
            batch_size=1,
            num_parallel_samples=SAMPLES,
            device=self.device,
            **known,
        )
        transformation = estimator.create_transformation()
        return estimator.create_predictor(transformation, estimator.create_lightning_module())
