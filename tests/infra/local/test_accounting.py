from collections.abc import Mapping

from infra.local.accounting import Balance, balances, is_drained, is_followed, unbalanced
from infra.local.evidence import Evidence, SubscriptionCounts

JOBS = ("market", "coordination", "decisions", "trading", "export")
BOTS = ("freqtrade-hft", "hummingbot-mm")


def evidence(**changes: object) -> Evidence:
    """A desk at rest whose accounts balance."""
    told: dict[str, object] = {
        "published": {"rows": 12},
        "subscriptions": {
            "market-data-market": SubscriptionCounts(received=10, acked=10),
            "messages-coordination": SubscriptionCounts(received=7, acked=7),
            "snapshots-decisions": SubscriptionCounts(received=6, acked=5, backlog=1),
            "trading-trading": SubscriptionCounts(received=9, acked=9),
            "rows-export": SubscriptionCounts(received=12, acked=12),
            "inbox-freqtrade-hft": SubscriptionCounts(received=3, acked=2, backlog=1),
            "inbox-hummingbot-mm": SubscriptionCounts(received=4, acked=3, given_up=1),
        },
        "flows": {
            "replay": {"in": 12, "out": 11, "refused": 1},
            "market": {"in": 10, "out": 10, "rows": 15},
            "coordination": {"in": 7, "out": 5, "refused": 2, "rows": 25},
            "decisions": {"in": 5, "out": 5},
            "trading": {"in": 9, "out": 9},
            "export": {"in": 40, "out": 39, "refused": 1, "row_messages": 12},
            "gateway": {"in": 5, "out": 4, "refused": 1},
            "execution": {"in": 3, "out": 2, "open": 1},
        },
        "counts": {"rows:communication_metrics": 3},
        "tables": {"messages": 39, "communication_metrics": 3, "dead_letters": 1},
    }
    return Evidence(**(told | changes))  # type: ignore[arg-type]


def accounts(seen: Evidence) -> Mapping[str, Balance]:
    return balances(seen, JOBS, BOTS)


def test_every_stage_has_its_account() -> None:
    assert {stage: tuple(account.as_json().values()) for stage, account in accounts(evidence()).items()} == {
        "replay": (12, 11, 1, 0),
        "market": (10, 10, 0, 0),
        "coordination": (7, 5, 2, 0),
        "decisions": (6, 5, 0, 1),
        "trading": (9, 9, 0, 0),
        "export": (12, 12, 0, 0),
        "gateway": (5, 4, 1, 0),
        "inbox": (7, 5, 1, 1),
        "execution": (3, 2, 0, 1),
        "rows": (44, 43, 1, 0),
    }
    assert unbalanced(accounts(evidence())) == []


def test_a_job_that_lost_a_message_does_not_balance() -> None:
    flows = dict(evidence().flows) | {"trading": {"in": 8, "out": 8}}
    assert unbalanced(accounts(evidence(flows=flows))) == ["trading (+1)"]


def test_a_row_that_never_reached_its_table_is_missed() -> None:
    tables = {"messages": 37, "communication_metrics": 3, "dead_letters": 1}
    assert unbalanced(accounts(evidence(tables=tables))) == ["rows (+2)"]


def test_a_row_that_bigquery_refused_is_accounted_for_by_its_dead_letter() -> None:
    """It was published, and so was the row of its dead letter; one of the two is in a table."""
    flows = dict(evidence().flows)
    flows["market"] = {"in": 10, "out": 10, "rows": 16}
    flows["export"] = {"in": 41, "out": 40, "refused": 1, "rows_refused": 1, "row_messages": 12}
    seen = evidence(flows=flows)
    assert unbalanced(accounts(seen)) == []


def test_without_pubsubs_own_counts_the_jobs_word_is_taken() -> None:
    seen = evidence(published=None, subscriptions=None)
    assert accounts(seen)["decisions"] == Balance(5, 5, 0, 0)
    assert accounts(seen)["rows"].entered == 44


def test_rows_that_export_has_not_read_yet_are_held() -> None:
    flows = dict(evidence().flows) | {"market": {"in": 10, "out": 10, "rows": 19}}
    assert accounts(evidence(flows=flows))["rows"] == Balance(48, 43, 1, 4)


def test_jobs_that_do_not_run_have_no_account() -> None:
    assert "trading" not in balances(evidence(), ("market",), BOTS)


def test_a_desk_is_drained_when_nothing_waits_for_a_job() -> None:
    assert not is_drained(evidence())
    subscriptions = dict(evidence().subscriptions or {})
    subscriptions["snapshots-decisions"] = SubscriptionCounts(received=6, acked=6)
    assert is_drained(evidence(subscriptions=subscriptions)), "an inbox may hold what its bot did not fetch"


def test_the_market_is_followed_when_no_bot_has_any_of_it_left() -> None:
    def seen(backlog: int) -> Evidence:
        counts = SubscriptionCounts(received=4, acked=4 - backlog, backlog=backlog)
        return evidence(subscriptions={"market-data-freqtrade-hft": counts})

    assert not is_followed(seen(1), BOTS)
    assert is_followed(seen(0), BOTS)
    assert is_followed(evidence(subscriptions=None), BOTS), "nobody can tell"
