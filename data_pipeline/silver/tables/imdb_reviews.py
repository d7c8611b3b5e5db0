"""Reviews by IMDb's users in the Tag Genome 2021, from reviews.json."""

from data_pipeline.silver.parse import fingerprint, name, whole
from data_pipeline.silver.raw import Origin
from data_pipeline.silver.table import Field, SilverTable

TABLE = SilverTable(
    name="imdb_reviews",
    source="tag_genome",
    origins=(Origin("reviews"),),
    key=(
        "movie_id",
        "review_hash",
    ),
    fields=(
        Field("movie_id", "bigint", "MovieLens's id of the film", whole("item_id")),
        Field(
            "review_hash",
            "string",
            "SHA-256 of the text: the publisher gives reviews no id",
            fingerprint("txt"),
        ),
        Field("text", "string", "The review", name("txt")),
    ),
)
