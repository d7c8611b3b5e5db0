"""The scores that TMDB's and MovieLens's users give the same film, side by side."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from data_pipeline.columns import Column
from data_pipeline.gold.films import FILMS, RATINGS, film_ratings, films
from data_pipeline.gold.table import GoldTable, Inputs

TABLE = GoldTable(
    name="movie_scores",
    key=("movie_id",),
    needs=(FILMS, RATINGS, ("movielens_links",), ("tmdb_movies",)),
    columns=(
        Column("movie_id", "bigint", "MovieLens's number of the film"),
        Column("tmdb_id", "bigint", "TMDB's number of the film"),
        Column("title", "string", "Title without the year, as in MovieLens"),
        Column("release_date", "date", "Day of release according to TMDB"),
        Column("tmdb_popularity", "double", "TMDB's measure of current interest, 0 upwards"),
        Column("tmdb_vote_average", "double", "Mean of TMDB's votes, 0 to 10; NULL without votes"),
        Column("tmdb_vote_count", "bigint", "Number of TMDB's votes"),
        Column("movielens_avg_rating", "double", "Mean rating, 0.5 to 5 stars; NULL without any"),
        Column("movielens_num_ratings", "bigint", "Number of ratings; 0 without any"),
    ),
)


def build(inputs: Inputs) -> DataFrame:
    """Return a row per film whose link leads to a film that is in tmdb_movies."""
    links = inputs["movielens_links"].select("movie_id", "tmdb_id")
    linked = inputs.step(
        "films linked to TMDB",
        inputs.shared(films)
        .select("movie_id", "title")
        .join(links.where(F.col("tmdb_id").isNotNull()), "movie_id"),
    )
    tmdb = inputs["tmdb_movies"].select(
        "tmdb_id",
        "release_date",
        F.col("popularity").alias("tmdb_popularity"),
        F.col("vote_average").alias("tmdb_vote_average"),
        F.col("vote_count").alias("tmdb_vote_count"),
    )
    scored = inputs.step("films linked to a film in tmdb_movies", linked.join(tmdb, "tmdb_id"))
    return scored.join(inputs.shared(film_ratings), "movie_id", "left").select(
        "movie_id",
        "tmdb_id",
        "title",
        "release_date",
        "tmdb_popularity",
        "tmdb_vote_average",
        "tmdb_vote_count",
        (F.col("sum_ratings") / F.col("num_ratings")).alias("movielens_avg_rating"),
        F.coalesce("num_ratings", F.lit(0)).alias("movielens_num_ratings"),
    )
