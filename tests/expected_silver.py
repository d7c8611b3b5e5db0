"""The silver tables of all sources but the films', computed from bronze's lines with DuckDB.

Written from the definitions and on purpose in another way than the project does it: nothing of
the project is imported. SQL takes the records apart and gives each value's text; short functions
of plain Python read numbers, durations, dates and names, value by value.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import duckdb

Row = Mapping[str, Any]
Reader = Callable[[str], Any]

# The characters of Unicode's White_Space property.
BLANK = "[\t-\r \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]"
UNKNOWN = {"Unknown", "N/A", "-"}
SEASONS = ("winter", "spring", "summer", "fall")
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
COMPANY = r"(Inc|Ltd)\.?"
GENERATION = r"(?i:jr|sr|II|III|IV)\.?"


# --- text forms -----------------------------------------------------------------------------------
# Each of these reads a text that is there; NULL stays NULL.


def name(text: str) -> str | None:
    """A name or a title: one blank for each run of white space; only an empty one is NULL."""
    return re.sub(f"{BLANK}+", " ", text).strip(" ") or None


def known(text: str) -> str | None:
    """Other text, where "Unknown" and the like say that nothing is known."""
    tidy = name(text)
    return None if tidy in UNKNOWN else tidy


def whole(text: str) -> int | None:
    """A whole number; Kaggle writes 28.0 for a rank."""
    number = re.fullmatch(r"([+-]?[0-9]+)(\.0*)?", known(text) or "")
    return int(number[1]) if number else None


def small(text: str) -> int | None:
    """A whole number, as whole; its column is an int."""
    return whole(text)


def positive(text: str) -> int | None:
    """A whole number of which 0 means unknown."""
    number = whole(text)
    return number if number and number > 0 else None


def small_positive(text: str) -> int | None:
    """A number of stars: 0 is none given, and what is below 0 is left to the rules."""
    return whole(text) or None


def decimal(text: str) -> float | None:
    tidy = known(text) or ""
    if not re.fullmatch(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?", tidy):
        return None
    return float(tidy) if math.isfinite(float(tidy)) else None


def positive_decimal(text: str) -> float | None:
    number = decimal(text)
    return number if number and number > 0 else None


def year(text: str) -> int | None:
    number = whole(text)
    return number if number and abs(number) < 10_000 else None


def truth(text: str) -> bool | None:
    return {"true": True, "false": False}.get(text)


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def moment_date(text: str) -> date | None:
    """The date of 1998-04-03T00:00:00+00:00; the year 0 is unknown."""
    found = re.fullmatch(r"(\d{4}-\d\d-\d\d)T\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)?", text)
    return date.fromisoformat(found[1]) if found and found[1][:4] != "0000" else None


def day(text: str) -> date | None:
    """The first day of 2007-11-16, 2007-11 or 2007; the year 0 is unknown."""
    parts = text.strip().split("-")
    if not all(part.isdigit() for part in parts) or len(parts[0]) != 4 or parts[0] == "0000":
        return None
    numbers = [*map(int, parts), 1, 1]
    return date(numbers[0], numbers[1], numbers[2])


def year_of_day(text: str) -> int | None:
    found = day(text)
    return found.year if found else None


def day_added(text: str) -> date | None:
    return moment_date(text) or day(text)


def minutes(text: str) -> float | None:
    """Minutes of "24 min per ep", "1 hr. 55 min." and "30 sec", word by word."""
    words = (known(text) or "").replace(".", "").split()
    total = 0.0
    while len(words) >= 2 and words[0].isdigit():
        total += int(words[0]) * {"hr": 60.0, "min": 1.0, "sec": 1 / 60}[words[1]]
        words = words[2:]
    assert words in ([], ["per", "ep"]), f"a new form: {text!r}"
    return total or None


def aired_from(text: str) -> date | None:
    """The beginning of "Apr 3, 1998 to Apr 24, 1999", "2021 to ?" or "Jul, 2021"."""
    return _aired(text.split(" to ")[0])


def aired_to(text: str) -> date | None:
    """The end of such a text; a single date has none."""
    ends = text.split(" to ")
    return _aired(ends[1]) if len(ends) > 1 else None


def _aired(text: str) -> date | None:
    words = text.replace(",", " ").split()
    if known(text) is None or words == ["?"]:
        return None
    month = MONTHS.index(words[0]) + 1 if len(words) > 1 else 1
    return date(int(words[-1]), month, int(words[1]) if len(words) > 2 else 1)


def season(text: str) -> str | None:
    """The season of "Spring 1998" or "spring", in lower case."""
    words = text.lower().split()
    return words[0] if words and words[0] in SEASONS else None


def season_year(text: str) -> int | None:
    return year(text.split()[-1]) if season(text) else None


def companies(text: str) -> list[str] | None:
    """The names of "A, B, Inc., A": two."""
    return _listed(text, COMPANY)


def people(text: str) -> list[str] | None:
    """The names of "Sammy Davis, Jr., Dean Martin": two."""
    return _listed(text, GENERATION)


def _listed(text: str, suffix: str) -> list[str] | None:
    tidy = known(text)
    if tidy is None:
        return None
    found: list[str] = []
    for part in map(str.strip, tidy.split(",")):
        if found and re.fullmatch(suffix, part):
            found[-1] += f", {part}"
        elif part:
            found.append(part)
    return list(dict.fromkeys(found))


def _texts(array: str, member: str) -> list[str] | None:
    values = json.loads(array)
    if not isinstance(values, list):
        return None
    members = [element.get(member) for element in values if isinstance(element, dict)]
    tidy = [name(str(value)) for value in members if value is not None]
    return list(dict.fromkeys(value for value in tidy if value))


def names_in(array: str) -> list[str] | None:
    """The names of a JSON array's objects, each once and none of them empty."""
    return _texts(array, "name")


