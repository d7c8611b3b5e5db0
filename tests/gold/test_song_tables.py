"""The gold tables about songs, on rows small enough to compute their values by hand."""

from __future__ import annotations

from datetime import date
from typing import Any

from pyspark.sql import DataFrame, SparkSession

from tests.gold.frames import frame
from tests.gold.test_gold_tables import assert_rows, build

SCHEMAS = {
    "spotify_artists": "artist_id string, name string",
    "spotify_songs": "song_id string, name string, duration_ms bigint, album_id string,"
    " artist_ids array<string>",
    "spotify_playlist_songs": "playlist_id string, snapshot_date date, position bigint,"
    " song_id string",
}
SUMMARY = (
    "artist_id string, name string, num_songs bigint, num_albums bigint, num_playlists bigint,"
    " total_duration_ms bigint"
)
CHART = (
    "playlist_id string, snapshot_date date, position bigint, song_id string, name string,"
    " artist_names array<string>, previous_position bigint, days_on_chart bigint"
)
MONDAY, TUESDAY, FRIDAY = date(2026, 3, 2), date(2026, 3, 3), date(2026, 3, 6)


def songs(spark: SparkSession, **tables: list[tuple[Any, ...]]) -> dict[str, DataFrame]:
    return {name: frame(spark, SCHEMAS[name], rows) for name, rows in tables.items()}


def test_artist_summary(spark: SparkSession) -> None:
    frames = songs(
        spark,
        spotify_artists=[("ann", "Ann"), ("bob", "Bob"), ("cid", None), ("dora", "Dora")],
        spotify_songs=[
            ("s1", "Solo", 1000, "album 1", ["ann"]),
            ("s2", "Duet", 200, "album 1", ["bob", "ann"]),
            ("s3", "Other album", 30, "album 2", ["ann"]),
            ("s4", "No album, no length", None, None, ["ann"]),
            ("s5", "On no playlist", 4, "album 3", ["cid"]),
            ("s6", "No artist", 5, "album 3", []),
            ("s7", None, None, None, None),  # removed
        ],
        spotify_playlist_songs=[
            ("p1", MONDAY, 1, "s1"),
            ("p1", TUESDAY, 1, "s1"),  # the same playlist again
            ("p1", MONDAY, 2, "s3"),  # another song of hers in it
            ("p2", MONDAY, 1, "s2"),  # held it on one day only
            ("p2", TUESDAY, 1, "s6"),
            ("p3", MONDAY, 1, "s99"),  # a song that is not known
        ],
    )
    expected = [
        ("ann", "Ann", 4, 2, 2, 1230),
        ("bob", "Bob", 1, 1, 1, 200),
        ("cid", None, 1, 1, 0, 4),
        ("dora", "Dora", 0, 0, 0, 0),
    ]
    assert_rows(build("artist_summary", frames), SUMMARY, expected)

    del frames["spotify_playlist_songs"]
    assert_rows(
        build("artist_summary", frames), SUMMARY, [(*row[:4], 0, row[5]) for row in expected]
    )


def chart(spark: SparkSession, *places: tuple[str, date, int, str]) -> DataFrame:
    """Return song_chart, without names, of playlists held by their places."""
    frames = songs(spark, spotify_artists=[], spotify_songs=[], spotify_playlist_songs=list(places))
    return build("song_chart", frames).drop("name", "artist_names")


WAYS = (
    "playlist_id string, snapshot_date date, position bigint, song_id string,"
    " previous_position bigint, days_on_chart bigint"
)


def test_song_chart_follows_a_song_from_snapshot_to_snapshot(spark: SparkSession) -> None:
    assert_rows(
        chart(
            spark,
            ("p", MONDAY, 1, "stays"),
            ("p", MONDAY, 2, "returns"),
            ("p", TUESDAY, 1, "new"),
            ("p", TUESDAY, 2, "stays"),
            # Not read on Wednesday and Thursday: Tuesday's is the snapshot before.
            ("p", FRIDAY, 1, "returns"),
            ("p", FRIDAY, 2, "new"),
            ("p", FRIDAY, 3, "stays"),
        ),
        WAYS,
        [
            ("p", MONDAY, 1, "stays", None, 1),
            ("p", MONDAY, 2, "returns", None, 1),
            ("p", TUESDAY, 1, "new", None, 1),
            ("p", TUESDAY, 2, "stays", 1, 2),
            ("p", FRIDAY, 1, "returns", None, 2),  # not in Tuesday's, but once before
            ("p", FRIDAY, 2, "new", 1, 2),
            ("p", FRIDAY, 3, "stays", 2, 3),
        ],
    )


def test_song_chart_of_a_song_twice_in_a_snapshot(spark: SparkSession) -> None:
    """The day counts once, and the better place is the one that it comes from."""
    assert_rows(
        chart(
            spark,
            ("p", MONDAY, 1, "other"),
            ("p", MONDAY, 2, "twice"),
            ("p", MONDAY, 3, "twice"),
            ("p", TUESDAY, 1, "twice"),
            ("p", TUESDAY, 2, "other"),
            ("p", TUESDAY, 3, "twice"),
        ),
        WAYS,
        [
            ("p", MONDAY, 1, "other", None, 1),
            ("p", MONDAY, 2, "twice", None, 1),
            ("p", MONDAY, 3, "twice", None, 1),
            ("p", TUESDAY, 1, "twice", 2, 2),
            ("p", TUESDAY, 2, "other", 1, 2),
            ("p", TUESDAY, 3, "twice", 2, 2),
        ],
    )


def test_song_chart_of_several_playlists(spark: SparkSession) -> None:
    """Each has snapshots of its own: p was not read on Tuesday, q not on Monday."""
    assert_rows(
        chart(
            spark,
            ("p", MONDAY, 1, "song"),
            ("q", TUESDAY, 7, "song"),
            ("p", FRIDAY, 2, "song"),
            ("q", FRIDAY, 5, "song"),
        ),
        WAYS,
        [
            ("p", MONDAY, 1, "song", None, 1),
            ("p", FRIDAY, 2, "song", 1, 2),
            ("q", TUESDAY, 7, "song", None, 1),
            ("q", FRIDAY, 5, "song", 7, 2),
        ],
    )


def test_song_chart_names_songs_and_artists(spark: SparkSession) -> None:
    frames = songs(
        spark,
        spotify_artists=[("a", "Zoe"), ("b", "Ann"), ("c", "Ann"), ("d", None)],
        spotify_songs=[
            ("trio", "Trio", 1, "album", ["a", "b", "c"]),
            ("other way", "Other way", 1, "album", ["c", "unknown", "d", "a"]),
            ("nobody", "Nobody", 1, "album", []),
            ("removed", None, None, None, None),
            ("not played", "Not played", 1, "album", ["a"]),
        ],
        spotify_playlist_songs=[
            ("p", MONDAY, place, song)
            for place, song in enumerate(["trio", "other way", "nobody", "removed", "missing"], 1)
        ],
    )
    assert_rows(
        build("song_chart", frames),
        CHART,
        [
            ("p", MONDAY, 1, "trio", "Trio", ["Zoe", "Ann", "Ann"], None, 1),
            ("p", MONDAY, 2, "other way", "Other way", ["Ann", "Zoe"], None, 1),
            ("p", MONDAY, 3, "nobody", "Nobody", [], None, 1),
            ("p", MONDAY, 4, "removed", None, [], None, 1),
            ("p", MONDAY, 5, "missing", None, [], None, 1),
        ],
    )
