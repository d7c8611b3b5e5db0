"""How many books of an author came out in each year."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from data_pipeline.columns import Column
from data_pipeline.gold.books import authors, dated_works
from data_pipeline.gold.table import GoldTable, Inputs

TABLE = GoldTable(
    name="books_per_year",
    key=("author_key", "first_publish_year"),
    needs=(("open_library_authors",),),
    columns=(
        Column("author_key", "string", "Open Library's key of the author, such as /authors/OL1A"),
        Column("first_publish_year", "int", "Year in which the books were first published"),
        Column("author_name", "string", "Name of the author, as in average_books_per_year"),
        Column("num_books", "bigint", "Works by that author first published in that year"),
    ),
)


def build(inputs: Inputs) -> DataFrame:
    """Return a row per author and year with a book."""
    per_year = (
        dated_works(inputs)
        .groupBy("author_key", "first_publish_year")
        .agg(F.count("*").alias("num_books"))
    )
    return per_year.join(inputs.shared(authors).select("author_key", "author_name"), "author_key")
