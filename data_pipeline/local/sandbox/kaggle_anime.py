"""A generated Anime Recommendation Database 2020, as Kaggle packs it."""

from __future__ import annotations

import csv
import heapq
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from random import Random

from data_pipeline.errors import LocalError
from data_pipeline.local.sandbox.animes import (
    ANNOUNCED,
    COPIED,
    Anime,
    generate_animes,
    lengths,
)
from data_pipeline.local.sandbox.archive import zip_bytes
from data_pipeline.local.sandbox.downloads import DownloadApp
from data_pipeline.local.sandbox.limits import RateLimit
from data_pipeline.local.sandbox.server import StandIn

ARCHIVE = "archive.zip"
"""The name that Kaggle gives to every data set; there is no folder in it."""

BAD_ROWS: Mapping[str, Sequence[str]] = {
    "anime.csv": ("{anime},Cut Off,7.5", ",Keyless,7.5" + 32 * ",Unknown"),
    "animelist.csv": ("1,{anime},8", "2,{anime},8,5,1", "3,{anime},11,2,1", ",{anime},8,2,1"),
    "anime_with_synopsis.csv": ("{anime},Cut Off", ",Keyless,7.5,Comedy,Nobody knows."),
}
"""Rows in the middle of the archive's files that belong into quarantine."""

STATUSES: Mapping[int, str] = {
    1: "Currently Watching",
    2: "Completed",
    3: "On Hold",
    4: "Dropped",
    6: "Plan to Watch",
}

_NO_SYNOPSIS = (
    "No synopsis information has been added to this title. Help improve our database by adding a "
    "synopsis here ."
)
# On people's lists, and in no other file.
_UNLISTED = (90_001, 90_002, 90_003)
# One row of a list in so many is there twice.
_REPEATED = 500

_Rows = list[Sequence[object]]


def stand_in(folder: Path | None, limit: RateLimit) -> StandIn:
    """Return a file server with a generated archive of the Jikan sandbox's anime and others."""
    if folder is not None:
        raise LocalError(f"Kaggle ships files: {folder} is dropped, not served")
    archive = generate_archive(generate_animes())
    return StandIn(DownloadApp({ARCHIVE: archive}, limit=limit), f"/{ARCHIVE}")


def generate_archive(
    animes: Sequence[Anime], seed: int = 5, *, users: int = 150, entries: int = 45_000
) -> bytes:
    """Return a zip laid out as the publisher's, of those ``animes`` that were known in 2021.

    The same arguments give the same content; there may be a few entries more or fewer than
    asked for.
    """
    random = Random(seed)
    known = [_in_2021(anime) for anime in animes if _was_known(anime)]
    rows: dict[str, _Rows] = {
        "anime.csv": [_anime_row(random, index, anime) for index, anime in enumerate(known)],
        "animelist.csv": _lists(random, known, users, entries),
        "anime_with_synopsis.csv": _synopses(known),
        "watching_status.csv": list(STATUSES.items()),
    }
    members = {}
    for name, content in rows.items():
        bad = [row.format(anime=known[0].id) for row in BAD_ROWS.get(name, ())]
        members[name] = _csv(_HEADERS[name], content, bad)
    return zip_bytes(members)


def _csv(header: str, rows: _Rows, bad: Iterable[str]) -> bytes:
    """Return the file as the publisher writes it: LF, quotes only where they are needed."""
    text = io.StringIO(newline="")
    text.write(f"{header}\n")
    writer = csv.writer(text, lineterminator="\n")
    middle = len(rows) // 2
    writer.writerows(rows[:middle])
    text.writelines(f"{row}\n" for row in bad)
    writer.writerows(rows[middle:])
    return text.getvalue().encode()


_SCORES = ",".join(f"Score-{score}" for score in range(10, 0, -1))
_HEADERS = {
    "anime.csv": (
        "MAL_ID,Name,Score,Genres,English name,Japanese name,Type,Episodes,Aired,Premiered,"
        "Producers,Licensors,Studios,Source,Duration,Rating,Ranked,Popularity,Members,Favorites,"
        f"Watching,Completed,On-Hold,Dropped,Plan to Watch,{_SCORES}"
    ),
    "animelist.csv": "user_id,anime_id,rating,watching_status,watched_episodes",
    "anime_with_synopsis.csv": "MAL_ID,Name,Score,Genres,sypnopsis",
    "watching_status.csv": "status, description",
}
_UNKNOWN = "Unknown"


def _was_known(anime: Anime) -> bool:
    return anime.started is None or anime.started.year <= COPIED.year


def _in_2021(anime: Anime) -> Anime:
    """Return the anime as it was known then: fewer members, another score, maybe no end yet."""
    return replace(
        anime,
        members=anime.members * 2 // 3,
        favorites=anime.favorites * 2 // 3,
        score=round(anime.score + 0.03, 2) if anime.score else None,
        ended=anime.ended if anime.ended and anime.ended.year <= COPIED.year else None,
    )


