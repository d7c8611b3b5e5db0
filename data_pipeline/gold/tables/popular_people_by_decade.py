"""Whose films are rated most in each decade: actors and directors."""

from __future__ import annotations

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from data_pipeline.columns import Column
from data_pipeline.gold.films import FILMS, RATINGS, decade, film_ratings, films, mean_rating
from data_pipeline.gold.table import GoldTable, Inputs

ROLES = {"Actor": "actors", "Director": "directors"}

TABLE = GoldTable(
    name="popular_people_by_decade",
    key=("role", "name", "decade"),
    # Only the Tag Genome names people.
    needs=(("imdb_metadata",), RATINGS),
    uses=FILMS,
    columns=(
        Column("role", "string", "Actor or Director"),
        Column("name", "string", "Name of the person"),
        Column("decade", "int", "First year of the decade of release: 1990 for 1990 to 1999"),
        Column("num_movies", "bigint", "Rated films of that decade in which they had that role"),
        Column("num_ratings", "bigint", "Ratings of those films"),
        Column("avg_rating", "double", "Mean over those ratings"),
        Column(
            "rank_in_decade",
            "int",
            "Place in that role and decade, from 1: by ratings, their mean, and the name",
        ),
    ),
)


def build(inputs: Inputs) -> DataFrame:
    """Return a row per role, person and decade with a rated film."""
    named = inputs.step("films with an actor or a director", _people(inputs))
    dated = inputs.step(
        "films with a year and an actor or a director",
        named.join(
            inputs.shared(films)
            .where(F.col("release_year").isNotNull())
            .select("movie_id", decade("release_year").alias("decade")),
            "movie_id",
        ),
    )
    rated = inputs.step(
        "rated films with a year and an actor or a director",
        dated.join(inputs.shared(film_ratings), "movie_id"),
    )
    best_first = Window.partitionBy("role", "decade").orderBy(
        F.desc("num_ratings"), F.desc("avg_rating"), "name"
    )
    return (
        rated.groupBy("role", "name", "decade")
        .agg(
            F.count("*").alias("num_movies"),
            F.sum("num_ratings").alias("num_ratings"),
            mean_rating().alias("avg_rating"),
        )
        .withColumn("rank_in_decade", F.row_number().over(best_first))
    )


def _people(inputs: Inputs) -> DataFrame:
    """Return each triple of movie_id, role and name once: a list holds no name twice."""
    lists = F.create_map(
        *(part for role, names in ROLES.items() for part in (F.lit(role), F.col(names)))
    )
    return (
        inputs["imdb_metadata"]
        .select("movie_id", F.explode(lists).alias("role", "names"))
        .select("movie_id", "role", F.explode("names").alias("name"))
    )
