"""Open Library's extraction, against the sandbox that behaves as Open Library does."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest

from data_pipeline.bronze import runtime
from data_pipeline.bronze.http import USER_AGENT
from data_pipeline.bronze.run import UNIT_SECONDS
from data_pipeline.bronze.source import ApiSource
from data_pipeline.bronze.sources import open_library
from data_pipeline.errors import SettingsError
from data_pipeline.local.publishers import UNLIMITED
from data_pipeline.local.sandbox import App, Call, RateLimit, Response, Sandbox
from data_pipeline.local.sandbox.open_library import OpenLibraryApp, generated_subjects
from tests.bronze.conftest import Extraction, killed_everywhere

New = Callable[..., Extraction]
DAY = "2026-11-21"
SUBJECTS = generated_subjects()
CONTACT = "books@example.org"


class Recorder:
    """Keeps the calls that ``app`` gets."""

    def __init__(self, app: App) -> None:
        self.app = app
        self.calls: list[Call] = []

    def handle(self, call: Call) -> Response:
        self.calls.append(call)
        return self.app.handle(call)


class Growing:
    """Open Library whose list of "a" gets its later works just before its end is read."""

    def __init__(self, works: Sequence[str], at_first: int) -> None:
        self.app = OpenLibraryApp({"a": works[:at_first]})
        self.then = OpenLibraryApp({"a": works})
        self.at_first = at_first

    def handle(self, call: Call) -> Response:
        end = int(call.query.get("offset", "-1")) + int(call.query["limit"])
        if "offset" in call.query and end >= self.at_first:
            self.app = self.then
        return self.app.handle(call)


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox({"it": OpenLibraryApp(SUBJECTS)}) as sandbox:
        yield sandbox


@pytest.fixture
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(open_library, "PAGE_SIZE", 10)


def make(new: New, sandbox: Sandbox, **changes: str) -> Extraction:
    """Make an extraction of the sandbox's subjects, by somebody who says who they are."""
    wanted = {"base_url": sandbox.url("it"), "contact": CONTACT, "subjects": ", ".join(SUBJECTS)}
    return new("open_library", **{**UNLIMITED, **wanted, **changes})


def start(extraction: Extraction, **event: Any) -> dict[str, Any]:
    (run,) = extraction.start(source="open_library", as_of=DAY, **event)["runs"]
    return dict(run)


def crawl(extraction: Extraction, **event: Any) -> dict[str, Any]:
    """Run to the end; return what completion says, and the run's id."""
    return extraction.crawl("open_library", as_of=DAY, **event)


def texts(extraction: Extraction, subject: str) -> list[str]:
    """Return the verbatim records of a subject, by unit and position."""
    keys = {
        key.removesuffix(".json.gz"): key
        for key in extraction.keys("open_library/subjects/")
        if key.removesuffix(".json.gz").rpartition("-")[2].partition(".")[0] == subject
    }
    return [
        line.partition('"record":')[2].removesuffix("}")
        for _, key in sorted(keys.items())
        for line in extraction.read(key).decode().splitlines()
    ]


def numbered(count: int) -> list[str]:
    return [f'{{"key": "/works/OL{n}W", "title": "{n}"}}' for n in range(count)]


def source() -> ApiSource[Any]:
    found = runtime.source("open_library")
    assert isinstance(found, ApiSource)
    return found


def test_every_work_lands_verbatim_and_each_page_is_asked_for_once(
    new_extraction: New, sandbox: Sandbox
) -> None:
    extraction = make(new_extraction, sandbox)
    run = start(extraction)
    planned = len(sandbox.log)
    assert [(r.path, r.query) for r in sandbox.log] == [
        (f"/subjects/{subject}.json", {"limit": "1"}) for subject in SUBJECTS
    ]
    extraction.work()
    asked = Counter((r.path, r.query["limit"], r.query["offset"]) for r in sandbox.log[planned:])
    assert asked == {
        ("/subjects/love.json", "1000", "0"): 1,
        ("/subjects/love.json", "1000", "1000"): 1,
        ("/subjects/space.json", "1000", "0"): 1,
        ("/subjects/science_fiction.json", "1000", "0"): 1,
    }
    assert {request.status for request in sandbox.log} == {200}
    done = extraction.complete("open_library", run["run_id"])
    assert (done["state"], done["notes"]) == ("complete", [])
    for subject, works in SUBJECTS.items():
        assert texts(extraction, subject) == list(works)
    (pending,) = extraction.keys("_pending/")
    fields = json.loads(extraction.read(pending))["fields"]["subjects"]
    assert {"key", "authors", "first_publish_year"} <= set(fields)


