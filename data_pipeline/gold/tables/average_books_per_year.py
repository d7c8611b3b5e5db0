"""How many books an author brings out in a year in which one comes out."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from data_pipeline.columns import Column
from data_pipeline.gold.books import authors
from data_pipeline.gold.table import GoldTable, Inputs

TABLE = GoldTable(
    name="average_books_per_year",
    key=("author_key",),
    needs=(("open_library_authors",),),
    columns=(
        Column("author_key", "string", "Open Library's key of the author, such as /authors/OL1A"),
        Column("author_name", "string", "Name of the author, in its most frequent spelling"),
        Column("num_books", "bigint", "Works by that author whose year is known"),
        Column("num_years", "bigint", "Different years in which they were first published"),
        Column("average_books_per_year", "double", "num_books / num_years"),
    ),
)


def build(inputs: Inputs) -> DataFrame:
    """Return a row per author of a work of a known year."""
    return inputs.shared(authors).withColumn(
        "average_books_per_year", F.col("num_books") / F.col("num_years")
    )
