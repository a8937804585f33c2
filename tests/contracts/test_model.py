from decimal import Decimal

from contracts.payloads import Proposal, Side


def test_a_contract_of_known_values_is_the_checked_one() -> None:
    told = {
        "symbol": "BTCUSDT", "side": Side.BUY, "confidence": 0.5, "decision_id": "d-1", "size_fraction": 1.0,
        "price": Decimal("42000.1"), "horizon_seconds": 60,
    }  # fmt: skip
    checked, known = Proposal(**told), Proposal.of_known(**told)
    assert known == checked
    assert list(known.__dict__) == list(Proposal.model_fields)
    assert known.to_json() == checked.to_json()
