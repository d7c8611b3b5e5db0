"""Synopses of the Anime Recommendation Database 2020, from anime_with_synopsis.csv."""

from data_pipeline.silver.parse import text, whole
from data_pipeline.silver.raw import Origin
from data_pipeline.silver.table import Field, SilverTable

TABLE = SilverTable(
    name="kaggle_synopses",
    source="kaggle_anime",
    origins=(Origin("anime_with_synopsis"),),
    key=("anime_id",),
    fields=(
        Field("anime_id", "bigint", "MyAnimeList's id of the anime", whole("MAL_ID")),
        Field(
            "synopsis", "string", "Summary of the plot", text("sypnopsis").or_else(text("synopsis"))
        ),
    ),
)
