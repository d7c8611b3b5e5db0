-- How many books does each author bring out in a year?
-- On average over the years in which a book of theirs was first published; years without one do
-- not count.
SELECT
    author_name,
    num_books,
    num_years,
    round(average_books_per_year, 2) AS average_books_per_year
FROM gold.average_books_per_year
ORDER BY average_books_per_year DESC, num_books DESC, author_key
LIMIT 50
