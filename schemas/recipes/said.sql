-- Every message, and when it was said: by its own account where it was imported (fanlog-time in the content type), by the
-- log's clock otherwise. `events` is the export, as run.ts opens it:
--
--   CREATE VIEW events AS SELECT * FROM 'export/*.parquet';
CREATE VIEW said AS
SELECT
  conversationId,
  seq,
  sender,
  text,
  coalesce(
    make_timestamp(1000 * TRY_CAST(regexp_extract(contentType, 'fanlog-time=(\d+)', 1) AS BIGINT)),
    time AT TIME ZONE 'UTC'
  ) AS saidAt
FROM events
WHERE kind = 'MessageSent';
