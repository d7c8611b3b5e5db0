"""What "anime" and a user's list mean: one definition for every gold table about anime."""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from data_pipeline.gold.table import Inputs

ANIME = ("jikan_anime", "kaggle_anime")
ANIME_LIST = ("kaggle_animelist",)

COMPLETED = 2  # the status of the lists that more than one table counts

_VALUES = (
    "title",
    "title_english",
    "type",
    "source",
    "episodes",
    "status",
    "aired_from",
    "aired_to",
    "season",
    "season_year",
    "duration_minutes",
    "age_rating",
    "score",
    "members",
    "favorites",
    "synopsis",
)
_LISTS = ("genres", "studios")


def anime(inputs: Inputs) -> DataFrame:
    """Return the anime of Jikan and of Kaggle: anime_id, dim_anime's columns, genres, studios.

    A full outer join on anime_id; each column is Jikan's value, else Kaggle's, and a list is
    Jikan's where it is not empty. Kaggle has no status, and its synopses are a table of their own
    that only dim_anime reads: here the synopsis is Jikan's alone.
    """
    if "kaggle_anime" not in inputs:
        found = _jikan(inputs)
    elif "jikan_anime" not in inputs:
        found = _kaggle(inputs)
    else:
        found = (
            _jikan(inputs)
            .alias("jikan")
            .join(_kaggle(inputs).alias("kaggle"), "anime_id", "full_outer")
            .select(
                "anime_id",
                *(F.coalesce(f"jikan.{name}", f"kaggle.{name}").alias(name) for name in _VALUES),
                *(_first_not_empty(name).alias(name) for name in _LISTS),
            )
        )
    return inputs.step("anime", found)


def anime_genres(inputs: Inputs) -> DataFrame:
    """Return each pair of anime_id and genre once: a list holds no genre twice."""
    return _each(inputs, "genres", "genre")


def anime_studios(inputs: Inputs) -> DataFrame:
    """Return each pair of anime_id and studio once: a list holds no studio twice."""
    return _each(inputs, "studios", "studio")


def anime_list(inputs: Inputs) -> DataFrame:
    """Return users' lists: user_id, anime_id, rating, status_id, watched_episodes.

    Not to be shared: it is as long as all other tables together, and reading the few columns
    that a table wants once more costs less than keeping it.
    """
    listed = inputs["kaggle_animelist"].select(
        "user_id",
        "anime_id",
        "rating",
        F.col("watching_status").alias("status_id"),
        "watched_episodes",
    )
    return inputs.step("entries in users' lists", listed)


def _jikan(inputs: Inputs) -> DataFrame:
    return inputs["jikan_anime"].select("anime_id", *_VALUES, *_LISTS)


def _kaggle(inputs: Inputs) -> DataFrame:
    unknown = F.lit(None).cast("string")
    named: dict[str, Column] = {
        "season": F.col("premiered_season"),
        "season_year": F.col("premiered_year"),
        "status": unknown,
        "synopsis": unknown,
    }
    return inputs["kaggle_anime"].select(
        "anime_id", *(named.get(name, F.col(name)).alias(name) for name in _VALUES), *_LISTS
    )


def _first_not_empty(name: str) -> Column:
    jikans = F.col(f"jikan.{name}")
    return F.when(F.size(jikans) > 0, jikans).otherwise(F.col(f"kaggle.{name}"))


def _each(inputs: Inputs, values: str, name: str) -> DataFrame:
    pairs = inputs.shared(anime).select("anime_id", F.explode(values).alias(name))
    return inputs.step(f"anime with a {name}", pairs)
