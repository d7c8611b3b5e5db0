"""Ratings of the Tag Genome 2021, from ratings.json."""

from data_pipeline.silver.parse import decimal, whole
from data_pipeline.silver.quality import between, required
from data_pipeline.silver.raw import Origin
from data_pipeline.silver.table import Field, SilverTable

TABLE = SilverTable(
    name="genome_ratings",
    source="tag_genome",
    origins=(Origin("ratings"),),
    key=(
        "user_id",
        "movie_id",
    ),
    fields=(
        Field(
            "user_id",
            "bigint",
            "The Tag Genome's id of the user, which is not MovieLens's",
            whole("user_id"),
        ),
        Field("movie_id", "bigint", "MovieLens's id of the film", whole("item_id")),
        Field("rating", "double", "Stars, 0.5 to 5", decimal("rating")),
    ),
    rules=(
        required("rating"),
        between("rating", 0.5, 5),
    ),
)
