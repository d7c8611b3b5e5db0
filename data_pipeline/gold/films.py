"""What "Films" and "Ratings" mean: one definition for every gold table about films."""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from data_pipeline.gold.table import Inputs

FILMS = ("movielens_movies", "imdb_metadata")
RATINGS = ("movielens_ratings", "genome_ratings")


def films(inputs: Inputs) -> DataFrame:
    """Return the films of MovieLens and of the Tag Genome: movie_id, title, release_year, genres.

    A full outer join on movie_id; each column is MovieLens's value, else the Tag Genome's.
    Genres are MovieLens's alone: NULL for a film that it does not have.
    """
    no_genres = F.lit(None).cast("array<string>")
    if "imdb_metadata" not in inputs:
        found = inputs["movielens_movies"].select("movie_id", "title", "release_year", "genres")
    elif "movielens_movies" not in inputs:
        found = inputs["imdb_metadata"].select(
            "movie_id", "title", "release_year", no_genres.alias("genres")
        )
    else:
        metadata = inputs["imdb_metadata"].select(
            "movie_id",
            F.col("title").alias("imdb_title"),
            F.col("release_year").alias("imdb_release_year"),
        )
        found = (
            inputs["movielens_movies"]
            .join(metadata, "movie_id", "full_outer")
            .select(
                "movie_id",
                F.coalesce("title", "imdb_title").alias("title"),
                F.coalesce("release_year", "imdb_release_year").alias("release_year"),
                "genres",
            )
        )
    return inputs.step("films", found)


def ratings(inputs: Inputs) -> DataFrame:
    """Return the ratings of Films: user_id, movie_id, rating, rated_at.

    MovieLens's where that table has rows, else the Tag Genome's, which have no rated_at.
    Ratings of a movie_id that is not in Films count nowhere, so they are dropped here.
    """
    source = inputs[inputs.first_with_rows(RATINGS)]
    rated_at = F.col("rated_at") if "rated_at" in source.columns else F.lit(None)
    rated = source.where(F.col("rating").isNotNull()).select(
        "user_id", "movie_id", "rating", rated_at.cast("timestamp").alias("rated_at")
    )
    of_films = rated.join(F.broadcast(inputs.shared(films).select("movie_id")), "movie_id", "semi")
    return inputs.step("ratings of those films", of_films)


def film_ratings(inputs: Inputs) -> DataFrame:
    """Return a row per rated film: movie_id, num_ratings, sum_ratings, num_positive.

    Sums rather than means, so that a mean over several films is one over all their ratings.
    """
    return (
        inputs.shared(ratings)
        .groupBy("movie_id")
        .agg(
            F.count("*").alias("num_ratings"),
            F.sum("rating").alias("sum_ratings"),
            F.count_if(F.col("rating") > 3).alias("num_positive"),
        )
    )


def mean_rating() -> Column:
    """Return the mean over all ratings of a group of ``film_ratings``."""
    return F.sum("sum_ratings") / F.sum("num_ratings")


def decade(year: str) -> Column:
    """Return the first year of a year's decade: 1990 for 1994."""
    return F.col(year) - F.col(year) % 10