def test_units_name_their_subject(new_extraction: New, sandbox: Sandbox, small_pages: None) -> None:
    extraction = make(new_extraction, sandbox)
    done = crawl(extraction)
    plan = json.loads(extraction.read(f"_runs/open_library/{done['run_id']}/plan.json"))
    names = [unit["name"] for unit in plan["units"]]
    assert names == sorted(names)
    for number, (name, unit) in enumerate(zip(names, plan["units"], strict=True), 1):
        assert name == f"subjects-{number:06d}-{unit['params']['subject']}"
    for subject, works in SUBJECTS.items():
        assert texts(extraction, subject) == list(works)
    offsets = Counter(
        r.query["offset"] for r in sandbox.log if "love" in r.path and r.query["limit"] == "10"
    )
    assert offsets == {str(offset): 1 for offset in range(0, len(SUBJECTS["love"]), 10)}


@pytest.mark.parametrize("at_first", [1, 40, 45])
def test_a_list_that_grows_is_read_to_its_end(
    new_extraction: New, small_pages: None, at_first: int
) -> None:
    """Its last page too, where that was not full when it was planned."""
    works = numbered(317)
    app = Growing(works, at_first)
    with Sandbox({"it": app}) as sandbox:
        extraction = make(new_extraction, sandbox, subjects="a")
        done = crawl(extraction)
        offsets = Counter(r.query["offset"] for r in sandbox.log[1:])
    assert done["state"] == "complete"
    assert offsets == {str(offset): 1 for offset in range(0, 317, 10)}
    assert texts(extraction, "a") == works
    (note,) = extraction.keys(f"_runs/open_library/{done['run_id']}/plan/")
    found = json.loads(extraction.read(note))["units"]
    assert len(found) == done["units"] - len(
        json.loads(extraction.read(f"_runs/open_library/{done['run_id']}/plan.json"))["units"]
    )


# --- who asks, and how fast ---------------------------------------------------------------------


@pytest.mark.parametrize("contact", [CONTACT, "https://example.org/about"])
def test_with_a_contact_it_is_in_the_user_agent(new_extraction: New, contact: str) -> None:
    """The sandbox takes more than one request a second only from who says where to reach them."""
    recorder = Recorder(OpenLibraryApp(SUBJECTS, anonymous=RateLimit(0.001)))
    with Sandbox({"it": recorder}) as sandbox:
        done = crawl(make(new_extraction, sandbox, contact=contact))
    assert done["state"] == "complete"
    agents = {call.headers["user-agent"] for call in recorder.calls}
    assert agents == {f"{USER_AGENT} ({contact})"}


def test_without_a_contact_it_asks_once_a_second(new_extraction: New, sandbox: Sandbox) -> None:
    recorder = Recorder(OpenLibraryApp(SUBJECTS, anonymous=RateLimit()))
    sandbox.apps["it"] = recorder
    extraction = make(new_extraction, sandbox, contact="", subjects="space")
    assert source().requests_per_second == 1.0
    assert source().worker_rate == 0.5
    assert crawl(extraction)["state"] == "complete"
    assert {call.headers["user-agent"] for call in recorder.calls} == {USER_AGENT}


def test_the_settings_may_ask_for_less(new_extraction: New, sandbox: Sandbox) -> None:
    make(new_extraction, sandbox, contact="", requests_per_second="0.5")
    assert source().requests_per_second == 0.5
    make(new_extraction, sandbox, requests_per_second="3", requests_per_minute="180")
    assert source().requests_per_second == 3.0


