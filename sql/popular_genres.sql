-- Which genres are popular in each decade, and how well are they rated?
-- The five genres with most ratings among the films of each decade; share is that of all ratings
-- of the decade (a film counts in each of its genres).
WITH ranked AS (
    SELECT
        decade,
        genre,
        num_movies,
        num_ratings,
        avg_rating,
        CAST(num_ratings AS double) / sum(num_ratings) OVER (PARTITION BY decade) AS share,
        rank() OVER (PARTITION BY decade ORDER BY num_ratings DESC) AS place
    FROM gold.genre_popularity
)

SELECT
    decade,
    place,
    genre,
    num_movies,
    num_ratings,
    round(share, 3) AS share,
    round(avg_rating, 2) AS avg_rating
FROM ranked
WHERE place <= 5
ORDER BY decade DESC, place, genre
