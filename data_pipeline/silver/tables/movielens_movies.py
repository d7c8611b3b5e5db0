"""Films of MovieLens, from movies.csv."""

from data_pipeline.silver.parse import separated_names, title_without_year, whole, year_in_title
from data_pipeline.silver.raw import Origin
from data_pipeline.silver.table import Field, SilverTable

TABLE = SilverTable(
    name="movielens_movies",
    source="movielens",
    origins=(Origin("movies"),),
    key=("movie_id",),
    fields=(
        Field("movie_id", "bigint", "MovieLens's id of the film", whole("movieId")),
        Field("title", "string", "Title without its year", title_without_year("title")),
        Field(
            "release_year",
            "int",
            "Year at the end of the title; of several the first, NULL where there is none",
            year_in_title("title"),
        ),
        Field(
            "genres",
            "array<string>",
            "Genres; empty where MovieLens lists none",
            separated_names("genres", "|", nothing="(no genres listed)"),
        ),
    ),
)
