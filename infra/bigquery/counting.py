"""Counting what is in the tables, through the ordinary client: the desk's own word is not asked."""

from collections.abc import Iterable

from google.cloud import bigquery

from contracts.tables import TABLES


def rows_by_table(
    client: bigquery.Client, dataset: str, tables: Iterable[str] = tuple(TABLES)
) -> dict[str, int]:
    """COUNT(*) of each table."""
    query = " UNION ALL ".join(
        f"SELECT '{name}' AS name, COUNT(*) AS found FROM `{client.project}.{dataset}.{name}`"  # noqa: S608
        for name in tables
    )
    found = {row["name"]: int(row["found"]) for row in client.query_and_wait(query)}
    return {name: found[name] for name in tables}


def calls_by_model(client: bigquery.Client, dataset: str) -> dict[str, int]:
    """How many calls each model answered, or left unanswered, the most first."""
    query = f"""
        SELECT model, COUNT(*) AS found FROM `{client.project}.{dataset}.model_calls`
        GROUP BY model ORDER BY found DESC, model
    """  # noqa: S608
    return {row["model"]: int(row["found"]) for row in client.query_and_wait(query)}


def verdicts(client: bigquery.Client, dataset: str) -> dict[str, int]:
    """The verdicts: messages throttled, copies delivered or suppressed, proposals refused, fills."""
    home = f"{client.project}.{dataset}"
    query = f"""
        SELECT
          (SELECT COUNTIF(verdict = 'throttled') FROM `{home}.messages`) AS throttled,
          (SELECT COUNTIF(delivered) FROM `{home}.deliveries`) AS deliveries,
          (SELECT COUNTIF(NOT delivered) FROM `{home}.deliveries`) AS suppressed,
          (SELECT COUNTIF(NOT accepted) FROM `{home}.risk_verdicts`) AS refused_proposals,
          (SELECT COUNTIF(last_quantity IS NOT NULL) FROM `{home}.executions`) AS fills
    """  # noqa: S608
    row = next(iter(client.query_and_wait(query)))
    return {name: int(count) for name, count in row.items()}
