"""The check: what it reports as wrong, which layers it has crawled, and the metrics it emits."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from data_pipeline.local.emulator import Emulator
from data_pipeline.local.home import Home
from data_pipeline.orchestration import check
from tests.bronze.conftest import Context, free_port

STARTED = "2026-11-21T05:00:00.123Z"
LATER, EARLIER = "2026-11-21T05:30:00+00:00", "2026-11-20T05:30:00+00:00"
COLUMNS = {"tmdb_id": "bigint", "genre_ids": "array<int>"}
BOTH = [{"job": layer, "layer": layer, "error": ""} for layer in ("silver", "gold")]


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LAKEHOUSE_PORT", str(free_port()))
        with Emulator(Home(tmp_path_factory.mktemp("home"), "check"), "us-east-1") as emulator:
            yield emulator


class Lake:
    """The layers' reports and the catalogue, as the test puts them."""

    def __init__(self, emulator: Emulator, name: str) -> None:
        self.name, self.s3, self.glue = name, emulator.s3, emulator.client("glue")
        for layer in ("silver", "gold"):
            self.s3.create_bucket(Bucket=f"{name}-{layer}")
            self.glue.create_database(DatabaseInput={"Name": f"{name}_{layer}"})

    def report(
        self, layer: str, at: str, tables: dict[str, Any], columns: dict[str, dict[str, str]]
    ) -> None:
        body = json.dumps({"at": at, "tables": tables, "columns": columns})
        self.s3.put_object(
            Bucket=f"{self.name}-{layer}", Key="_reports/tables.json", Body=body.encode()
        )

    def show(self, layer: str, table: str, columns: dict[str, str]) -> None:
        listed = [{"Name": name, "Type": kind} for name, kind in columns.items()]
        self.glue.create_table(
            DatabaseName=f"{self.name}_{layer}",
            TableInput={"Name": table, "StorageDescriptor": {"Columns": listed}},
        )


