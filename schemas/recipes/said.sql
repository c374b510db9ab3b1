-- Every message, and when it was said: by its own account where it was imported (fanlog-time in the content type), by the
-- log's clock otherwise. Any sender may write a content type, so that account is a claim; what is no time of at most 13
-- digits (up to the year 2286) is none. `events` is the export, as run.ts opens it:
--
--   CREATE VIEW events AS SELECT * FROM read_parquet('export/*.parquet', union_by_name = true);
CREATE VIEW said AS
SELECT
  conversationId,
  seq,
  sender,
  text,
  coalesce(
    make_timestamp(1000 * TRY_CAST(regexp_extract(contentType, 'fanlog-time=(\d{1,13})(?:;|$)', 1) AS BIGINT)),
    time AT TIME ZONE 'UTC'
  ) AS saidAt
FROM events
WHERE kind = 'MessageSent';
