"""What users have on their lists, from animelist.csv."""

from pyspark.sql import Column
from pyspark.sql import functions as F

from data_pipeline.silver.parse import whole
from data_pipeline.silver.quality import between, one_of
from data_pipeline.silver.raw import Origin
from data_pipeline.silver.table import Field, SilverTable


def _given(rating: Column) -> Column:
    return F.nullif(rating, F.lit(0))


TABLE = SilverTable(
    name="kaggle_animelist",
    source="kaggle_anime",
    origins=(Origin("animelist"),),
    key=(
        "user_id",
        "anime_id",
    ),
    fields=(
        Field("user_id", "bigint", "Id of the user in the data set; 0 is one", whole("user_id")),
        Field("anime_id", "bigint", "MyAnimeList's id of the anime", whole("anime_id")),
        Field(
            "rating",
            "int",
            "Score, 1 to 10; NULL where the user gave none",
            whole("rating", "int").or_else(whole("score", "int")).then(_given),
        ),
        Field(
            "watching_status",
            "int",
            "Status, as in kaggle_watching_status",
            whole("watching_status", "int"),
        ),
        Field("watched_episodes", "bigint", "Episodes seen", whole("watched_episodes")),
    ),
    rules=(
        between("rating", 1, 10),
        one_of("watching_status", 1, 2, 3, 4, 6),
    ),
)
