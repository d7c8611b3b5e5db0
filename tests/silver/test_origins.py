"""Tables whose rows are inside records, come from several datasets, or are replaced as a whole."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pyarrow.parquet as pq
import pytest
from pyspark.sql import SparkSession

from data_pipeline.silver import job, merge, tally
from data_pipeline.silver.incremental import COUNTS
from tests.silver.lake import TODAY, Lake, moment, run_id

Record = dict[str, Any]
A, B, C, D = (run_id(number) for number in (0xA, 0xB, 0xC, 0xD))
YESTERDAY = run_id(0xE, TODAY - timedelta(days=1))
SONGS, ON_LIST = "spotify_songs", "spotify_playlist_songs"
AUTHORS, BOOKS = "open_library_authors", "open_library_books"


def put(
    lake: Lake,
    source: str,
    dataset: str,
    run: str,
    records: Iterable[Mapping[str, Any] | str | None],
    *,
    unit: str,
    hours_ago: float | Sequence[float] = 1,
) -> None:
    """Write an object as bronze does, whose positions count from 1; a text is malformed.

    ``hours_ago`` may differ from record to record, as it does from page to page.
    """
    lines = []
    for position, record in enumerate(records, 1):
        ago = hours_ago if isinstance(hours_ago, (int, float)) else hours_ago[position - 1]
        when = moment(ago)
        line = {"_run_id": run, "_unit": unit, "_position": position, "_fetched_at": when}
        content = {"malformed" if isinstance(record, str) else "record": record}
        lines.append(json.dumps({**line, **content}, ensure_ascii=False))
    path = lake.put_lines(source, dataset, run, lines, unit=unit)
    last = hours_ago if isinstance(hours_ago, (int, float)) else min(hours_ago)
    landed = datetime.fromisoformat(moment(last)).timestamp() + 1
    os.utime(path, (landed, landed))


def load(lake: Lake, source: str, *tables: str) -> dict[str, job.TableResult]:
    """Load these tables only, and take their runs for done, as if they were all of the source."""
    results = lake.load(sources=[source], tables=tables)
    assert {result.status for result in results.values()} <= {"loaded", "unchanged"}
    for path in lake.bronze.glob("_pending/*/*.json"):
        path.unlink()
    return results


def audits(lake: Lake, table: str) -> dict[tuple[str, str], Record]:
    """Return the rows of load_audit by dataset and run, of which there is one each."""
    found = lake.table("load_audit").where(f"table = '{table}'").collect()
    by_group = {(row.dataset, row.run_id): row.asDict() for row in found}
    assert len(by_group) == len(found)
    for audit in by_group.values():
        read, valid, refused, duplicate, inserted, updated, unchanged = (
            audit[name] for name in COUNTS
        )
        assert read == valid + refused
        assert valid == duplicate + inserted + updated + unchanged
    return by_group


def refused(lake: Lake, table: str) -> list[Any]:
    found = lake.table("quarantine").where(f"table = '{table}'").orderBy("position").collect()
    return [(row.position, row.failed_rules, row.record) for row in found]


# --- Spotify's songs ----------------------------------------------------------------------------


def track(song: str, **fields: Any) -> Record:
    """Return a song as an album lists it."""
    return {
        "id": song,
        "name": f"Song {song}",
        "type": "track",
        "is_local": False,
        "duration_ms": 1000,
        "explicit": False,
        "external_urls": {"spotify": f"https://it/{song}"},
        "artists": [{"id": "ar1", "name": "Ann"}, {"id": "ar2", "name": "Bob"}],
        "track_number": 3,
        "disc_number": 1,
        **fields,
    }


def album(name: str, tracks: Sequence[Record]) -> Record:
    return {
        "id": name,
        "name": f"Album {name}",
        "album_type": "album",
        "type": "album",
        "release_date": "1999-05",
        "release_date_precision": "month",
        "total_tracks": len(tracks),
        "external_urls": {"spotify": f"https://it/{name}"},
        "artists": [{"id": "ar1", "name": "Ann"}],
        "tracks": {"items": list(tracks), "next": None},
    }


def full(song: str, of: str = "al1", **fields: Any) -> Record:
    """Return a song as a playlist lists it."""
    simple = {name: value for name, value in album(of, [track(song)]).items() if name != "tracks"}
    return track(song, **{"album": simple, "popularity": 50, **fields})


def items(
    lake: Lake,
    run: str,
    songs: Iterable[Record | None],
    *,
    hours_ago: float = 1,
    playlist: str = "PL",
    shape: str = "item",
    number: int = 1,
) -> None:
    records = [
        {"added_at": f"2026-01-{n % 28 + 1:02}T00:00:00Z", "is_local": False, shape: song}
        for n, song in enumerate(songs)
    ]
    unit = f"playlist_items-{number:06d}-{playlist}"
    put(lake, "spotify", "playlist_items", run, records, unit=unit, hours_ago=hours_ago)
    lake.complete("spotify", run, fetched_from=moment(hours_ago))


def albums(lake: Lake, run: str, records: Iterable[Record], *, hours_ago: float = 1) -> None:
    unit = "albums-000009-al1"
    put(lake, "spotify", "albums", run, records, unit=unit, hours_ago=hours_ago)
    lake.complete("spotify", run, fetched_from=moment(hours_ago))


def test_songs_of_the_old_and_the_new_shape(lake: Lake) -> None:
    new = full("s1", name=" A\u00a0song ", explicit=True)
    items(lake, A, [new, full("s3")])
    items(
        lake,
        A,
        [full("s2"), {**full("s1"), "id": "s4", "popularity": None}],
        shape="track",
        playlist="OLD",
        number=2,
    )
    load(lake, "spotify", SONGS)
    columns = ("song_id", "name", "duration_ms", "explicit", "popularity", "url", "album_id")
    more = ("artist_ids", "track_number", "disc_number")
    rest = ("al1", ["ar1", "ar2"], 3, 1)
    assert lake.rows(SONGS, *columns, *more) == [
        ("s1", "A song", 1000, True, 50, "https://it/s1", *rest),
        ("s2", "Song s2", 1000, False, 50, "https://it/s2", *rest),
        ("s3", "Song s3", 1000, False, 50, "https://it/s3", *rest),
        ("s4", "Song s1", 1000, False, None, "https://it/s1", *rest),
    ]
    assert {key: row["records_valid"] for key, row in audits(lake, SONGS).items()} == {
        ("playlist_items", A): 4
    }


def test_both_shapes_in_one_object_give_the_same_row(lake: Lake) -> None:
    """The other table of the two, too; and the hash says that nothing changed."""
    items(lake, A, [full("s1")], shape="track", hours_ago=9)
    load(lake, "spotify", SONGS, ON_LIST)
    before = lake.rows(SONGS), lake.rows(ON_LIST)
    items(lake, B, [full("s1")], shape="item", hours_ago=3)
    results = load(lake, "spotify", SONGS, ON_LIST)
    assert {result.status for result in results.values()} == {"unchanged"}
    assert (lake.rows(SONGS), lake.rows(ON_LIST)) == before


ORDERS = [
    [[A], [B], [C], [D]],
    [[D], [C], [B], [A]],
    [[B], [D], [A], [C]],
    [[A, B, C, D]],
]


def test_any_order_of_runs_gives_the_same_songs(spark: SparkSession, tmp_path: Path) -> None:
    """An item's record wins over an album's whichever is newer; else the newer one wins."""

    def put_run(lake: Lake, run: str) -> None:
        if run == A:
            albums(
                lake,
                A,
                [album("al1", [track("s1", name="A"), track("s2", name="A")])],
                hours_ago=12,
            )
        elif run == B:
            items(lake, B, [full("s1", name="B"), full("s3", name="B")], hours_ago=9)
        elif run == C:
            # A run has both, and the album's is the newer answer.
            items(lake, C, [full("s3", name="C", popularity=1)], hours_ago=6)
            albums(
                lake,
                C,
                [album("al1", [track("s1", name="C"), track("s3", name="c")])],
                hours_ago=5.5,
            )
        else:
            tracks = [track("s1", name="D"), track("s2", name="D"), track("s3", name="D")]
            albums(lake, D, [album("al1", tracks)], hours_ago=3)

    found = []
    for number, order in enumerate(ORDERS):
        lake = Lake(spark, tmp_path / str(number))
        for together in order:
            for run in together:
                put_run(lake, run)
            load(lake, "spotify", SONGS)
        found.append(lake.state()[SONGS])
        expected = [("s1", "B", 50), ("s2", "D", None), ("s3", "C", 1)]
        assert lake.rows(SONGS, "song_id", "name", "popularity") == expected, order
        audits(lake, SONGS)
    lake.load(sources=["spotify"], tables=[SONGS], full_refresh=True)
    assert [*found[1:], lake.state()[SONGS]] == found


def test_an_album_changes_nothing_of_what_an_item_said(lake: Lake) -> None:
    items(lake, A, [full("s1")], hours_ago=9)
    load(lake, "spotify", SONGS)
    before, version = lake.rows(SONGS), lake.version(SONGS)
    albums(lake, B, [album("al1", [track("s1", name="Other", duration_ms=5)])], hours_ago=3)
    assert load(lake, "spotify", SONGS)[SONGS].status == "unchanged"
    assert (lake.rows(SONGS), lake.version(SONGS)) == (before, version)
    assert audits(lake, SONGS)["albums", B]["rows_unchanged"] == 1
    # A newer item does, and so the row is of that run.
    items(lake, C, [full("s1", name="New")], hours_ago=2)
    load(lake, "spotify", SONGS)
    assert lake.rows(SONGS, "name", "_run_id") == [("New", C)]


def test_a_newer_track_of_an_album_overwrites_an_older_one(lake: Lake) -> None:
    changed = {}
    for run, hours in ((B, 6), (C, 3), (A, 9)):
        albums(lake, run, [album("al1", [track("s1", name=run)])], hours_ago=hours)
        changed[run] = load(lake, "spotify", SONGS)[SONGS].status
    assert changed == {B: "loaded", C: "loaded", A: "unchanged"}
    assert lake.rows(SONGS, "name", "_run_id", "album_id") == [(C, C, "al1")]


def test_further_pages_of_an_album_are_no_album(lake: Lake) -> None:
    page = {
        "href": "https://it/v1/albums/al1/tracks?offset=50",
        "items": [track("s2", artists=[{"id": "ar3", "name": "Cid"}])],
        "limit": 50,
        "next": None,
        "offset": 50,
        "previous": None,
        "total": 51,
    }
    albums(lake, A, [album("al1", [track("s1")]), page])
    results = lake.load(sources=["spotify"])
    assert results["spotify_albums"].counts["records_read"] == 1
    columns = ("album_id", "release_date", "release_year", "total_tracks", "artist_ids")
    assert lake.rows("spotify_albums", *columns) == [("al1", "1999-05", 1999, 1, ["ar1"])]
    assert lake.rows(SONGS, "song_id", "album_id") == [("s1", "al1"), ("s2", "al1")]
    assert lake.rows("spotify_artists", "artist_id", "name") == [
        ("ar1", "Ann"),
        ("ar2", "Bob"),
        ("ar3", "Cid"),
    ]
    assert audits(lake, "spotify_albums")["albums", A]["records_read"] == 1
    assert lake.rows("quarantine") == []
    assert results[ON_LIST].status == "left out"
    assert lake.pending() == []


def test_what_is_no_song_is_quarantined(lake: Lake) -> None:
    local = full(
        "x",
        id=None,
        is_local=True,
        artists=[{"id": None, "name": "The Garage"}],
        album={"id": None, "name": "Demos", "artists": []},
    )
    unsaid = {name: value for name, value in full("l2").items() if name != "is_local"}
    wrong: list[Record] = [
        {"added_at": None, "is_local": False, "item": {"id": "e1", "type": "episode", "show": {}}},
        {"added_at": None, "is_local": False, "track": {"id": "e2", "type": "episode"}},
        {"added_at": None, "is_local": True, "item": local},
        {"added_at": None, "is_local": True, "track": unsaid},
        {"added_at": None, "is_local": False, "item": None},
        {"added_at": None, "is_local": False, "track": None},
        {"added_at": None},
        {"added_at": None, "is_local": False, "item": "x"},
        {"added_at": None, "is_local": False, "item": full("u1", type=None)},
    ]
    removed = {"item": full("s2", name="", duration_ms=0, is_playable=False), "added_at": None}
    put(
        lake,
        "spotify",
        "playlist_items",
        A,
        [{"item": full("s1")}, *wrong, removed, "{cut"],
        unit="playlist_items-000001-PL",
    )
    lake.complete("spotify", A)
    results = lake.load(sources=["spotify"])
    assert {result.status for result in results.values()} == {"loaded"}
    for table in (SONGS, ON_LIST):
        found = refused(lake, table)
        assert [(position, text) for position, _, text in found] == [
            *((n, json.dumps(record, ensure_ascii=False)) for n, record in enumerate(wrong, 2)),
            (12, "{cut"),
        ]
        assert all("wrong_kind" in rules for _, rules, _ in found[:-1])
        assert found[0][1] == found[3][1] == ["wrong_kind"]
        assert found[-1][1] == ["malformed"]
        audit = audits(lake, table)["playlist_items", A]
        assert (audit["records_read"], audit["records_quarantined"]) == (12, 10)
    assert lake.rows(SONGS, "song_id", "name", "duration_ms") == [
        ("s1", "Song s1", 1000),
        ("s2", None, None),
    ]
    # Places are those of the list as it was published, with what is no song in between.
    assert lake.rows(ON_LIST, "position", "song_id", "added_at") == [
        (1, "s1", None),
        (11, "s2", None),
    ]


# --- Spotify's playlists, day by day ------------------------------------------------------------


def listed(lake: Lake, playlist: str = "PL") -> dict[date, list[str]]:
    """Return the songs of each snapshot, in order."""
    rows = lake.rows(ON_LIST, "playlist_id", "snapshot_date", "position", "song_id")
    found: dict[date, list[str]] = {}
    places: dict[date, list[int]] = {}
    for name, day, position, song in sorted(rows):
        if name == playlist:
            found.setdefault(day, []).append(song)
            places.setdefault(day, []).append(position)
    assert all(here == [*range(1, len(here) + 1)] for here in places.values())
    return found


def songs(names: str) -> list[Record]:
    return [full(name) for name in names]


@pytest.mark.parametrize("is_small", [False, True], ids=["whole table", "few rows"])
def test_a_later_run_of_the_day_replaces_the_list_whole(
    lake: Lake, monkeypatch: pytest.MonkeyPatch, is_small: bool
) -> None:
    """However the load is compared with the table."""
    monkeypatch.setattr(merge, "is_much_larger", lambda *_: is_small)
    yesterday = TODAY - timedelta(days=1)
    items(lake, YESTERDAY, songs("abcdef"), hours_ago=30)
    items(lake, A, songs("abcde"), hours_ago=9)
    items(lake, A, songs("xyz"), hours_ago=9, playlist="OTHER", number=2)
    load(lake, "spotify", ON_LIST)
    assert listed(lake) == {yesterday: list("abcdef"), TODAY: list("abcde")}
    other = listed(lake, "OTHER")

    # Shorter and reordered; a row that is as before stays as it is.
    items(lake, B, songs("acb"), hours_ago=6)
    load(lake, "spotify", ON_LIST)
    assert listed(lake) == {yesterday: list("abcdef"), TODAY: list("acb")}
    assert listed(lake, "OTHER") == other == {TODAY: list("xyz")}
    runs = lake.table(ON_LIST).where("playlist_id = 'PL'").select("position", "_run_id").collect()
    assert {tuple(row) for row in runs if row[1] != YESTERDAY} == {(1, A), (2, B), (3, B)}

    # Only shorter: nothing is new, and still the table changes.
    items(lake, C, songs("ac"), hours_ago=4)
    load(lake, "spotify", ON_LIST)
    assert listed(lake)[TODAY] == list("ac")

    # The same again makes no new version.
    before, version = lake.rows(ON_LIST), lake.version(ON_LIST)
    items(lake, D, songs("ac"), hours_ago=2)
    assert load(lake, "spotify", ON_LIST)[ON_LIST].status == "unchanged"
    assert (lake.rows(ON_LIST), lake.version(ON_LIST)) == (before, version)


def test_a_list_that_only_became_shorter_is_no_unchanged_table(lake: Lake) -> None:
    items(lake, A, songs("abc"), hours_ago=9)
    load(lake, "spotify", ON_LIST)
    items(lake, B, songs("ab"), hours_ago=6)
    result = load(lake, "spotify", ON_LIST)[ON_LIST]
    assert listed(lake) == {TODAY: ["a", "b"]}
    assert result.status == "loaded"


def test_a_late_run_of_the_day_changes_nothing(lake: Lake) -> None:
    """Longer, shorter or in another order: the newer run of the same day has said it all."""
    late = {"LONGER": "abcdef", "SHORTER": "xy", "OTHER": "cab", "SAME": "abcd"}
    for run, names, hours in ((A, "abcd", 9), (B, "abc", 3)):
        for number, playlist in enumerate(late, 1):
            items(lake, run, songs(names), hours_ago=hours, playlist=playlist, number=number)
        load(lake, "spotify", ON_LIST)
    before, version = lake.rows(ON_LIST), lake.version(ON_LIST)
    assert all(listed(lake, playlist) == {TODAY: list("abc")} for playlist in late)
    for number, (playlist, names) in enumerate(late.items(), 1):
        items(lake, C, songs(names), hours_ago=6, playlist=playlist, number=number)
    assert load(lake, "spotify", ON_LIST)[ON_LIST].status == "unchanged"
    assert (lake.rows(ON_LIST), lake.version(ON_LIST)) == (before, version)


def test_any_order_of_runs_gives_the_same_lists(spark: SparkSession, tmp_path: Path) -> None:
    runs = {YESTERDAY: (30, "abc"), A: (9, "abcde"), B: (6, "ba"), C: (3, "cbx")}
    orders = [
        [[YESTERDAY, A], [B], [C]],
        [[B], [YESTERDAY, C], [A]],
        [[C, A, B, YESTERDAY]],
    ]
    states = []
    for number, order in enumerate(orders):
        lake = Lake(spark, tmp_path / str(number))
        for together in order:
            for run in together:
                items(lake, run, songs(runs[run][1]), hours_ago=runs[run][0])
            load(lake, "spotify", ON_LIST)
        assert listed(lake) == {TODAY - timedelta(days=1): list("abc"), TODAY: list("cbx")}, order
        states.append(lake.state()[ON_LIST])
    assert states[1:] == states[:-1]


def test_of_two_runs_at_a_time_one_makes_the_list_whole(
    spark: SparkSession, tmp_path: Path
) -> None:
    """B begins after A and ends before it: all of the list is A's, in whichever order they come."""
    states = []
    for number, order in enumerate(([[A, B]], [[A], [B]], [[B], [A]])):
        lake = Lake(spark, tmp_path / str(number))
        for together in order:
            for run in together:
                hours = [9.0, 3.0] if run == A else [6.0, 5.0]
                records = [{"item": full(f"{run} {n}")} for n in range(2)]
                put(
                    lake,
                    "spotify",
                    "playlist_items",
                    run,
                    records,
                    unit="playlist_items-000001-PL",
                    hours_ago=hours,
                )
                lake.complete("spotify", run, fetched_from=moment(max(hours)))
            load(lake, "spotify", ON_LIST)
        states.append(listed(lake)[TODAY])
    assert states == [[f"{A} 0", f"{A} 1"]] * 3


