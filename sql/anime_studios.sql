-- Which studios make most anime, and how are they received?
-- An anime of several studios counts for each; best is the one with the highest score.
SELECT
    bridge.studio,
    count(*) AS num_anime,
    count(anime.score) AS num_scored,
    round(avg(anime.score), 2) AS avg_score,
    sum(anime.members) AS sum_members,
    max_by(anime.title, anime.score) AS best,
    min(anime.season_year) AS first_year,
    max(anime.season_year) AS last_year
FROM gold.bridge_anime_studio AS bridge
INNER JOIN gold.dim_anime AS anime ON anime.anime_id = bridge.anime_id
GROUP BY bridge.studio
ORDER BY num_anime DESC, bridge.studio
LIMIT 20
