-- What each agent made in each symbol, by desk and day (UTC): realised + change of unrealised - fees + funding. A day's rows add up to the desk's profit of the day.
SELECT
  desk,
  day,
  agent,
  symbol,
  realised_pnl,
  unrealised_pnl,
  fees,
  funding,
  profit,
  event_time AS told_at
FROM `${project}.${dataset}.attribution`
WHERE TRUE
QUALIFY ROW_NUMBER() OVER (
  PARTITION BY desk, day, agent, symbol ORDER BY event_time DESC, position DESC
) = 1