def test_the_same_run_again_by_its_id_changes_no_list(lake: Lake) -> None:
    items(lake, A, songs("abc"), hours_ago=9)
    items(lake, B, songs("ba"), hours_ago=6)
    load(lake, "spotify", ON_LIST)
    before, version = lake.rows(ON_LIST), lake.version(ON_LIST)
    for again in ({"run_id": A}, {"run_id": B}, {"full_refresh": True}):
        lake.load(sources=["spotify"], tables=[ON_LIST], **again)
        assert (lake.rows(ON_LIST), lake.version(ON_LIST)) == (before, version), again


# --- what only a unit's name says ---


def test_a_unit_names_what_its_records_do_not(lake: Lake) -> None:
    """Also one that was found while another was fetched, and one with hyphens in its name."""
    for number, unit in enumerate(
        (
            "subjects-000001-love",
            "subjects-000002-science-fiction_2.00001",
            "subjects-000012-to_be.00002.00001",
        )
    ):
        put(lake, "open_library", "subjects", A, [work(f"/works/OL{number}W")], unit=unit)
    lake.complete("open_library", A)
    load(lake, "open_library", "open_library_subjects")
    assert lake.rows("open_library_subjects", "subject", "work_key") == [
        ("love", "/works/OL0W"),
        ("science-fiction_2", "/works/OL1W"),
        ("to_be", "/works/OL2W"),
    ]
    items(lake, B, songs("a"), playlist="3-x_Y-000001")
    put(lake, "spotify", "albums", B, [album("al-1", [track("b")])], unit="albums-000002-al-1_x")
    load(lake, "spotify", SONGS, ON_LIST)
    assert lake.rows(ON_LIST, "playlist_id", "song_id") == [("3-x_Y-000001", "a")]
    assert lake.rows(SONGS, "song_id", "album_id") == [("a", "al1"), ("b", "al-1_x")]


