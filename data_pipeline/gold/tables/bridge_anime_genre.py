"""Which anime is of which genre."""

from __future__ import annotations

from pyspark.sql import DataFrame

from data_pipeline.columns import Column
from data_pipeline.gold.anime import ANIME, anime_genres
from data_pipeline.gold.table import GoldTable, Inputs

TABLE = GoldTable(
    name="bridge_anime_genre",
    key=("anime_id", "genre"),
    needs=(ANIME,),
    columns=(
        Column("anime_id", "bigint", "MyAnimeList's number of the anime"),
        Column("genre", "string", "One of its genres, as in dim_genre"),
    ),
)


def build(inputs: Inputs) -> DataFrame:
    """Return a row per anime and each of its genres."""
    return anime_genres(inputs)
