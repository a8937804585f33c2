"""How the Aster venue is set up: the key from a secret alone and never shown, the networks, what counts as real money."""

import logging
import traceback
from pathlib import Path

import pytest
from pydantic import SecretStr

from execution.exchange.signatures import new_wallet
from execution.venues.aster.aster_venue import AsterVenue
from execution.venues.aster.settings import AsterSettings, AsterSettingsError, PositionMode
from execution.venues.aster.signed_exchange import BuilderFee, signed_exchange

KEY = new_wallet()[0]


def settings(**changes: object) -> AsterSettings:
    return AsterSettings(**({"private_key": SecretStr(KEY)} | changes))  # type: ignore[arg-type]


def test_the_key_comes_from_the_environment_or_a_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SAPPHIRE_ASTER_PRIVATE_KEY", KEY.removeprefix("0x").upper())
    assert AsterSettings.read().key() == KEY
    monkeypatch.delenv("SAPPHIRE_ASTER_PRIVATE_KEY")
    secret = tmp_path / "key"
    secret.write_text(f"{KEY}\n")
    monkeypatch.setenv("SAPPHIRE_ASTER_PRIVATE_KEY_FILE", str(secret))
    assert AsterSettings.read().key() == KEY


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        (
            {"private_key": SecretStr("")},
            "give SAPPHIRE_ASTER_PRIVATE_KEY_FILE or SAPPHIRE_ASTER_PRIVATE_KEY",
        ),
        ({"private_key": SecretStr(KEY[:-1])}, "not 64 hexadecimal digits"),
        ({"private_key": SecretStr(KEY[:-1] + "g")}, "not 64 hexadecimal digits"),
        (
            {"private_key": SecretStr(""), "private_key_file": Path("/nowhere")},
            "cannot be read: No such file",
        ),
    ],
)
def test_what_is_no_key_is_told_without_it(changes: dict[str, object], sentence: str) -> None:
    with pytest.raises(AsterSettingsError, match=sentence) as refused:
        settings(**changes).key()
    assert KEY[2:12] not in "".join(traceback.format_exception(refused.value))


def test_a_wrong_variable_is_told_by_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SAPPHIRE_ASTER_LEVERAGE", "200")
    monkeypatch.setenv("SAPPHIRE_ASTER_PRIVATE_KEY", KEY)
    with pytest.raises(AsterSettingsError, match="leverage") as refused:
        AsterSettings.read()
    assert KEY[2:12] not in "".join(traceback.format_exception(refused.value))


def test_the_key_is_in_no_text(caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]) -> None:
    caplog.set_level(logging.DEBUG)
    ours = settings(network="http://127.0.0.1:9")
    venue = AsterVenue(ours, frozenset({"BTCUSDT"}))
    signed = venue._exchange.sign("v3/order", ["fapiPrivate"], "POST", {"symbol": "BTCUSDT"})
    texts = [
        repr(ours),
        str(ours),
        ours.model_dump_json(),
        repr(venue),
        str(venue._exchange),
        repr(venue._exchange),
    ]
    texts += [str(signed), caplog.text, *capfd.readouterr()]
    assert not any(KEY[2:12] in text for text in texts)


@pytest.mark.parametrize(
    ("network", "name", "is_live"),
    [
        ("mainnet", "aster", True),
        ("testnet", "aster-testnet", False),
        ("http://127.0.0.1:9000", "aster-local", False),
        ("http://localhost:9000/", "aster-local", False),
        ("https://fapi.asterdex.com", "aster", True),
        ("http://127.0.0.1.example.com", "aster", True),
    ],
)
def test_what_counts_as_real_money(network: str, name: str, is_live: bool) -> None:
    assert (settings(network=network).name, settings(network=network).is_live) == (name, is_live)


def test_the_testnet_signs_for_its_own_chain() -> None:
    exchange = signed_exchange(settings(network="testnet"))
    assert exchange.options["v3ChainId"] == 714
    assert exchange.urls["api"]["fapiPrivate"] == "https://fapi.asterdex-testnet.com/fapi"
    assert exchange.urls["api"]["ws"]["private"]["swap"] == "wss://fstream.asterdex-testnet.com/ws"
    plain = signed_exchange(settings())
    assert plain.options["v3ChainId"] == 1666
    assert plain.urls["api"]["fapiPrivate"] == "https://fapi.asterdex.com/fapi"
    with pytest.raises(AsterSettingsError, match="mainnet, testnet or the address"):
        signed_exchange(settings(network="devnet"))


def test_swaps_without_a_builder_fee() -> None:
    exchange = signed_exchange(settings())
    assert (exchange.options["defaultType"], exchange.options["builderFee"]) == ("swap", False)
    for path, parameters in (
        ("v3/order", {"builder": "0x1"}),
        ("v3/order", {"feeRate": "0.001"}),
        ("v3/approveBuilder", {}),
        ("v3/updateBuilder", {}),
    ):
        with pytest.raises(BuilderFee):
            exchange.sign(path, ["fapiPrivate"], "POST", parameters)
    exchange.options["builderFee"] = True
    with pytest.raises(BuilderFee):
        exchange.sign("v3/order", ["fapiPrivate"], "POST", {"builder": "0x1", "feeRate": "0.001"})


def test_no_nonce_repeats_within_a_microsecond() -> None:
    exchange = signed_exchange(settings(account="0xabc"))
    exchange.limits  # noqa: B018 - set
    exchange.ticks = lambda: 1_700_000_000.0
    bodies = [exchange.sign("v3/order", ["fapiPrivate"], "POST", {"symbol": "X"})["body"] for _ in range(3)]
    assert [body.split("&")[0] for body in bodies] == [f"nonce={1_700_000_000_000_000 + n}" for n in range(3)]
    assert "&user=0xabc&" in bodies[0]


def test_modes_are_read_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SAPPHIRE_ASTER_POSITION_MODE", "hedge")
    monkeypatch.setenv("SAPPHIRE_ASTER_MARGIN", "isolated")
    read = AsterSettings.read()
    assert (read.position_mode, read.margin, read.leverage) == (PositionMode.HEDGE, "isolated", None)
