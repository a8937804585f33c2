-- What each agent said, heard and did, by desk and hour (UTC): its messages, the copies it was or was not given, its decisions, its orders.
SELECT
  desk,
  agent,
  hour,
  SUM(sent) AS messages_sent,
  SUM(throttled) AS messages_throttled,
  SUM(delivered) AS copies_delivered,
  SUM(suppressed) AS copies_suppressed,
  SUM(decided) AS decisions,
  SUM(ordered) AS orders
FROM (
  SELECT
    desk, sender AS agent, TIMESTAMP_TRUNC(event_time, HOUR) AS hour,
    1 AS sent, IF(verdict = 'throttled', 1, 0) AS throttled, 0 AS delivered, 0 AS suppressed, 0 AS decided, 0 AS ordered
  FROM `${project}.${dataset}.messages`
  UNION ALL
  SELECT
    desk, recipient, TIMESTAMP_TRUNC(event_time, HOUR),
    0, 0, IF(delivered, 1, 0), IF(delivered, 0, 1), 0, 0
  FROM `${project}.${dataset}.deliveries`
  UNION ALL
  SELECT desk, agent, TIMESTAMP_TRUNC(event_time, HOUR), 0, 0, 0, 0, 1, 0
  FROM `${project}.${dataset}.decisions`
  UNION ALL
  SELECT desk, agent, TIMESTAMP_TRUNC(event_time, HOUR), 0, 0, 0, 0, 0, 1
  FROM `${project}.${dataset}.orders`
)
GROUP BY desk, agent, hour
