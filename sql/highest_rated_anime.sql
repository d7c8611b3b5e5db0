-- Which anime do users rate highest?
-- By the weighted rating: an anime with few ratings is drawn towards the mean of all. The score
-- is that of all of MyAnimeList, for comparison.
SELECT
    popularity.title,
    anime.type,
    anime.season_year,
    popularity.num_ratings,
    round(popularity.avg_rating, 2) AS avg_rating,
    round(popularity.weighted_rating, 3) AS weighted_rating,
    anime.score
FROM gold.anime_popularity AS popularity
LEFT JOIN gold.dim_anime AS anime ON anime.anime_id = popularity.anime_id
WHERE popularity.num_ratings > 0
ORDER BY popularity.weighted_rating DESC, popularity.anime_id
LIMIT 20
