"""The whole pipeline on recorded anime, books and music: every value is the one to be expected.

What no recording holds (a file of one's own on a playlist, a film with a year in the Tag Genome)
is made up in the publishers' shape and added to them.
"""

from __future__ import annotations

import csv
import json
import random
import re
import shutil
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from pyarrow import parquet

from tests import expected_gold
from tests.end_to_end.conftest import DATA, Lake
from tests.expected_silver import TABLES, Bronze, Expected, differences

pytestmark = pytest.mark.skipif(
    not DATA.is_dir(), reason="only for ../shared, whose recorded data may not be redistributed"
)

JIKAN, KAGGLE, MUSIC = DATA / "jikan" / "pages", DATA / "kaggle_anime_2020", DATA / "spotify"
BOOKS, GENOME = DATA / "openlibrary", DATA / "tag_genome_2021"
SOURCES = ("jikan", "kaggle_anime", "open_library", "tag_genome", "spotify")
TODAY = datetime.now(UTC).date()
YESTERDAY = TODAY - timedelta(days=1)

PLAYLISTS = {
    "RecordedTracks": "playlist_items_tracks.json",
    "RecordedMixed": "playlist_items_episodes_and_tracks.json",
    "RecordedTop40": "playlist_tracks.txt",
}
ALBUMS = ("albums.json", "album.json", "find_albums.txt")
MADE = "MadeUp"

# How many items of a playlist are no songs.
WRONG_KIND = {"RecordedMixed": 2, MADE: 3}

KAGGLE_FILES = {
    "anime": "anime.csv",
    "watching_status": "watching_status.csv",
    "animelist": "animelist_first4562_truncated_tail.csv",
    "anime_with_synopsis": "anime_with_synopsis_head269.csv",
}

# The part of its key that a made-up line of the Tag Genome may lack.
KEY_OF = {
    "metadata": "item_id",
    "ratings": "item_id",
    "reviews": "item_id",
    "tags": "id",
    "tag_count": "item_id",
}

COUNTED = ("records_read", "records_valid", "records_quarantined", "records_duplicate")

# What the publisher calls each column, and whether 0 means unknown there, too.
KAGGLE_COLUMNS = {
    "title_english": ("English name", False),
    "title_japanese": ("Japanese name", False),
    "type": ("Type", False),
    "source": ("Source", False),
    "episodes": ("Episodes", True),
    "premiered_season": ("Premiered", False),
    "premiered_year": ("Premiered", False),
    "duration_minutes": ("Duration", False),
    "age_rating": ("Rating", False),
    "score": ("Score", True),
    "ranked": ("Ranked", True),
    "popularity": ("Popularity", True),
    "members": ("Members", False),
    "favorites": ("Favorites", False),
    "watching": ("Watching", False),
    "completed": ("Completed", False),
    "on_hold": ("On-Hold", False),
    "dropped": ("Dropped", False),
    "plan_to_watch": ("Plan to Watch", False),
    "genres": ("Genres", False),
    "studios": ("Studios", False),
    "producers": ("Producers", False),
}


# --- what is loaded -----------------------------------------------------------------------------


def read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


@cache
def pages() -> list[dict[str, Any]]:
    """Return Jikan's pages, in the order in which they are served."""
    paths = JIKAN.glob("anime_page_*.json")
    return [read(path) for path in sorted(paths, key=lambda path: int(path.stem.split("_")[-1]))]


@cache
def kaggle(name: str) -> list[dict[str, str]]:
    """Return the rows of a file of Kaggle's; what is cut off is None."""
    with (KAGGLE / name).open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))
    return [dict(zip(map(str.strip, rows[0]), row, strict=False)) for row in rows[1:] if row]


@cache
def works() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = read(BOOKS / "subjects_love.json")["works"]
    return found


@cache
def albums() -> list[dict[str, Any]]:
    answers = [read(MUSIC / name) for name in ALBUMS]
    return [album for answer in answers for album in answer.get("albums", [answer])]


@cache
def playlists() -> dict[str, list[dict[str, Any]]]:
    """Return the items of each playlist: the recorded ones, and one that is made of them."""
    recorded = {playlist: read(MUSIC / name)["items"] for playlist, name in PLAYLISTS.items()}
    return {**recorded, MADE: made_up_items(recorded["RecordedTop40"])}


