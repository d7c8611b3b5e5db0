"""Films of the Tag Genome 2021 with IMDb's people, from metadata.json."""

from data_pipeline.silver.parse import (
    date,
    imdb_id,
    moment_date,
    positive_decimal,
    title_without_year,
    whole,
    year_in_title,
)
from data_pipeline.silver.parse_names import people
from data_pipeline.silver.raw import Origin
from data_pipeline.silver.table import Field, SilverTable

TABLE = SilverTable(
    name="imdb_metadata",
    source="tag_genome",
    origins=(Origin("metadata"),),
    key=("movie_id",),
    fields=(
        Field("movie_id", "bigint", "MovieLens's id of the film", whole("item_id")),
        Field("title", "string", "Title without its year", title_without_year("title")),
        Field(
            "release_year",
            "int",
            "Year at the end of the title; NULL where there is none",
            year_in_title("title"),
        ),
        Field(
            "directors",
            "array<string>",
            "Directors, in the order of the credits",
            people("directedBy"),
        ),
        Field(
            "actors",
            "array<string>",
            "Leading actors, in the order of the credits",
            people("starring"),
        ),
        Field(
            "date_added",
            "date",
            "Day on which MovieLens added the film; NULL where it does not say",
            moment_date("dateAdded").or_else(date("dateAdded")),
        ),
        Field(
            "avg_rating",
            "double",
            "Mean of MovieLens's ratings as the publisher computed it; NULL without",
            positive_decimal("avgRating"),
        ),
        Field("imdb_id", "string", "IMDb's id: tt and at least seven digits", imdb_id("imdbId")),
    ),
)