def ids_in(array: str) -> list[str] | None:
    return _texts(array, "id")


def keys_in(array: str) -> list[str] | None:
    return _texts(array, "key")


def sha256(text: str) -> str | None:
    tidy = name(text)
    return hashlib.sha256(tidy.encode()).hexdigest() if tidy else None


def title(text: str) -> str | None:
    """A title without the year at its end."""
    return name(re.sub(r" *\( *\d{4} *([-–] *(\d{4})? *)?\)$", "", name(text) or ""))


def title_year(text: str) -> int | None:
    """The year at the end of a title, of two the first."""
    found = re.search(r"\( *(\d{4}) *([-–] *(\d{4})? *)?\)$", name(text) or "")
    return int(found[1]) or None if found else None


def imdb_id(text: str) -> str | None:
    found = re.fullmatch(r"(?:tt)?(\d+)", text.strip())
    return f"tt{int(found[1]):07d}" if found else None


TYPES: Mapping[str, Sequence[Reader]] = {
    "string": [name, known, season, sha256, title, imdb_id],
    "int64": [whole, positive],
    "int32": [small, small_positive, year, year_of_day, season_year, title_year],
    "double": [decimal, positive_decimal, minutes],
    "bool": [truth],
    "date32[day]": [moment_date, day, day_added, aired_from, aired_to],
    "timestamp[us, tz=UTC]": [moment],
    "list<string>": [companies, people, names_in, ids_in, keys_in],
}


# --- what a table is ----------------------------------------------------------------------------


@dataclass(frozen=True)
class Origin:
    """A dataset, the list of a record's rows in SQL, and which records count at all.

    Of two versions of a row that of the greater ``precedence`` wins, however old it is.
    """

    dataset: str
    rows: str = "[record]"
    where: str = "true"
    precedence: int = 0


@dataclass(frozen=True)
class Table:
    """A table's columns: the SQL of a text, and what reads it.

    The SQL is over ``r``, a row's JSON, ``record``, the whole record's, and its line. ``rules``
    name what must not be true of a row, beside a part of the key that is missing. ``aside`` is
    what only they look at. Of one ``snapshot`` only the rows of the newest run stay.
    """

    source: str
    origins: Sequence[Origin]
    key: Sequence[str]
    columns: Mapping[str, tuple[str, Reader]]
    rules: Mapping[str, Callable[[Row], bool]] = field(default_factory=dict)
    aside: Mapping[str, tuple[str, Reader]] = field(default_factory=dict)
    snapshot: Sequence[str] = ()

    def types(self) -> dict[str, str]:
        """Return the columns' types, as Arrow calls them."""
        readers = {reader: kind for kind, readers in TYPES.items() for reader in readers}
        return {column: readers[reader] for column, (_, reader) in self.columns.items()}


