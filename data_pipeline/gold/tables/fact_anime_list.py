"""The users' lists: who has which anime, how far they came and how they rate it."""

from __future__ import annotations

from pyspark.sql import DataFrame

from data_pipeline.columns import Column
from data_pipeline.gold.anime import ANIME_LIST, anime_list
from data_pipeline.gold.table import GoldTable, Inputs

TABLE = GoldTable(
    name="fact_anime_list",
    key=("user_id", "anime_id"),
    needs=(ANIME_LIST,),
    columns=(
        Column("user_id", "bigint", "Number of the MyAnimeList user"),
        Column("anime_id", "bigint", "MyAnimeList's number of the anime"),
        Column("rating", "int", "The user's rating, 1 to 10; NULL if they gave none"),
        Column("status_id", "int", "Whether they watch it, completed it and so on"),
        Column("watched_episodes", "bigint", "How many episodes they watched"),
    ),
)


def build(inputs: Inputs) -> DataFrame:
    """Return a row per user and anime of their list."""
    return anime_list(inputs)
