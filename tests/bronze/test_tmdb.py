"""TMDB's extraction, against the sandbox that behaves as TMDB does."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from itertools import pairwise
from typing import Any

import pytest

from data_pipeline.bronze.run import iso, utc_now
from data_pipeline.bronze.source import UNITS_PER_WORKER
from data_pipeline.bronze.sources.tmdb import LAST_PAGE
from data_pipeline.errors import ApiRefusedError, SettingsError
from data_pipeline.local.publishers import UNLIMITED
from data_pipeline.local.sandbox import RateLimit, Sandbox
from data_pipeline.local.sandbox.tmdb import TOKEN, Catalogue, TmdbApp, generated_catalogue
from tests.bronze.conftest import Extraction, killed_everywhere

SECRET = {"token": TOKEN}


def serve(catalogue: Catalogue, limit: RateLimit | None = None) -> Sandbox:
    return Sandbox({"tmdb": TmdbApp(catalogue, limit=limit)})


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return generated_catalogue(n=1500)


@pytest.fixture
def sandbox(catalogue: Catalogue) -> Iterator[Sandbox]:
    with serve(catalogue) as sandbox:
        yield sandbox


def make(new: Callable[..., Extraction], sandbox: Sandbox, **changes: str) -> Extraction:
    url = sandbox.url("tmdb") + "/3"
    return new("tmdb", SECRET, base_url=url, **{**UNLIMITED, "max_concurrency": "2", **changes})


def crawl(extraction: Extraction, deliveries: int = 1, **event: Any) -> dict[str, Any]:
    """Run to the end; return what completion says, and the run's id."""
    (run,) = extraction.start(source="tmdb", as_of="2026-11-21", **event)["runs"]
    extraction.work(deliveries)
    return {**extraction.complete("tmdb", run["run_id"]), **run, "state": "complete"}


def ids(extraction: Extraction, run_id: str) -> set[int]:
    prefix = f"tmdb/discover_movie/ingest_date=2026-11-21/run_id={run_id}/"
    return {line["record"]["id"] for line in extraction.lines(prefix)}


def test_the_first_run_has_every_dated_film(
    new_extraction: Any, sandbox: Sandbox, catalogue: Catalogue
) -> None:
    extraction = make(new_extraction, sandbox)
    done = crawl(extraction)
    assert ids(extraction, done["run_id"]) == {f.id for f in catalogue.films if f.release_date}
    assert done["missing"] == []
    (pending,) = extraction.keys("_pending/")
    entry = json.loads(extraction.read(pending))
    assert entry["units"] == done["landed"]
    assert "vote_average" in entry["fields"]["discover_movie"]
    first = min(line["_fetched_at"] for line in extraction.lines("tmdb/"))
    assert entry["fetched_from"] <= first


def test_records_are_verbatim(new_extraction: Any, sandbox: Sandbox, catalogue: Catalogue) -> None:
    extraction = make(new_extraction, sandbox)
    crawl(extraction)
    served = {film.text for film in catalogue.films}
    for key in extraction.keys("tmdb/discover_movie/"):
        for line in extraction.read(key).decode().splitlines():
            assert line.partition('"record":')[2].removesuffix("}") in served


def test_no_page_is_asked_for_twice_by_the_workers(new_extraction: Any, sandbox: Sandbox) -> None:
    extraction = make(new_extraction, sandbox)
    (run,) = extraction.start(source="tmdb", as_of="2026-11-21")["runs"]
    planned = len(sandbox.log)
    extraction.work()
    asked = [tuple(sorted(r.query.items())) for r in sandbox.log[planned:]]
    assert len(asked) == len(set(asked))
    assert {r.status for r in sandbox.log} == {200}
    # Planning costs a request for each window that is halved or kept, and no more.
    assert planned <= 3
    assert extraction.complete("tmdb", run["run_id"])["state"] == "complete"


def test_later_runs_take_the_recent_and_the_popular(
    new_extraction: Any, sandbox: Sandbox, catalogue: Catalogue
) -> None:
    extraction = make(new_extraction, sandbox)
    crawl(extraction)
    (run,) = extraction.start(source="tmdb", as_of="2026-11-22")["runs"]
    plan = json.loads(extraction.read(f"_runs/tmdb/{run['run_id']}/plan.json"))
    queries = {json.dumps(u["params"].get("query")) for u in plan["units"]}
    assert any('"primary_release_date.gte": "2026-07-25"' in query for query in queries)
    assert any("popularity.desc" in query for query in queries)
    assert plan["milestone"] is None
    # 30 days after the full crawl, and for another run of the day, it is all of them again.
    for event in ({"as_of": "2026-12-21"}, {"as_of": "2026-11-22", "again": 1}):
        (run,) = extraction.start(source="tmdb", **event)["runs"]
        plan = json.loads(extraction.read(f"_runs/tmdb/{run['run_id']}/plan.json"))
        assert plan["milestone"] == "full_crawl"
    (run,) = extraction.start(source="tmdb", as_of="2026-12-20")["runs"]
    plan = json.loads(extraction.read(f"_runs/tmdb/{run['run_id']}/plan.json"))
    assert plan["milestone"] is None


