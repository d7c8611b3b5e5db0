-- Which films are most popular?
-- By the number of MovieLens ratings, with the interest and the votes that TMDB counts beside
-- them where the film is known there.
SELECT
    film.title,
    film.release_year,
    film.num_ratings,
    round(film.avg_rating, 2) AS avg_rating,
    score.tmdb_popularity,
    score.tmdb_vote_average,
    score.tmdb_vote_count
FROM gold.movies_analytics AS film
LEFT JOIN gold.movie_scores AS score ON score.movie_id = film.movie_id
ORDER BY film.num_ratings DESC, film.movie_id
LIMIT 20
