-- Which actors and directors are popular in each decade?
-- The five of each role with most ratings of their films of that decade; the mean, and then the
-- name, decide between equals.
SELECT
    decade,
    role,
    rank_in_decade,
    name,
    num_movies,
    num_ratings,
    round(avg_rating, 2) AS avg_rating
FROM gold.popular_people_by_decade
WHERE rank_in_decade <= 5
ORDER BY decade DESC, role, rank_in_decade
