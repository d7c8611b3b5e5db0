"""Ratings of MovieLens's users, from ratings.csv."""

from data_pipeline.silver.parse import decimal, epoch_seconds, whole
from data_pipeline.silver.quality import between, required
from data_pipeline.silver.raw import Origin
from data_pipeline.silver.table import Field, SilverTable

TABLE = SilverTable(
    name="movielens_ratings",
    source="movielens",
    origins=(Origin("ratings"),),
    key=("user_id", "movie_id"),
    fields=(
        Field("user_id", "bigint", "MovieLens's id of the user", whole("userId")),
        Field("movie_id", "bigint", "MovieLens's id of the film", whole("movieId")),
        Field("rating", "double", "Stars, 0.5 to 5", decimal("rating")),
        Field(
            "rated_at",
            "timestamp",
            "When it was given, UTC; NULL where the file does not say",
            epoch_seconds("timestamp"),
        ),
    ),
    rules=(required("rating"), between("rating", 0.5, 5)),
)
