import math
import random

import pytest
from fastapi.testclient import TestClient

from agents.kinds.forecast import AskForecast
from agents.serving.app import create_app
from agents.serving.backend import backend_named
from agents.serving.forecaster import PRIOR, bar_deviation, forecast
from tests.agents.questions import question, roster


def test_before_anything_was_seen_it_believes_in_the_prior():
    assert bar_deviation([100.0]) == pytest.approx(PRIOR)


def test_it_is_as_wide_as_the_price_wandered_and_widens_with_the_root_of_time():
    closes = [100.0 * math.exp(0.002 * (n % 2)) for n in range(400)]
    assert bar_deviation(closes) == pytest.approx(0.002, rel=0.1)
    rows = forecast(closes, 4, [0.05, 0.5, 0.95])
    width = [math.log(row[2] / row[0]) for row in rows]
    assert width[3] == pytest.approx(2 * width[0])
    assert {row[1] for row in rows} == {closes[-1]}


def test_its_quantiles_cover_what_they_say_on_a_random_walk():
    draw = random.Random(7)
    below = {0.05: 0, 0.25: 0, 0.75: 0, 0.95: 0}
    for _ in range(2_000):
        price, closes = 100.0, []
        for _ in range(75):
            closes.append(price)
            price *= math.exp(draw.gauss(0, 0.0012))
        row = forecast(closes[:60], 15, list(below))[-1]
        for level, value in zip(below, row, strict=True):
            below[level] += closes[74] < value
    assert {level: count / 2_000 for level, count in below.items()} == pytest.approx(
        {level: level for level in below}, abs=0.03
    )


def test_it_is_served_under_its_own_backend():
    server = TestClient(create_app(backend_named("forecast"), "/health", "/predict", "statistical"))
    instance = AskForecast().instance(roster().by_agent["lagllama-degen"], question())
    (answer,) = server.post("/predict", json={"instances": [instance]}).json()["predictions"]
    assert AskForecast().receive(answer).model == "forecast:statistical"
    assert [len(row) for row in answer["quantiles"]] == [5] * 15
    for change in ({"target": []}, {"target": [-1.0]}, {"prediction_length": 0}, {"quantile_levels": [1.5]}):
        refused = server.post("/predict", json={"instances": [instance | change]})
        assert (refused.status_code, "not a forecast instance" in refused.text) == (400, True)
