"""How much was rated in each month."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from data_pipeline.columns import Column
from data_pipeline.gold.films import FILMS, RATINGS, ratings
from data_pipeline.gold.table import GoldTable, Inputs

TABLE = GoldTable(
    name="ratings_by_month",
    key=("month",),
    needs=(FILMS, RATINGS),
    columns=(
        Column("month", "date", "First day of the month in which was rated (UTC)"),
        Column("num_ratings", "bigint", "Ratings given in that month"),
        Column("avg_rating", "double", "Mean over those ratings"),
        Column("num_users", "bigint", "Users who rated"),
        Column("num_movies", "bigint", "Films that were rated"),
    ),
)


def build(inputs: Inputs) -> DataFrame:
    """Return a row per month that has a rating of known time."""
    timed = inputs.step(
        "ratings with a time (rated_at)",
        inputs.shared(ratings).where(F.col("rated_at").isNotNull()),
    )
    return timed.groupBy(F.trunc("rated_at", "month").alias("month")).agg(
        F.count("*").alias("num_ratings"),
        (F.sum("rating") / F.count("*")).alias("avg_rating"),
        F.count_distinct("user_id").alias("num_users"),
        F.count_distinct("movie_id").alias("num_movies"),
    )