def made_up_items(recorded: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return items as Spotify has them, of kinds of which none was recorded."""
    first, second, third, fourth = (dict(item) for item in recorded[:4])
    # As since February 2026.
    first["item"] = first.pop("track")
    removed = {**fourth["track"], "id": "0000000000000000Removed", "name": "", "duration_ms": 0}
    # An album's song, whose fuller record this is.
    song = {**albums()[0]["tracks"]["items"][0], "name": "As the  playlist\u00a0has it"}
    song |= {"album": third["track"]["album"], "popularity": 7, "explicit": True, "track": True}
    local = {
        "album": {"album_type": None, "artists": [], "id": None, "name": "", "type": "album"},
        "artists": [{"id": None, "name": "Myself", "type": "artist", "external_urls": {}}],
        "duration_ms": 1000,
        "external_urls": {},
        "id": None,
        "is_local": True,
        "name": "A file of my own",
        "type": "track",
    }
    return [
        first,
        {**second, "track": None},
        {**second, "is_local": True, "track": local},
        {**second, "is_local": True, "track": {**second["track"], "is_local": None}},
        {**third, "added_at": "1970-01-01T00:00:00Z"},
        {**third, "added_at": None},
        {**fourth, "track": removed},
        {**fourth, "track": song},
    ]


@cache
def genome() -> dict[str, list[str]]:
    """Return the lines of each file of the Tag Genome: toy films, and made-up ones with years."""
    files = ("metadata", "ratings", "reviews", "tags", "tag_count")
    recorded = {
        name: (GENOME / f"{name}.json").read_text(encoding="utf-8").splitlines() for name in files
    }
    return {name: recorded[name] + made_up_lines()[name] for name in files}


def made_up_lines() -> dict[str, list[str]]:
    chance = random.Random(7)
    endings = [
        *["(1994)"] * 6,
        *["(1999)"] * 5,
        "(2005) ",
        "(1975-1979)",
        "( 1980\u2013 )",
        "",
        "(0000)",
    ]
    actors = ["Ann", "Bob", "Cleo", "Sammy Davis, Jr.", "Robert Downey Jr.", "Ed III", "Ann"]
    films: list[dict[str, Any]] = [
        {
            "title": f"Made  up\u00a0{number}, The {ending}",
            "directedBy": ", ".join(chance.sample(["Dee", "Eve", "Gus, Sr.", "O'Neil"], k=2)),
            "starring": ", ".join(chance.sample(actors, k=4)),
            "dateAdded": ["1998-02-01T12:30:00Z", "1998-02", None][number % 3],
            "avgRating": [3.5, 0, 4.25, None][number % 4],
            "imdbId": ["114709", "tt0000012", "12345678"][number % 3],
            "item_id": 201 + number,
        }
        for number, ending in enumerate(endings)
    ]
    films[3] |= {"avgRating": "many", "starring": ""}
    films[4] |= {"directedBy": None, "starring": "Unknown"}
    ids = [film["item_id"] for film in films]
    ratings: list[dict[str, Any]] = [
        {"item_id": film, "user_id": user, "rating": chance.randint(1, 10) / 2}
        for film in ids[:-1]
        for user in chance.sample(range(1, 60), k=chance.randint(0, 40))
    ]
    # The later version of a rating counts; those after it never become one.
    ratings += [{**ratings[0], "rating": 0.5}, {**ratings[1], "rating": "5"}]
    ratings += [
        {"item_id": 201, "user_id": 1001, "rating": 7},
        {"item_id": 201, "user_id": 1002, "rating": None},
        {"item_id": None, "user_id": 1003, "rating": 3},
        {"item_id": "x", "rating": 0},
    ]
    reviews: list[dict[str, Any]] = [
        {"item_id": 201, "txt": text} for text in ("Fine.", " Fine.\n", "Ça va 猫", "", "-")
    ]
    tags: list[dict[str, Any]] = [
        {"tag": "Unknown", "id": 19},
        {"tag": " ", "id": 20},
        {"tag": "lost"},
    ]
    counts: list[dict[str, Any]] = [
        {"item_id": film, "tag_id": tag, "num": chance.randint(0, 9)}
        for film in ids
        for tag in (11, 17)
        if chance.random() < 0.9
    ]
    objects: dict[str, Sequence[dict[str, Any]]] = {
        "metadata": [*films, {"title": "No film (1990)"}],
        "ratings": ratings,
        "reviews": reviews,
        "tags": tags,
        "tag_count": counts,
    }
    lines = {name: [json.dumps(each) for each in every] for name, every in objects.items()}
    lines["ratings"].insert(1, '{"item_id": 201, "user_id": 1, "rat')
    lines["metadata"].append("no JSON at all")
    return lines


@dataclass(frozen=True)
class Loaded:
    """The lake, where its sources' files are, and what its bronze says that silver has to hold."""

    lake: Lake
    folders: dict[str, Path]
    bronze: Bronze
    expected: dict[str, Expected]

    def rows(self, table: str) -> list[dict[str, Any]]:
        """Return the business columns of a silver table's rows."""
        rows = self.lake.rows("silver", table)
        return [{k: v for k, v in row.items() if not k.startswith("_")} for row in rows]


def run(lake: Lake, folders: dict[str, Path], as_of: date, *sources: str) -> str:
    given = [f"--from={source}={folders[source]}" for source in sources]
    return lake.run("run", *sources, *given, "--as-of", as_of.isoformat()).stdout


def write_music(folder: Path, items: dict[str, list[dict[str, Any]]]) -> None:
    """Write playlists and albums as answers, in the names that the command expects."""
    folder.mkdir(exist_ok=True)
    for playlist, of_playlist in items.items():
        answer = json.dumps({"items": of_playlist, "next": None, "total": len(of_playlist)})
        (folder / f"playlist_{playlist}_items.json").write_text(answer, encoding="utf-8")
    for name in ALBUMS:
        shutil.copy(MUSIC / name, folder / f"{Path(name).stem}.json")


@pytest.fixture(scope="module")
def loaded(new_lake: Callable[[], Lake], tmp_path_factory: pytest.TempPathFactory) -> Loaded:
    folder = tmp_path_factory.mktemp("recorded")
    folders = {
        "jikan": JIKAN,
        "kaggle_anime": KAGGLE,
        "open_library": BOOKS,
        "spotify": folder / "spotify",
        "tag_genome": folder / "tag_genome",
    }
    write_music(folders["spotify"], playlists())
    folders["tag_genome"].mkdir()
    for name, lines in genome().items():
        path = folders["tag_genome"] / f"{name}.json"
        path.write_text("\n".join(lines), encoding="utf-8")
    lake = new_lake()
    run(lake, folders, YESTERDAY, *SOURCES)
    bronze = Bronze(lake.objects("bronze"))
    return Loaded(lake, folders, bronze, {table: bronze.table(table) for table in TABLES})


# --- bronze -------------------------------------------------------------------------------------


def test_bronze_holds_every_record_of_the_files_in_order(loaded: Loaded) -> None:
    def records(source: str, dataset: str) -> list[Any]:
        lines = loaded.bronze.lines(source, dataset)
        return [line["malformed"] or json.loads(line["record"]) for line in lines]

    assert len(pages()) == 60
    wanted: dict[tuple[str, str], list[Any]] = {
        ("jikan", "anime"): [anime for page in pages() for anime in page["data"]],
        ("open_library", "subjects"): works(),
        # The units are numbered in the order of the playlists' names.
        ("spotify", "playlist_items"): [
            item for _, held in sorted(playlists().items()) for item in held
        ],
    }
    for dataset, name in KAGGLE_FILES.items():
        wanted["kaggle_anime", dataset] = list(kaggle(name))
    cut = (KAGGLE / KAGGLE_FILES["animelist"]).read_text(encoding="utf-8").splitlines()[-1]
    wanted["kaggle_anime", "animelist"][-1] = cut
    for dataset, lines in genome().items():
        wanted["tag_genome", dataset] = [_json(line) for line in lines]
    for (source, dataset), every in wanted.items():
        assert_in_order(records(source, dataset), every, f"{source} {dataset}")
    by_id = {album["id"]: album for album in records("spotify", "albums")}
    assert by_id == {album["id"]: album for album in albums()}


def assert_in_order(got: Sequence[Any], wanted: Sequence[Any], what: str) -> None:
    """Fail with the first difference alone, for there are tens of thousands of records."""
    for place, (one, other) in enumerate(zip(got, wanted, strict=False), 1):
        assert one == other, f"record {place} of {what}"
    assert len(got) == len(wanted), what


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


# --- silver -------------------------------------------------------------------------------------


@pytest.mark.parametrize("table", TABLES)
def test_silver_equals_an_independent_computation(loaded: Loaded, table: str) -> None:
    expected = loaded.expected[table]
    assert expected.rows, "nothing is expected: the test would prove nothing"
    assert differences(loaded.rows(table), expected.rows, TABLES[table].key) == []
    schema = loaded.lake.tables("silver")[table].to_pyarrow_table().schema
    types = {each.name: re.sub("<.*:", "<", str(each.type).replace(" ", "")) for each in schema}
    wanted = {column: kind.replace(" ", "") for column, kind in TABLES[table].types().items()}
    assert {column: kind for column, kind in types.items() if column[0] != "_"} == wanted


@pytest.mark.parametrize("table", TABLES)
def test_each_row_is_of_the_newest_version(loaded: Loaded, table: str) -> None:
    expected, key = loaded.expected[table], TABLES[table].key
    versions = {
        tuple(row[column] for column in key): version
        for row, version in zip(expected.rows, expected.versions, strict=True)
    }
    assert {
        tuple(row[column] for column in key): (row["_run_id"], row["_fetched_at"])
        for row in loaded.lake.rows("silver", table)
    } == versions


def test_books_are_sorted_by_year_within_their_files(loaded: Loaded) -> None:
    table = loaded.lake.tables("silver")["open_library_books"]
    years = [
        [year.as_py() for year in parquet.read_table(path)["first_publish_year"] if year.is_valid]
        for path in table.file_uris()
    ]
    assert sum(map(len, years)) > 900
    assert [each for each in years if each != sorted(each)] == []


def keys_in_files() -> dict[str, set[Any]]:
    """Return the keys of each table, taken from the files without any of the computation above."""
    items = [
        (name, at, item) for name, every in playlists().items() for at, item in enumerate(every, 1)
    ]
    songs = [
        (name, at, item.get("track") or item.get("item"))
        for name, at, item in items
        if item["is_local"] is False and (item.get("track") or item.get("item") or {}).get("track")
    ]
    held = [item.get("track") or item.get("item") or {} for _, _, item in items]
    credited = [*held, *(song["album"] for song in held if "album" in song), *albums()]
    credited += [track for album in albums() for track in album["tracks"]["items"]]
    lines = {name: [_json(line) for line in every] for name, every in genome().items()}
    usable = {
        name: [line for line in every if isinstance(line, dict) and line.get(KEY_OF[name])]
        for name, every in lines.items()
    }
    return {
        "jikan_anime": {anime["mal_id"] for page in pages() for anime in page["data"]},
        "kaggle_anime": {int(row["MAL_ID"]) for row in kaggle(KAGGLE_FILES["anime"])},
        "kaggle_synopses": {
            int(row["MAL_ID"]) for row in kaggle(KAGGLE_FILES["anime_with_synopsis"])
        },
        "kaggle_animelist": {
            (int(row["user_id"]), int(row["anime_id"]))
            for row in kaggle(KAGGLE_FILES["animelist"])
            if len(row) == 5
        },
        "kaggle_watching_status": {1, 2, 3, 4, 6},
        "open_library_books": {work["key"] for work in works()},
        "open_library_authors": {
            (author["key"], work["key"]) for work in works() for author in work["authors"]
        },
        "open_library_subjects": {("love", work["key"]) for work in works()},
        "spotify_albums": {album["id"] for album in albums()}
        | {song["album"]["id"] for song in held if song.get("album", {}).get("id")},
        "spotify_songs": {song["id"] for _, _, song in songs if song}
        | {track["id"] for album in albums() for track in album["tracks"]["items"]},
        "spotify_artists": {
            artist["id"] for each in credited for artist in each.get("artists", []) if artist["id"]
        },
        "spotify_playlist_songs": {(name, YESTERDAY, at) for name, at, _ in songs},
        "imdb_metadata": {line["item_id"] for line in usable["metadata"]},
        "genome_ratings": {
            (line["user_id"], line["item_id"])
            for line in usable["ratings"]
            if line.get("user_id", 1000) < 1000
        },
        "genome_tags": {line["id"] for line in usable["tags"] if line["tag"].strip()},
        "genome_tag_counts": {(line["item_id"], line["tag_id"]) for line in usable["tag_count"]},
    }


def test_no_key_of_the_files_is_missing_and_none_is_made_up(loaded: Loaded) -> None:
    wrong = {}
    for table, wanted in keys_in_files().items():
        keys = [tuple(row[column] for column in TABLES[table].key) for row in loaded.rows(table)]
        got = {key[0] if len(key) == 1 else key for key in keys}
        if got != wanted or len(keys) != len(got):
            wrong[table] = {
                "missing": sorted(map(str, wanted - got))[:3],
                "made up": sorted(map(str, got - wanted))[:3],
                "repeated": len(keys) - len(got),
            }
    assert wrong == {}
    # Of reviews the text is the key: two of the made-up ones are the same one, and one is none.
    assert len(loaded.rows("imdb_reviews")) == len(genome()["reviews"]) - 2


def records_in_files() -> dict[str, int]:
    """Return how many records reach each table, counted in the files."""
    items = [item for every in playlists().values() for item in every]
    held = [item.get("track") or item.get("item") or {} for item in items]
    with_album = [song["album"] for song in held if song.get("album")]
    tracks = [track for album in albums() for track in album["tracks"]["items"]]
    return {
        "jikan_anime": sum(len(page["data"]) for page in pages()),
        "kaggle_anime": 17_562,
        "kaggle_synopses": 269,
        "kaggle_animelist": 4_563,
        "kaggle_watching_status": 5,
        "open_library_books": 1_000,
        "open_library_subjects": 1_000,
        "open_library_authors": sum(len(work["authors"]) for work in works()),
        "spotify_playlist_songs": len(items),
        "spotify_songs": len(items) + len(tracks),
        "spotify_albums": len(with_album) + len(albums()),
        "spotify_artists": sum(
            len(each.get("artists", [])) for each in [*held, *with_album, *albums(), *tracks]
        ),
        "imdb_metadata": len(genome()["metadata"]),
        "imdb_reviews": len(genome()["reviews"]),
        "genome_ratings": len(genome()["ratings"]),
        "genome_tags": len(genome()["tags"]),
        "genome_tag_counts": len(genome()["tag_count"]),
    }


def assert_accounted(lake: Lake, expected: Mapping[str, Expected]) -> list[dict[str, Any]]:
    """Fail unless the audit says of each table, dataset and run what bronze says; return it."""
    audit = [row for row in lake.rows("silver", "load_audit") if row["table"] in expected]
    counted = {
        (row["table"], row["dataset"], row["run_id"]): {name: row[name] for name in COUNTED}
        for row in audit
    }
    assert len(counted) == len(audit)
    assert counted == {
        (table, *group): {name: count[name] for name in COUNTED}
        for table, of_table in expected.items()
        for group, count in of_table.counts.items()
    }
    for row in audit:
        valid = row["records_valid"]
        assert row["records_read"] == valid + row["records_quarantined"], row
        # A row that two datasets have is inserted by one of them, and known to the other.
        written = row["rows_inserted"] + row["rows_updated"] + row["rows_unchanged"]
        assert written == valid - row["records_duplicate"], row
    return audit


def test_every_record_is_accounted_for(loaded: Loaded) -> None:
    totals: dict[str, Counter[str]] = {}
    audit = assert_accounted(loaded.lake, loaded.expected)
    for row in audit:
        total = totals.setdefault(row["table"], Counter())
        total.update(read=row["records_read"], rows=row["rows_inserted"])
    assert {table: total["read"] for table, total in totals.items()} == records_in_files()
    assert {table: total["rows"] for table, total in totals.items()} == {
        table: len(loaded.rows(table)) for table in TABLES
    }
    # Nothing that was recorded is unreadable: of the made-up films one has a mean of "many".
    unreadable = {row["table"]: dict(row["unreadable"]) for row in audit if row["unreadable"]}
    assert unreadable == {"imdb_metadata": {"avg_rating": 1}}


def assert_quarantined(lake: Lake, expected: Mapping[str, Expected]) -> list[dict[str, Any]]:
    """Fail unless the quarantine of these tables is what bronze says; return it."""
    rows = [row for row in lake.rows("silver", "quarantine") if row["table"] in expected]
    wanted = Counter(
        _comparable({**row, "table": table, "source": TABLES[table].source})
        for table, of_table in expected.items()
        for row in of_table.quarantine
    )
    got = Counter(map(_comparable, rows))
    assert {"missing": list(wanted - got)[:3], "too many": list(got - wanted)[:3]} == {
        "missing": [],
        "too many": [],
    }
    return rows


def _comparable(row: Mapping[str, Any]) -> str:
    names = ("source", "dataset", "table", "run_id", "unit", "position", "failed_rules")
    return json.dumps({**{name: row[name] for name in names}, "record": _json(row["record"])})


def test_the_quarantine_holds_just_what_is_wrong(loaded: Loaded) -> None:
    rows = assert_quarantined(loaded.lake, loaded.expected)
    assert all(row["failed_rules"] and row["quarantined_at"] for row in rows)
    assert Counter((row["table"], *row["failed_rules"]) for row in rows) == {
        ("kaggle_animelist", "malformed"): 1,
        ("spotify_playlist_songs", "wrong_kind"): 3,
        ("spotify_playlist_songs", "required:song_id", "wrong_kind"): 2,
        ("spotify_songs", "wrong_kind"): 3,
        ("spotify_songs", "key:song_id", "wrong_kind"): 2,
        ("spotify_albums", "key:album_id"): 1,
        ("spotify_artists", "key:artist_id"): 1,
        ("genome_ratings", "malformed"): 1,
        ("genome_ratings", "between:rating"): 1,
        ("genome_ratings", "required:rating"): 1,
        ("genome_ratings", "key:movie_id"): 1,
        ("genome_ratings", "key:user_id", "key:movie_id", "between:rating"): 1,
        ("imdb_metadata", "malformed"): 1,
        ("imdb_metadata", "key:movie_id"): 1,
        ("imdb_reviews", "key:review_hash"): 1,
        ("genome_tags", "required:tag"): 1,
        ("genome_tags", "key:tag_id"): 1,
    }


def test_of_a_file_that_ends_in_a_row_all_the_others_are_loaded(loaded: Loaded) -> None:
    (cut,) = (r for r in loaded.lake.rows("silver", "quarantine") if r["dataset"] == "animelist")
    assert (cut["failed_rules"], cut["record"]) == (["malformed"], "17,10893,7")
    assert cut["position"] == 4_563
    whole = kaggle(KAGGLE_FILES["animelist"])[:-1]
    assert len(whole) == 4_562
    got = {
        (row["user_id"], row["anime_id"]): (
            row["rating"] or 0,
            row["watching_status"],
            row["watched_episodes"],
        )
        for row in loaded.rows("kaggle_animelist")
    }
    assert got == {
        (int(row["user_id"]), int(row["anime_id"])): (
            int(row["rating"]),
            int(row["watching_status"]),
            int(row["watched_episodes"]),
        )
        for row in whole
    }
    assert all(row["rating"] != 0 for row in loaded.rows("kaggle_animelist"))


def test_episodes_files_of_ones_own_and_no_songs_are_of_the_wrong_kind(loaded: Loaded) -> None:
    rows = loaded.lake.rows("silver", "quarantine")
    for table in ("spotify_songs", "spotify_playlist_songs"):
        units = Counter(
            row["unit"].split("-")[-1]
            for row in rows
            if row["table"] == table and "wrong_kind" in row["failed_rules"]
        )
        assert units == WRONG_KIND
    songs = {row["song_id"]: row for row in loaded.rows("spotify_songs")}
    removed = songs["0000000000000000Removed"]
    assert (removed["name"], removed["duration_ms"]) == (None, None)
    # The album says less of its song than the playlist does, and came later.
    fuller = songs[albums()[0]["tracks"]["items"][0]["id"]]
    assert (fuller["name"], fuller["popularity"]) == ("As the playlist has it", 7)
    assert fuller["album_id"] != albums()[0]["id"]


def test_what_kaggle_does_not_know_is_null_and_nothing_else_is(loaded: Loaded) -> None:
    rows = {row["anime_id"]: row for row in loaded.rows("kaggle_anime")}
    raw = {int(row["MAL_ID"]): row for row in kaggle(KAGGLE_FILES["anime"])}
    wrong = {}
    for column, (name, zero) in KAGGLE_COLUMNS.items():
        unknown = {
            key
            for key, row in raw.items()
            if row[name] == "Unknown" or (zero and float(row[name]) == 0)
        }
        null = {key for key, row in rows.items() if row[column] is None}
        if null != unknown:
            wrong[column] = {
                "NULL, though known": [(key, raw[key][name]) for key in sorted(null - unknown)[:3]],
                "unknown, though not NULL": sorted(unknown - null)[:3],
            }
    assert wrong == {}
    null_from = {key for key, row in rows.items() if row["aired_from"] is None}
    assert null_from == {key for key, row in raw.items() if row["Aired"] == "Unknown"}
    null_to = {key for key, row in rows.items() if row["aired_to"] is None}
    assert null_to == {key for key, row in raw.items() if not re.search(r" to .*\d", row["Aired"])}
    assert all(row["title"] for row in rows.values())
    assert not [row for row in rows.values() if "Unknown" in row.values()]


# --- gold ---------------------------------------------------------------------------------------


def assert_gold(loaded: Loaded, tables: Iterable[str]) -> None:
    stored = loaded.lake.tables("silver")
    silver = expected_gold.Silver({name: stored[name].to_pyarrow_table() for name in TABLES})
    wrong = {}
    for table in tables:
        wanted = silver.gold(table)
        assert wanted, f"no row of {table} is expected: the test would prove nothing"
        found = differences(loaded.lake.rows("gold", table), wanted, expected_gold.KEYS[table])
        if found:
            wrong[table] = found
    assert wrong == {}


@pytest.mark.parametrize("table", expected_gold.KEYS)
def test_gold_equals_an_independent_computation(loaded: Loaded, table: str) -> None:
    assert_gold(loaded, [table])


# --- and again ----------------------------------------------------------------------------------


def test_again_on_the_same_day_does_nothing(loaded: Loaded) -> None:
    versions = loaded.lake.versions()
    bronze = sorted(loaded.lake.objects("bronze").rglob("*.json.gz"))
    audit = loaded.lake.tables("silver")["load_audit"].version()
    printed = run(loaded.lake, loaded.folders, YESTERDAY, *SOURCES)
    assert "Nothing is new: no table was opened." in printed
    assert sorted(loaded.lake.objects("bronze").rglob("*.json.gz")) == bronze
    assert loaded.lake.versions() == versions
    assert loaded.lake.tables("silver")["load_audit"].version() == audit


@dataclass(frozen=True)
class Later:
    """The lake after another day's run, and silver's rows as they were before."""

    loaded: Loaded
    before: dict[str, list[dict[str, Any]]]

    def changed(self, table: str) -> list[dict[str, Any]]:
        """Return the rows that were written since."""
        before = set(map(repr, self.before[table]))
        return [row for row in self.loaded.lake.rows("silver", table) if repr(row) not in before]


@pytest.fixture(scope="module")
def later(loaded: Loaded, tmp_path_factory: pytest.TempPathFactory) -> Later:
    folder = tmp_path_factory.mktemp("later")
    folders = {name: folder / name for name in ("jikan", "kaggle_anime", "spotify")}
    write_music(folders["spotify"], later_playlists())
    folders["jikan"].mkdir()
    (folders["jikan"] / "anime_page_1.json").write_text(json.dumps(later_page()), encoding="utf-8")
    folders["kaggle_anime"].mkdir()
    (folders["kaggle_anime"] / "list.csv").write_text(LATER_LIST, encoding="utf-8")
    before = {table: loaded.lake.rows("silver", table) for table in TABLES}
    run(loaded.lake, folders, TODAY, *folders)
    expected = {table: loaded.bronze.table(table) for table in TABLES}
    return Later(Loaded(loaded.lake, folders, loaded.bronze, expected), before)


def later_playlists() -> dict[str, list[dict[str, Any]]]:
    """Return the Top 40 upside down, one song gone, one twice, one renamed, and two more."""
    items = playlists()
    top = items["RecordedTop40"][1:]
    renamed = {**top[-1], "track": {**top[-1]["track"], "name": "Another name"}}
    again = items["RecordedTop40"][20]
    added = items["RecordedTracks"]
    return {**items, "RecordedTop40": [renamed, *reversed(top[:-1]), again, *added]}


def later_page() -> dict[str, Any]:
    """Return the first page of another crawl: two anime changed, one gone, one new."""
    page = pages()[0]
    first, second, _, *others = page["data"]
    ended = {**second["aired"], "to": "2020-02-29T00:00:00+00:00"}
    data = [
        {**first, "score": None, "members": first["members"] + 1, "genres": []},
        {**second, "aired": ended, "duration": "1 hr 30 sec", "season": "fall", "year": 2020},
        *others,
        {**first, "mal_id": 10_000_001, "title": "-", "year": 0, "source": " Unknown "},
    ]
    return {**page, "data": data}


# The score is called so in another edition of the file. Of the last four none is a possible one.
LATER_LIST = """user_id,anime_id,score,watching_status,watched_episodes
0,67,10,2,24
0,6702,0,1,4
900001,67,8,6,0
900001,1,0,2,26
900002,67,11,2,24
900002,1,7,5,1
900002,,7,2,1
900002,5
"""


def test_another_days_silver_equals_an_independent_computation(later: Later) -> None:
    loaded = later.loaded
    for table, expected in loaded.expected.items():
        found = differences(loaded.rows(table), expected.rows, TABLES[table].key)
        assert found == [], table
    assert_accounted(loaded.lake, loaded.expected)
    rows = assert_quarantined(loaded.lake, loaded.expected)
    lists = [(row["record"], row["failed_rules"]) for row in rows if row["dataset"] == "animelist"]
    assert len(lists) == 5
    assert sorted(text for text, rules in lists if rules == ["malformed"]) == [
        "17,10893,7",
        "900002,5",
    ]
    assert sorted(rules for _, rules in lists if rules != ["malformed"]) == [
        ["between:rating"],
        ["key:anime_id"],
        ["one_of:watching_status"],
    ]


def test_only_what_changed_is_written_again(later: Later) -> None:
    changed = {table: later.changed(table) for table in TABLES}
    names = {table for table, rows in changed.items() if rows}
    assert names == {"jikan_anime", "kaggle_animelist", "spotify_songs", "spotify_playlist_songs"}
    ids = {row["anime_id"] for row in changed["jikan_anime"]}
    assert ids == {pages()[0]["data"][0]["mal_id"], pages()[0]["data"][1]["mal_id"], 10_000_001}
    keys = {(row["user_id"], row["anime_id"]) for row in changed["kaggle_animelist"]}
    assert keys == {(0, 67), (0, 6702), (900001, 67), (900001, 1)}
    assert [row["name"] for row in changed["spotify_songs"]] == ["Another name"]
    assert {row["snapshot_date"] for row in changed["spotify_playlist_songs"]} == {TODAY}
    for table in names:
        expected, key = later.loaded.expected[table], TABLES[table].key
        versions = {
            tuple(row[column] for column in key): version
            for row, version in zip(expected.rows, expected.versions, strict=True)
        }
        for row in changed[table]:
            wanted = versions[tuple(row[column] for column in key)]
            assert (row["_run_id"], row["_fetched_at"]) == wanted
        # Nothing is deleted because a publisher stopped serving it.
        gone = {tuple(row[column] for column in key) for row in later.before[table]} - set(versions)
        assert gone == set()


def test_another_days_gold_equals_an_independent_computation(later: Later) -> None:
    assert_gold(later.loaded, expected_gold.KEYS)


def test_a_chart_says_where_its_songs_stood(later: Later) -> None:
    chart = {
        row["position"]: (row["name"], row["previous_position"], row["days_on_chart"])
        for row in later.loaded.lake.rows("gold", "song_chart")
        if (row["playlist_id"], row["snapshot_date"]) == ("RecordedTop40", TODAY)
    }
    assert chart[1] == ("Another name", 40, 2)
    assert chart[2][1:] == (39, 2)
    # It stands there twice, and the day before once.
    assert chart[20] == chart[40]
    assert chart[40][1:] == (21, 2)
    assert chart[41][1:] == (None, 1)
