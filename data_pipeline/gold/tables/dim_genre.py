"""The genres of anime, and how many anime each has."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from data_pipeline.columns import Column
from data_pipeline.gold.anime import ANIME, anime_genres
from data_pipeline.gold.table import GoldTable, Inputs

TABLE = GoldTable(
    name="dim_genre",
    key=("genre",),
    needs=(ANIME,),
    columns=(
        Column(
            "genre",
            "string",
            "MyAnimeList genre; of an anime that only Kaggle has also a theme or a demographic",
        ),
        Column("num_anime", "bigint", "Anime of that genre"),
    ),
)


def build(inputs: Inputs) -> DataFrame:
    """Return a row per genre of bridge_anime_genre."""
    return anime_genres(inputs).groupBy("genre").agg(F.count("*").alias("num_anime"))
