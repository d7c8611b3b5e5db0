"""What is known of each artist: songs, albums, and the playlists that held them."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from data_pipeline.columns import Column
from data_pipeline.gold.table import GoldTable, Inputs

COUNTS = ("num_songs", "num_albums", "num_playlists", "total_duration_ms")

TABLE = GoldTable(
    name="artist_summary",
    key=("artist_id",),
    needs=(("spotify_artists",), ("spotify_songs",)),
    uses=("spotify_playlist_songs",),
    columns=(
        Column("artist_id", "string", "Spotify's id of the artist"),
        Column("name", "string", "Name of the artist"),
        Column("num_songs", "bigint", "Songs that credit the artist, also beside others"),
        Column("num_albums", "bigint", "Different albums of those songs"),
        Column("num_playlists", "bigint", "Playlists that ever held one of those songs"),
        Column("total_duration_ms", "bigint", "Milliseconds that those songs last together"),
    ),
)


def build(inputs: Inputs) -> DataFrame:
    """Return a row per artist, also of those whom no song credits."""
    artists = inputs.step("artists", inputs["spotify_artists"].select("artist_id", "name"))
    credited = inputs["spotify_songs"].select(
        "song_id", "album_id", "duration_ms", F.explode("artist_ids").alias("artist_id")
    )
    per_artist = credited.groupBy("artist_id").agg(
        F.count("*").alias("num_songs"),
        F.count_distinct("album_id").alias("num_albums"),
        F.sum("duration_ms").alias("total_duration_ms"),
    )
    return _with_playlists(artists.join(per_artist, "artist_id", "left"), credited, inputs).fillna(
        0, [*COUNTS]
    )


def _with_playlists(artists: DataFrame, credited: DataFrame, inputs: Inputs) -> DataFrame:
    if "spotify_playlist_songs" not in inputs:
        return artists.withColumn("num_playlists", F.lit(0))
    # Each song of a playlist once: it stands there again in every snapshot.
    held = inputs["spotify_playlist_songs"].select("playlist_id", "song_id").distinct()
    playlists = (
        held.join(credited, "song_id")
        .groupBy("artist_id")
        .agg(F.count_distinct("playlist_id").alias("num_playlists"))
    )
    return artists.join(playlists, "artist_id", "left")