def test_the_same_day_again_asks_nothing(new_extraction: Any, sandbox: Sandbox) -> None:
    extraction = make(new_extraction, sandbox)
    crawl(extraction)
    before, asked = extraction.content(), len(sandbox.log)
    again = extraction.start(source="tmdb", as_of="2026-11-21")["runs"][0]
    assert again["state"] == "complete"
    assert extraction.receive() == []
    assert len(sandbox.log) == asked
    assert extraction.content() == before


def test_a_limit_takes_that_many_pages(new_extraction: Any, sandbox: Sandbox) -> None:
    extraction = make(new_extraction, sandbox)
    done = crawl(extraction, limit=3)
    pages = {line["_page"] for line in extraction.lines("tmdb/discover_movie/")}
    assert pages == {1, 2, 3}
    assert done["units"] == 2  # the pages and the genres


def test_windows_are_halved_until_they_can_be_paged(
    new_extraction: Any, monkeypatch: pytest.MonkeyPatch, catalogue: Catalogue
) -> None:
    """With a publisher who serves 7 pages at most, all films are found still."""
    monkeypatch.setattr("data_pipeline.local.sandbox.tmdb.LAST_PAGE", 7)
    monkeypatch.setattr("data_pipeline.bronze.sources.tmdb.LAST_PAGE", 7)
    monkeypatch.setattr("data_pipeline.bronze.sources.tmdb.WINDOW_PAGES", 5)
    with serve(catalogue) as sandbox:
        extraction = make(new_extraction, sandbox)
        done = crawl(extraction)
        assert ids(extraction, done["run_id"]) == {f.id for f in catalogue.films if f.release_date}
        assert {request.status for request in sandbox.log} == {200}
        windows = {
            (r.query["primary_release_date.gte"], r.query["primary_release_date.lte"])
            for r in sandbox.log
            if "primary_release_date.gte" in r.query and r.query["page"] != "1"
        }
        ends = sorted(windows)
        for (_, last), (first, _) in pairwise(ends):
            assert date.fromisoformat(last) < date.fromisoformat(first)


