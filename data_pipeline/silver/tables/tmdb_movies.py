"""Films of TMDB, from /discover/movie."""

from pyspark.sql import functions as F

from data_pipeline.silver.parse import boolean, date, decimal, name, text, whole, whole_numbers
from data_pipeline.silver.raw import Origin
from data_pipeline.silver.table import Field, SilverTable

TABLE = SilverTable(
    name="tmdb_movies",
    source="tmdb",
    origins=(Origin("discover_movie"),),
    key=("tmdb_id",),
    fields=(
        Field("tmdb_id", "bigint", "TMDB's id of the film", whole("id")),
        Field("title", "string", "Title in the language asked for", name("title")),
        Field("original_title", "string", "Title as first released", name("original_title")),
        Field("original_language", "string", "ISO 639-1 code", text("original_language")),
        Field("overview", "string", "Summary of the plot", text("overview")),
        Field(
            "release_date",
            "date",
            "First release; the first of the year or month where no more is known",
            date("release_date"),
        ),
        Field("release_year", "int", "Year of release_date", date("release_date").then(F.year)),
        Field("genre_ids", "array<int>", "Genres, as in tmdb_genres", whole_numbers("genre_ids")),
        Field("popularity", "double", "TMDB's popularity score", decimal("popularity")),
        Field(
            "vote_average",
            "double",
            "Mean vote, 0 to 10; NULL where nobody voted",
            decimal("vote_average").unknown_where(whole("vote_count"), lambda votes: votes == 0),
        ),
        Field("vote_count", "bigint", "Number of votes", whole("vote_count")),
        Field("adult", "boolean", "Whether it is pornography", boolean("adult")),
        Field("video", "boolean", "Whether it was made for video", boolean("video")),
        Field("poster_path", "string", "Path of the poster on TMDB", text("poster_path")),
        Field("backdrop_path", "string", "Path of the backdrop on TMDB", text("backdrop_path")),
    ),
)