# --- Open Library's authors ---------------------------------------------------------------------


def work(key: str, **fields: Any) -> Record:
    return {"key": key, "title": f"Work {key}", "first_publish_year": 1999, **fields}


def works(lake: Lake, run: str, records: Iterable[Mapping[str, Any]], hours_ago: float = 1) -> None:
    unit = "subjects-000001-love"
    put(lake, "open_library", "subjects", run, records, unit=unit, hours_ago=hours_ago)
    lake.complete("open_library", run, fetched_from=moment(hours_ago))


def author(number: int, name: str = "Ann") -> Record:
    return {"key": f"/authors/OL{number}A", "name": name}


def test_every_author_of_a_work_is_a_row(lake: Lake) -> None:
    records = [
        work("/works/OL1W", authors=[author(1), author(2, " Bob\u00a0B. ")]),
        work("/works/OL2W", authors=[]),
        work("/works/OL3W", authors=None),
        work("/works/OL4W"),
        work("/works/OL5W", authors=[None, author(1), None]),
        work("/works/OL6W", authors=[author(3), author(3), author(3, "Cyd")]),
        work("/works/OL7W", authors=[author(1)], first_publish_year=0),
    ]
    works(lake, A, records)
    lake.load(sources=["open_library"])
    columns = ("author_key", "work_key", "author_name", "first_publish_year")
    assert lake.rows(AUTHORS, *columns) == [
        ("/authors/OL1A", "/works/OL1W", "Ann", 1999),
        ("/authors/OL1A", "/works/OL5W", "Ann", 1999),
        ("/authors/OL1A", "/works/OL7W", "Ann", None),
        ("/authors/OL2A", "/works/OL1W", "Bob B.", 1999),
        # The last one of a record wins.
        ("/authors/OL3A", "/works/OL6W", "Cyd", 1999),
    ]
    audit = audits(lake, AUTHORS)["subjects", A]
    assert (audit["records_read"], audit["records_duplicate"]) == (7, 2)
    assert lake.rows("open_library_subjects", "subject", "work_key") == [
        ("love", record["key"]) for record in records
    ]
    assert lake.rows(BOOKS, "work_key", "author_keys")[4:6] == [
        ("/works/OL5W", ["/authors/OL1A"]),
        ("/works/OL6W", ["/authors/OL3A"]),
    ]


