"""Jikan's extraction, against the sandbox that behaves as Jikan does."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from data_pipeline.bronze import runtime
from data_pipeline.bronze.run import UNIT_SECONDS
from data_pipeline.bronze.source import ApiSource
from data_pipeline.local.publishers import UNLIMITED
from data_pipeline.local.sandbox import RateLimit, Sandbox
from data_pipeline.local.sandbox.jikan import (
    PAGE_SIZE,
    JikanApp,
    Pages,
    generated_records,
    paged,
    stand_in,
)
from tests.bronze.conftest import Extraction, killed_everywhere

New = Callable[..., Extraction]
DAY = "2026-11-21"
ANIME = "jikan/anime/"


def make(new: New, sandbox: Sandbox, **changes: str) -> Extraction:
    return new("jikan", base_url=sandbox.url("jikan") + "/v4", **{**UNLIMITED, **changes})


def serve(pages: Pages, first: Pages | None = None) -> Sandbox:
    return Sandbox({"jikan": JikanApp(pages, first=first)})


def crawl(extraction: Extraction, **event: Any) -> dict[str, Any]:
    """Run to the end; return what completion says, and the run's id."""
    return extraction.crawl("jikan", as_of=DAY, **event)


def texts(extraction: Extraction) -> list[str]:
    """Return the verbatim records by unit and position, as their pages were."""
    return [
        line.partition('"record":')[2].removesuffix("}")
        for key in sorted(extraction.keys(ANIME), key=lambda key: key.removesuffix(".json.gz"))
        for line in extraction.read(key).decode().splitlines()
    ]


def planned(extraction: Extraction, run_id: str) -> list[dict[str, Any]]:
    document = json.loads(extraction.read(f"_runs/jikan/{run_id}/plan.json"))
    return list(document["units"])


def numbered(count: int) -> Sequence[str]:
    return [f'{{"mal_id": {n}, "score": {n % 10}.{n % 10}0}}' for n in range(1, count + 1)]


def source() -> ApiSource[Any]:
    found = runtime.source("jikan")
    assert isinstance(found, ApiSource)
    return found


def asked(sandbox: Sandbox, since: int = 0) -> Counter[int]:
    return Counter(int(request.query["page"]) for request in sandbox.log[since:])


def test_every_anime_lands_verbatim_and_each_page_is_asked_for_once(new_extraction: New) -> None:
    """With the generated list, which has grown by two pages when its end is read."""
    app = stand_in(None, RateLimit()).app
    assert isinstance(app, JikanApp)
    listing = [text for page in app._final for text in page]
    with Sandbox({"jikan": app}) as sandbox:
        extraction = make(new_extraction, sandbox)
        (run,) = extraction.start(source="jikan", as_of=DAY)["runs"]
        assert asked(sandbox) == {1: 1}
        extraction.work()
        assert asked(sandbox, since=1) == dict.fromkeys(range(1, len(app._final) + 1), 1)
        assert {request.status for request in sandbox.log} == {200}
    done = extraction.complete("jikan", run["run_id"])
    assert (done["state"], done["missing"], done["notes"]) == ("complete", [], [])
    # Units found at the end sort behind the one that found them, so the order is the list's.
    assert texts(extraction) == listing
    assert done["units"] > run["units"]
    lines = extraction.lines(ANIME)
    assert {line["_page"] for line in lines} == set(range(1, len(app._final) + 1))
    (pending,) = extraction.keys("_pending/")
    entry = json.loads(extraction.read(pending))
    assert entry["units"] == done["units"]
    assert set(entry["fields"]["anime"]) == {name for text in listing for name in json.loads(text)}


def test_a_list_that_grows_by_many_pages_is_read_to_its_end(new_extraction: New) -> None:
    final = paged(numbered(40 * PAGE_SIZE + 3))
    with serve(final, first=final[:12]) as sandbox:
        extraction = make(new_extraction, sandbox)
        done = crawl(extraction)
        assert asked(sandbox, since=1) == dict.fromkeys(range(1, 42), 1)
    assert done["state"] == "complete"
    assert [json.loads(text)["mal_id"] for text in texts(extraction)] == list(range(1, 1004))
    found = [unit for unit in extraction.keys(ANIME) if ".0000" in unit]
    assert len(found) > 1
    # They are noted under the key of the unit that found them.
    (note,) = extraction.keys("_runs/jikan/" + done["run_id"] + "/plan/")
    assert note.endswith(f"{planned(extraction, done['run_id'])[-1]['name']}.json")


