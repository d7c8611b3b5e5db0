"""TMDB's API v3 as far as a crawler of films meets it: discover and the list of genres."""

from __future__ import annotations

import json
import re
import threading
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from data_pipeline.errors import InputError
from data_pipeline.local.sandbox.films import GENRES, Film, generate_films
from data_pipeline.local.sandbox.limits import RateLimit
from data_pipeline.local.sandbox.recorded import elements, json_files
from data_pipeline.local.sandbox.server import Call, Response, StandIn

TOKEN = "sandbox"
"""The Bearer token that the sandbox accepts unless it is given another."""

PAGE_SIZE = 20
LAST_PAGE = 500

# Enough films to begin a new page.
_LATE = 23
# One film in so many comes twice.
_REPEATED = 41


@dataclass(frozen=True)
class Catalogue:
    """The films and the genres (JSON text) of one TMDB.

    An ``unsteady`` one repeats films across pages and grows while it is crawled.
    """

    films: tuple[Film, ...]
    genres: str
    unsteady: bool = False


def stand_in(folder: Path | None, limit: RateLimit) -> StandIn:
    """Return TMDB with the recorded answers under ``folder``, or with a generated catalogue."""
    catalogue = load_recorded(folder) if folder else generated_catalogue()
    return StandIn(TmdbApp(catalogue, limit=limit), "/3", {"token": TOKEN})


def generated_catalogue(seed: int = 3, n: int = 4000) -> Catalogue:
    """Return the catalogue of ``generate_films``, unsteady as the real one."""
    genres = [{"id": genre_id, "name": name} for genre_id, name in GENRES.items()]
    return Catalogue(tuple(generate_films(seed, n)), _genre_list(map(json.dumps, genres)), True)


def load_recorded(folder: Path) -> Catalogue:
    """Return the catalogue of the recorded answers under ``folder``, verbatim and steady.

    Discover results (objects with ``id`` and ``genre_ids``) are found in any JSON file, with
    or without the envelope; of a film that comes again the last one counts, by order of paths.
    Genres come from ``genre*.json``. Other files are ignored.
    Raises InputError where there is neither a result nor a genre.
    """
    films: dict[int, Film] = {}
    genres: dict[int, str] = {}
    files = 0
    for path, text, value in json_files(folder):
        files += 1
        if path.name.startswith("genre") and isinstance(value, dict):
            for element, genre in elements(text, "genres"):
                genres[genre["id"]] = element
            continue
        for element, record in elements(text, "results" if isinstance(value, dict) else None):
            if isinstance(record, dict) and "id" in record and "genre_ids" in record:
                films[record["id"]] = Film.of(record, element)
    if not films and not genres:
        raise InputError(
            f"no TMDB answers in {folder}: looked for *.json with results of /discover/movie "
            '(objects with id and genre_ids, in a list or under "results") and genre*.json with '
            f'{{"genres": [...]}}; found {files} JSON file(s), none of them such'
        )
    return Catalogue(tuple(films.values()), _genre_list(genres.values()))


def _genre_list(genres: Iterable[str]) -> str:
    return f'{{"genres":[{",".join(genres)}]}}'