def test_each_broken_author_is_a_row_in_quarantine(lake: Lake) -> None:
    broken = work(
        "/works/OL1W",
        authors=[{"name": "x"}, author(1), {"key": None}, {"key": " ", "name": "y"}, {}],
    )
    without_key = {"title": "nobody's", "authors": [author(2), author(3)]}
    works(lake, A, [broken, without_key])
    load(lake, "open_library", AUTHORS)
    assert lake.rows(AUTHORS, "author_key", "work_key") == [("/authors/OL1A", "/works/OL1W")]
    audit = audits(lake, AUTHORS)["subjects", A]
    assert [audit[name] for name in COUNTS[:3]] == [7, 1, 6]
    assert refused(lake, AUTHORS) == [
        *[(1, ["key:author_key"], json.dumps(broken))] * 4,
        *[(2, ["key:work_key"], json.dumps(without_key))] * 2,
    ]


def test_what_is_no_list_of_authors_is_quarantined(lake: Lake) -> None:
    instead: list[Any] = ["x", {}, {"key": "/authors/OL1A"}, 5, True, ""]
    bad = [work(f"/works/OL{n}W", authors=value) for n, value in enumerate(instead, 1)]
    works(
        lake, A, [*bad, work("/works/OL8W", authors=[author(2)]), work("/works/OL9W", authors=[])]
    )
    load(lake, "open_library", AUTHORS, BOOKS)
    assert lake.rows(AUTHORS, "author_key", "work_key") == [("/authors/OL2A", "/works/OL8W")]
    malformed = [(n, ["malformed"], json.dumps(record)) for n, record in enumerate(bad, 1)]
    assert refused(lake, AUTHORS) == malformed
    audit = audits(lake, AUTHORS)["subjects", A]
    assert [audit[name] for name in COUNTS[:3]] == [7, 1, 6]
    # Of the book they are an optional column: it stays, without them.
    assert lake.rows(BOOKS, "work_key", "title", "author_keys") == [
        *((record["key"], record["title"], None) for record in bad),
        ("/works/OL8W", "Work /works/OL8W", ["/authors/OL2A"]),
        ("/works/OL9W", "Work /works/OL9W", []),
    ]
    assert audits(lake, BOOKS)["subjects", A]["unreadable"] == {"author_keys": 6}


