"""Open Library: the works of each subject, /subjects/<name>.json.

https://openlibrary.org/dev/docs/api/subjects. An anonymous client may send one request a second,
one whose User-Agent names a contact three (https://openlibrary.org/developers/api).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated

from data_pipeline.bronze.http import USER_AGENT, Answer, Api
from data_pipeline.bronze.run import Plan, Run, Unit
from data_pipeline.bronze.source import ApiSource, Page, Reached
from data_pipeline.settings import Allowed, ApiSettings

PAGE_SIZE = 1000
ANONYMOUS_PER_SECOND = 1.0

Subjects = Annotated[
    tuple[str, ...],
    Allowed(
        "subjects as in their addresses, such as love, science_fiction",
        lambda names: all(re.fullmatch(r"[a-z0-9_-]+", name) for name in names),
    ),
]


@dataclass(frozen=True)
class OpenLibrarySettings(ApiSettings):
    """[open_library]"""

    subjects: Subjects
    contact: str


class OpenLibrary(ApiSource[OpenLibrarySettings]):
    """The works of the subjects that the settings name."""

    settings_type = OpenLibrarySettings

    def headers(self, secret: Mapping[str, str]) -> dict[str, str]:
        contact = self.settings.contact
        return {"User-Agent": f"{USER_AGENT} ({contact})"} if contact else {}

    @property
    def requests_per_second(self) -> float:
        allowed = super().requests_per_second
        return allowed if self.settings.contact else min(allowed, ANONYMOUS_PER_SECOND)

    def plan(self, api: Api, run: Run, reached: Reached) -> Plan:
        """Return the pages of each subject's works; with a limit that many pages in all."""
        units: list[Unit] = []
        notes: list[str] = []
        left = run.limit
        for subject in self.settings.subjects:
            if left == 0:
                break
            total = _last_page(api.get(f"/subjects/{subject}.json", limit=1))
            if not total:
                notes.append(f"open_library has no works of the subject {subject!r}")
            pages = total if left is None else min(total, left)
            left = None if left is None else left - pages
            for first, last in self.page_ranges(pages):
                # The records do not say which subject was asked for; the unit's name does.
                name = f"subjects-{len(units) + 1:06d}-{subject}"
                params = {"subject": subject, "first": first, "last": last, "ends": last == total}
                units.append(Unit(name, "subjects", params))
        return Plan(units, notes=notes)

    def fetch(self, api: Api, unit: Unit) -> Iterator[Page | Unit]:
        path = f"/subjects/{unit.params['subject']}.json"

        def get(page: int) -> Answer:
            return api.get(path, limit=PAGE_SIZE, offset=(page - 1) * PAGE_SIZE)

        return self.listing(api, unit, "works", get, _last_page)


def _last_page(answer: Answer) -> int:
    return -(-int(answer.json()["work_count"]) // PAGE_SIZE)


SOURCE = OpenLibrary
