"""Whole numbers as integers again: on the way through Vertex AI all numbers of an instance become floats."""

from typing import Any


def with_whole_numbers(value: Any) -> Any:
    """The JSON value with every float that is a whole number as an integer."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, list):
        return [with_whole_numbers(item) for item in value]
    if isinstance(value, dict):
        return {name: with_whole_numbers(item) for name, item in value.items()}
    return value
