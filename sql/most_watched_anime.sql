-- Which anime are watched most right now?
-- By the users who are in the middle of it; share_watching is their part of all who have the
-- anime in their list.
SELECT
    title,
    num_watching,
    num_completed,
    round(
        CAST(num_watching AS double)
        / nullif(num_watching + num_completed + num_on_hold + num_dropped + num_plan_to_watch, 0),
        3
    ) AS share_watching,
    round(avg_rating, 2) AS avg_rating
FROM gold.anime_popularity
WHERE num_watching > 0
ORDER BY num_watching DESC, anime_id
LIMIT 20