def objects(*paths: str) -> str:
    """SQL of the objects at these paths of a record, one after another; [*] is each of a list."""
    every = "[]"
    for path in paths:
        found = f"json_extract(record, '$.{path}')"
        every = f"list_concat({every}, {found if '*' in path else f'[{found}]'})"
    return f"list_filter({every}, lambda e: json_type(e) = 'OBJECT')"


def at(reader: Reader, path: str, of: str = "r") -> tuple[str, Reader]:
    """A column of what a row, or a record, has at ``path``."""
    return f"{of}->>'$.{path}'", reader


def called(reader: Reader, *columns: str) -> dict[str, tuple[str, Reader]]:
    """Columns that are called as the publisher calls them."""
    return {column: at(reader, column) for column in columns}


def between(column: str, low: float, high: float) -> Callable[[Row], bool]:
    return lambda row: row[column] is not None and not low <= row[column] <= high


def missing(column: str) -> Callable[[Row], bool]:
    return lambda row: row[column] is None


# Spotify's items do not name their playlist, nor Open Library's works their subject.
IN_UNIT = "nullif(regexp_extract(_unit, '^{}-[0-9]+-(.+)$', 1), '')"
SONG = "[coalesce(nullif(record->'$.track', 'null'::JSON), record->'$.item')]"
KIND = {
    "type": at(known, "type"),
    # Spotify says in the item, in the song, or in both, that it is a file of the list's owner.
    "is_local": ("coalesce(r->>'$.is_local', record->>'$.is_local')", truth),
}


def no_song(row: Row) -> bool:
    return bool(row["is_local"]) or row["type"] != "track"