@pytest.fixture
def lake(
    emulator: Emulator, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> Iterator[Lake]:
    name = f"check{abs(hash(request.node.name))}"
    for variable, value in {
        "AWS_ENDPOINT_URL": emulator.endpoint,
        "AWS_DEFAULT_REGION": emulator.region,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "ENVIRONMENT_NAME": "media-lakehouse-test",
        "SILVER_BUCKET": f"{name}-silver",
        "GOLD_BUCKET": f"{name}-gold",
        "SILVER_DATABASE": f"{name}_silver",
        "GOLD_DATABASE": f"{name}_gold",
        "QUARANTINE_PERCENT": "1",
    }.items():
        monkeypatch.setenv(variable, value)
    check.client.cache_clear()
    yield Lake(emulator, name)
    check.client.cache_clear()


@pytest.fixture
def ask(capsys: pytest.CaptureFixture[str]) -> Callable[..., dict[str, Any]]:
    """Ask for the final check; the metrics it wrote are added to its answer."""

    def ask(**event: Any) -> dict[str, Any]:
        capsys.readouterr()
        asked = {"started": STARTED, "final": True, "whole": True, **event}
        answer = check.handler(asked, Context())
        written = [json.loads(line) for line in capsys.readouterr().out.splitlines() if line]
        metrics = [line for line in written if "_aws" in line]
        return {**answer, "metrics": metrics[0] if metrics else None}

    return ask


def values(answer: dict[str, Any]) -> dict[str, float]:
    names = ("RunsIncomplete", "TablesFailed", "CatalogueDrift", "GoldBuilt", "QuarantineShare")
    return {name: answer["metrics"][name][0] for name in names if name in answer["metrics"]}


def test_a_day_on_which_all_went_well(lake: Lake, ask: Callable[..., dict[str, Any]]) -> None:
    tables = {"tmdb_movies": {"status": "loaded", "records_read": 300, "rows_inserted": 7}}
    lake.report("silver", LATER, tables, {"tmdb_movies": COLUMNS})
    lake.show("silver", "tmdb_movies", COLUMNS)
    lake.report("gold", LATER, {"movie_scores": {"status": "built", "rows": 12}}, {})
    run = {"source": "tmdb", "run_id": "20261121-0a1b2c3d", "state": "complete"}
    answer = ask(jobs=BOTH, runs=[{**run, "units": 4, "landed": 4, "notes": ["a note"]}])
    assert (answer["ok"], answer["crawl"]) == (True, [])
    assert answer["subject"] == "media-lakehouse-test: refreshed"
    assert answer["message"].splitlines() == [
        "Runs",
        "  tmdb 20261121-0a1b2c3d: complete, 4 of 4 units",
        "    a note",
        "",
        "Silver",
        "  silver.tmdb_movies: loaded, 300 read, 7 inserted",
        "",
        "Gold",
        "  gold.movie_scores: built, 12 rows",
    ]
    assert values(answer) == {
        "RunsIncomplete": 0,
        "TablesFailed": 0,
        "CatalogueDrift": 0,
        "GoldBuilt": 1,
        "QuarantineShare": 0,
    }
    (definition,) = answer["metrics"]["_aws"]["CloudWatchMetrics"]
    assert definition["Namespace"] == "Lakehouse"
    assert answer["metrics"]["environment"] == "media-lakehouse-test"


@pytest.mark.parametrize(
    ("shown", "crawl"),
    [
        (COLUMNS, False),
        # Athena reads types from Delta's log.
        ({**COLUMNS, "tmdb_id": "string"}, False),
        (None, True),
        ({"tmdb_id": "bigint"}, True),
        ({**COLUMNS, "gone": "string"}, True),
    ],
    ids=["as it is", "another type", "absent", "a column less", "a column more"],
)
def test_what_the_catalogue_lacks_is_crawled(
    lake: Lake, ask: Callable[..., dict[str, Any]], shown: dict[str, str] | None, crawl: bool
) -> None:
    # From an earlier day: the crawl of that day may have failed.
    lake.report("gold", EARLIER, {}, {"movie_scores": COLUMNS, "dim_anime": COLUMNS})
    lake.show("gold", "dim_anime", COLUMNS)
    if shown:
        lake.show("gold", "movie_scores", shown)
    first = ask(final=False)
    assert (first["ok"], first["metrics"]) == (True, None)
    addresses = [f"s3://{lake.name}-gold/{table}" for table in ("dim_anime", "movie_scores")]
    assert first["crawl"] == ([{"layer": "gold", "tables": addresses}] if crawl else [])
    last = ask()
    assert last["ok"] == (not crawl)
    assert values(last)["CatalogueDrift"] == crawl
    assert ("movie_scores" in last["message"]) == crawl


@pytest.mark.parametrize(
    ("read", "quarantined", "share", "ok"),
    [(100, 1, 1.0, True), (100, 2, 2.0, False), (99, 99, 0, True), (0, 0, 0, True)],
)
def test_a_large_share_of_refused_records_is_a_problem(
    lake: Lake,
    ask: Callable[..., dict[str, Any]],
    read: int,
    quarantined: int,
    share: float,
    ok: bool,
) -> None:
    its = {"status": "loaded", "records_read": read, "records_quarantined": quarantined}
    lake.report("silver", LATER, {"tmdb_movies": its}, {})
    answer = ask(jobs=BOTH)
    assert (answer["ok"], values(answer)["QuarantineShare"]) == (ok, share)


def test_a_report_of_an_earlier_day_says_nothing_of_today(
    lake: Lake, ask: Callable[..., dict[str, Any]]
) -> None:
    lake.report("silver", EARLIER, {"tmdb_movies": {"status": "failed", "message": "no"}}, {})
    answer = ask(jobs=BOTH)
    assert (answer["ok"], answer["message"]) == (True, "")


def test_whatever_failed_is_told_first(lake: Lake, ask: Callable[..., dict[str, Any]]) -> None:
    lake.report("gold", LATER, {"movie_scores": {"status": "failed", "message": "no key"}}, {})
    answer = ask(
        runs=[
            {"source": "jikan", "run_id": "", "state": "failed", "failed": {"": "refused"}},
            {
                "source": "tmdb",
                "run_id": "20261121-0a1b2c3d",
                "state": "partial",
                "units": 20,
                "landed": 19,
                "failed": {"discover_movie-000007": "HTTP 500"},
            },
        ],
        jobs=[{**BOTH[0], "error": "out of memory"}, {**BOTH[1], "error": "1 table failed"}],
        crawls=[{"layer": "gold", "error": "Glue.X y"}],
    )
    assert answer["message"].splitlines()[:7] == [
        "Problems",
        "  run jikan is failed, 0 of 0 units (refused)",
        "  run tmdb 20261121-0a1b2c3d is partial, 19 of 20 units (discover_movie-000007: HTTP 500)",
        "  silver failed: out of memory",
        "  gold failed: 1 table failed",
        "  crawler of gold failed: Glue.X y",
        "  gold.movie_scores failed: no key",
    ]
    assert answer["subject"] == "media-lakehouse-test: 6 problems"
    counts = values(answer)
    assert (counts["RunsIncomplete"], counts["TablesFailed"], counts["GoldBuilt"]) == (2, 1, 0)


@pytest.mark.parametrize("jobs", [[], BOTH[:1]], ids=["no job", "silver alone"])
def test_gold_that_was_not_built_does_not_count_as_built(
    lake: Lake, ask: Callable[..., dict[str, Any]], jobs: list[dict[str, str]]
) -> None:
    assert values(ask(jobs=jobs))["GoldBuilt"] == 0


def test_metrics_tell_only_of_what_was_done(lake: Lake, ask: Callable[..., dict[str, Any]]) -> None:
    """Else a landed file's refresh would say that the daily one's problems are over."""
    assert set(values(ask(whole=False))) == {"CatalogueDrift", "GoldBuilt"}
    assert "RunsIncomplete" not in values(ask(whole=False, jobs=BOTH))


def test_it_needs_no_report(lake: Lake, ask: Callable[..., dict[str, Any]]) -> None:
    assert ask()["ok"]


def test_the_sample_event_is_one(lake: Lake, ask: Callable[..., dict[str, Any]]) -> None:
    event = json.loads(Path("events/check.json").read_text(encoding="utf-8"))
    assert ask(**event)["message"].startswith("Runs\n  tmdb ")
