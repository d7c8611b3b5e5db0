"""Tags that MovieLens's users gave to films, from tags.csv."""

from pyspark.sql import functions as F

from data_pipeline.silver.parse import epoch_seconds, name, whole
from data_pipeline.silver.raw import Origin
from data_pipeline.silver.table import Field, SilverTable

TABLE = SilverTable(
    name="movielens_tags",
    source="movielens",
    origins=(Origin("tags"),),
    key=("user_id", "movie_id", "tag"),
    fields=(
        Field("user_id", "bigint", "MovieLens's id of the user", whole("userId")),
        Field("movie_id", "bigint", "MovieLens's id of the film", whole("movieId")),
        Field("tag", "string", "The tag in lower case", name("tag").then(F.lower)),
        Field("tag_as_written", "string", "The tag as the user wrote it", name("tag")),
        Field(
            "tagged_at",
            "timestamp",
            "When it was given, UTC; NULL where the file does not say",
            epoch_seconds("timestamp"),
        ),
    ),
)
