"""How the films with a tag are rated, by the year of their release."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from data_pipeline.columns import Column
from data_pipeline.gold.films import FILMS, RATINGS, film_ratings, films, mean_rating
from data_pipeline.gold.table import GoldTable, Inputs

TAGS = ("genome_tag_counts", "movielens_tags")
MIN_MOVIES = 5

TABLE = GoldTable(
    name="tag_ratings_by_year",
    key=("tag", "release_year"),
    needs=(FILMS, RATINGS, TAGS),
    uses=("genome_tags",),
    columns=(
        Column("tag", "string", "Tag, in lower case"),
        Column("release_year", "int", "Year in which the films were released"),
        Column("avg_rating", "double", "Mean over all ratings of those films"),
        Column("num_movies", "bigint", "Rated films of that year with that tag, at least 5"),
        Column("num_ratings", "bigint", "Ratings of those films"),
    ),
)


def build(inputs: Inputs) -> DataFrame:
    """Return the tags and years with at least five rated films.

    Ratings come in as one row per film: joining them to the tags row by row would multiply
    every rating by the film's tags.
    """
    tagged = inputs.step("films with a tag", _film_tags(inputs))
    dated = inputs.step(
        "films with a tag and a year",
        tagged.join(
            inputs.shared(films)
            .where(F.col("release_year").isNotNull())
            .select("movie_id", "release_year"),
            "movie_id",
        ),
    )
    rated = inputs.step(
        "rated films with a tag and a year", dated.join(inputs.shared(film_ratings), "movie_id")
    )
    counted = rated.groupBy("tag", "release_year").agg(
        mean_rating().alias("avg_rating"),
        F.count("*").alias("num_movies"),
        F.sum("num_ratings").alias("num_ratings"),
    )
    return inputs.step(
        f"tags with at least {MIN_MOVIES} rated films in a year",
        counted.where(F.col("num_movies") >= MIN_MOVIES),
    )


def _film_tags(inputs: Inputs) -> DataFrame:
    """Return each pair of movie_id and tag once."""
    tags = inputs[inputs.first_with_rows(TAGS)]
    if "tag" not in tags.columns:
        tags = tags.join(inputs["genome_tags"].select("tag_id", "tag"), "tag_id")
    return tags.select("movie_id", "tag").distinct()
