from decimal import ROUND_HALF_EVEN, getcontext

from ccxt.base.decimal_to_precision import DECIMAL_PLACES, ROUND

from execution.aster_exchange import TESTNET_CHAIN_ID, AsterPerpetuals, aster_exchange


def test_perpetuals_without_a_builder_fee_or_a_key() -> None:
    exchange = aster_exchange()
    assert isinstance(exchange, AsterPerpetuals)
    assert exchange.options["defaultType"] == "swap"
    assert exchange.options["builderFee"] is False
    assert (exchange.privateKey, exchange.has["fetchCurrencies"]) == ("", False)


def test_every_address_is_replaced() -> None:
    exchange = aster_exchange(
        rest_url="http://127.0.0.1:1/", stream_url="ws://127.0.0.1:2", chain_id=TESTNET_CHAIN_ID
    )
    assert exchange.options["v3ChainId"] == 714
    api = exchange.urls["api"]
    addresses = [v for k, v in api.items() if k != "ws"] + [
        v for side in api["ws"].values() for v in side.values()
    ]
    assert len(addresses) == 8
    assert {address[: address.index(":", 5) + 2] for address in addresses} == {
        "http://127.0.0.1:1",
        "ws://127.0.0.1:2",
    }
    assert aster_exchange().urls["api"]["fapiPublic"] != api["fapiPublic"], "others keep the venue's own"


def test_its_rounding_leaves_ours_alone() -> None:
    exchange = aster_exchange()
    assert exchange.decimal_to_precision("0.125", ROUND, 2, DECIMAL_PLACES) == "0.13"
    assert getcontext().rounding == ROUND_HALF_EVEN
