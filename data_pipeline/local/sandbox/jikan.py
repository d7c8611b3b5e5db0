"""Jikan's API v4 as far as a crawler of anime meets it: the pages of /anime."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from data_pipeline.errors import InputError
from data_pipeline.local.sandbox.animes import (
    AIRING,
    DEMOGRAPHICS,
    GENRES,
    LICENSORS,
    PRODUCERS,
    STUDIOS,
    THEMES,
    Anime,
    Day,
    generate_animes,
    lengths,
)
from data_pipeline.local.sandbox.limits import RateLimit
from data_pipeline.local.sandbox.recorded import named_lists
from data_pipeline.local.sandbox.server import Call, Response, StandIn

PAGE_SIZE = 25

# Enough anime to begin a new page.
_LATE = 26
# One anime in so many comes twice.
_REPEATED = 41

Pages = Sequence[Sequence[str]]
"""The JSON texts of the anime on each page."""


def stand_in(folder: Path | None, limit: RateLimit) -> StandIn:
    """Return Jikan with the pages recorded under ``folder``, or with a generated catalogue."""
    if folder:
        return StandIn(JikanApp(load_recorded(folder), limit=limit), "/v4")
    listing = _repeated(generated_records())
    first = paged(listing[:-_LATE])
    return StandIn(JikanApp(paged(listing), first=first, limit=limit), "/v4")


def load_recorded(folder: Path) -> Pages:
    """Return the pages of the files ``anime_page_<n>.json`` under ``folder``, in order of n.

    The anime are verbatim. Raises InputError where there is no such file with a list "data".
    """
    found, files = named_lists(folder, r"anime_page_(\d+)\.json", "data")
    if not found:
        raise InputError(
            f"no Jikan answers in {folder}: looked for anime_page_<n>.json with whole answers of "
            f'/anime ({{"pagination": ..., "data": [...]}}); found {files} JSON file(s), none of '
            "them such"
        )
    return [page for _, page in sorted(found, key=lambda its: int(its[0]))]


def paged(records: Sequence[str]) -> Pages:
    """Return ``records`` in pages of the publisher's size."""
    return [records[at : at + PAGE_SIZE] for at in range(0, len(records), PAGE_SIZE)]


class JikanApp:
    """Answers as Jikan does, from ``pages``.

    With ``first`` the catalogue grows while it is crawled: it has those pages until the last of
    them, or one beyond, is asked for, and ``pages`` from that answer on. So whoever trusts an
    earlier total misses anime, and whoever looks at the last page's finds all, every time.
    """

    def __init__(
        self, pages: Pages, *, first: Pages | None = None, limit: RateLimit | None = None
    ) -> None:
        self._pages = first if first is not None else pages
        self._final = pages
        self._limit = limit or RateLimit()
        self._lock = threading.Lock()

    def handle(self, call: Call) -> Response:
        """Return Jikan's answer; 404 for anything but its one path."""
        if self._limit.take():
            return _refused(429, "RateLimitException", _SLOW_DOWN)
        if call.method != "GET" or call.path != "/v4/anime":
            return _refused(404, "HttpException", "Not Found")
        return self._page(call.query.get("page", "1"))

    def _page(self, text: str) -> Response:
        if not re.fullmatch(r"[+-]?[0-9]{1,9}", text):
            return _invalid("The page must be an integer.")
        number = int(text)
        if number < 1:
            return _invalid("The page must be at least 1.")
        with self._lock:
            if number >= len(self._pages):
                self._pages = self._final
            pages = self._pages
        data = pages[number - 1] if number <= len(pages) else []
        pagination = {
            "last_visible_page": max(1, len(pages)),
            "has_next_page": number < len(pages),
            "current_page": number,
            "items": {"count": len(data), "total": sum(map(len, pages)), "per_page": PAGE_SIZE},
        }
        return Response.json(
            200, f'{{"pagination":{json.dumps(pagination)},"data":[{",".join(data)}]}}'
        )


_SLOW_DOWN = (
    "You are being rate-limited. Please follow Rate Limiting guidelines: "
    "https://docs.api.jikan.moe/#section/Information/Rate-Limiting"
)


