"""The filter language: documented examples, and generated expressions against an independent reading."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from infra.local.pubsub import filters
from infra.local.pubsub.errors import InvalidArgumentError


@pytest.mark.parametrize(
    ("text", "attributes", "admitted"),
    [
        ("", {}, True),
        ('attributes.name = "com"', {"name": "com"}, True),
        ('attributes.name="com"', {"name": "net"}, False),
        ('attributes.name = "com"', {}, False),
        ('attributes.name != "com"', {"name": "net"}, True),
        ('attributes.name != "com"', {}, True),
        ("attributes:name", {"name": ""}, True),
        ("attributes:name", {"Name": ""}, False),
        ('attributes:"iana.org/language_tag"', {"iana.org/language_tag": "en"}, True),
        ('hasPrefix(attributes.name, "co")', {"name": "com"}, True),
        ('hasPrefix(attributes.name, "co")', {"name": "net"}, False),
        ('hasPrefix(attributes.name, "")', {}, False),
        ("NOT attributes:name", {}, True),
        ('attributes:a AND -attributes:"b"', {"a": "1"}, True),
        ('NOT attributes.a = "1" AND attributes:b', {"a": "2", "b": ""}, True),
        (
            'attributes:lang AND (attributes.name = "net" OR attributes.name = "org")',
            {"lang": "", "name": "org"},
            True,
        ),
        ('attributes:lang AND (attributes.name = "net" OR attributes.name = "org")', {"name": "org"}, False),
        (r'attributes.q = "a \"quoted\" \\ \u307F\x41\101"', {"q": 'a "quoted" \\ みAA'}, True),
        ("attributes:desk-type_1", {"desk-type_1": ""}, True),
        ("NOT (NOT (attributes:a))", {"a": ""}, True),
    ],
)
def test_documented_meaning(text: str, attributes: Mapping[str, str], admitted: bool) -> None:
    assert filters.parse(text)(attributes) is admitted


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("attributes:a AND attributes:b OR attributes:c", "parentheses"),
        ("attributes.a = 'x'", "position 15: found"),
        ("attributes.a = x", "string in double quotes"),
        ("attributes.a", "'=' or '!='"),
        ("attributes", "after attributes"),
        ('data = "x"', "expected attributes"),
        ("(attributes:a", r"'\)'"),
        ("attributes:a attributes:b", "AND, OR or the end"),
        ("attributes:a and attributes:b", "AND, OR or the end"),
        ("NOT NOT attributes:a", "expected attributes"),
        ('attributes.a = "\\q"', "unknown escape"),
        ('attributes.a = "\\uD800"', "names no character"),
        ("attributes:" + "a" * 250, "256 bytes"),
    ],
)
def test_what_is_refused_says_why(text: str, reason: str) -> None:
    with pytest.raises(InvalidArgumentError, match=reason):
        filters.parse(text)


KEYS = st.sampled_from(["a", "b", "desk", "x-y_1", "with space", 'quo"te', "é"])
VALUES = st.sampled_from(["", "v", "va", "vb", "w", 'quo"te', "back\\slash", "line\nbreak", "み"])
Case = tuple[str, Callable[[Mapping[str, str]], bool]]


def quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


def key_text(key: str) -> str:
    return key if key.replace("-", "").replace("_", "").isascii() and key.isidentifier() else quoted(key)


def comparison(kind: str, key: str, value: str) -> Case:
    if kind == "has":
        return f"attributes:{key_text(key)}", lambda attributes: key in attributes
    if kind == "=":
        return f"attributes.{key_text(key)} = {quoted(value)}", lambda a: key in a and a[key] == value
    if kind == "!=":
        return f"attributes.{key_text(key)}!={quoted(value)}", lambda a: not (key in a and a[key] == value)
    return (
        f"hasPrefix(attributes.{key_text(key)}, {quoted(value)})",
        lambda a: key in a and a[key][: len(value)] == value,
    )


def negated(word: str, case: Case) -> Case:
    return f"{word}({case[0]})", lambda attributes: not case[1](attributes)


def joined(operator: str, cases: list[Case]) -> Case:
    text = f" {operator} ".join(f"({text})" for text, _ in cases)
    merge = all if operator == "AND" else any
    return text, lambda attributes: merge(predicate(attributes) for _, predicate in cases)


CASES: st.SearchStrategy[Any] = st.recursive(
    st.builds(comparison, st.sampled_from(["has", "=", "!=", "prefix"]), KEYS, VALUES),
    lambda inner: st.one_of(
        st.builds(negated, st.sampled_from(["NOT ", "-", "NOT"]), inner),
        st.builds(joined, st.sampled_from(["AND", "OR"]), st.lists(inner, min_size=2, max_size=3)),
    ),
    max_leaves=6,
)


@given(CASES, st.dictionaries(KEYS, VALUES, max_size=4))
def test_every_expression_means_what_it_says(case: Case, attributes: dict[str, str]) -> None:
    text, expected = case
    assume(len(text.encode()) <= filters.MAX_FILTER_BYTES)
    assert filters.parse(text)(attributes) is expected(attributes)


@given(st.text(max_size=60))
def test_any_text_is_parsed_or_refused(text: str) -> None:
    try:
        filters.parse(text)({})
    except InvalidArgumentError as error:
        assert "filter" in str(error).lower()
