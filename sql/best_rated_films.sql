-- Which films are rated best?
-- By the weighted rating: a film with few ratings is drawn towards the mean of all, so that five
-- people who all gave 5 stars do not put a film above one that hundreds gave 4.5.
SELECT
    title,
    release_year,
    num_ratings,
    round(avg_rating, 2) AS avg_rating,
    round(weighted_rating, 3) AS weighted_rating
FROM gold.movies_analytics
ORDER BY weighted_rating DESC, movie_id
LIMIT 20