def test_what_is_no_author_among_others_is_not_lost(lake: Lake) -> None:
    """The record is in quarantine, whole."""
    mixed = [
        work(f"/works/OL{n}W", authors=[author(1), value, author(2)])
        for n, value in enumerate(["x", 5, [author(9)]], 1)
    ]
    works(lake, A, [*mixed, work("/works/OL9W", authors=[author(2)])])
    load(lake, "open_library", AUTHORS)
    assert lake.rows(AUTHORS, "author_key", "work_key") == [("/authors/OL2A", "/works/OL9W")]
    assert refused(lake, AUTHORS) == [
        (n, ["malformed"], json.dumps(record)) for n, record in enumerate(mixed, 1)
    ]


def test_books_are_sorted_by_year_within_their_files(lake: Lake) -> None:
    random = Random(1)

    def records(first: int, title: str = "x") -> list[Record]:
        found = [
            work(f"/works/OL{n}W", title=title, first_publish_year=random.randint(1700, 2025))
            for n in range(first, first + 300)
        ]
        found[7]["first_publish_year"] = None
        return found

    for number, (run, hours) in enumerate(((A, 9), (B, 6))):
        works(lake, run, records(300 * number), hours_ago=hours)
        load(lake, "open_library", BOOKS)
    assert lake.table(BOOKS).count() == 600
    paths = [path.removeprefix("file://") for path in lake.table(BOOKS).inputFiles()]
    assert len(paths) >= 2
    for path in paths:
        years = pq.read_table(path)["first_publish_year"].to_pylist()
        known = [year for year in years if year is not None]
        assert known == sorted(known)
        # The unknown ones are together at one end.
        assert None not in years[1:-1] or years[0] is None or years[-1] is None


