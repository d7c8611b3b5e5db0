"""How many anime of each genre premiered in a year, and how they are received."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from data_pipeline.columns import Column
from data_pipeline.gold.anime import ANIME, anime
from data_pipeline.gold.table import GoldTable, Inputs

TABLE = GoldTable(
    name="anime_genre_by_year",
    key=("season_year", "genre"),
    needs=(ANIME,),
    columns=(
        Column("season_year", "int", "Year of the season of the premiere"),
        Column("genre", "string", "MyAnimeList genre"),
        Column("num_anime", "bigint", "Anime of that year and genre"),
        Column("avg_score", "double", "Mean of their scores, 1 to 10; NULL if none has one"),
        Column("sum_members", "bigint", "How often they stand in lists of MyAnimeList users"),
    ),
)


def build(inputs: Inputs) -> DataFrame:
    """Return a row per year and genre that an anime with a season has."""
    dated = inputs.step(
        "anime with the year of a season",
        inputs.shared(anime).where(F.col("season_year").isNotNull()),
    )
    of_genre = inputs.step(
        "anime with the year of a season and a genre",
        dated.select("season_year", "score", "members", F.explode("genres").alias("genre")),
    )
    return of_genre.groupBy("season_year", "genre").agg(
        F.count("*").alias("num_anime"),
        F.avg("score").alias("avg_score"),
        F.sum("members").alias("sum_members"),
    )