TABLES: dict[str, Table] = {
    "jikan_anime": Table(
        "jikan",
        [Origin("anime")],
        ["anime_id"],
        {
            "anime_id": at(whole, "mal_id"),
            **called(name, "title", "title_english", "title_japanese"),
            **called(known, "type", "source"),
            **called(positive, "episodes"),
            **called(known, "status"),
            **called(truth, "airing"),
            "aired_from": at(moment_date, "aired.from"),
            "aired_to": at(moment_date, "aired.to"),
            "duration_minutes": at(minutes, "duration"),
            "age_rating": at(known, "rating"),
            **called(positive_decimal, "score"),
            **called(whole, "scored_by"),
            **called(positive, "rank", "popularity"),
            **called(whole, "members", "favorites"),
            **called(known, "synopsis"),
            **called(season, "season"),
            "season_year": at(year, "year"),
            **called(names_in, "genres", "themes", "demographics", "studios", "producers"),
        },
    ),
    "kaggle_anime": Table(
        "kaggle_anime",
        [Origin("anime")],
        ["anime_id"],
        {
            "anime_id": at(whole, "MAL_ID"),
            "title": at(name, "Name"),
            "title_english": at(known, '"English name"'),
            "title_japanese": at(known, '"Japanese name"'),
            "type": at(known, "Type"),
            "source": at(known, "Source"),
            "episodes": at(positive, "Episodes"),
            "aired_from": at(aired_from, "Aired"),
            "aired_to": at(aired_to, "Aired"),
            "premiered_season": at(season, "Premiered"),
            "premiered_year": at(season_year, "Premiered"),
            "duration_minutes": at(minutes, "Duration"),
            "age_rating": at(known, "Rating"),
            "score": at(positive_decimal, "Score"),
            "ranked": at(positive, "Ranked"),
            "popularity": at(positive, "Popularity"),
            "members": at(whole, "Members"),
            "favorites": at(whole, "Favorites"),
            "watching": at(whole, "Watching"),
            "completed": at(whole, "Completed"),
            "on_hold": at(whole, '"On-Hold"'),
            "dropped": at(whole, "Dropped"),
            "plan_to_watch": at(whole, '"Plan to Watch"'),
            "genres": at(companies, "Genres"),
            "studios": at(companies, "Studios"),
            "producers": at(companies, "Producers"),
        },
    ),
    "kaggle_synopses": Table(
        "kaggle_anime",
        [Origin("anime_with_synopsis")],
        ["anime_id"],
        {
            "anime_id": at(whole, "MAL_ID"),
            "synopsis": ("coalesce(r->>'$.sypnopsis', r->>'$.synopsis')", known),
        },
    ),
    "kaggle_animelist": Table(
        "kaggle_anime",
        [Origin("animelist")],
        ["user_id", "anime_id"],
        {
            **called(whole, "user_id", "anime_id"),
            "rating": ("coalesce(r->>'$.rating', r->>'$.score')", small_positive),
            **called(small, "watching_status"),
            **called(whole, "watched_episodes"),
        },
        {
            "between:rating": between("rating", 1, 10),
            "one_of:watching_status": lambda row: (
                row["watching_status"] not in (None, 1, 2, 3, 4, 6)
            ),
        },
    ),
    "kaggle_watching_status": Table(
        "kaggle_anime",
        [Origin("watching_status")],
        ["status_id"],
        {"status_id": at(small, "status"), **called(name, "description")},
        {"required:description": missing("description")},
    ),
    "spotify_albums": Table(
        "spotify",
        [
            Origin("playlist_items", objects("track.album", "item.album")),
            # A further page of an album's songs is a record of the dataset, too.
            Origin("albums", where="record->>'$.album_type' IS NOT NULL"),
        ],
        ["album_id"],
        {
            "album_id": at(known, "id"),
            **called(name, "name"),
            **called(known, "album_type", "release_date", "release_date_precision"),
            "release_year": at(year_of_day, "release_date"),
            **called(whole, "total_tracks"),
            "url": at(known, "external_urls.spotify"),
            "artist_ids": at(ids_in, "artists"),
        },
    ),
    "spotify_songs": Table(
        "spotify",
        [
            Origin("playlist_items", SONG, precedence=1),
            Origin("albums", objects("tracks.items[*]", "items[*]")),
        ],
        ["song_id"],
        {
            "song_id": at(known, "id"),
            **called(name, "name"),
            **called(positive, "duration_ms"),
            **called(truth, "explicit"),
            **called(whole, "popularity"),
            "url": at(known, "external_urls.spotify"),
            # The songs of an album do not name it: the request did.
            "album_id": (f"coalesce(r->>'$.album.id', {IN_UNIT.format('albums')})", known),
            "artist_ids": at(ids_in, "artists"),
            **called(positive, "track_number", "disc_number"),
        },
        {"wrong_kind": no_song},
        KIND,
    ),
    "spotify_artists": Table(
        "spotify",
        [
            Origin(
                "playlist_items",
                objects(
                    "track.artists[*]",
                    "item.artists[*]",
                    "track.album.artists[*]",
                    "item.album.artists[*]",
                ),
            ),
            Origin(
                "albums",
                objects("artists[*]", "tracks.items[*].artists[*]", "items[*].artists[*]"),
            ),
        ],
        ["artist_id"],
        {
            "artist_id": at(known, "id"),
            **called(name, "name"),
            "url": at(known, "external_urls.spotify"),
        },
    ),
    "spotify_playlist_songs": Table(
        "spotify",
        [Origin("playlist_items", SONG)],
        ["playlist_id", "snapshot_date", "position"],
        {
            "playlist_id": (IN_UNIT.format("playlist_items"), known),
            "snapshot_date": ("strptime(left(_run_id, 8), '%Y%m%d')::DATE::VARCHAR", day),
            "position": ("_position::VARCHAR", whole),
            "song_id": at(known, "id"),
            "added_at": at(moment, "added_at", of="record"),
        },
        {"required:song_id": missing("song_id"), "wrong_kind": no_song},
        KIND,
        snapshot=["playlist_id", "snapshot_date"],
    ),
    "open_library_books": Table(
        "open_library",
        [Origin("subjects")],
        ["work_key"],
        {
            "work_key": at(known, "key"),
            **called(name, "title"),
            **called(year, "first_publish_year"),
            **called(whole, "edition_count"),
            **called(positive, "cover_id"),
            **called(truth, "has_fulltext"),
            "author_keys": at(keys_in, "authors"),
        },
    ),
    "open_library_authors": Table(
        "open_library",
        [Origin("subjects", objects("authors[*]"))],
        ["author_key", "work_key"],
        {
            "author_key": at(known, "key"),
            "work_key": at(known, "key", of="record"),
            "author_name": at(name, "name"),
            "first_publish_year": at(year, "first_publish_year", of="record"),
        },
    ),
    "open_library_subjects": Table(
        "open_library",
        [Origin("subjects")],
        ["subject", "work_key"],
        {"subject": (IN_UNIT.format("subjects"), known), "work_key": at(known, "key")},
    ),
    "imdb_metadata": Table(
        "tag_genome",
        [Origin("metadata")],
        ["movie_id"],
        {
            "movie_id": at(whole, "item_id"),
            **called(title, "title"),
            "release_year": at(title_year, "title"),
            "directors": at(people, "directedBy"),
            "actors": at(people, "starring"),
            "date_added": at(day_added, "dateAdded"),
            "avg_rating": at(positive_decimal, "avgRating"),
            "imdb_id": at(imdb_id, "imdbId"),
        },
    ),
    "imdb_reviews": Table(
        "tag_genome",
        [Origin("reviews")],
        ["movie_id", "review_hash"],
        {
            "movie_id": at(whole, "item_id"),
            "review_hash": at(sha256, "txt"),
            "text": at(name, "txt"),
        },
    ),
    "genome_ratings": Table(
        "tag_genome",
        [Origin("ratings")],
        ["user_id", "movie_id"],
        {
            "user_id": at(whole, "user_id"),
            "movie_id": at(whole, "item_id"),
            "rating": at(decimal, "rating"),
        },
        {"required:rating": missing("rating"), "between:rating": between("rating", 0.5, 5)},
    ),
    "genome_tags": Table(
        "tag_genome",
        [Origin("tags")],
        ["tag_id"],
        {"tag_id": at(whole, "id"), **called(name, "tag")},
        {"required:tag": missing("tag")},
    ),
    "genome_tag_counts": Table(
        "tag_genome",
        [Origin("tag_count")],
        ["movie_id", "tag_id"],
        {"movie_id": at(whole, "item_id"), **called(whole, "tag_id", "num")},
    ),
}