@pytest.mark.parametrize(
    ("changes", "per_worker"),
    [
        ({"requests_per_second": "3", "requests_per_minute": "60"}, 0.5),
        ({"requests_per_second": "0.5", "requests_per_minute": "60"}, 0.25),
        ({"requests_per_second": "3", "requests_per_minute": "180", "contact": ""}, 0.5),
    ],
    ids=["60 a minute", "0.5 a second", "anonymous"],
)
def test_a_unit_is_two_minutes_at_most_and_the_workers_have_as_many(
    new_extraction: New, sandbox: Sandbox, changes: dict[str, str], per_worker: float
) -> None:
    make(new_extraction, sandbox, **changes)
    assert source().worker_rate == per_worker
    workers = source().settings.max_concurrency
    for total in (1, 2, 5, 29, 61, 137, 400, 1001):
        ranges = source().page_ranges(total)
        assert [n for low, high in ranges for n in range(low, high + 1)] == [*range(1, total + 1)]
        sizes = [high - low + 1 for low, high in ranges]
        assert max(sizes) <= UNIT_SECONDS * per_worker
        assert max(sizes) - min(sizes) <= 1
        assert len(ranges) <= workers or len(ranges) % workers == 0


# --- runs ---------------------------------------------------------------------------------------


def test_an_unknown_subject_is_a_note(new_extraction: New, sandbox: Sandbox) -> None:
    extraction = make(new_extraction, sandbox, subjects="astrology_of_cats, space")
    done = crawl(extraction)
    assert (done["state"], done["missing"]) == ("complete", [])
    (note,) = done["notes"]
    assert "no works of the subject 'astrology_of_cats'" in note
    assert texts(extraction, "space") == SUBJECTS["space"]
    # And silver finds nothing of it.
    assert {line["_unit"].rpartition("-")[2] for line in extraction.lines("open_library/")} == {
        "space"
    }


def test_subjects_of_which_there_are_none_are_complete(
    new_extraction: New, sandbox: Sandbox
) -> None:
    done = crawl(make(new_extraction, sandbox, subjects="nothing"))
    assert (done["state"], done["units"], len(done["notes"])) == ("complete", 0, 1)


@pytest.mark.parametrize("subjects", ["Love", "science fiction", "a/b", "x.json"])
def test_a_subject_is_written_as_in_its_address(
    new_extraction: New, sandbox: Sandbox, subjects: str
) -> None:
    extraction = make(new_extraction, sandbox, subjects=subjects)
    with pytest.raises(SettingsError, match="science_fiction"):
        start(extraction)
    assert sandbox.log == []


@pytest.mark.parametrize(
    ("limit", "works"),
    [
        (1, {"love": 10}),
        (3, {"love": 30}),
        (136, {"love": 1356}),
        (138, {"love": 1356, "space": 20}),
        (10_000, {subject: len(works) for subject, works in SUBJECTS.items()}),
    ],
)
def test_a_limit_takes_that_many_pages_in_all(
    new_extraction: New, sandbox: Sandbox, small_pages: None, limit: int, works: dict[str, int]
) -> None:
    extraction = make(new_extraction, sandbox)
    done = crawl(extraction, limit=limit)
    assert done["state"] == "complete"
    assert {s: len(found) for s in SUBJECTS if (found := texts(extraction, s))} == works


def test_the_same_day_again_asks_nothing(new_extraction: New, sandbox: Sandbox) -> None:
    extraction = make(new_extraction, sandbox)
    done = crawl(extraction)
    before, asked = extraction.content(), len(sandbox.log)
    again = start(extraction)
    assert (again["run_id"], again["state"]) == (done["run_id"], "complete")
    assert extraction.receive() == []
    assert len(sandbox.log) == asked
    assert extraction.content() == before


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_killed_between_any_two_steps(new_extraction: New, small_pages: None, after: bool) -> None:
    """Killed at each request to AWS in turn, and started again: always the same bronze."""
    works = numbered(35)
    with Sandbox({"it": OpenLibraryApp({})}) as sandbox:

        def begin() -> Extraction:
            sandbox.apps["it"] = Growing(works, 15)
            return make(new_extraction, sandbox, subjects="a")

        content, calls = killed_everywhere(begin, crawl, after)
        assert calls > 10
        assert any("/plan/" in key for key in content)