def test_a_day_that_cannot_be_paged_is_noted(
    new_extraction: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("data_pipeline.local.sandbox.tmdb.LAST_PAGE", 1)
    monkeypatch.setattr("data_pipeline.bronze.sources.tmdb.LAST_PAGE", 1)
    monkeypatch.setattr("data_pipeline.bronze.sources.tmdb.WINDOW_PAGES", 1)
    texts = [f'{{"id":{i},"genre_ids":[],"release_date":"2020-01-01"}}' for i in range(50)]
    from data_pipeline.local.sandbox.films import Film

    films = tuple(Film.of(json.loads(text), text) for text in texts)
    with serve(Catalogue(films, '{"genres":[]}')) as sandbox:
        done = crawl(make(new_extraction, sandbox))
    assert done["notes"] == ["2020-01-01: 3 pages of films, of which TMDB serves 1"]


def test_units_are_even_and_within_two_minutes(new_extraction: Any, sandbox: Sandbox) -> None:
    from data_pipeline.bronze import runtime

    make(new_extraction, sandbox)
    source = runtime.source("tmdb")
    for total in (1, 7, 50, 137, LAST_PAGE):
        ranges = source.page_ranges(total)
        assert [page for low, high in ranges for page in range(low, high + 1)] == list(
            range(1, total + 1)
        )
        lengths = {high - low + 1 for low, high in ranges}
        assert max(lengths) - min(lengths) <= 1
    assert len(source.page_ranges(300)) >= 2 * UNITS_PER_WORKER
    make(new_extraction, sandbox, requests_per_second="0.5", requests_per_minute="30")
    slow = runtime.source("tmdb")
    assert max(high - low + 1 for low, high in slow.page_ranges(400)) <= 30  # 2 min at 0.25/s


def test_a_message_delivered_twice_changes_nothing(
    new_extraction: Any, catalogue: Catalogue
) -> None:
    contents = []
    for deliveries in (1, 2):
        with serve(catalogue) as sandbox:
            extraction = make(new_extraction, sandbox)
            crawl(extraction, deliveries)
            contents.append(extraction.content())
    assert contents[0] == contents[1]


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_killed_between_any_two_steps(new_extraction: Any, after: bool) -> None:
    """Killed at each request to AWS in turn, and started again: always the same bronze."""
    small = generated_catalogue(n=150)
    with serve(small) as sandbox:

        def begin() -> Extraction:
            sandbox.apps["tmdb"] = TmdbApp(small)
            return make(new_extraction, sandbox)

        content, calls = killed_everywhere(begin, crawl, after)
    assert calls > 20
    assert any("plan/" in key for key in content)  # a listing grew, so units were found


def test_a_refused_token_says_so(new_extraction: Any, sandbox: Sandbox) -> None:
    extraction = new_extraction("tmdb", {"token": "wrong"}, base_url=sandbox.url("tmdb") + "/3")
    with pytest.raises(ApiRefusedError, match="401") as caught:
        extraction.start(source="tmdb")
    assert "Check the source's key" in str(caught.value)
    assert "wrong" not in str(caught.value)
    assert extraction.keys() == []


@pytest.mark.parametrize(("secret", "message"), [(None, "there is no secret"), ({}, "lacks token")])
def test_a_missing_token_says_so(new_extraction: Any, secret: Any, message: str) -> None:
    extraction = new_extraction("tmdb", secret)
    with pytest.raises(SettingsError, match=message):
        extraction.start(source="tmdb")


def test_a_unit_that_is_refused_goes_to_the_dead_letters(
    new_extraction: Any, sandbox: Sandbox
) -> None:
    extraction = make(new_extraction, sandbox)
    (run,) = extraction.start(source="tmdb", as_of="2026-11-21", limit=2)["runs"]
    sandbox.apps["tmdb"]._token = "renewed"  # type: ignore[attr-defined]
    extraction.work()
    answer = extraction.complete("tmdb", run["run_id"])
    assert answer["state"] == "failed"
    assert set(answer["failed"]) == set(answer["missing"])
    assert "401" in next(iter(answer["failed"].values()))
    letters = extraction.emulator.client("sqs").receive_message(
        QueueUrl=extraction.dead_letters, MaxNumberOfMessages=10
    )["Messages"]
    assert {json.loads(m["Body"])["unit"]["name"] for m in letters} == set(answer["missing"])
    # A redrive, with the key mended, brings what is missing.
    sandbox.apps["tmdb"]._token = TOKEN  # type: ignore[attr-defined]
    extraction.start(source="tmdb", run_id=run["run_id"])
    extraction.work()
    assert extraction.complete("tmdb", run["run_id"])["state"] == "complete"


def test_a_long_pause_is_waited_for_by_a_new_message(new_extraction: Any, sandbox: Sandbox) -> None:
    extraction = make(new_extraction, sandbox)
    extraction.start(source="tmdb", as_of="2026-11-21", limit=1)
    from data_pipeline.local.sandbox import Response

    class Busy:
        def handle(self, call: Any) -> Response:
            return Response(429, b"{}", {"Retry-After": "3600"})

    sandbox.apps["tmdb"] = Busy()
    assert extraction.work() == 2
    attributes = extraction.emulator.client("sqs").get_queue_attributes(
        QueueUrl=extraction.queue, AttributeNames=["All"]
    )["Attributes"]
    assert attributes["ApproximateNumberOfMessagesDelayed"] == "2"
    assert attributes["ApproximateNumberOfMessagesNotVisible"] == "0"


def test_an_incomplete_run_is_handed_over_when_waiting_is_over(
    new_extraction: Any, sandbox: Sandbox
) -> None:
    extraction = make(new_extraction, sandbox, min_complete="0.5")
    (run,) = extraction.start(source="tmdb", as_of="2026-11-21")["runs"]
    lost = json.loads(extraction.receive()[0]["Body"])["unit"]["name"]
    extraction.work()
    an_hour_ago = iso(utc_now() - timedelta(hours=1))
    for patience in ({}, {"since": an_hour_ago, "wait_seconds": 3660}):
        assert extraction.complete("tmdb", run["run_id"], **patience)["state"] == "running"
    waited = {"since": an_hour_ago, "wait_seconds": 3600}
    answer = extraction.complete("tmdb", run["run_id"], **waited)
    assert (answer["state"], answer["missing"]) == ("partial", [lost])
    assert len(extraction.keys("_pending/")) == 1
    # Asked again it hands over nothing new; after a redrive, the whole run under another name.
    extraction.complete("tmdb", run["run_id"], **waited)
    assert len(extraction.keys("_pending/")) == 1
    extraction.start(source="tmdb", run_id=run["run_id"])
    extraction.work()
    assert extraction.complete("tmdb", run["run_id"])["state"] == "complete"
    assert len(extraction.keys("_pending/")) == 2
