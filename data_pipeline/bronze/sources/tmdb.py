"""TMDB, The Movie Database: /discover/movie and /genre/movie/list of API version 3.

A listing has no page beyond 500 (https://developer.themoviedb.org/docs/errors, code 22), so all
films are found by date windows that are halved until each fits.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, ClassVar

from data_pipeline.bronze.http import Answer, Api
from data_pipeline.bronze.run import Plan, Run, Unit
from data_pipeline.bronze.source import ApiSource, Page, Reached
from data_pipeline.settings import ApiSettings, Days

LAST_PAGE = 500
# A window is halved somewhat below the limit: it may grow while it is crawled.
WINDOW_PAGES = 480
RECENT_DAYS = 120
# Films are announced years before their release; they are what is popular next.
HORIZON_DAYS = 3653
FULL_CRAWL = "full_crawl"


@dataclass(frozen=True)
class TmdbSettings(ApiSettings):
    """[tmdb]"""

    released_from: date
    full_crawl_days: Days


@dataclass(frozen=True)
class Listing:
    """A query of /discover/movie and how many of its pages are wanted; ``whole`` if all are."""

    query: dict[str, str]
    pages: int
    whole: bool = True


class Tmdb(ApiSource[TmdbSettings]):
    """Films and genres."""

    settings_type = TmdbSettings
    credentials: ClassVar[Mapping[str, str]] = {"token": "TMDB_TOKEN"}

    def headers(self, secret: Mapping[str, str]) -> dict[str, str]:
        return {"Authorization": f"Bearer {secret['token']}"}

    def plan(self, api: Api, run: Run, reached: Reached) -> Plan:
        """Return all films by date windows, or the recent and popular ones, and the genres.

        All of them when the last full crawl is ``full_crawl_days`` ago or another run of the day
        is asked for; with a limit, that many pages of the most popular.
        """
        full = run.again > 0 or not reached(FULL_CRAWL, self.settings.full_crawl_days)
        notes: list[str] = []
        if run.limit:
            listings = [self._popular(api, run.limit)]
        else:
            since = run.logical_date - timedelta(days=RECENT_DAYS)
            first_day = self.settings.released_from if full else since
            last_day = run.logical_date + timedelta(days=HORIZON_DAYS)
            listings = list(self._windows(api, first_day, last_day, notes))
            if not full:
                listings.append(self._popular(api, LAST_PAGE))
        of_all = sum(listing.pages for listing in listings)
        params = [
            {
                "query": listing.query,
                "first": first,
                "last": last,
                "ends": listing.whole and last == listing.pages,
            }
            for listing in listings
            for first, last in self.page_ranges(listing.pages, of_all)
        ]
        films = [
            Unit(f"discover_movie-{i:06d}", "discover_movie", p) for i, p in enumerate(params, 1)
        ]
        return Plan(
            units=[Unit("genres-000001", "genres"), *films],
            milestone=FULL_CRAWL if full and not run.limit else None,
            notes=notes,
        )

    def fetch(self, api: Api, unit: Unit) -> Iterator[Page | Unit]:
        if unit.dataset == "genres":
            yield Page(1, api.get("/genre/movie/list"), "genres")
            return

        def get(page: int) -> Answer:
            return api.get("/discover/movie", page=page, **unit.params["query"])

        yield from self.listing(
            api,
            unit,
            "results",
            get,
            lambda answer: min(int(answer.json()["total_pages"]), LAST_PAGE),
        )

    def _windows(self, api: Api, first: date, last: date, notes: list[str]) -> Iterator[Listing]:
        """Yield the windows from ``first`` to ``last`` (inclusive) that can be paged to their end.

        A single day that can't is cut off at the last page, and a note says so.
        """
        query = {
            "sort_by": "primary_release_date.asc",
            "primary_release_date.gte": first.isoformat(),
            "primary_release_date.lte": last.isoformat(),
        }
        pages = self._pages(api, query)
        if pages <= WINDOW_PAGES or first == last:
            if pages > LAST_PAGE:
                notes.append(f"{first}: {pages} pages of films, of which TMDB serves {LAST_PAGE}")
            if pages:
                yield Listing(query, min(pages, LAST_PAGE))
            return
        middle = first + (last - first) // 2
        yield from self._windows(api, first, middle, notes)
        yield from self._windows(api, middle + timedelta(days=1), last, notes)

    def _popular(self, api: Api, limit: int) -> Listing:
        query = {"sort_by": "popularity.desc"}
        pages, most = self._pages(api, query), min(limit, LAST_PAGE)
        return Listing(query, min(pages, most), whole=pages <= most)

    def _pages(self, api: Api, query: Mapping[str, Any]) -> int:
        answer = api.get("/discover/movie", page=1, **query).json()
        # An empty listing is served as one empty page.
        return int(answer["total_pages"]) if answer["total_results"] else 0


SOURCE = Tmdb
