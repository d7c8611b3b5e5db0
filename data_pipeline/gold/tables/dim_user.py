"""The users whose lists of anime are known, and what they did with them."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from data_pipeline.columns import Column
from data_pipeline.gold.anime import ANIME_LIST, COMPLETED, anime_list
from data_pipeline.gold.table import GoldTable, Inputs

TABLE = GoldTable(
    name="dim_user",
    key=("user_id",),
    needs=(ANIME_LIST,),
    columns=(
        Column("user_id", "bigint", "Number of the MyAnimeList user; no name is known"),
        Column("num_anime", "bigint", "Anime in their list"),
        Column("num_completed", "bigint", "Those that they watched to the end"),
        Column("num_rated", "bigint", "Those that they rated"),
        Column("mean_rating", "double", "Mean of their ratings, 1 to 10; NULL without any"),
    ),
)


def build(inputs: Inputs) -> DataFrame:
    """Return a row per user with a list."""
    return (
        anime_list(inputs)
        .groupBy("user_id")
        .agg(
            F.count("*").alias("num_anime"),
            F.count_if(F.col("status_id") == COMPLETED).alias("num_completed"),
            F.count("rating").alias("num_rated"),
            F.avg("rating").alias("mean_rating"),
        )
    )