def test_books_that_were_rewritten_are_sorted_too(lake: Lake) -> None:
    random = Random(2)
    years = [random.randint(1700, 2025) for _ in range(200)]
    for run, hours in ((A, 9), (B, 6)):
        changed = [
            work(f"/works/OL{n}W", first_publish_year=year, edition_count=hours if n % 3 else 1)
            for n, year in enumerate(years)
        ]
        works(lake, run, changed, hours_ago=hours)
        load(lake, "open_library", BOOKS)
    assert audits(lake, BOOKS)["subjects", B]["rows_updated"] > 100
    for path in lake.table(BOOKS).inputFiles():
        found = pq.read_table(path.removeprefix("file://"))["first_publish_year"].to_pylist()
        assert found == sorted(found)


# --- values in objects and lists ----------------------------------------------------------------


def anime(number: int, **fields: Any) -> Record:
    return {
        "mal_id": number,
        "title": f"Anime {number}",
        "aired": {"from": "1998-04-03T00:00:00+00:00", "to": "1999-04-24T00:00:00+00:00"},
        **{name: [{"mal_id": 1, "name": "One"}] for name in LISTS},
        **fields,
    }


LISTS = ("genres", "themes", "demographics", "studios", "producers")


def animes(lake: Lake, records: Iterable[Record]) -> None:
    put(lake, "jikan", "anime", A, records, unit="anime-000001")
    lake.complete("jikan", A)
    load(lake, "jikan", "jikan_anime")


