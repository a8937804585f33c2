-- What each agent made by desk and day (UTC), after trading costs and beside what its model cost, what it said and heard, and the desk's consensus that it took part in.
SELECT
  desk,
  day,
  agent,
  SUM(profit) AS profit,
  SUM(fees) AS fees,
  SUM(funding) AS funding,
  SUM(model_usd) AS model_usd,
  SUM(fills) AS fills,
  SUM(traded) AS traded,
  SUM(said) AS messages_sent,
  SUM(throttled) AS messages_throttled,
  SUM(heard) AS copies_delivered,
  SUM(not_heard) AS copies_suppressed,
  SUM(agreed) AS consensus_taken_part_in
FROM (
  SELECT
    desk, day, agent, profit, fees, funding,
    CAST(0 AS NUMERIC) AS model_usd, 0 AS fills, CAST(0 AS NUMERIC) AS traded, 0 AS said, 0 AS throttled,
    0 AS heard, 0 AS not_heard, 0 AS agreed
  FROM (
    SELECT desk, day, agent, profit, fees, funding
    FROM `${project}.${dataset}.attribution`
    WHERE TRUE
    QUALIFY ROW_NUMBER() OVER (
      PARTITION BY desk, day, agent, symbol ORDER BY event_time DESC, position DESC
    ) = 1
  )
  UNION ALL
  SELECT desk, DATE(event_time), agent, 0, 0, 0, IFNULL(cost_usd, 0), 0, 0, 0, 0, 0, 0, 0
  FROM `${project}.${dataset}.model_calls`
  UNION ALL
  SELECT desk, DATE(event_time), agent, 0, 0, 0, 0, 1, last_quantity * last_price, 0, 0, 0, 0, 0
  FROM `${project}.${dataset}.executions`
  WHERE last_quantity IS NOT NULL AND last_price IS NOT NULL
  UNION ALL
  SELECT desk, DATE(event_time), sender, 0, 0, 0, 0, 0, 0, 1, IF(verdict = 'throttled', 1, 0), 0, 0, 0
  FROM `${project}.${dataset}.messages`
  WHERE message_class != 'critical'
  UNION ALL
  SELECT desk, DATE(event_time), recipient, 0, 0, 0, 0, 0, 0, 0, 0, IF(delivered, 1, 0), IF(delivered, 0, 1), 0
  FROM `${project}.${dataset}.deliveries`
  WHERE message_class != 'critical'
  UNION ALL
  SELECT desk, DATE(event_time), participant, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1
  FROM `${project}.${dataset}.messages`
  CROSS JOIN UNNEST(JSON_VALUE_ARRAY(payload, '$$.participants')) AS participant
  WHERE type = 'CONSENSUS'
)
GROUP BY desk, day, agent
