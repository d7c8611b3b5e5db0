-- Which genres of anime are made in each year, and how are they received?
-- The five genres with most anime that premiered in the year (an anime counts in each of its
-- genres); change is the number of anime against the year earlier.
WITH ranked AS (
    SELECT
        season_year,
        genre,
        num_anime,
        avg_score,
        sum_members,
        rank() OVER (PARTITION BY season_year ORDER BY num_anime DESC) AS place
    FROM gold.anime_genre_by_year
)

SELECT
    ranked.season_year,
    ranked.place,
    ranked.genre,
    ranked.num_anime,
    ranked.num_anime - coalesce(earlier.num_anime, 0) AS change,
    round(ranked.avg_score, 2) AS avg_score,
    ranked.sum_members
FROM ranked
LEFT JOIN gold.anime_genre_by_year AS earlier
    ON earlier.genre = ranked.genre AND earlier.season_year = ranked.season_year - 1
WHERE ranked.place <= 5
ORDER BY ranked.season_year DESC, ranked.place, ranked.genre