def _anime_row(random: Random, index: int, anime: Anime) -> list[object]:
    """Return a row of anime.csv, one in five with a defect."""
    row = dict(zip(_HEADERS["anime.csv"].split(","), _clean_row(random, anime), strict=True))
    if index % 5 == 1:
        defect = _DEFECTS[index // 5 % len(_DEFECTS)]
        row |= {field: text.replace("{}", anime.title) for field, text in defect.items()}
    return list(row.values())


def _clean_row(random: Random, anime: Anime) -> list[object]:
    shares = _READERS if anime.status != ANNOUNCED else _WAITING
    votes = _split(random, anime.scored_by or 0, _VOTES)
    season = anime.season
    return [
        anime.id,
        " ".join(anime.title.split()),
        _written(anime.score),
        _joined((*anime.genres, *anime.themes, *anime.demographics)),
        _written(anime.title_english),
        _written(anime.title_japanese),
        _written(anime.type),
        _written(anime.episodes),
        anime.aired(_UNKNOWN),
        f"{season.title()} {anime.started.year}" if season and anime.started else _UNKNOWN,
        _joined(anime.producers),
        _joined(anime.licensors),
        _joined(anime.studios),
        anime.source,
        _duration(anime),
        _written(anime.rating),
        _written(float(anime.rank) if anime.rank else None),
        anime.popularity,
        anime.members,
        anime.favorites,
        *_split(random, anime.members, shares),
        *(float(vote) if vote else _UNKNOWN for vote in votes),
    ]


# How the members divide into watching, completed, on hold, dropped, plan to watch.
_READERS = (10, 55, 6, 5, 24)
_WAITING = (0, 0, 0, 0, 1)
# How the votes divide into the scores from 10 down.
_VOTES = (12, 16, 22, 21, 13, 7, 4, 2, 1, 1)


def _split(random: Random, total: int, shares: Sequence[int]) -> list[int]:
    """Return ``total`` in parts roughly as ``shares``; what rounding leaves goes to the last."""
    rough = [share * random.uniform(0.7, 1.3) for share in shares]
    parts = [int(total * part / sum(rough)) for part in rough]
    return [*parts[:-1], total - sum(parts[:-1])]


def _written(value: object) -> object:
    return _UNKNOWN if value is None else value


def _joined(names: Sequence[str]) -> str:
    return ", ".join(names) or _UNKNOWN


def _duration(anime: Anime) -> str:
    if anime.seconds is None:
        return _UNKNOWN
    several = " per ep." if anime.episodes != 1 else ""
    return " ".join(lengths(anime.seconds, "hr.", "min.", "sec.")) + several


_DEFECTS: Sequence[Mapping[str, str]] = (
    {"Score": _UNKNOWN, "Ranked": "0.0"},
    {"Popularity": "0"},
    {"Ranked": _UNKNOWN},
    {"Aired": "Not available", "Premiered": _UNKNOWN},
    {"Aired": _UNKNOWN},
    {"Aired": "2005", "Premiered": _UNKNOWN},
    {"Aired": "2005 to 2007", "Premiered": _UNKNOWN},
    {"Aired": "Jul, 2021 to ?", "Premiered": "Summer 2021"},
    {"Aired": "Apr, 1998 to Apr 24, 1999", "Premiered": "Spring 1998"},
    {"Aired": "Apr 3, 1998 to Apr 24, 1999", "Premiered": "Spring 1998"},
    {"Premiered": _UNKNOWN},
    {"Episodes": _UNKNOWN},
    {"Duration": "1 hr. 55 min."},
    {"Duration": "1 hr. 4 min. per ep."},
    {"Duration": "30 sec."},
    {"Duration": "2 hr."},
    {"Duration": _UNKNOWN},
    {"Genres": _UNKNOWN},
    {"Genres": "Action, Comedy, Action"},
    {"Producers": _UNKNOWN, "Studios": _UNKNOWN},
    {"Type": _UNKNOWN, "Source": _UNKNOWN},
    {"Name": "Unknown"},
    {"Name": '"{}", the Movie'},
    {"Name": " {}\u00a0", "English name": "{}:The Movie"},
    {"Japanese name": "\u3000\u9b54\u5973\u00a0"},
    {"Members": "0", "Favorites": "0"},
)
"""What replaces fields of a row; ``{}`` keeps the name there."""


def _synopses(animes: Sequence[Anime]) -> _Rows:
    """Return the rows of anime_with_synopsis.csv; one anime in twelve has none."""
    rows: _Rows = []
    for index, anime in enumerate(animes):
        if index % 12 == 4:
            continue
        # Within a field of this publisher there is no line break.
        synopsis = " ".join((anime.synopsis or _NO_SYNOPSIS).split())
        if index % 60 == 7:
            synopsis = f"\u00a0{synopsis[2:]}  (Source: ANN) "
        genres = _joined((*anime.genres, *anime.themes, *anime.demographics))
        name = " ".join(anime.title.split())
        rows.append((anime.id, name, _written(anime.score), genres, synopsis))
    return rows


def _lists(random: Random, animes: Sequence[Anime], users: int, entries: int) -> _Rows:
    """Return the rows of animelist.csv by user; a few users, and a few anime, have most of them.

    The first user has the id 0, as the real one has.
    """
    user_ids = [0, *sorted(random.sample(range(1, 4 * users), users - 1))]
    activity = [random.betavariate(0.6, 1.05) for _ in user_ids]
    scale = entries / sum(activity)
    rows: _Rows = []
    for user_id, active in zip(user_ids, activity, strict=True):
        size = max(1, round(active * scale))
        seen = heapq.nsmallest(
            size, animes, key=lambda anime: random.expovariate((anime.members + 1) ** 0.5)
        )
        for anime in seen:
            rows.append(_entry(random, user_id, anime))
            if len(rows) % _REPEATED == 7:
                rows.append(_entry(random, user_id, anime))
        if user_id % 25 == 0:
            rows += [(user_id, anime_id, 0, 6, 0) for anime_id in _UNLISTED]
    return rows


def _entry(random: Random, user_id: int, anime: Anime) -> Sequence[int]:
    status = random.choices(tuple(STATUSES), (8, 56, 3, 3, 30))[0]
    episodes = anime.episodes or 1
    rating = round(random.gauss((anime.score or 6.5) + 0.8, 1.4))
    unrated = status == 6 or random.random() < 0.28
    return (
        user_id,
        anime.id,
        0 if unrated else min(10, max(1, rating)),
        status,
        {2: episodes, 6: 0}.get(status, random.randint(0, episodes)),
    )
