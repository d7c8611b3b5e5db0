"""What the books of an author are: one definition for every gold table about books."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from data_pipeline.gold.table import Inputs


def dated_works(inputs: Inputs) -> DataFrame:
    """Return authors' works of a known year: author_key, work_key, author_name, first_publish_year.

    A row per author and work.
    """
    works = inputs["open_library_authors"].where(F.col("first_publish_year").isNotNull())
    return inputs.step(
        "works of a known year",
        works.select("author_key", "work_key", "author_name", "first_publish_year"),
    )


def authors(inputs: Inputs) -> DataFrame:
    """Return a row per author of a dated work: author_key, author_name, num_books, num_years.

    Works spell an author's name in several ways: the most frequent one counts, of equally
    frequent ones the first in the alphabet.
    """
    return (
        dated_works(inputs)
        .groupBy("author_key")
        .agg(
            F.mode("author_name", deterministic=True).alias("author_name"),
            F.count("*").alias("num_books"),
            F.count_distinct("first_publish_year").alias("num_years"),
        )
    )
