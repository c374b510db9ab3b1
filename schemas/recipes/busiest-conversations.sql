-- The conversations with the most messages in an hour in which something was said, and who took part.
WITH names AS (SELECT conversationId, any_value(title) AS title FROM events WHERE title IS NOT NULL GROUP BY ALL)
SELECT
  coalesce(title, conversationId) AS conversation,
  count(*) / count(DISTINCT date_trunc('hour', saidAt)) AS messages_per_hour,
  count(*) AS messages,
  count(DISTINCT sender) AS people
FROM said LEFT JOIN names USING (conversationId)
GROUP BY ALL
HAVING count(*) >= 100
ORDER BY messages_per_hour DESC, conversation
LIMIT 15;
