-- What each agent's questions to its endpoint cost and were worth, by desk and day (UTC): calls, tokens, dollars, and where the price stood at its trades' horizons (before costs).
SELECT
  desk,
  agent,
  day,
  COUNT(*) AS questions,
  COUNTIF(attempts > 0) AS calls,
  COUNTIF(outcome = 'answered') AS answered,
  COUNTIF(outcome = 'bad_answer') AS bad_answers,
  COUNTIF(outcome = 'over_budget') AS over_budget,
  COUNTIF(outcome NOT IN ('answered', 'bad_answer', 'over_budget')) AS failed,
  SUM(GREATEST(attempts - 1, 0)) AS retries,
  SUM(tokens_in) AS tokens_in,
  SUM(tokens_out) AS tokens_out,
  SUM(cost_usd) AS cost_usd,
  AVG(latency_ms) AS latency_ms_mean,
  MAX(latency_ms) AS latency_ms_max,
  COUNTIF(side != 'HOLD') AS trades,
  COUNT(moved) AS judged,
  COUNTIF(moved > 0) AS hits,
  AVG(moved) * 10000 AS move_bps_mean
FROM (
  SELECT
    asked.desk, asked.agent, TIMESTAMP_TRUNC(asked.event_time, DAY) AS day,
    asked.attempts, asked.outcome, asked.tokens_in, asked.tokens_out, asked.cost_usd, asked.latency_ms,
    decided.side,
    CASE decided.side WHEN 'BUY' THEN 1.0 WHEN 'SELL' THEN -1.0 END
      * (CAST(later.price AS FLOAT64) / CAST(decided.price AS FLOAT64) - 1.0) AS moved
  FROM `${project}.${dataset}.model_calls` AS asked
  LEFT JOIN `${project}.${dataset}.decisions` AS decided
    ON decided.decision_id = asked.decision_id AND decided.desk = asked.desk
  LEFT JOIN (
    SELECT symbol, event_time, MAX(price) AS price
    FROM `${project}.${dataset}.snapshots`
    GROUP BY symbol, event_time
  ) AS later
    ON later.symbol = decided.symbol
    AND later.event_time
      = TIMESTAMP_TRUNC(TIMESTAMP_ADD(decided.event_time, INTERVAL decided.horizon_seconds SECOND), MINUTE)
)
GROUP BY desk, agent, day
