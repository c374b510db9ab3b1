-- For each message that somebody else spoke after: how long until then, in the same conversation.
--
--   ann  hi          ┐ turn 1
--   ann  anyone?     ┘          both waited until bob began his turn
--   bob  yes           turn 2
CREATE VIEW replies AS
WITH turns AS (
  SELECT *, sum(isNew::INT) OVER (PARTITION BY conversationId ORDER BY seq) AS turn
  FROM (
    SELECT *, sender IS DISTINCT FROM lag(sender) OVER (PARTITION BY conversationId ORDER BY seq) AS isNew
    FROM said
  )
)
SELECT
  message.conversationId,
  message.seq,
  message.saidAt,
  -- Whole minutes of the clock: the history has no seconds.
  greatest(0, date_diff('minute', message.saidAt, answer.saidAt)) AS minutes
FROM turns AS message
JOIN turns AS answer
  ON answer.conversationId = message.conversationId AND answer.turn = message.turn + 1 AND answer.isNew;
