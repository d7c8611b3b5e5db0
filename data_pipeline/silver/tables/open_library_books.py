"""Works of Open Library, from its subjects."""

from data_pipeline.silver.parse import boolean, name, positive, text, whole, year
from data_pipeline.silver.parse_names import texts
from data_pipeline.silver.raw import Origin
from data_pipeline.silver.table import Field, SilverTable

TABLE = SilverTable(
    name="open_library_books",
    source="open_library",
    origins=(Origin("subjects"),),
    key=("work_key",),
    fields=(
        Field(
            "work_key",
            "string",
            "Open Library's key of the work, as in its address: /works/OL1W",
            text("key"),
        ),
        Field("title", "string", "Title", name("title")),
        Field(
            "first_publish_year",
            "int",
            "Year of the first edition; NULL where it is not known",
            year("first_publish_year"),
        ),
        Field("edition_count", "bigint", "Number of editions", whole("edition_count")),
        Field(
            "cover_id",
            "bigint",
            "Id of the cover: covers.openlibrary.org/b/id/<cover_id>-L.jpg",
            positive("cover_id"),
        ),
        Field("has_fulltext", "boolean", "Whether a scan can be read", boolean("has_fulltext")),
        Field(
            "author_keys",
            "array<string>",
            "The authors, as in open_library_authors",
            texts("authors[].key"),
        ),
    ),
    # Read by years, and too few rows a year to be partitioned by it.
    sorted_by="first_publish_year",
)
