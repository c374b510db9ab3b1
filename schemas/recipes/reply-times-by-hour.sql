-- By hour of the day: how many messages, and the share of them that waited two minutes or more until somebody else spoke.
SELECT
  hour(saidAt) AS hour,
  count(*) AS messages,
  100.0 * count(*) FILTER (minutes >= 2) / count(*) AS percent_waited
FROM replies
GROUP BY ALL
ORDER BY hour;