def _refused(status: int, kind: str, message: str) -> Response:
    # Of a 429, and of no other, the publisher writes the status as text; and it never says when
    # to come back.
    written = str(status) if status == 429 else status
    return Response.json(
        status, {"status": written, "type": kind, "message": message, "error": None}
    )


def _invalid(message: str) -> Response:
    return Response.json(
        400,
        {
            "status": 400,
            "type": "ValidationException",
            "messages": {"page": [message]},
            "error": "Invalid or incomplete request. Make sure your request is correct. "
            "https://docs.api.jikan.moe/",
        },
    )


def generated_records() -> list[str]:
    """Return the JSON texts of the generated anime that are not removed, by id.

    One in four carries a defect (``_DEFECTS``), each defect about equally often.
    """
    texts = []
    for index, anime in enumerate(one for one in generate_animes() if not one.removed):
        record = _record(anime)
        if index % 4 == 1:
            _DEFECTS[index // 4 % len(_DEFECTS)](record)
        text = json.dumps(record, ensure_ascii=index % 3 == 0, separators=(",", ":"))
        texts.append(text.replace("/", "\\/") if index % 2 else text)
    return texts


def _repeated(records: Iterable[str]) -> list[str]:
    """Return the records with some of them again, a page later, as if it had moved meanwhile."""
    listing: list[str] = []
    again: dict[int, str] = {}
    for index, record in enumerate(records):
        while moved := again.pop(len(listing), None):
            listing.append(moved)
        if index % _REPEATED == 7:
            again[len(listing) + PAGE_SIZE] = record
        listing.append(record)
    return listing


def _record(anime: Anime) -> dict[str, Any]:
    """Return a clean element of "data", its fields in the publisher's order."""
    season = anime.season
    slug = re.sub(r"\W", "_", anime.title)
    titles = {
        "Default": anime.title,
        "Japanese": anime.title_japanese,
        "English": anime.title_english,
    }
    score = anime.score
    return {
        "mal_id": anime.id,
        "url": f"{_SITE}/anime/{anime.id}/{slug}",
        "images": {kind: _images(anime.id, kind) for kind in ("jpg", "webp")},
        "trailer": {
            "youtube_id": None,
            "url": None,
            "embed_url": None,
            "images": dict.fromkeys(f"{size}image_url" for size in _SIZES),
        },
        "approved": True,
        "titles": [{"type": kind, "title": title} for kind, title in titles.items() if title],
        "title": anime.title,
        "title_english": anime.title_english,
        "title_japanese": anime.title_japanese,
        "title_synonyms": [f"{anime.title} TV"] if anime.id % 5 == 0 else [],
        "type": anime.type,
        "source": anime.source,
        "episodes": anime.episodes,
        "status": anime.status,
        "airing": anime.status == AIRING,
        "aired": _aired(anime),
        "duration": _duration(anime),
        "rating": anime.rating,
        # A whole number is written as 7.
        "score": int(score) if score and score.is_integer() else score,
        "scored_by": anime.scored_by,
        "rank": anime.rank,
        "popularity": anime.popularity,
        "members": anime.members,
        "favorites": anime.favorites,
        "synopsis": anime.synopsis,
        "background": "",
        "season": season,
        "year": anime.started.year if season and anime.started else None,
        "broadcast": _broadcast(anime),
        "producers": _named("producer", PRODUCERS, anime.producers),
        "licensors": _named("producer", LICENSORS, anime.licensors, 1000),
        "studios": _named("producer", STUDIOS, anime.studios, 2000),
        "genres": _named("genre", GENRES, anime.genres),
        "explicit_genres": [],
        "themes": _named("genre", THEMES, anime.themes, 100),
        "demographics": _named("genre", DEMOGRAPHICS, anime.demographics, 200),
    }


_SITE = "https://myanimelist.net"
_SIZES = ("", "small_", "medium_", "large_", "maximum_")


def _images(mal_id: int, kind: str) -> dict[str, str]:
    image = f"{_SITE}/images/anime/{mal_id % 19}/{mal_id}"
    sizes = (("", ""), ("small_", "t"), ("large_", "l"))
    return {f"{size}image_url": f"{image}{letter}.{kind}" for size, letter in sizes}


def _named(
    path: str, known: Sequence[str], names: Iterable[str], first_id: int = 0
) -> list[dict[str, Any]]:
    """Return the links to ``names``, whose ids follow from their places in ``known``."""
    ids = {name: first_id + place for place, name in enumerate(known, start=1)}
    return [
        {
            "mal_id": ids[name],
            "type": "anime",
            "name": name,
            "url": f"{_SITE}/anime/{path}/{ids[name]}/{name.replace(' ', '_')}",
        }
        for name in names
    ]


def _aired(anime: Anime) -> dict[str, Any]:
    ends = {"from": anime.started, "to": anime.ended}
    return {
        **{end: _moment(day) for end, day in ends.items()},
        "prop": {end: _parts(day) for end, day in ends.items()},
        # Unlike Kaggle's, without a comma behind a month.
        "string": re.sub(r"(?<=[a-z]),", "", anime.aired("Not available")),
    }


def _moment(day: Day | None) -> str | None:
    """Return the first moment of what may be a month or a year."""
    return f"{day.year:04}-{day.month or 1:02}-{day.day or 1:02}T00:00:00+00:00" if day else None


def _parts(day: Day | None) -> dict[str, int | None]:
    # Of a date that is not known in full, the real ones have the first of it here too.
    return {
        "day": (day.day or 1) if day else None,
        "month": (day.month or 1) if day else None,
        "year": day.year if day else None,
    }


def _duration(anime: Anime) -> str:
    if anime.seconds is None:
        return "Unknown"
    several = " per ep" if anime.episodes != 1 else ""
    return " ".join(lengths(anime.seconds, "hr", "min", "sec")) + several


def _broadcast(anime: Anime) -> dict[str, str | None]:
    empty: dict[str, str | None] = dict.fromkeys(("day", "time", "timezone", "string"))
    if anime.type != "TV":
        return empty
    if anime.id % 3 == 0:
        return {**empty, "string": "Unknown"}
    return {
        "day": "Fridays",
        "time": "01:15",
        "timezone": "Asia/Tokyo",
        "string": "Fridays at 01:15 (JST)",
    }


def _set(**fields: Any) -> Callable[[dict[str, Any]], None]:
    """Return a defect that sets fields; text with ``{}`` in it keeps the former value there."""

    def defect(record: dict[str, Any]) -> None:
        for name, value in fields.items():
            wraps = isinstance(value, str) and "{}" in value
            record[name] = value.replace("{}", record[name] or "") if wraps else value

    return defect


def _shorten(record: dict[str, Any]) -> None:
    record["aired"] = {"from": record["aired"]["from"]}


def _repeat_genre(record: dict[str, Any]) -> None:
    record["genres"] += record["genres"][:1]


def _unbroken(record: dict[str, Any]) -> None:
    record["title"] = record["title"].replace(" ", "\u00a0")


_DEFECTS: Sequence[Callable[[dict[str, Any]], None]] = (
    _set(year=None),
    _set(season=None, year=None),
    _set(season="Fall", year=1998),
    _set(score=None, scored_by=None),
    _set(score=7),
    _set(score=0, scored_by=0),
    _set(episodes=None),
    _set(episodes=0),
    _set(title_english=None),
    _set(title_english=""),
    _set(title="\u00a0{}"),
    _set(title="{} "),
    _set(title="{}\u3000"),
    _unbroken,
    _set(title="Unknown"),
    _set(title="{} \U0001f3b5\u2606 \u00bd"),
    _set(aired=None),
    _shorten,
    _set(duration="Unknown"),
    _set(duration="1 hr 55 min"),
    _set(duration="30 sec"),
    _set(duration="2 hr"),
    _set(genres=[]),
    _repeat_genre,
    _set(genres=[], themes=[], demographics=[], studios=[], producers=[]),
    _set(type=None, source="Unknown"),
    _set(rank=0, popularity=0),
    _set(synopsis=None),
    _set(synopsis="{}\r\n\r\nTom &amp; Ann: &quot;never again&quot;. "),
    lambda record: record.pop("background"),
    lambda record: record.pop("themes"),
)
