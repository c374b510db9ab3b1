-- The conversations with the most messages in an hour in which something was said, and who took part. Those with less than
-- 100 messages are left out, or in a small export those with less than a tenth of the longest: a few words in one hour are
-- not busy. Titles are not unique: where two have the same, the end of the id stands behind it.
WITH names AS (SELECT conversationId, any_value(title) AS title FROM events WHERE title IS NOT NULL GROUP BY ALL),
sums AS (
  SELECT
    conversationId,
    coalesce(title, conversationId) AS name,
    count(*) / count(DISTINCT date_trunc('hour', saidAt)) AS messages_per_hour,
    count(*) AS messages,
    count(DISTINCT sender) AS people
  FROM said LEFT JOIN names USING (conversationId)
  GROUP BY conversationId, title
)
SELECT
  CASE WHEN count(*) OVER (PARTITION BY name) > 1 THEN name || ' (' || right(conversationId, 6) || ')' ELSE name END
    AS conversation,
  messages_per_hour,
  messages,
  people
FROM sums
QUALIFY messages >= least(100, max(messages) OVER () / 10)
ORDER BY messages_per_hour DESC, conversation
LIMIT 15;