# --- computing them -----------------------------------------------------------------------------


@dataclass(frozen=True)
class Expected:
    """A table's rows, the run and moment of each one's version, and what did not become one.

    ``counts`` are, by dataset and run, of what was read, valid, quarantined, and a duplicate.
    """

    rows: list[dict[str, Any]]
    versions: list[tuple[str, datetime]]
    quarantine: list[dict[str, Any]]
    counts: dict[tuple[str, str], Counter[str]]


class Bronze:
    """Bronze's lines in DuckDB, to compute the tables from."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._connection = duckdb.connect()
        # The lakehouse's processes need the other cores.
        self._connection.execute("SET threads = 1")

    def lines(self, source: str, dataset: str) -> list[dict[str, Any]]:
        """Return a dataset's lines in the order of runs, units and positions; records as JSON."""
        lines = self._lines(source, dataset)
        return self._query(f"SELECT * FROM ({lines}) ORDER BY _run_id, _unit, _position")

    def _query(self, sql: str) -> list[dict[str, Any]]:
        cursor = self._connection.execute(sql)
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

    def _lines(self, source: str, dataset: str) -> str:
        files = self._folder / source / dataset / "**" / "*.json.gz"
        return f"""
            SELECT * FROM read_json('{files}', format = 'newline_delimited',
                hive_partitioning = false, maximum_object_size = 67108864,
                columns = {{_run_id: 'VARCHAR', _unit: 'VARCHAR', _position: 'BIGINT',
                            _fetched_at: 'VARCHAR', record: 'JSON', malformed: 'VARCHAR'}})
        """

    def table(self, table: str) -> Expected:
        """Return what a table has to hold once all of bronze is loaded."""
        spec = TABLES[table]
        counts: dict[tuple[str, str], Counter[str]] = {}
        keys: dict[tuple[str, str], set[tuple[Any, ...]]] = {}
        quarantine: list[dict[str, Any]] = []
        newest: dict[tuple[Any, ...], tuple[Any, ...]] = {}
        for origin in spec.origins:
            for line in self._rows_of(spec, origin):
                row = {
                    column: None if line[column] is None else reader(line[column])
                    for column, (_, reader) in {**spec.columns, **spec.aside}.items()
                }
                failed = _failed(spec, row) if line["_malformed"] is None else ["malformed"]
                group = (origin.dataset, line["_run_id"])
                count = counts.setdefault(group, Counter())
                count["records_read"] += 1
                if failed:
                    count["records_quarantined"] += 1
                    quarantine.append(
                        {
                            "dataset": origin.dataset,
                            "run_id": line["_run_id"],
                            "unit": line["_unit"],
                            "position": line["_position"],
                            "record": line["_malformed"] or line["_record"],
                            "failed_rules": failed,
                        }
                    )
                    continue
                count["records_valid"] += 1
                key = tuple(row[column] for column in spec.key)
                keys.setdefault(group, set()).add(key)
                fetched_at = moment(line["_fetched_at"])
                place = (line["_unit"], line["_position"], line["_element"])
                version = (origin.precedence, fetched_at, line["_run_id"], *place)
                newest[key] = max(newest.get(key, ()), (*version, row), key=lambda each: each[:-1])
        for group, count in counts.items():
            count["records_duplicate"] = count["records_valid"] - len(keys.get(group, ()))
        chosen = _of_newest_snapshots(spec, list(newest.values()))
        return Expected(
            [{column: row[column] for column in spec.columns} for *_, row in chosen],
            [(version[2], version[1]) for version in chosen],
            quarantine,
            counts,
        )

    def _rows_of(self, spec: Table, origin: Origin) -> list[dict[str, Any]]:
        texts = {**spec.columns, **spec.aside}
        columns = ", ".join(f'{sql} AS "{column}"' for column, (sql, _) in texts.items())
        rows = f"CASE WHEN malformed IS NULL THEN {origin.rows} ELSE [NULL] END"
        return self._query(f"""
            SELECT _run_id, _unit, _position, _fetched_at, _element, malformed AS _malformed,
                   record::VARCHAR AS _record, {columns}
            FROM (
                SELECT *, unnest({rows}) AS r, generate_subscripts({rows}, 1) AS _element
                FROM ({self._lines(spec.source, origin.dataset)})
                WHERE malformed IS NOT NULL OR {origin.where}
            )
        """)


