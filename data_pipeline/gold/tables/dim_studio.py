"""The studios of anime, and how many anime each has."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from data_pipeline.columns import Column
from data_pipeline.gold.anime import ANIME, anime_studios
from data_pipeline.gold.table import GoldTable, Inputs

TABLE = GoldTable(
    name="dim_studio",
    key=("studio",),
    needs=(ANIME,),
    columns=(
        Column("studio", "string", "Name of the animation studio"),
        Column("num_anime", "bigint", "Anime that it made, alone or with others"),
    ),
)


def build(inputs: Inputs) -> DataFrame:
    """Return a row per studio of bridge_anime_studio."""
    return anime_studios(inputs).groupBy("studio").agg(F.count("*").alias("num_anime"))
