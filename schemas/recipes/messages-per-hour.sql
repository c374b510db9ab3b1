-- By day of the week (1 is Monday) and hour of the day: how many messages a conversation has in an hour in which something
-- was said in it. Not their sum: that would tell how many logs of that hour there are.
SELECT
  isodow(saidAt) AS day,
  hour(saidAt) AS hour,
  count(*) AS messages,
  count(*) / count(DISTINCT (conversationId, date_trunc('hour', saidAt))) AS messages_per_hour
FROM said
GROUP BY ALL
ORDER BY ALL;
