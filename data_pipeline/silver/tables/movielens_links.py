"""The ids of MovieLens's films elsewhere, from links.csv."""

from data_pipeline.silver.parse import imdb_id, whole
from data_pipeline.silver.raw import Origin
from data_pipeline.silver.table import Field, SilverTable

TABLE = SilverTable(
    name="movielens_links",
    source="movielens",
    origins=(Origin("links"),),
    key=("movie_id",),
    fields=(
        Field("movie_id", "bigint", "MovieLens's id of the film", whole("movieId")),
        Field("imdb_id", "string", "IMDb's id: tt and at least seven digits", imdb_id("imdbId")),
        Field("tmdb_id", "bigint", "TMDB's id, as in tmdb_movies", whole("tmdbId")),
    ),
)
