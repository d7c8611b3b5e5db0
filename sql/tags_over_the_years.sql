-- How do tags fare over the years of release?
-- For every tag the first and the last of its years, the films and ratings that it stands on, and
-- the year whose films were liked best.
SELECT
    tag,
    min(release_year) AS first_year,
    max(release_year) AS last_year,
    count(*) AS num_years,
    sum(num_movies) AS num_movies,
    sum(num_ratings) AS num_ratings,
    round(sum(avg_rating * num_ratings) / sum(num_ratings), 2) AS avg_rating,
    max_by(release_year, avg_rating) AS best_year
FROM gold.tag_ratings_by_year
GROUP BY tag
ORDER BY num_ratings DESC, tag
LIMIT 50
