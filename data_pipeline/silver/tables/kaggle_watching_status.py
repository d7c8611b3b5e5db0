"""What the status of an anime on a list means, from watching_status.csv."""

from data_pipeline.silver.parse import name, whole
from data_pipeline.silver.quality import required
from data_pipeline.silver.raw import Origin
from data_pipeline.silver.table import Field, SilverTable

TABLE = SilverTable(
    name="kaggle_watching_status",
    source="kaggle_anime",
    origins=(Origin("watching_status"),),
    key=("status_id",),
    fields=(
        Field("status_id", "int", "The status, as in kaggle_animelist", whole("status", "int")),
        Field("description", "string", "What it means, such as Completed", name("description")),
    ),
    rules=(required("description"),),
)