def _failed(spec: Table, row: Row) -> list[str]:
    keys = [f"key:{column}" for column in spec.key if row[column] is None]
    return keys + [rule for rule, broken in spec.rules.items() if broken(row)]


def _of_newest_snapshots(spec: Table, versions: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """Return the rows of the newest run of each snapshot; all, of a table without snapshots."""
    if not spec.snapshot:
        return versions
    newest: dict[tuple[Any, ...], tuple[Any, ...]] = {}
    for version in versions:
        snapshot = tuple(version[-1][column] for column in spec.snapshot)
        newest[snapshot] = max(newest.get(snapshot, ()), version[1:3])
    return [
        version
        for version in versions
        if version[2] == newest[tuple(version[-1][column] for column in spec.snapshot)][1]
    ]


# --- comparing ----------------------------------------------------------------------------------


def differences(
    actual: Sequence[Row], expected: Sequence[Row], key: Sequence[str], tolerance: float = 1e-9
) -> list[str]:
    """Return what differs, column by column, with the first keys and values of each."""

    def keyed(rows: Sequence[Row]) -> dict[tuple[Any, ...], Row]:
        return {tuple(row[column] for column in key): row for row in rows}

    got, wanted = keyed(actual), keyed(expected)
    found = []
    for what, rows, by_key in (("actual", actual, got), ("expected", expected, wanted)):
        if len(by_key) != len(rows):
            found.append(f"{len(rows) - len(by_key)} keys repeat in the {what} rows")
    for what, keys in (("missing", wanted.keys() - got), ("made up", got.keys() - wanted)):
        if keys:
            found.append(f"{len(keys)} {what}: {sorted(keys, key=repr)[:3]}")
    columns = {column: None for row in (*actual[:1], *expected[:1]) for column in row}
    if actual and expected and list(actual[0]) != list(expected[0]):
        found.append(f"columns {list(actual[0])}, expected {list(expected[0])}")
        columns = {column: None for column in actual[0] if column in expected[0]}
    for column in columns:
        unequal = [
            (values, got[values][column], wanted[values][column])
            for values in got.keys() & wanted.keys()
            if not _equal(got[values][column], wanted[values][column], tolerance)
        ]
        if unequal:
            examples = "; ".join(
                f"{values}: got {one!r}, expected {other!r}"
                for values, one, other in sorted(unequal, key=repr)[:3]
            )
            found.append(f"{column} differs in {len(unequal)} rows: {examples}")
    return found


def _equal(actual: Any, expected: Any, tolerance: float) -> bool:
    if isinstance(actual, float) and isinstance(expected, float):
        return math.isclose(actual, expected, rel_tol=tolerance, abs_tol=tolerance)
    return type(actual) is type(expected) and bool(actual == expected)
