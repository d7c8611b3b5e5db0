"""Genres of TMDB's films, from /genre/movie/list."""

from data_pipeline.silver.parse import name, whole
from data_pipeline.silver.quality import required
from data_pipeline.silver.raw import Origin
from data_pipeline.silver.table import Field, SilverTable

TABLE = SilverTable(
    name="tmdb_genres",
    source="tmdb",
    origins=(Origin("genres"),),
    key=("genre_id",),
    fields=(
        Field("genre_id", "bigint", "TMDB's id of the genre", whole("id")),
        Field("name", "string", "Name of the genre", name("name")),
    ),
    rules=(required("name"),),
)
