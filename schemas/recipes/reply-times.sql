-- How long until somebody else spoke, in classes of minutes, as a share of all messages that were followed by somebody.
WITH classes(class, first, last) AS (
  VALUES ('same minute', 0, 0), ('1', 1, 1), ('2', 2, 2), ('3–4', 3, 4), ('5–9', 5, 9), ('10–29', 10, 29),
    ('30–59', 30, 59), ('60 and more', 60, 2000000000)
)
SELECT
  class AS minutes,
  count(replies.seq) AS messages,
  -- Nobody answered anybody: then there is no share.
  100.0 * count(replies.seq) / nullif((SELECT count(*) FROM replies), 0) AS percent
FROM classes LEFT JOIN replies ON replies.minutes BETWEEN first AND last
GROUP BY class, first
ORDER BY first;
