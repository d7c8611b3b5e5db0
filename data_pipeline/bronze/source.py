"""What a publisher's module says of itself. Subclass ApiSource or FileSource."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, ClassVar, Generic, TypeVar

from data_pipeline.bronze.http import Answer, Api
from data_pipeline.bronze.run import UNIT_SECONDS, Plan, Run, Unit
from data_pipeline.settings import ApiSettings, FileSettings, SourceSettings

S = TypeVar("S", bound=SourceSettings)
A = TypeVar("A", bound=ApiSettings)
# Enough units for all workers to finish together, and none so long that one worker drags on.
UNITS_PER_WORKER = 10
MAX_PAGES_PER_UNIT = 50

# reached(milestone, within_days) -> whether a run of the last days completed it
Reached = Callable[[str, int], bool]


class Source(ABC, Generic[S]):
    """A publisher: its settings' type, and its credentials if it asks for any.

    ``credentials`` maps a field of the source's secret to the environment variable that holds it
    on a laptop.
    """

    settings_type: ClassVar[type[SourceSettings]]
    credentials: ClassVar[Mapping[str, str]] = {}

    def __init__(self, settings: S) -> None:
        self.settings = settings

    @property
    def name(self) -> str:
        return type(self).__module__.rpartition(".")[2]


@dataclass(frozen=True)
class Page:
    """One answer, and the list in it whose elements are the records; None: the answer is one."""

    number: int
    answer: Answer
    member: str | None


@dataclass(frozen=True)
class Note:
    """A sentence for people about a unit, such as that the publisher refuses its playlist."""

    text: str


class ApiSource(Source[A]):
    """A publisher that is asked page by page."""

    # How long ``headers`` hold, in seconds.
    headers_last: ClassVar[float] = math.inf

    def headers(self, secret: Mapping[str, str]) -> dict[str, str]:
        """Return the headers that identify and authorise a request; may ask for a token."""
        return {}

    @property
    def requests_per_second(self) -> float:
        """The source's whole budget, for all its workers together."""
        return min(self.settings.requests_per_second, self.settings.requests_per_minute / 60)

    @property
    def worker_rate(self) -> float:
        return self.requests_per_second / self.settings.max_concurrency

    def page_ranges(self, total_pages: int, of_all: int | None = None) -> list[tuple[int, int]]:
        """Return (first, last) pages, 1 to ``total_pages`` split into even units.

        A unit is at most two minutes of one worker's requests; ``of_all`` is the number of pages
        of the whole run where that is more than this listing's.
        """
        workers = self.settings.max_concurrency
        even = (of_all or total_pages) // (workers * UNITS_PER_WORKER)
        most = min(MAX_PAGES_PER_UNIT, int(UNIT_SECONDS * self.worker_rate), max(even, 5))
        count = -(-total_pages // max(1, most))
        if count > workers:
            # As many for each worker, so that none has a unit left when the others are done.
            count = -(-count // workers) * workers
        bounds = [round(i * total_pages / count) for i in range(count + 1)] if count else []
        return [(low + 1, high) for low, high in pairwise(bounds)]

    def listing(
        self,
        api: Api,
        unit: Unit,
        member: str,
        get: Callable[[int], Answer],
        last_page: Callable[[Answer], int],
    ) -> Iterator[Page | Unit]:
        """Yield the pages ``first`` to ``last`` of a unit's params, as ``get`` answers.

        Pages for which a slow publisher leaves no time are a unit of their own. The unit that
        ``ends`` the list looks at how many pages there are now, by ``last_page`` of its last
        answer: a list may grow while it is read.
        """
        first, last = unit.params["first"], unit.params["last"]
        for page in range(first, last + 1):
            if page > first and api.time_is_up:
                yield found(unit, 0, first=page)
                return
            answer = get(page)
            yield Page(page, answer, member)
        if unit.params["ends"]:
            total = last_page(answer)
            for index, (low, high) in enumerate(self.page_ranges(total - last), 1):
                ends = last + high == total
                yield found(unit, index, first=last + low, last=last + high, ends=ends)

    @abstractmethod
    def plan(self, api: Api, run: Run, reached: Reached) -> Plan:
        """Return the units of ``run``; may ask the API, for totals say."""

    @abstractmethod
    def fetch(self, api: Api, unit: Unit) -> Iterator[Page | Unit | Note]:
        """Yield the pages of ``unit``, units found beyond the plan (the list grew), and notes."""


@dataclass(frozen=True)
class FileDataset:
    """A file of a publisher: its dataset and the columns that it cannot do without.

    ``splittable`` says that no field of it can hold a line break, so that byte ranges aligned
    to lines can be read apart. ``json_lines``: it is no CSV, but has a JSON object on each line.
    """

    dataset: str
    required: frozenset[str] = frozenset()
    splittable: bool = False
    json_lines: bool = False


class FileSource(Source[FileSettings]):
    """A publisher of files, alone or in a zip.

    ``files`` are known by their names, in lower case. With ``by_header`` the names are only what
    they are usually called, and a file is the one whose required columns its header has.
    """

    settings_type = FileSettings
    files: ClassVar[Mapping[str, FileDataset]]
    by_header: ClassVar[bool] = False


def found(parent: Unit, index: int, **params: Any) -> Unit:
    """Return a unit found while ``parent`` was fetched; it sorts behind it, before the next."""
    return Unit(f"{parent.name}.{index:05d}", parent.dataset, {**parent.params, **params})
