import pytest

from infra.local.errors import StackError
from infra.local.part import Part, levels


def part(name: str, *after: str) -> Part:
    return Part(name, ("true",), after=after)


def test_levels_follow_the_needs() -> None:
    found = levels([part("jobs", "topics"), part("topics", "pubsub"), part("pubsub"), part("redis")])
    assert [[p.name for p in level] for level in found] == [["pubsub", "redis"], ["topics"], ["jobs"]]


@pytest.mark.parametrize("parts", [[part("a", "b"), part("b", "a")], [part("a", "nobody")]])
def test_a_need_that_nothing_meets_is_refused(parts: list[Part]) -> None:
    with pytest.raises(StackError, match="wait for one another"):
        levels(parts)
