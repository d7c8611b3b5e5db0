"""How many users have an anime in their list, in which state, and how they rate it."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from data_pipeline.columns import Column
from data_pipeline.gold.anime import ANIME, ANIME_LIST, COMPLETED, anime, anime_list
from data_pipeline.gold.table import GoldTable, Inputs

PRIOR_RATINGS = 50  # m: how many ratings of the overall mean every anime starts with
STATUSES = {
    "num_watching": 1,
    "num_completed": COMPLETED,
    "num_on_hold": 3,
    "num_dropped": 4,
    "num_plan_to_watch": 6,
}

TABLE = GoldTable(
    name="anime_popularity",
    key=("anime_id",),
    needs=(ANIME_LIST,),
    uses=ANIME,
    columns=(
        Column("anime_id", "bigint", "MyAnimeList's number of the anime"),
        Column("title", "string", "Main title; NULL for an anime that is not in dim_anime"),
        Column("num_ratings", "bigint", "Number of users who rated it"),
        Column("avg_rating", "double", "Mean of their ratings, 1 to 10; NULL without any"),
        Column(
            "weighted_rating",
            "double",
            "Mean rating drawn towards the mean of all ratings, as if 50 more people had given it",
        ),
        Column("num_watching", "bigint", "Users who watch it now"),
        Column("num_completed", "bigint", "Users who watched it to the end"),
        Column("num_on_hold", "bigint", "Users who paused it"),
        Column("num_dropped", "bigint", "Users who gave it up"),
        Column("num_plan_to_watch", "bigint", "Users who mean to watch it"),
    ),
)


def build(inputs: Inputs) -> DataFrame:
    """Return a row per anime that is in somebody's list."""
    # Kept, for it is asked twice: per anime, and for the mean of all.
    per_anime = inputs.shared(_per_anime)
    # Entries without a rating alone make 0 of 0 ratings, which is no mean rather than an error.
    mean = F.try_divide(F.sum("sum_ratings"), F.sum("num_ratings"))
    overall = per_anime.agg(mean.alias("overall_mean"))
    return (
        _with_title(per_anime, inputs)
        .crossJoin(F.broadcast(overall))
        .withColumn("avg_rating", F.try_divide("sum_ratings", "num_ratings"))
        .withColumn(
            "weighted_rating",
            (F.col("sum_ratings") + PRIOR_RATINGS * F.col("overall_mean"))
            / (F.col("num_ratings") + PRIOR_RATINGS),
        )
    )


def _per_anime(inputs: Inputs) -> DataFrame:
    """Return a row per anime of the lists: its ratings' number and sum, and users by status."""
    by_status = [
        F.count_if(F.col("status_id") == status).alias(name) for name, status in STATUSES.items()
    ]
    return (
        anime_list(inputs)
        .groupBy("anime_id")
        .agg(
            F.count("rating").alias("num_ratings"),
            F.coalesce(F.sum("rating"), F.lit(0)).alias("sum_ratings"),
            *by_status,
        )
    )


def _with_title(per_anime: DataFrame, inputs: Inputs) -> DataFrame:
    if not any(name in inputs for name in ANIME):
        return per_anime.withColumn("title", F.lit(None))
    titles = inputs.shared(anime).select("anime_id", "title")
    return per_anime.join(titles, "anime_id", "left")