class TmdbApp:
    """Answers as TMDB does, from ``catalogue``, to requests that bear ``token``.

    In an unsteady catalogue a listing's last films appear, and its total grows, with the
    answer to the request for what was its last page until then. So whoever trusts an earlier
    total misses them, whoever looks at the last page's total finds them, and both do so every
    time, with however many workers.
    """

    def __init__(
        self, catalogue: Catalogue, *, token: str = TOKEN, limit: RateLimit | None = None
    ) -> None:
        self._catalogue = catalogue
        self._token = token
        self._limit = limit or RateLimit()
        self._dated = sorted(
            (film for film in catalogue.films if film.release_date),
            key=lambda film: (film.release_date, film.id),
        )
        self._dates = [film.release_date for film in self._dated]
        self._listings: dict[_Search, Sequence[Film]] = {}
        self._grown: set[_Search] = set()
        self._lock = threading.Lock()

    def handle(self, call: Call) -> Response:
        """Return TMDB's answer; 404 for anything but its two paths."""
        if call.headers.get("authorization") != f"Bearer {self._token}":
            return _refused(401, 7, "Invalid API key: You must be granted a valid key.")
        if refusal := self._limit.take():
            message = (
                f"Your request count ({refusal.count}) is over the allowed limit of "
                f"({refusal.allowed})."
            )
            return Response.json(
                429,
                {"status_code": 25, "status_message": message},
                {"Retry-After": str(refusal.retry_after)},
            )
        if call.method == "GET" and call.path == "/3/discover/movie":
            return self._discover(call.query)
        if call.method == "GET" and call.path == "/3/genre/movie/list":
            return Response.json(200, self._catalogue.genres)
        return _refused(404, 34, "The resource you requested could not be found.")

    def _discover(self, query: Mapping[str, str]) -> Response:
        page_text = query.get("page", "1")
        if not re.fullmatch(r"-?[0-9]{1,9}", page_text):
            message = (
                "Invalid page: Pages start at 1 and max at 500. They are expected to be an integer."
            )
            return _refused(400, 22, message)
        page = int(page_text)
        if page > LAST_PAGE:
            return Response.json(
                422, {"errors": [f"page must be less than or equal to {LAST_PAGE}"]}
            )
        if page < 1:
            return Response.json(422, {"errors": ["page must be greater than 0"]})
        search = _Search.of(query)
        if not search.valid():
            return _refused(400, 23, "Invalid date: Format needs to be YYYY-MM-DD.")
        listing = self._listing(search)
        total = self._total(search, len(listing), page)
        results = listing[(page - 1) * PAGE_SIZE : min(page * PAGE_SIZE, total)]
        return Response.json(
            200,
            f'{{"page":{page},"results":[{",".join(film.text for film in results)}],'
            f'"total_pages":{_pages(total)},"total_results":{total}}}',
        )

    def _listing(self, search: _Search) -> Sequence[Film]:
        """Return all that the search will ever show, repetitions included."""
        with self._lock:
            if search not in self._listings:
                films: Sequence[Film] = self._catalogue.films
                if search.since or search.until:
                    begin = bisect_left(self._dates, search.since)
                    end = bisect_right(self._dates, search.until or "9999")
                    films = self._dated[begin:end]
                films = search.sorted(films)
                self._listings[search] = _repeated(films) if self._catalogue.unsteady else films
            return self._listings[search]

    def _total(self, search: _Search, size: int, page: int) -> int:
        """Return how much of a listing of ``size`` is there as ``page`` is answered."""
        if not self._catalogue.unsteady:
            return size
        with self._lock:
            if page >= _pages(size - _LATE):
                self._grown.add(search)
            return size if search in self._grown else size - _LATE


@dataclass(frozen=True)
class _Search:
    """What makes a listing: the window of release dates, both inclusive, and the order."""

    since: str
    until: str
    sort_by: str

    @staticmethod
    def of(query: Mapping[str, str]) -> _Search:
        def dates(end: str) -> list[str]:
            names = (f"primary_release_date.{end}", f"release_date.{end}")
            return [query[name] for name in names if query.get(name)]

        # TMDB takes an unknown order for its default.
        sort_by = query.get("sort_by", "")
        return _Search(
            max(dates("gte"), default=""),
            min(dates("lte"), default=""),
            sort_by if sort_by.partition(".")[0] in _SORT_FIELDS else "popularity.desc",
        )

    def valid(self) -> bool:
        """Return whether the dates look like dates."""
        given = filter(None, (self.since, self.until))
        return all(re.fullmatch(r"\d{4}-\d{2}-\d{2}", value) for value in given)

    def sorted(self, films: Iterable[Film]) -> list[Film]:
        """Return the films in this order; equal ones by id, whichever way the order goes."""
        name, _, direction = self.sort_by.partition(".")
        by_id = sorted(films, key=lambda film: film.id)
        field = _SORT_FIELDS[name]
        return sorted(by_id, key=lambda film: getattr(film, field), reverse=direction != "asc")


_SORT_FIELDS = {
    "popularity": "popularity",
    "primary_release_date": "release_date",
    "release_date": "release_date",
    "title": "title",
    "vote_count": "vote_count",
}


def _repeated(films: Iterable[Film]) -> list[Film]:
    """Return the films with some of them again, a page later, as if it had moved meanwhile."""
    listing: list[Film] = []
    again: dict[int, Film] = {}
    for film in films:
        while moved := again.pop(len(listing), None):
            listing.append(moved)
        if film.id % _REPEATED == 0:
            again[len(listing) + PAGE_SIZE] = film
        listing.append(film)
    return listing


def _pages(total: int) -> int:
    return max(1, -(-total // PAGE_SIZE))


def _refused(status: int, code: int, message: str) -> Response:
    payload: dict[str, object] = {"status_code": code, "status_message": message, "success": False}
    if code == 34:
        payload = {"success": False, "status_code": code, "status_message": message}
    return Response.json(status, payload)
