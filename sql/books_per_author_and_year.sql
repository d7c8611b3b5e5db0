-- How many books did each author bring out, year by year?
-- The twenty authors with most books; books_so_far counts those of the earlier years too. Only
-- books whose year of first publication is known.
WITH most AS (
    SELECT author_key
    FROM gold.average_books_per_year
    ORDER BY num_books DESC, author_key
    LIMIT 20
)

SELECT
    books.author_name,
    books.first_publish_year,
    books.num_books,
    sum(books.num_books) OVER (
        PARTITION BY books.author_key ORDER BY books.first_publish_year
    ) AS books_so_far
FROM gold.books_per_year AS books
INNER JOIN most ON most.author_key = books.author_key
ORDER BY books.author_name, books.author_key, books.first_publish_year
