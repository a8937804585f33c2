"""What the exchange verifies: signatures, nonces, limits; and the faults that it can be asked for."""

import asyncio
from collections.abc import Callable
from typing import Any

import ccxt
import coincurve
import pytest
from hypothesis import given
from hypothesis import strategies as st

from execution.exchange.faults import Fault
from execution.exchange.nonces import NonceRefused, Nonces
from execution.exchange.server import ExchangeServer
from execution.exchange.signatures import BadSignature, address_of, new_wallet, signer_of
from execution.exchange.weights import TooMuch, Weights
from tests.execution.exchange.program import BTC, Program, connected

Run = Callable[[Any], Any]
ORDER = {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": "0.001"}


# --- signatures ----------------------------------------------------------------------------------------


def test_the_venues_own_example_key_signs_as_ccxt_does() -> None:
    """The key pair of the venue's documentation; ccxt signs, we verify by the standard."""
    key = "0x4fd0a42218f3eae43a6ce26d22544e986139a01e5b34a62db53757ffca81bae1"
    signer = "0x21cf8ae13bb72632562c6fff438652ba1a151bb0"
    program = ccxt.aster({"privateKey": key, "options": {"builderFee": False}})
    signed = program.sign("v3/order", ["fapiPrivate"], "POST", {"symbol": "BTCUSDT", "side": "BUY"})
    words, _, signature = signed["body"].rpartition("&signature=")
    assert signer_of(words, signature) == signer
    assert signer_of(words, signature, chain_id=714) != signer, "another chain is another signature"
    assert signer_of(words.replace("BUY", "SELL"), signature) != signer
    assert address_of(coincurve.PrivateKey.from_hex(key[2:]).public_key) == signer


@pytest.mark.parametrize("signature", ["", "0x12", "zz" * 65, "00" * 65, "00" * 64 + "1b", "ff" * 64 + "1b"])
def test_what_is_no_signature(signature: str) -> None:
    with pytest.raises(BadSignature):
        signer_of("symbol=BTCUSDT", signature)


def test_a_stranger_and_a_changed_request_are_refused(server: ExchangeServer, run: Run) -> None:
    stranger = connected(server, new_wallet()[0])
    with pytest.raises(ccxt.AuthenticationError, match="-2015"):
        run(stranger.fapiPrivateGetV3Balance())
    run(stranger.close())


def test_a_request_in_another_s_name_is_refused(server: ExchangeServer, wallet: str, run: Run) -> None:
    known = address_of(coincurve.PrivateKey.from_hex(wallet[2:]).public_key)
    other = connected(server, new_wallet()[0])
    with pytest.raises(ccxt.AuthenticationError, match="-2015"):
        run(other.fapiPrivateGetV3Balance({"user": known}))
    with pytest.raises(ccxt.AuthenticationError, match="-1022"):
        run(other.fapiPrivateGetV3Balance({"signer": known}))
    run(other.close())


def test_another_chain_is_refused(server: ExchangeServer, wallet: str, run: Run) -> None:
    testnet = connected(server, wallet, v3ChainId=714)
    with pytest.raises(ccxt.AuthenticationError, match="-1022"):
        run(testnet.fapiPrivateGetV3Balance())
    run(testnet.close())


def test_a_replay_is_refused(program: Program, run: Run, server: ExchangeServer) -> None:
    nonce = str(server.micros())
    run(program.fapiPrivateGetV3Balance({"nonce": nonce}))
    with pytest.raises(ccxt.BaseError, match=r"-4225.*has been used"):
        run(program.fapiPrivateGetV3Balance({"nonce": nonce}))
    with pytest.raises(ccxt.BaseError, match=r"-4225.*within 60 seconds"):
        run(program.fapiPrivateGetV3Balance({"nonce": str(server.micros() - 61_000_000)}))


@given(st.lists(st.integers(-70_000_000, 70_000_000), max_size=300))
def test_no_nonce_is_ever_taken_twice(offsets: list[int]) -> None:
    nonces, now, taken = Nonces(), 1_700_000_000_000_000, []
    for offset in offsets:
        try:
            nonces.take("0xa", now + offset, now)
        except NonceRefused:
            continue
        taken.append(offset)
    assert len(taken) == len(set(taken))
    assert all(abs(offset) <= 60_000_000 for offset in taken)


# --- limits --------------------------------------------------------------------------------------------


def test_429_then_418_and_the_minute_after() -> None:
    weights = Weights(weight_limit=10)
    assert [weights.take_weight("a", 5, 0.0) for _ in range(2)] == [5, 10]
    for _ in range(10):
        with pytest.raises(TooMuch) as refused:
            weights.take_weight("a", 1, 30.0)
        assert (refused.value.status, refused.value.retry_after) == (429, 30)
    with pytest.raises(TooMuch) as banned:
        weights.take_weight("a", 1, 30.0)
    assert (banned.value.status, banned.value.retry_after) == (418, 120)
    assert weights.take_weight("b", 1, 30.0) == 1, "another address"
    with pytest.raises(TooMuch):
        weights.take_weight("a", 1, 149.0)
    assert weights.take_weight("a", 1, 151.0) == 1


def test_orders_are_counted_by_account() -> None:
    weights = Weights(order_limit=2)
    assert [weights.take_orders("a", 1, 0.0) for _ in range(2)] == [1, 2]
    with pytest.raises(TooMuch):
        weights.take_orders("a", 1, 59.0)
    assert weights.take_orders("a", 1, 60.0) == 1


def test_answers_carry_what_was_used(program: Program, run: Run, server: ExchangeServer) -> None:
    server.skip(60)
    run(program.fapiPrivatePostV3Order(ORDER))
    headers = {name.lower(): value for name, value in program.last_response_headers.items()}
    assert (headers["x-mbx-used-weight-1m"], headers["x-mbx-order-count-1m"]) == ("1", "1")
    run(program.fapiPrivateGetV3UserTrades({"symbol": "BTCUSDT"}))
    headers = {name.lower(): value for name, value in program.last_response_headers.items()}
    assert headers["x-mbx-used-weight-1m"] == "6"


# --- faults --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", [f for f in Fault if f is not Fault.SLOW])
def test_a_fault_is_done_or_not_whatever_is_seen(
    program: Program, run: Run, server: ExchangeServer, fault: Fault
) -> None:
    name = f"fault-{fault.name}".lower()
    server.call(lambda: server.api.faults.add("POST /fapi/v3/order", fault))
    answer: Any = None
    try:
        answer = run(program.fapiPrivatePostV3Order(ORDER | {"newClientOrderId": name}))
    except ccxt.BaseError as error:
        answer = error
    assert not isinstance(answer, dict)
    if fault.is_done:
        assert run(program.fetch_order("", BTC, {"clientOrderId": name}))["filled"] == 0.001
    else:
        with pytest.raises(ccxt.OrderNotFound):
            run(program.fetch_order("", BTC, {"clientOrderId": name}))


def test_a_slow_answer_comes_when_it_is_let_go(
    program: Program, server: ExchangeServer, loop: asyncio.AbstractEventLoop
) -> None:
    server.call(lambda: server.api.faults.add("POST /fapi/v3/order", Fault.SLOW))

    async def ask() -> Any:
        waiting = asyncio.ensure_future(program.fapiPrivatePostV3Order(ORDER | {"newClientOrderId": "slow"}))
        while "slow" not in [heard.parameters.get("newClientOrderId") for heard in server.api.heard]:
            await asyncio.sleep(0)
        assert not waiting.done()
        server.call(server.api.faults.release)
        return await waiting

    assert loop.run_until_complete(ask())["status"] == "FILLED"


def test_no_builder_fee_was_ever_asked_for(server: ExchangeServer) -> None:
    for heard in server.api.heard:
        assert not {"builder", "feeRate"} & heard.parameters.keys()
        assert "uilder" not in heard.endpoint
