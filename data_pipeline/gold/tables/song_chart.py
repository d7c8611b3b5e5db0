"""The songs of a playlist from snapshot to snapshot: where they stand, stood, and since when."""

from __future__ import annotations

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from data_pipeline.columns import Column
from data_pipeline.gold.table import GoldTable, Inputs

TABLE = GoldTable(
    name="song_chart",
    key=("playlist_id", "snapshot_date", "position"),
    needs=(("spotify_playlist_songs",), ("spotify_songs",), ("spotify_artists",)),
    columns=(
        Column("playlist_id", "string", "Spotify's id of the playlist"),
        Column("snapshot_date", "date", "Day for which the playlist was read"),
        Column("position", "bigint", "Place in the playlist on that day, from 1"),
        Column("song_id", "string", "Spotify's id of the song"),
        Column("name", "string", "Name of the song; NULL if it was removed"),
        Column("artist_names", "array<string>", "Names of its artists, in the order of the credit"),
        Column(
            "previous_position",
            "bigint",
            "The song's best place in the playlist's snapshot before; NULL if it was not there",
        ),
        Column("days_on_chart", "bigint", "Snapshots of the playlist that held the song so far"),
    ),
)


def build(inputs: Inputs) -> DataFrame:
    """Return a row per place of every snapshot."""
    places = inputs.step(
        "places in playlists",
        inputs["spotify_playlist_songs"].select(
            "playlist_id", "snapshot_date", "position", "song_id"
        ),
    )
    names = inputs["spotify_songs"].select("song_id", "name")
    return (
        places.join(_histories(places), ["playlist_id", "snapshot_date", "song_id"], "left")
        .join(names, "song_id", "left")
        .join(_artist_names(inputs), "song_id", "left")
        .withColumn("artist_names", F.coalesce("artist_names", F.array().cast("array<string>")))
    )


def _histories(places: DataFrame) -> DataFrame:
    """Return a row per song and snapshot that held it: previous_position and days_on_chart.

    The snapshots of a playlist are numbered: days on which it was not read are no gap, and a
    song was in the snapshot before if it was in the one with the number before.
    """
    snapshots = Window.partitionBy("playlist_id").orderBy("snapshot_date")
    of_song = Window.partitionBy("playlist_id", "song_id").orderBy("snapshot_date")
    held = (
        places.groupBy("playlist_id", "snapshot_date", "song_id")
        .agg(F.min("position").alias("best"))
        .withColumn("number", F.dense_rank().over(snapshots))
    )
    was_in_the_one_before = F.lag("number").over(of_song) == F.col("number") - 1
    return held.select(
        "playlist_id",
        "snapshot_date",
        "song_id",
        F.when(was_in_the_one_before, F.lag("best").over(of_song)).alias("previous_position"),
        F.row_number().over(of_song).alias("days_on_chart"),
    )


def _artist_names(inputs: Inputs) -> DataFrame:
    """Return song_id and artist_names, in the order of artist_ids, without unknown artists."""
    credited = inputs["spotify_songs"].select(
        "song_id", F.posexplode("artist_ids").alias("place", "artist_id")
    )
    artists = inputs["spotify_artists"].select("artist_id", F.col("name").alias("artist"))
    in_order = F.array_sort(F.collect_list(F.struct("place", "artist")))
    return (
        credited.join(artists.where(F.col("artist").isNotNull()), "artist_id")
        .groupBy("song_id")
        .agg(in_order.alias("credit"))
        .select("song_id", F.col("credit.artist").alias("artist_names"))
    )
