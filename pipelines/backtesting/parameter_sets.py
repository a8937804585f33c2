"""Parameter sets: what a grid file tries, each applied to the desk as it is.

parameters:                            every combination of these is a set
limits.per_trade_share: [0.02, 0.05]
agents.deepseek-v3.capital_weight: [0.1, 0.2]
sets:                                  and each of these is one
- name: slow
timing.decision_ms: 5000
"""

from collections.abc import Iterator, Mapping
from itertools import product
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from contracts.refusals import describe
from pipelines.backtesting.errors import BacktestError
from pipelines.backtesting.scenario import Scenario

SECTIONS = ("agents", "costs", "limits", "market", "operator", "roster", "timing")
"""What the first part of a parameter's name can be."""

MOST_SETS = 10_000

Changes = Mapping[str, Any]


def read_grid(path: Path) -> list[tuple[str, Changes]]:
    """The named parameter sets of a YAML file, in a fixed order; raises `BacktestError`."""
    try:
        content = yaml.safe_load(path.read_text())
    except FileNotFoundError:
        raise BacktestError(f"there is no grid file {path}") from None
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise BacktestError(f"{path} is not YAML: {' '.join(str(error).split())}") from None
    if not isinstance(content, dict) or not content or not set(content) <= {"parameters", "sets"}:
        raise BacktestError(
            f"{path} needs `parameters` (name: [values]) or `sets` (a list), and nothing else"
        )
    found = [*_combined(path, content.get("parameters") or {}), *_listed(path, content.get("sets") or [])]
    if not found:
        raise BacktestError(f"{path} holds no parameter set")
    names = [name for name, _ in found]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise BacktestError(f"{path}: two parameter sets are called {twice}")
    return found


def _combined(path: Path, parameters: Any) -> Iterator[tuple[str, Changes]]:
    if not isinstance(parameters, dict):
        raise BacktestError(f"{path}: `parameters` maps names to lists of values")
    columns = {str(name): values for name, values in parameters.items()}
    for name, values in columns.items():
        if not isinstance(values, list) or not values:
            raise BacktestError(f"{path}: {name} needs a list of values, such as [1, 2]")
        told = [str(value) for value in values]
        if twice := next((value for value in told if told.count(value) > 1), None):
            raise BacktestError(f"{path}: {name} has the value {twice} twice")
    count = 1
    for values in columns.values():
        count *= len(values)
    if count > MOST_SETS:
        raise BacktestError(f"{path}: {count} combinations; {MOST_SETS} are the most")
    width = len(str(count))
    for number, values in enumerate(product(*columns.values()) if columns else (), 1):
        yield f"set-{number:0{width}d}", dict(zip(columns, values, strict=True))


def _listed(path: Path, sets: Any) -> Iterator[tuple[str, Changes]]:
    if not isinstance(sets, list) or not all(isinstance(one, dict) for one in sets):
        raise BacktestError(f"{path}: `sets` is a list of mappings of names to values")
    for number, one in enumerate(sets, 1):
        changes = {str(name): value for name, value in one.items()}
        called = changes.pop("name", f"listed-{number}")
        if called is None or called == "":
            raise BacktestError(
                f"{path}: the parameter set {number} has an empty name: give it one, or leave it out"
            )
        yield str(called), changes


def applied(base: Scenario, name: str, changes: Changes) -> Scenario:
    """The scenario with a parameter set's changes; raises `BacktestError`, which names the parameter."""
    content = base.model_dump(mode="json")
    for parameter, value in changes.items():
        _change(content, parameter, value)
    content |= {"name": name, "parameters": {key: str(value) for key, value in sorted(changes.items())}}
    try:
        return Scenario.model_validate(content)
    except ValidationError as error:
        raise BacktestError(f"the parameter set {name} cannot be: {describe(error)}") from None


def _change(content: dict[str, Any], parameter: str, value: Any) -> None:
    section, *rest = parameter.split(".")
    if section not in SECTIONS or not rest:
        raise BacktestError(
            f"{parameter} is no parameter: begin it with {', '.join(f'{name}.' for name in SECTIONS)}"
        )
    place: Any = content
    if section == "agents":
        agents = {agent["agent"]: agent for agent in content["roster"]["agents"]}
        if rest[0] not in agents or len(rest) < 2:
            raise BacktestError(f"{parameter} names no agent's field: agents are {', '.join(agents)}")
        place, rest = agents[rest[0]], rest[1:]
    else:
        place = content[section]
    for part in rest[:-1]:
        if not isinstance(place, dict) or part not in place:
            raise BacktestError(f"{parameter} is no parameter: there is no {part}")
        place = place[part]
    if not isinstance(place, dict) or rest[-1] not in place:
        known = ", ".join(sorted(place)) if isinstance(place, dict) else "none"
        raise BacktestError(f"{parameter} is no parameter: {rest[-1]} is not one of {known}")
    place[rest[-1]] = value
