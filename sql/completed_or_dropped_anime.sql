-- Which anime are watched to the end, and which are dropped?
-- Of the hundred anime that most users have finished with, one way or the other: those that the
-- greatest share gave up come first.
WITH finished AS (
    SELECT
        anime_id,
        title,
        num_completed,
        num_dropped,
        num_completed + num_dropped AS num_finished
    FROM gold.anime_popularity
    WHERE num_completed + num_dropped > 0
    ORDER BY num_finished DESC, anime_id
    LIMIT 100
)

SELECT
    title,
    num_completed,
    num_dropped,
    round(CAST(num_dropped AS double) / num_finished, 3) AS share_dropped
FROM finished
ORDER BY share_dropped DESC, num_finished DESC, anime_id