def test_a_list_that_shrinks_is_no_error(new_extraction: New) -> None:
    pages = paged(numbered(5 * PAGE_SIZE))
    with serve(pages) as sandbox:
        extraction = make(new_extraction, sandbox)
        (run,) = extraction.start(source="jikan", as_of=DAY)["runs"]
        sandbox.apps["jikan"] = JikanApp(pages[:3])
        extraction.work()
        done = extraction.complete("jikan", run["run_id"])
    assert done["state"] == "complete"
    assert len(texts(extraction)) == 3 * PAGE_SIZE


@pytest.mark.parametrize(
    ("rates", "per_worker"),
    [
        ({"requests_per_second": "3", "requests_per_minute": "60"}, 0.5),
        ({"requests_per_second": "0.5", "requests_per_minute": "60"}, 0.25),
    ],
    ids=["60 a minute", "0.5 a second"],
)
def test_a_unit_is_two_minutes_at_most_and_the_workers_have_as_many(
    new_extraction: New, rates: dict[str, str], per_worker: float
) -> None:
    new_extraction("jikan", **rates)
    assert source().worker_rate == per_worker
    workers = source().settings.max_concurrency
    for total in (1, 2, 7, 49, 51, 100, 333, 1207, 1208, 3000):
        ranges = source().page_ranges(total)
        assert [n for low, high in ranges for n in range(low, high + 1)] == [*range(1, total + 1)]
        sizes = [high - low + 1 for low, high in ranges]
        assert max(sizes) <= UNIT_SECONDS * per_worker
        assert max(sizes) - min(sizes) <= 1
        assert len(ranges) <= workers or len(ranges) % workers == 0


def test_the_plan_has_a_unit_for_each_range(new_extraction: New) -> None:
    with serve(paged(numbered(137 * PAGE_SIZE))) as sandbox:
        extraction = make(
            new_extraction, sandbox, requests_per_second="0.5", requests_per_minute="60"
        )
        (run,) = extraction.start(source="jikan", as_of=DAY)["runs"]
    units = planned(extraction, run["run_id"])
    names = [unit["name"] for unit in units]
    assert names == sorted(names) == [f"anime-{n:06d}" for n in range(1, len(units) + 1)]
    assert len(names) % 2 == 0
    spans = [(unit["params"]["first"], unit["params"]["last"]) for unit in units]
    assert [n for low, high in spans for n in range(low, high + 1)] == [*range(1, 138)]
    assert [unit["params"]["ends"] for unit in units] == [False] * (len(units) - 1) + [True]


@pytest.mark.parametrize(("limit", "pages"), [(1, 1), (3, 3), (6, 6), (1000, 8)])
def test_a_limit_takes_that_many_pages(new_extraction: New, limit: int, pages: int) -> None:
    """A limit that the list does not reach is none; one that ends before, ends there."""
    final = paged(numbered(8 * PAGE_SIZE))
    with serve(final, first=final[:6]) as sandbox:
        extraction = make(new_extraction, sandbox)
        done = crawl(extraction, limit=limit)
        expected = 8 if limit >= 6 else pages
        assert asked(sandbox, since=1) == dict.fromkeys(range(1, expected + 1), 1)
    assert done["state"] == "complete"
    assert len(texts(extraction)) == expected * PAGE_SIZE


def test_the_same_day_again_asks_nothing(new_extraction: New) -> None:
    with serve(paged(numbered(60))) as sandbox:
        extraction = make(new_extraction, sandbox)
        done = crawl(extraction)
        before, requests = extraction.content(), len(sandbox.log)
        (again,) = extraction.start(source="jikan", as_of=DAY)["runs"]
        assert (again["run_id"], again["state"]) == (done["run_id"], "complete")
        assert extraction.receive() == []
        assert len(sandbox.log) == requests
        assert extraction.content() == before
        (other,) = extraction.start(source="jikan", as_of=DAY, again=1)["runs"]
        assert (other["run_id"] == done["run_id"], other["state"]) == (False, "planned")


def test_a_list_without_any_anime_is_complete(new_extraction: New) -> None:
    with serve([]) as sandbox:
        extraction = make(new_extraction, sandbox)
        done = crawl(extraction)
    assert (done["state"], done["units"], texts(extraction)) == ("complete", 1, [])


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_killed_between_any_two_steps(new_extraction: New, after: bool) -> None:
    """Killed at each request to AWS in turn, and started again: always the same bronze."""
    final = paged(generated_records()[: 4 * PAGE_SIZE])
    with serve(final) as sandbox:

        def begin() -> Extraction:
            sandbox.apps["jikan"] = JikanApp(final, first=final[:2])
            return make(new_extraction, sandbox)

        content, calls = killed_everywhere(begin, crawl, after)
        assert calls > 15
        assert any("/plan/" in key for key in content)  # the list grew, so units were found
        assert sum("jikan/anime/" in key for key in content) > 1
