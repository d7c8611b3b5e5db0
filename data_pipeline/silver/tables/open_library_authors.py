"""Who wrote which work of Open Library, from its subjects."""

from data_pipeline.silver.parse import name, text, year
from data_pipeline.silver.raw import Origin
from data_pipeline.silver.table import Field, SilverTable

TABLE = SilverTable(
    name="open_library_authors",
    source="open_library",
    origins=(Origin("subjects", each=("authors[]",)),),
    key=(
        "author_key",
        "work_key",
    ),
    fields=(
        Field(
            "author_key", "string", "Open Library's key of the author: /authors/OL1A", text("key")
        ),
        Field("work_key", "string", "The work, as in open_library_books", text("/key")),
        Field("author_name", "string", "The author's name as the work has it", name("name")),
        Field(
            "first_publish_year",
            "int",
            "Year of the work's first edition; NULL where it is not known",
            year("/first_publish_year"),
        ),
    ),
)
