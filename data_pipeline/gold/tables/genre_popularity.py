"""How often and how well the films of a genre are rated, by the decade of their release."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from data_pipeline.columns import Column
from data_pipeline.gold.films import FILMS, RATINGS, decade, film_ratings, films, mean_rating
from data_pipeline.gold.table import GoldTable, Inputs

TABLE = GoldTable(
    name="genre_popularity",
    key=("genre", "decade"),
    # The genres are MovieLens's: without its films there is nothing to show.
    needs=(("movielens_movies",), RATINGS),
    uses=FILMS,
    columns=(
        Column("genre", "string", "MovieLens genre"),
        Column("decade", "int", "First year of the decade of release: 1990 for 1990 to 1999"),
        Column("num_movies", "bigint", "Rated films of that genre and decade"),
        Column("num_ratings", "bigint", "Ratings of those films"),
        Column("avg_rating", "double", "Mean over those ratings"),
    ),
)


def build(inputs: Inputs) -> DataFrame:
    """Return a row per genre and decade that has a rated film."""
    dated = inputs.step(
        "films with a year and a genre",
        inputs.shared(films)
        .where(F.col("release_year").isNotNull())
        .select(
            "movie_id", decade("release_year").alias("decade"), F.explode("genres").alias("genre")
        ),
    )
    rated = inputs.step(
        "rated films with a year and a genre", dated.join(inputs.shared(film_ratings), "movie_id")
    )
    return rated.groupBy("genre", "decade").agg(
        F.count("*").alias("num_movies"),
        F.sum("num_ratings").alias("num_ratings"),
        mean_rating().alias("avg_rating"),
    )
