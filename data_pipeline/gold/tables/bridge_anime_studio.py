"""Which anime was made by which studio."""

from __future__ import annotations

from pyspark.sql import DataFrame

from data_pipeline.columns import Column
from data_pipeline.gold.anime import ANIME, anime_studios
from data_pipeline.gold.table import GoldTable, Inputs

TABLE = GoldTable(
    name="bridge_anime_studio",
    key=("anime_id", "studio"),
    needs=(ANIME,),
    columns=(
        Column("anime_id", "bigint", "MyAnimeList's number of the anime"),
        Column("studio", "string", "One of the studios that made it"),
    ),
)


def build(inputs: Inputs) -> DataFrame:
    """Return a row per anime and each of its studios."""
    return anime_studios(inputs)
