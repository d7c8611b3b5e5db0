"""How films are rated: counts, means and a mean that trusts few ratings less."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from data_pipeline.columns import Column
from data_pipeline.gold.films import FILMS, RATINGS, film_ratings, films
from data_pipeline.gold.table import GoldTable, Inputs

MIN_RATINGS = 5
PRIOR_RATINGS = 50  # m: how many ratings of the overall mean every film starts with

TABLE = GoldTable(
    name="movies_analytics",
    key=("movie_id",),
    needs=(FILMS, RATINGS),
    uses=("imdb_reviews",),
    columns=(
        Column("movie_id", "bigint", "MovieLens's number of the film"),
        Column("title", "string", "Title without the year"),
        Column("release_year", "int", "Year of release; NULL if unknown"),
        Column("num_ratings", "bigint", "Number of ratings, at least 5"),
        Column("avg_rating", "double", "Mean rating, 0.5 to 5 stars"),
        Column("num_positive", "bigint", "Ratings above 3 stars"),
        Column("num_negative", "bigint", "Ratings of 3 stars or less"),
        Column(
            "avg_discrepancy",
            "double",
            "(num_positive - num_negative) / num_ratings: -1 if all are negative, 1 if none is",
        ),
        Column("num_reviews", "bigint", "IMDb reviews in the Tag Genome"),
        Column(
            "weighted_rating",
            "double",
            "Mean rating drawn towards the mean of all ratings, as if 50 more people had given it",
        ),
    ),
)


def build(inputs: Inputs) -> DataFrame:
    """Return the films with at least five ratings."""
    per_film = inputs.shared(film_ratings)
    # Over the ratings of all films, also of those that are too rarely rated for the table.
    overall = per_film.agg((F.sum("sum_ratings") / F.sum("num_ratings")).alias("overall_mean"))
    rated = inputs.step(
        f"films with at least {MIN_RATINGS} ratings",
        per_film.where(F.col("num_ratings") >= MIN_RATINGS).join(inputs.shared(films), "movie_id"),
    )
    num_negative = F.col("num_ratings") - F.col("num_positive")
    return (
        _with_reviews(rated, inputs)
        .crossJoin(F.broadcast(overall))
        .select(
            "movie_id",
            "title",
            "release_year",
            "num_ratings",
            (F.col("sum_ratings") / F.col("num_ratings")).alias("avg_rating"),
            "num_positive",
            num_negative.alias("num_negative"),
            ((F.col("num_positive") - num_negative) / F.col("num_ratings")).alias(
                "avg_discrepancy"
            ),
            "num_reviews",
            (
                (F.col("sum_ratings") + PRIOR_RATINGS * F.col("overall_mean"))
                / (F.col("num_ratings") + PRIOR_RATINGS)
            ).alias("weighted_rating"),
        )
    )


def _with_reviews(rated: DataFrame, inputs: Inputs) -> DataFrame:
    if "imdb_reviews" not in inputs:
        return rated.withColumn("num_reviews", F.lit(0))
    reviews = inputs["imdb_reviews"].groupBy("movie_id").agg(F.count("*").alias("num_reviews"))
    return rated.join(reviews, "movie_id", "left").fillna(0, ["num_reviews"])
