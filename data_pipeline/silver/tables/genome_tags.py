"""Tags of the Tag Genome 2021, from tags.json."""

from data_pipeline.silver.parse import name, whole
from data_pipeline.silver.quality import required
from data_pipeline.silver.raw import Origin
from data_pipeline.silver.table import Field, SilverTable

TABLE = SilverTable(
    name="genome_tags",
    source="tag_genome",
    origins=(Origin("tags"),),
    key=("tag_id",),
    fields=(
        Field("tag_id", "bigint", "The Tag Genome's id of the tag", whole("id")),
        Field("tag", "string", "The tag", name("tag")),
    ),
    rules=(required("tag"),),
)
