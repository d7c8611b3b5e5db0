"""Loads over time: what is new, late, repeated, broken or cut short, and what the tables say."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from data_pipeline.errors import TableError
from data_pipeline.silver import incremental, job, load, merge, reports, runs, tally
from tests.silver.lake import TODAY, Lake, moment, run_id

RATINGS = "movielens_ratings"
A, B, C, D = (run_id(number) for number in (0xA, 0xB, 0xC, 0xD))
STARS = ("user_id", "movie_id", "rating")


def counted(audit: dict[str, Any]) -> tuple[int, ...]:
    """Read, valid, quarantined, duplicate; inserted, updated, unchanged; checked for sense."""
    read, valid, refused, duplicate, inserted, updated, unchanged = (
        audit[name] for name in incremental.COUNTS
    )
    assert read == valid + refused
    assert valid - duplicate == inserted + updated + unchanged
    return read, valid, refused, duplicate, inserted, updated, unchanged


def test_first_again_unchanged_then_changed(lake: Lake) -> None:
    rows = [(user, film, 3) for user in range(10) for film in range(10)]
    lake.ratings(A, rows, hours_ago=9)
    first = lake.load()
    assert first.keys() >= {RATINGS}
    assert (first[RATINGS].status, first[RATINGS].counts["rows_inserted"]) == ("loaded", 100)
    assert lake.pending() == []
    before, version = lake.rows(RATINGS), lake.version(RATINGS)
    assert {(row[4], row[5].timestamp()) for row in before} == {
        (A, runs.datetime.fromisoformat(moment(9)).timestamp())
    }

    jobs = len(lake.spark.sparkContext.statusTracker().getJobIdsForGroup(None))
    assert RATINGS not in lake.load()
    assert len(lake.spark.sparkContext.statusTracker().getJobIdsForGroup(None)) == jobs

    lake.ratings(B, rows, hours_ago=6)
    assert lake.load()[RATINGS].status == "unchanged"
    assert (lake.version(RATINGS), lake.rows(RATINGS)) == (version, before)
    assert counted(lake.audit(RATINGS)[B]) == (100, 100, 0, 0, 0, 0, 100)

    lake.ratings(C, [*rows, (99, 1, 4)], hours_ago=4)
    assert lake.load()[RATINGS].counts["rows_inserted"] == 1
    assert counted(lake.audit(RATINGS)[C]) == (101, 101, 0, 0, 1, 0, 100)

    lake.ratings(D, [(0, 0, 5), (99, 2, 1), *rows[1:]], hours_ago=2)
    lake.load()
    after = lake.rows(RATINGS)
    assert [row for row in after if row[0] not in (0, 99) or row[:2] == (0, 1)] == [
        row for row in before if row[0] != 0 or row[1] == 1
    ]
    assert {row[:3] for row in after} - {row[:3] for row in before} == {
        (0, 0, 5.0),
        (99, 1, 4.0),
        (99, 2, 1.0),
    }
    assert counted(lake.audit(RATINGS)[D]) == (101, 101, 0, 0, 1, 1, 99)
    assert len(lake.audit(RATINGS)) == 4


def test_a_late_run_does_not_overwrite_what_a_newer_one_found_unchanged(lake: Lake) -> None:
    """A (t1) says x, B (t3) says x again and so writes nothing, C (t2) says y and comes last."""
    lake.ratings(A, [(1, 1, 3), (1, 2, 3)], hours_ago=9)
    lake.load()
    lake.ratings(B, [(1, 1, 3)], hours_ago=3)
    lake.load()
    version = lake.version(RATINGS)
    lake.ratings(C, [(1, 1, 5)], hours_ago=6)
    assert lake.load()[RATINGS].status == "unchanged"
    assert lake.rows(RATINGS, *STARS) == [(1, 1, 3.0), (1, 2, 3.0)]
    assert lake.version(RATINGS) == version
    # B was loaded with it, the older A was not.
    assert lake.audit(RATINGS)[C]["rows_unchanged"] == lake.audit(RATINGS)[B]["rows_unchanged"] == 1
    assert lake.audit(RATINGS)[A]["rows_inserted"] == 2


def test_any_order_of_runs_gives_the_same_table(spark: SparkSession, tmp_path: Path) -> None:
    yesterday = run_id(0xE, TODAY - timedelta(days=1))
    runs: dict[str, tuple[float, list[tuple[Any, ...]]]] = {
        yesterday: (30, [(1, 1, 1), (1, 2, 1), (1, 3, 1)]),
        A: (9, [(1, 1, 2), (1, 2, 2), (2, 1, 9)]),
        B: (6, [(1, 1, 1), (1, 2, 2), (1, 4, 4)]),
        C: (3, [(1, 1, 2), (1, 2, 3)]),
    }
    orders = ([[C], [yesterday, A, B]], [[B], [A, C, yesterday]], [[yesterday, A, B, C]])
    states = []
    for number, order in enumerate(orders):
        lake = Lake(spark, tmp_path / str(number))
        for loaded_together in order:
            for run in loaded_together:
                lake.ratings(run, runs[run][1], hours_ago=runs[run][0])
            lake.load()
        states.append(lake.state())
    assert lake.rows(RATINGS, *STARS) == [(1, 1, 2.0), (1, 2, 3.0), (1, 3, 1.0), (1, 4, 4.0)]
    assert states[1:] == states[:-1]


@pytest.mark.parametrize(("most_observed", "is_small"), [(8, True), (1, False)])
def test_counts_of_several_runs_in_one_load(
    lake: Lake, monkeypatch: pytest.MonkeyPatch, most_observed: int, is_small: bool
) -> None:
    """Whichever way runs are counted, and however the load is compared with the table."""
    monkeypatch.setattr(tally, "MOST_OBSERVED_GROUPS", most_observed)
    monkeypatch.setattr(merge, "is_much_larger", lambda *_: is_small)
    lake.ratings(A, [(1, 1, 3), (1, 1, 4), (1, 2, 3), (1, 3, 9)], hours_ago=9)
    lake.ratings(B, [(1, 2, 5), (1, 4, 3, "x"), (1, 5, "?")], hours_ago=6)
    result = lake.load()[RATINGS]
    assert counted(lake.audit(RATINGS)[A]) == (4, 3, 1, 1, 1, 0, 1)
    assert counted(lake.audit(RATINGS)[B]) == (3, 2, 1, 0, 2, 0, 0)
    assert lake.audit(RATINGS)[B]["unreadable"] == {"rated_at": 1}
    assert (result.counts["records_read"], result.counts["rows_inserted"]) == (7, 3)

    lake.ratings(C, [(1, 1, 5), (1, 2, 5)], hours_ago=3)
    lake.ratings(D, [(1, 1, 4), (1, 9, 1), (1, 9, 2)], hours_ago=2)
    lake.load()
    assert lake.rows(RATINGS, *STARS) == [(1, 1, 4.0), (1, 2, 5.0), (1, 4, 3.0), (1, 9, 2.0)]
    assert counted(lake.audit(RATINGS)[C]) == (2, 2, 0, 0, 0, 0, 2)
    assert counted(lake.audit(RATINGS)[D]) == (3, 3, 0, 1, 1, 0, 1)
    assert len(lake.rows("quarantine")) == 2


def test_the_last_of_a_key_wins_within_a_run(lake: Lake) -> None:
    lake.ratings(A, [(1, 1, 1), (1, 1, 2)], unit="00000")
    lake.ratings(A, [(1, 1, 3), (1, 1, 4), (1, 2, 1)], unit="00001")
    lake.load()
    assert lake.rows(RATINGS, *STARS) == [(1, 1, 4.0), (1, 2, 1.0)]
    assert counted(lake.audit(RATINGS)[A]) == (5, 5, 0, 3, 2, 0, 0)


def test_a_run_that_landed_more_units_is_taken_again(lake: Lake) -> None:
    lake.ratings(A, [(1, 1, 1), (1, 2, 9)], unit="00000")

    def land_more(result: job.TableResult) -> None:
        if result.table != RATINGS:
            return
        lake.ratings(A, [(1, 1, 2)], unit="00001")
        lake.complete("movielens", A, units=2)

    lake.load(on_result=land_more)
    assert lake.pending() == [f"{A}.2.json"]
    lake.load()
    assert lake.pending() == []
    assert lake.rows(RATINGS, *STARS) == [(1, 1, 2.0)]
    assert counted(lake.audit(RATINGS)[A]) == (3, 2, 1, 1, 0, 1, 0)
    assert len(lake.rows("quarantine")) == 1


def test_the_same_run_again_by_its_id_changes_nothing(lake: Lake) -> None:
    lake.ratings(A, [(1, 1, 1), (1, 2, 9)], hours_ago=9)
    lake.ratings(B, [(1, 1, 2)], hours_ago=3)
    lake.load()
    before, version = lake.state(), lake.version(RATINGS)
    assert lake.load(run_id=A)[RATINGS].status == "unchanged"
    assert (lake.state(), lake.version(RATINGS)) == (before, version)
    assert lake.load(full_refresh=True)[RATINGS].counts["records_read"] == 3
    assert (lake.state(), lake.version(RATINGS)) == (before, version)
    with pytest.raises(TableError, match=f"no run {C} of movielens"):
        lake.load(run_id=C)


def test_quarantine_keeps_the_text_and_the_rules(lake: Lake) -> None:
    envelope = {"_run_id": A, "_unit": "00000", "_fetched_at": moment(1)}
    good = {"userId": "1", "movieId": "1", "rating": "4.0", "timestamp": "1"}

    def line(position: int, **content: Any) -> str:
        return json.dumps({**envelope, "_position": position, **content}, ensure_ascii=False)

    written = '{"userId": "1",  "movieId": "2", "rating": 9.50, "tag": "\u00fc", "userId": "1"}'
    lines = [
        line(0, record=good),
        line(1, malformed='1,"cut off'),
        line(2, record=good | {"movieId": "28.5"}),
        line(3, record={}).replace("{}", written),
        line(4, record=None),
        line(5, record=[1, 2]),
        "not json at all",
        line(7, record=good | {"movieId": "7"})[:-9],
        json.dumps({**envelope, "_position": 8, "record": good} | {"_fetched_at": "soon"}),
        line(9, record=good | {"movieId": "9"}),
    ]
    lake.put_lines("movielens", "ratings", A, lines)
    lake.complete("movielens", A)
    lake.load()
    assert lake.rows(RATINGS, *STARS) == [(1, 1, 4.0), (1, 9, 4.0)]
    assert counted(lake.audit(RATINGS)[A]) == (10, 2, 8, 0, 2, 0, 0)
    malformed = ["malformed"]
    found = lake.table("quarantine").collect()
    assert {row.position: (row.record, row.failed_rules) for row in found if row.position} == {
        1: ('1,"cut off', malformed),
        2: (json.dumps(good | {"movieId": "28.5"}), ["key:movie_id"]),
        3: (written, ["between:rating"]),
        4: (None, malformed),
        5: ("[1, 2]", malformed),
        8: (json.dumps(good), malformed),
    }
    assert sorted(row.record for row in found if row.position is None) == sorted(
        [lines[6], lines[7]]
    )
    assert {(row.source, row.dataset, row.table, row.run_id, row.unit) for row in found} == {
        ("movielens", "ratings", RATINGS, A, "00000")
    }


def test_runs_without_a_valid_record(lake: Lake) -> None:
    lake.put("movielens", "ratings", A, [])
    lake.complete("movielens", A)
    assert lake.load()[RATINGS].status == "loaded"
    assert counted(lake.audit(RATINGS)[A]) == (0, 0, 0, 0, 0, 0, 0)
    lake.put("movielens", "ratings", B, ["cut off", "cut off"])
    lake.complete("movielens", B)
    assert lake.load()[RATINGS].status == "unchanged"
    assert counted(lake.audit(RATINGS)[B]) == (2, 0, 2, 0, 0, 0, 0)
    assert lake.rows(RATINGS) == []
    assert len(lake.rows("quarantine")) == 2


def test_a_table_that_is_missing_is_built_from_all_of_bronze(lake: Lake) -> None:
    lake.ratings(run_id(1, TODAY - timedelta(days=400)), [(1, 1, 1), (1, 2, 2)], hours_ago=9600)
    lake.ratings(A, [(1, 2, 3)], hours_ago=2)
    lake.load()
    before = lake.state()
    # What a first write leaves that was cut short: files, and no commit.
    shutil.rmtree(lake.silver / RATINGS / "_delta_log")
    assert lake.load()[RATINGS].counts["rows_inserted"] == 2
    assert lake.state() == before


def test_a_dataset_that_bronze_does_not_have_is_left_out(lake: Lake) -> None:
    lake.ratings(A, [(1, 1, 1)])
    results = lake.load()
    assert results["movielens_tags"] == job.TableResult(
        "movielens_tags", "left out", message="no records of it in bronze"
    )
    assert lake.tables() == [
        "load_audit",
        RATINGS,
        "quarantine",
    ]
    assert lake.rows("quarantine") == []
    assert lake.load(sources=["tmdb"]) == {}


def test_a_table_that_fails_does_not_stop_the_others(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake.ratings(A, [(1, 1, 1)])
    lake.put("movielens", "links", A, [{"movieId": "1", "imdbId": "1", "tmdbId": ""}])
    lake.put("tmdb", "genres", B, [{"id": 1, "name": "Action"}])
    lake.complete("tmdb", B)
    real = load.load_table

    def load_table(spark: SparkSession, table: Any, *rest: Any) -> load.Load:
        if table.name == RATINGS:
            raise ValueError("disk full\nand much more")
        return real(spark, table, *rest)

    with monkeypatch.context() as patched:
        patched.setattr(incremental, "load_table", load_table)
        layers = ("--bronze", f"file://{lake.bronze}", "--silver", f"file://{lake.silver}/")
        with pytest.raises(TableError, match="1 of 6 silver tables failed: movielens_ratings: Val"):
            job.main(["--step", "load", *layers, "--JOB_ID", "j_1", "--run-id", ""])
    assert lake.rows("movielens_links", "imdb_id") == [("tt0000001",)]
    assert lake.rows("tmdb_genres", "name") == [("Action",)]
    assert lake.pending() == [f"{A}.1.json"]
    assert lake.load()[RATINGS].status == "loaded"
    assert lake.pending() == []


def test_some_tables_only_leaves_the_run_pending(lake: Lake) -> None:
    lake.ratings(A, [(1, 1, 1)])
    lake.put("movielens", "links", A, [{"movieId": "1", "imdbId": "1", "tmdbId": ""}])
    assert lake.load(tables=["movielens_links"]).keys() == {"movielens_links"}
    assert lake.pending() == [f"{A}.1.json"]
    assert not (lake.silver / RATINGS).exists()


class Killed(BaseException):
    pass


def die(*_: Any) -> None:
    raise Killed


def after(real: Callable[..., Any]) -> Callable[..., Any]:
    def wrapped(*arguments: Any) -> None:
        real(*arguments)
        raise Killed

    return wrapped


def test_killed_anywhere_and_started_again(
    spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: list[tuple[Any, str, Callable[..., Any]]] = [
        (reports.Reports, "write", lambda _: die),
        (reports.Reports, "_write_audit", after),
        (reports.Reports, "write", after),
        (runs.Bronze, "delete", after),  # the first entry is deleted
    ]
    one_table: list[tuple[Any, str, Callable[..., Any]]] = [(incremental, "load_table", after)]
    whole, killed = Lake(spark, tmp_path / "whole"), Lake(spark, tmp_path / "killed")
    for both, at in (([(A, 9, 3), (B, 8, 4)], steps), ([(C, 7, 5), (D, 6, 1)], one_table)):
        for lake in (whole, killed):
            for run, hours_ago, stars in both:
                rows = [(1, 1, stars), (1, hours_ago, 2), (2, 1, 9)]
                lake.ratings(run, rows, hours_ago=hours_ago)
        whole.load()
        for owner, name, change in at:
            with monkeypatch.context() as patched:
                patched.setattr(owner, name, change(getattr(owner, name)))
                with pytest.raises(Killed):
                    killed.load()
        killed.load()
        assert killed.pending() == []
        assert killed.state() == whole.state()
        assert killed.version(RATINGS) == whole.version(RATINGS)


def test_what_cannot_be_is_said_clearly(lake: Lake) -> None:
    with pytest.raises(TableError, match=r"unknown source nope; there are jikan, .*, tmdb"):
        lake.load(sources=["nope"])
    with pytest.raises(TableError, match=r"unknown silver table nope; .*, movielens_links"):
        lake.load(tables=["nope"])
    path = lake.complete("movielens", A)
    path.write_text('{"run_id": "x"}')
    with pytest.raises(TableError, match=r"1\.json: expected a JSON object with fetched_from"):
        lake.load()
    path.rename(path.with_name("notes.txt"))
    with pytest.raises(TableError, match=r"notes.txt: expected <run_id>.<units>.json"):
        lake.load()


def test_columns_have_comments_and_safe_protocols(lake: Lake) -> None:
    lake.ratings(A, [(1, 1, 1), (1, 2, 9)])
    lake.load()
    for path in map(lake.silver.joinpath, lake.tables()):
        log = [
            json.loads(line)
            for line in (path / "_delta_log" / f"{0:020}.json").read_text().splitlines()
        ]
        protocol = next(entry["protocol"] for entry in log if "protocol" in entry)
        assert (protocol["minReaderVersion"], protocol["minWriterVersion"]) == (1, 2)
        assert all(field.metadata["comment"] for field in lake.table(path.name).schema.fields)


def test_maintain_compacts_and_keeps_the_rows(lake: Lake) -> None:
    path = f"file://{lake.silver}/{RATINGS}"
    for _ in range(2):
        lake.spark.range(3).coalesce(1).write.format("delta").mode("append").save(path)
    (result,) = job.maintain(lake.spark, f"file://{lake.silver}")
    assert (result.table, result.status) == (RATINGS, "maintained")
    assert lake.rows(RATINGS) == [(0,), (0,), (1,), (1,), (2,), (2,)]
    assert len(lake.table(RATINGS).inputFiles()) == 1
    with pytest.raises(TableError, match="unknown silver table nope"):
        job.maintain(lake.spark, f"file://{lake.silver}", tables=["nope"])


def test_the_hash_tells_apart_what_moved_between_columns(spark: SparkSession) -> None:
    schema = "a string, b string, x array<string>, y array<string>"
    rows = [
        ("v", None, ["p"], ["q"]),
        (None, "v", ["p"], ["q"]),
        ("v", None, ["p", "q"], []),
        ("v", None, ["p", "q"], None),
        ("v", "", ["p", "q"], None),
    ]
    frame = spark.createDataFrame(rows, schema)
    hashes = [row[0] for row in frame.select(merge.row_hash(frame, ["a", "b", "x", "y"])).collect()]
    assert len(set(hashes)) == len(rows)
    shuffled = frame.select("y", "b", "x", "a")
    again = shuffled.select(merge.row_hash(shuffled, ["a", "b", "x", "y"])).collect()
    assert [row[0] for row in again] == hashes
