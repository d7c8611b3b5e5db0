-- How much is rated over time, and how well?
-- A row per year; the mean is over ratings, not over months. Users who rate in several months are
-- not added up: the busiest month tells.
SELECT
    year(month) AS rated_in,
    sum(num_ratings) AS num_ratings,
    round(sum(avg_rating * num_ratings) / sum(num_ratings), 3) AS avg_rating,
    max(num_users) AS most_users_in_a_month,
    max_by(date_format(month, '%Y-%m'), num_ratings) AS busiest_month
FROM gold.ratings_by_month
GROUP BY year(month)
ORDER BY rated_in
