-- Which genres of anime premiere in each season of the year?
-- The three genres with most anime of each season; share is that of the season's anime that have
-- the genre.
WITH seasons AS (
    SELECT season_year, season, count(*) AS num_premieres
    FROM gold.dim_anime
    WHERE season_year IS NOT NULL AND season IS NOT NULL
    GROUP BY season_year, season
),

genres AS (
    SELECT
        anime.season_year,
        anime.season,
        bridge.genre,
        count(*) AS num_anime,
        avg(anime.score) AS avg_score,
        rank() OVER (
            PARTITION BY anime.season_year, anime.season ORDER BY count(*) DESC
        ) AS place
    FROM gold.dim_anime AS anime
    INNER JOIN gold.bridge_anime_genre AS bridge ON bridge.anime_id = anime.anime_id
    GROUP BY anime.season_year, anime.season, bridge.genre
)

SELECT
    genres.season_year,
    genres.season,
    genres.place,
    genres.genre,
    genres.num_anime,
    round(CAST(genres.num_anime AS double) / seasons.num_premieres, 3) AS share,
    round(genres.avg_score, 2) AS avg_score
FROM genres
INNER JOIN seasons
    ON seasons.season_year = genres.season_year AND seasons.season = genres.season
WHERE genres.place <= 3
ORDER BY
    genres.season_year DESC,
    CASE genres.season WHEN 'winter' THEN 1 WHEN 'spring' THEN 2 WHEN 'summer' THEN 3 ELSE 4 END,
    genres.place,
    genres.genre