def test_an_optional_value_of_another_shape_is_null_and_counted(lake: Lake) -> None:
    instead: list[Record] = [
        {},
        {"aired": "x"},
        {"aired": [1]},
        {"genres": 5},
        {"genres": {"name": "Action"}},
        {"genres": ["Action"]},
        {"aired": 5, "studios": "Sunrise"},
        {},
    ]
    animes(lake, [anime(n, **fields) for n, fields in enumerate(instead)])
    names = ("anime_id", "title", "aired_from", "aired_to", *LISTS)
    expected = []
    for number, fields in enumerate(instead):
        aired = (None, None) if "aired" in fields else (date(1998, 4, 3), date(1999, 4, 24))
        lists = [None if name in fields else ["One"] for name in LISTS]
        expected.append((number, f"Anime {number}", *aired, *lists))
    assert lake.rows("jikan_anime", *names) == expected
    audit = audits(lake, "jikan_anime")["anime", A]
    assert audit["unreadable"] == {"aired_from": 3, "aired_to": 3, "genres": 3, "studios": 1}
    assert [audit[name] for name in COUNTS[:3]] == [8, 8, 0]


def test_what_is_not_there_is_not_counted_as_unreadable(lake: Lake) -> None:
    """Not even in a record in which something else has another shape."""
    animes(
        lake,
        [
            anime(1, aired=None, genres=None, themes=[]),
            anime(2, aired={"from": None}, studios=None),
            anime(3, aired="x", studios=None, themes=[]),
        ],
    )
    audit = audits(lake, "jikan_anime")["anime", A]
    assert audit["unreadable"] == {"aired_from": 1, "aired_to": 1}


# --- reports --------------------------------------------------------------------------------------


