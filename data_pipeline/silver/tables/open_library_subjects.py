"""Which subject of Open Library lists which work."""

from data_pipeline.silver.parse import text
from data_pipeline.silver.parse_line import in_unit
from data_pipeline.silver.raw import Origin
from data_pipeline.silver.table import Field, SilverTable

TABLE = SilverTable(
    name="open_library_subjects",
    source="open_library",
    origins=(Origin("subjects"),),
    key=(
        "subject",
        "work_key",
    ),
    fields=(
        Field("subject", "string", "Subject, as in configs.ini", in_unit("subjects")),
        Field("work_key", "string", "The work, as in open_library_books", text("key")),
    ),
)
