"""Jikan, the unofficial API of MyAnimeList, version 4: /anime, page by page.

https://docs.api.jikan.moe: 3 requests a second and 60 a minute.
"""

from __future__ import annotations

from collections.abc import Iterator

from data_pipeline.bronze.http import Answer, Api
from data_pipeline.bronze.run import Plan, Run, Unit
from data_pipeline.bronze.source import ApiSource, Page, Reached
from data_pipeline.settings import ApiSettings


class Jikan(ApiSource[ApiSettings]):
    """All anime. At 60 requests a minute a crawl outlives many invocations: a unit is one."""

    settings_type = ApiSettings

    def plan(self, api: Api, run: Run, reached: Reached) -> Plan:
        """Return the pages that the first one's pagination tells of, or ``run.limit`` of them."""
        last = _last_page(api.get("/anime", page=1))
        pages = min(last, run.limit or last)
        units = [
            Unit(
                f"anime-{index:06d}",
                "anime",
                {"first": first, "last": until, "ends": until == last},
            )
            for index, (first, until) in enumerate(self.page_ranges(pages), 1)
        ]
        return Plan(units)

    def fetch(self, api: Api, unit: Unit) -> Iterator[Page | Unit]:
        return self.listing(
            api, unit, "data", lambda page: api.get("/anime", page=page), _last_page
        )


def _last_page(answer: Answer) -> int:
    return int(answer.json()["pagination"]["last_visible_page"])


SOURCE = Jikan
