"""How often a tag was given to a film in the Tag Genome 2021, from tag_count.json."""

from data_pipeline.silver.parse import whole
from data_pipeline.silver.raw import Origin
from data_pipeline.silver.table import Field, SilverTable

TABLE = SilverTable(
    name="genome_tag_counts",
    source="tag_genome",
    origins=(Origin("tag_count"),),
    key=(
        "movie_id",
        "tag_id",
    ),
    fields=(
        Field("movie_id", "bigint", "MovieLens's id of the film", whole("item_id")),
        Field("tag_id", "bigint", "The tag, as in genome_tags", whole("tag_id")),
        Field("num", "bigint", "How many users gave it", whole("num")),
    ),
)