@pytest.mark.parametrize("most_observed", [8, 1])
def test_load_audit_has_a_row_for_each_table_dataset_and_run(
    lake: Lake, monkeypatch: pytest.MonkeyPatch, most_observed: int
) -> None:
    """Whichever way runs are counted."""
    monkeypatch.setattr(tally, "MOST_OBSERVED_GROUPS", most_observed)
    for run, hours in ((A, 6), (B, 3)):
        items(lake, run, [full("s1"), None], hours_ago=hours)
        albums(lake, run, [album("al1", [track("s1"), track("s2")])], hours_ago=hours)
    lake.load(sources=["spotify"])
    both = [(dataset, run) for dataset in ("albums", "playlist_items") for run in (A, B)]
    for table in (SONGS, "spotify_albums", "spotify_artists"):
        assert sorted(audits(lake, table)) == both
    assert sorted(audits(lake, ON_LIST)) == both[2:]
    found = audits(lake, SONGS)
    assert {key: [row[name] for name in COUNTS] for key, row in found.items()} == {
        # s1 is of the items, s2 of the newer album.
        ("albums", A): [2, 2, 0, 0, 0, 0, 2],
        ("albums", B): [2, 2, 0, 0, 1, 0, 1],
        ("playlist_items", A): [2, 1, 1, 0, 0, 0, 1],
        ("playlist_items", B): [2, 1, 1, 0, 1, 0, 0],
    }
    assert {row["source"] for row in found.values()} == {"spotify"}
    # Artists are counted as they stand in the records: a song's two, its album's one.
    artists = audits(lake, "spotify_artists")
    assert artists["playlist_items", A]["records_read"] == 3
    assert artists["albums", A]["records_read"] == 1 + 2 * 2


def test_new_fields_are_those_that_no_table_knows(lake: Lake) -> None:
    items(lake, A, [full("s1")])
    albums(lake, A, [album("al1", [track("s1")])])
    known = ["added_at", "is_local", "item", "track"]
    fields = {
        "playlist_items": [*known, "added_by", "video_thumbnail", "name"],
        # Of an album "name" is known, and so is what its further pages are made of.
        "albums": [*album("al1", []), "items", "label", "href"],
    }
    lake.complete("spotify", A, fields=fields)
    lake.load(sources=["spotify"])
    for table in (SONGS, "spotify_albums", "spotify_artists"):
        found = audits(lake, table)
        assert found["playlist_items", A]["new_fields"] == ["added_by", "name", "video_thumbnail"]
        assert found["albums", A]["new_fields"] == ["href", "label", "type"]


def test_new_fields_of_nested_records(lake: Lake) -> None:
    put(lake, "jikan", "anime", A, [anime(1)], unit="anime-000001")
    lake.complete("jikan", A, fields={"anime": [*anime(1), "streaming", "prop", "from"]})
    lake.load(sources=["jikan"])
    assert audits(lake, "jikan_anime")["anime", A]["new_fields"] == ["from", "prop", "streaming"]
    works(lake, B, [work("/works/OL1W", authors=[author(1)])])
    names = ["key", "title", "first_publish_year", "authors", "name", "ia", "_unit"]
    lake.complete("open_library", B, fields={"subjects": names})
    lake.load(sources=["open_library"])
    for table in (AUTHORS, BOOKS, "open_library_subjects"):
        assert audits(lake, table)["subjects", B]["new_fields"] == ["_unit", "ia", "name"]


# --- Kaggle's lists -------------------------------------------------------------------------------


def test_a_score_may_be_called_rating(lake: Lake) -> None:
    def entry(user: int, **fields: str) -> Record:
        record = {"user_id": str(user), "anime_id": "9", "watching_status": "2"}
        return {**record, "watched_episodes": "12", **fields}

    records = [
        entry(0, rating="7"),
        entry(1, score="8"),
        entry(2, rating="0"),
        entry(3, score="0"),
        entry(4),
        entry(5, rating="", score="6"),
        entry(6, rating="x"),
        entry(7, rating="11"),
        entry(8, score="-1"),
        entry(9, score="5", watching_status="5"),
    ]
    put(lake, "kaggle_anime", "animelist", A, records, unit="animelist-000001")
    names = sorted({name for record in records for name in record})
    lake.complete("kaggle_anime", A, fields={"animelist": names})
    lake.load(sources=["kaggle_anime"])
    assert lake.rows("kaggle_animelist", "user_id", "rating") == [
        (0, 7),
        (1, 8),
        (2, None),
        (3, None),
        (4, None),
        (5, 6),
        (6, None),
    ]
    assert refused(lake, "kaggle_animelist") == [
        (8, ["between:rating"], json.dumps(records[7])),
        (9, ["between:rating"], json.dumps(records[8])),
        (10, ["one_of:watching_status"], json.dumps(records[9])),
    ]
    audit = audits(lake, "kaggle_animelist")["animelist", A]
    assert audit["unreadable"] == {"rating": 1}
    assert audit["new_fields"] == []
