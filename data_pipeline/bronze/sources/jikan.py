"""Jikan, the unofficial API of MyAnimeList, version 4: /anime, page by page.

https://docs.api.jikan.moe: 3 requests a second and 60 a minute.
"""

from __future__ import annotations

from collections.abc import Iterator

from data_pipeline.bronze.http import Api
from data_pipeline.bronze.run import Plan, Run, Unit
from data_pipeline.bronze.source import ApiSource, Page, Reached, found
from data_pipeline.settings import ApiSettings


class Jikan(ApiSource[ApiSettings]):
    """All anime. At 60 requests a minute a crawl outlives many invocations: a unit is one."""

    settings_type = ApiSettings

    def plan(self, api: Api, run: Run, reached: Reached) -> Plan:
        """Return the pages that the first one's pagination tells of, or ``run.limit`` of them."""
        last = api.get("/anime", page=1).json()["pagination"]["last_visible_page"]
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
        last = unit.params["last"]
        for page in range(unit.params["first"], last + 1):
            answer = api.get("/anime", page=page)
            yield Page(page, answer, "data")
        if not unit.params["ends"]:
            return
        # The list grows while it is crawled: whoever reads its end goes on.
        now_last = answer.json()["pagination"]["last_visible_page"]
        for index, (first, until) in enumerate(self.page_ranges(now_last - last), 1):
            yield found(
                unit,
                index,
                first=last + first,
                last=last + until,
                ends=last + until == now_last,
            )


SOURCE = Jikan
