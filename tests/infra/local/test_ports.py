import socket
from collections.abc import Iterator
from dataclasses import asdict

import pytest

from infra.local.ports import HOST, PortError, Ports


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.socket() as listener:
        listener.bind((HOST, 0))
        listener.listen(1)
        yield listener.getsockname()[1]


def test_defaults_are_the_documented_ones() -> None:
    assert (Ports().execution, Ports().gateway) == (8080, 8081)


def test_a_choice_changes_one_port() -> None:
    assert Ports.chosen(["gateway=9081"]) == Ports(gateway=9081)


def test_any_free_leaves_named_ones_alone() -> None:
    ports = Ports.chosen(["execution=9080"], any_free=True)
    assert ports.execution == 9080
    assert set(asdict(ports).values()) == {0, 9080}


def test_zero_becomes_a_free_port_and_no_two_are_the_same() -> None:
    settled = asdict(Ports.chosen([], any_free=True).settled())
    assert 0 not in settled.values()
    assert len(set(settled.values())) == len(settled)


def test_a_port_in_use_is_named_with_the_way_out(taken: int) -> None:
    with pytest.raises(PortError, match=rf"port {taken} \(vertex\) is in use.*--port vertex="):
        Ports.chosen([f"vertex={taken}"], any_free=True).settled()


def test_a_port_in_use_is_fine_where_nothing_is_started(taken: int) -> None:
    ports = Ports.chosen([f"redis={taken}"], any_free=True)
    assert ports.settled(unused=["redis"]).redis == taken


def test_one_port_for_two_is_refused() -> None:
    with pytest.raises(PortError, match="given to both execution and gateway"):
        Ports.chosen(["execution=9999", "gateway=9999"], any_free=True).settled()


@pytest.mark.parametrize("choice", ["nobody=1", "redis", "redis=", "redis=seven", "redis=-1", "redis=65536"])
def test_an_impossible_choice_is_refused(choice: str) -> None:
    with pytest.raises(PortError):
        Ports.chosen([choice])
