"""MovieLens's extraction: dropped files and zips, byte ranges, the publisher's URL."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import pytest

from data_pipeline.errors import ApiError
from data_pipeline.local.sandbox import Sandbox
from data_pipeline.local.sandbox.archive import zip_bytes
from data_pipeline.local.sandbox.downloads import DownloadApp
from tests.bronze.conftest import Extraction, killed_everywhere

FILES = {
    "movies.csv": 'movieId,title,genres\r\n1,"American President, The (1995)",Comedy|Drama\r\n',
    "ratings.csv": "userId,movieId,rating,timestamp\n"
    + "".join(f"{i % 7},{i},{i % 10 / 2},{10**9 + i}\n" for i in range(1000)),
    "tags.csv": "userId,movieId,tag,timestamp\n1,1,a b ,5\n1,1\n",
    "links.csv": "movieId,imdbId,tmdbId\n1,0112346,9087\n",
    "README.txt": "nothing",
}


def zipped(files: dict[str, str]) -> bytes:
    return zip_bytes({f"ml/{name}": text.encode() for name, text in files.items()})


@pytest.fixture
def extraction(new_extraction: Callable[..., Extraction]) -> Extraction:
    return new_extraction("movielens", url="")


@pytest.fixture
def small_units(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("data_pipeline.bronze.landing.RANGE_BYTES", 2_000)
    monkeypatch.setattr("data_pipeline.bronze.worker.UNIT_BYTES", 5_000)


def land(extraction: Extraction, key: str, body: bytes) -> dict[str, Any]:
    return extraction.land("movielens", key.removeprefix("movielens/"), body)


def rows(extraction: Extraction, dataset: str) -> list[Any]:
    lines = extraction.lines(f"movielens/{dataset}/")
    return [line.get("record", line.get("malformed")) for line in lines]


def expected(name: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(FILES[name], newline="")))


def test_a_zip_lands_member_by_member(extraction: Extraction) -> None:
    done = land(extraction, "movielens/ml.zip", zipped(FILES))
    assert (done["state"], done["units"]) == ("complete", 4)
    assert rows(extraction, "ratings") == expected("ratings.csv")
    assert rows(extraction, "movies") == expected("movies.csv")
    assert rows(extraction, "tags") == [expected("tags.csv")[0], "1,1"]


def test_a_member_becomes_many_objects(extraction: Extraction, small_units: None) -> None:
    done = land(extraction, "movielens/ml.zip", zipped(FILES))
    objects = extraction.keys("movielens/ratings/")
    assert len(objects) > 10
    assert done["units"] == done["landed"] == len(objects) + 3
    assert rows(extraction, "ratings") == expected("ratings.csv")
    lines = extraction.lines("movielens/ratings/")
    assert [line["_position"] for line in lines[:3]] == [1, 2, 3]
    assert all(len(extraction.read(key)) < 5_300 for key in objects)


def test_an_unpacked_file_is_split_by_bytes(extraction: Extraction, small_units: None) -> None:
    body = FILES["ratings.csv"].encode()
    done = land(extraction, "movielens/ratings.csv", body)
    assert done["units"] == len(extraction.keys("movielens/ratings/")) > 10
    plan = json.loads(extraction.read(f"_runs/movielens/{done['run_id']}/plan.json"))
    spans = [unit["params"]["range"] for unit in plan["units"]]
    assert [low for low, _ in spans[1:]] == [high for _, high in spans[:-1]]
    assert (spans[0][0], spans[-1][1]) == (len("userId,movieId,rating,timestamp\n"), len(body))
    assert rows(extraction, "ratings") == expected("ratings.csv")


def test_a_moment_of_fetching_is_the_files(extraction: Extraction) -> None:
    land(extraction, "movielens/ratings.csv", FILES["ratings.csv"].encode())
    head = extraction.emulator.s3.head_object(
        Bucket=extraction.landing, Key="movielens/ratings.csv"
    )
    wanted = head["LastModified"].strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    assert {line["_fetched_at"] for line in extraction.lines("movielens/")} == {wanted}
    (pending,) = extraction.keys("_pending/")
    assert json.loads(extraction.read(pending))["fetched_from"] == wanted


def test_the_same_file_again_is_the_same_run(extraction: Extraction) -> None:
    first = land(extraction, "movielens/ml.zip", zipped(FILES))
    before = extraction.content()
    event = extraction.drop("movielens/ml.zip", zipped(FILES))
    again = extraction.start(**event)["runs"][0]
    assert (again["run_id"], again["state"]) == (first["run_id"], "complete")
    assert extraction.content() == before


def test_a_lost_event_is_made_up_for(extraction: Extraction) -> None:
    extraction.drop("movielens/ml.zip", zipped(FILES))
    (run,) = extraction.start(source="movielens")["runs"]
    assert run["state"] == "planned"
    extraction.work()
    assert extraction.complete("movielens", run["run_id"])["state"] == "complete"


@pytest.mark.parametrize(
    ("key", "body", "message"),
    [
        ("ml.zip", b"PK\x03\x04 broken", "ml.zip is not a whole zip"),
        ("ml.zip", zipped(FILES)[:-500], "ml.zip is not a whole zip"),
        ("ml.zip", zipped({"a.txt": ""}), "does not know what to do with ml.zip with ml/a.txt"),
        ("ratings.csv", b"userId,rating\n1,2\n", "ratings.csv has no column movieId"),
        ("ml.zip", zipped({"tags.csv": "x\n"}), "tags.csv in ml.zip has no column"),
        ("notes.txt", b"hello", "expected a zip with, or one of, movies.csv"),
    ],
)
def test_what_is_not_the_publishers_is_rejected(
    extraction: Extraction, key: str, body: bytes, message: str
) -> None:
    (run,) = extraction.start(**extraction.drop(f"movielens/{key}", body))["runs"]
    assert run["state"] == "rejected"
    assert message in run["error"]
    answer = extraction.complete("movielens", run["run_id"])
    assert (answer["state"], answer["failed"]) == ("rejected", {"": run["error"]})
    assert extraction.receive() == []


def test_a_zip_that_breaks_half_way_fails_for_good(extraction: Extraction) -> None:
    random = Random(0)
    noise = "".join(f"{random.random()},{i},3.0\n" for i in range(100_000))
    body = bytearray(zipped({"ratings.csv": "userId,movieId,rating\n" + noise}))
    middle = len(body) // 2
    body[middle : middle + 40] = b"\0" * 40
    done = land(extraction, "movielens/ml.zip", bytes(body))
    assert done["state"] == "failed"
    assert "ml.zip is not a whole zip" in done["failed"]["ratings-000001"]


def test_a_replaced_file_fails_its_run_and_begins_another(extraction: Extraction) -> None:
    event = extraction.drop("movielens/ratings.csv", FILES["ratings.csv"].encode())
    (first,) = extraction.start(**event)["runs"]
    extraction.drop("movielens/ratings.csv", b"userId,movieId,rating\n1,2,3.0\n")
    extraction.work()
    assert "replaced" in str(extraction.complete("movielens", first["run_id"])["failed"])
    (second,) = extraction.start(**event)["runs"]
    assert second["run_id"] != first["run_id"]
    extraction.work()
    assert extraction.complete("movielens", second["run_id"])["state"] == "complete"


def test_the_publishers_file_is_fetched_when_it_changed(
    new_extraction: Callable[..., Extraction],
) -> None:
    app = DownloadApp({"ml.zip": zipped(FILES)})
    with Sandbox({"files": app}) as server:
        extraction = new_extraction("movielens", url=server.url("files") + "/ml.zip")
        (landed,) = extraction.start(source="movielens", fetch=True)["landed"]
        assert landed["key"] == "movielens/ml.zip"
        assert extraction.start(source="movielens", fetch=True)["landed"] == []
        assert [request.status for request in server.log] == [200, 304]
        server.apps["files"] = DownloadApp({"ml.zip": zipped({**FILES, "a.txt": ""})})
        (changed,) = extraction.start(source="movielens", fetch=True)["landed"]
        assert changed["etag"] != landed["etag"]


def test_a_publisher_who_does_not_answer_is_named(
    new_extraction: Callable[..., Extraction],
) -> None:
    extraction = new_extraction("movielens", url="http://127.0.0.1:9/ml.zip")
    with pytest.raises(ApiError, match=r"http://127\.0\.0\.1:9/ml\.zip cannot be reached"):
        extraction.start(source="movielens", fetch=True)


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_killed_between_any_two_steps(
    new_extraction: Callable[..., Extraction], small_units: None, after: bool
) -> None:
    """Killed at each request to AWS in turn, and started again: always the same bronze."""
    files = {"ratings.csv": FILES["ratings.csv"][:2_000], "tags.csv": FILES["tags.csv"]}

    def run(extraction: Extraction) -> None:
        (started,) = extraction.start(source="movielens")["runs"]
        extraction.work()
        extraction.complete("movielens", started["run_id"])

    def begin() -> Extraction:
        extraction = new_extraction("movielens", url="")
        extraction.drop("movielens/ml.zip", zipped(files))
        return extraction

    content, _ = killed_everywhere(begin, run, after)
    assert sum("movielens/ratings/" in key for key in content) > 2


REAL = Path(__file__).parents[2].parent / "shared/data/movielens/ml-latest-small"


@pytest.mark.skipif(
    not REAL.exists(), reason="only for ../shared, whose recorded data may not be redistributed"
)
def test_the_real_files_lose_nothing(extraction: Extraction) -> None:
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w") as archive:
        for path in REAL.iterdir():
            archive.write(path, path.name)
    land(extraction, "movielens/ml-latest-small.zip", body.getvalue())
    for name in ("movies", "ratings", "tags", "links"):
        with (REAL / f"{name}.csv").open(encoding="utf-8", newline="") as file:
            assert rows(extraction, name) == list(csv.DictReader(file)), name
