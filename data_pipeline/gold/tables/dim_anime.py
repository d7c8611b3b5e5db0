"""What is known of each anime."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from data_pipeline.columns import Column
from data_pipeline.gold.anime import ANIME, anime
from data_pipeline.gold.table import GoldTable, Inputs

TABLE = GoldTable(
    name="dim_anime",
    key=("anime_id",),
    needs=(ANIME,),
    uses=("kaggle_synopses",),
    columns=(
        Column("anime_id", "bigint", "MyAnimeList's number of the anime"),
        Column("title", "string", "Main title, as a rule in Latin letters"),
        Column("title_english", "string", "English title; NULL without one"),
        Column("type", "string", "TV, Movie, OVA, ONA, Special, Music and the like"),
        Column("source", "string", "What it was made from: Manga, Original, Light novel and so on"),
        Column("episodes", "bigint", "Number of episodes; NULL if unknown"),
        Column("status", "string", "Whether it airs, as of the last crawl; NULL if only in Kaggle"),
        Column("aired_from", "date", "First day on air"),
        Column("aired_to", "date", "Last day on air; NULL while it airs"),
        Column("season", "string", "Season of the premiere: winter, spring, summer or fall"),
        Column("season_year", "int", "Year of that season"),
        Column("duration_minutes", "double", "Length of an episode"),
        Column("age_rating", "string", "For which age it is meant, such as PG-13"),
        Column("score", "double", "MyAnimeList's mean score, 1 to 10; NULL if it has none"),
        Column("members", "bigint", "MyAnimeList users who have it in their lists"),
        Column("favorites", "bigint", "MyAnimeList users who call it a favourite"),
        Column("synopsis", "string", "What it is about"),
    ),
)


def build(inputs: Inputs) -> DataFrame:
    """Return a row per anime of Jikan or of Kaggle."""
    found = inputs.shared(anime)
    if "kaggle_synopses" not in inputs:
        return found
    others = inputs["kaggle_synopses"].select("anime_id", F.col("synopsis").alias("kaggles"))
    return found.join(others, "anime_id", "left").withColumn(
        "synopsis", F.coalesce("synopsis", "kaggles")
    )
