"""The extraction of Kaggle's anime: files known by their headers, whatever they are called."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from data_pipeline.local.sandbox import Sandbox
from data_pipeline.local.sandbox.animes import generate_animes
from data_pipeline.local.sandbox.archive import zip_bytes
from data_pipeline.local.sandbox.downloads import DownloadApp
from data_pipeline.local.sandbox.kaggle_anime import ARCHIVE, BAD_ROWS, generate_archive
from tests.bronze.conftest import Extraction

New = Callable[..., Extraction]
DATASETS = ("anime", "animelist", "anime_with_synopsis", "watching_status")
ANIME = "MAL_ID,Name,Score,Type,Aired\n"
LIST = "user_id,anime_id,rating,watching_status,watched_episodes\n"
# What macOS puts beside each file of a zip.
APPLE = b"\x00\x05\x16\x07\x00\x02\x00\x00Mac OS X        \xff\xfe\x00\n\x00,\x00"


@pytest.fixture(scope="module")
def archive() -> bytes:
    return generate_archive(generate_animes(), users=40, entries=4_000)


@pytest.fixture
def extraction(new_extraction: New) -> Extraction:
    return new_extraction("kaggle_anime", url="")


@pytest.fixture
def small_units(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("data_pipeline.bronze.landing.RANGE_BYTES", 2_000)
    monkeypatch.setattr("data_pipeline.bronze.worker.UNIT_BYTES", 20_000)


def land(extraction: Extraction, name: str, body: bytes) -> dict[str, Any]:
    return extraction.land("kaggle_anime", name, body)


def rows(extraction: Extraction, dataset: str) -> list[Any]:
    """Return each line's record, or the text of what could not be split."""
    lines = extraction.lines(f"kaggle_anime/{dataset}/")
    return [line.get("record", line.get("malformed")) for line in lines]


def expected(body: bytes) -> list[Any]:
    """Return the same of a publisher's file, read by another reader of CSV."""
    reader = csv.reader(io.StringIO(body.decode(), newline=""))
    header = [cell.strip() for cell in next(reader)]
    return [
        dict(zip(header, row, strict=True)) if len(row) == len(header) else ",".join(row)
        for row in reader
    ]


def members(archive: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(archive)) as opened:
        return {name: opened.read(name) for name in opened.namelist()}


def test_every_row_of_the_archive_lands(extraction: Extraction, archive: bytes) -> None:
    done = land(extraction, "archive.zip", archive)
    assert done["units"] == 4
    for dataset in DATASETS:
        assert rows(extraction, dataset) == expected(members(archive)[f"{dataset}.csv"])
    assert rows(extraction, "watching_status")[1] == {"status": "2", "description": "Completed"}
    cut = [text for text in rows(extraction, "anime") if isinstance(text, str)]
    assert len(cut) == 1
    assert cut[0].endswith(BAD_ROWS["anime.csv"][0].removeprefix("{anime}"))
    (pending,) = extraction.keys("_pending/")
    fields = json.loads(extraction.read(pending))["fields"]
    assert fields["watching_status"] == ["description", "status"]
    assert "sypnopsis" in fields["anime_with_synopsis"]


def test_files_are_known_by_their_headers(extraction: Extraction, archive: bytes) -> None:
    """Under other names, in a folder, among other CSVs and what macOS leaves behind."""
    files = members(archive)
    renamed = {
        "cut/list of 2021.CSV": files["animelist.csv"],
        "cut/a.txt": files["anime.csv"],
        "cut/b": files["watching_status.csv"],
        "cut/animelist.csv": files["anime_with_synopsis.csv"],
        "cut/rating_complete.csv": b"user_id,anime_id,rating\n0,430,9\n",
        "cut/profiles.csv": b"profile,gender,birthday\nx,y,z\n",
        "cut/empty.csv": b"",
        "cut/html/1.html": b"<html>\n",
        "__MACOSX/cut/._animelist.csv": APPLE,
        "__MACOSX/cut/._a.txt": APPLE * 9_000,
        "cut/.DS_Store": b"\0\0\0\1Bud1\0" * 100,
    }
    done = land(extraction, "whatever.zip", zip_bytes(renamed))
    assert done["units"] == 4
    for dataset in DATASETS:
        assert rows(extraction, dataset) == expected(files[f"{dataset}.csv"])
    assert {key.split("/")[1] for key in extraction.keys("kaggle_anime/")} == set(DATASETS)


@pytest.mark.parametrize(
    ("header", "dataset"),
    [
        ("user_id,anime_id,rating,watching_status,watched_episodes", "animelist"),
        ("user_id,anime_id,score,watching_status,watched_episodes", "animelist"),
        ("\ufeffwatched_episodes , watching_status,anime_id,user_id", "animelist"),
        ("status, description", "watching_status"),
        ('"status","description"', "watching_status"),
        ("MAL_ID,Name,Score,Genres,sypnopsis", "anime_with_synopsis"),
        ("MAL_ID,Name,Score,Genres,synopsis", "anime_with_synopsis"),
        ("Aired,Type,Name,MAL_ID", "anime"),
        # What has the columns of both is the one that asks for more of them.
        ("MAL_ID,Name,Type,Aired,synopsis", "anime"),
    ],
)
def test_an_unpacked_file_is_known_by_its_header(
    extraction: Extraction, header: str, dataset: str
) -> None:
    row = ",".join("1" * len(header.split(",")))
    done = land(extraction, "download (3)", f"{header}\n{row}\n".encode())
    assert done["units"] == 1
    (found,) = rows(extraction, dataset)
    assert set(found) == {name.strip(' "\ufeff') for name in header.split(",")}


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("animelist.csv", b"user_id,anime_id,rating\n1,2,3\n"),
        ("anime.csv", b"\x00\xff\xfe"),
        ("anime.csv", b""),
        ("archive.zip", zip_bytes({"rating_complete.csv": b"user_id,anime_id,rating\n"})),
        ("archive.zip", zip_bytes({"__MACOSX/._anime.csv": APPLE})),
    ],
)
def test_what_has_none_of_the_headers_is_rejected(
    extraction: Extraction, name: str, body: bytes
) -> None:
    done = land(extraction, name, body)
    assert done["state"] == "rejected"
    assert "does not know what to do with" in done["error"]
    assert "animelist.csv" in done["error"]
    assert extraction.keys("kaggle_anime/") == []


@pytest.mark.parametrize("packed", [False, True], ids=["file", "zip"])
@pytest.mark.parametrize(
    "cut",
    ["5,9,10,1", "5,9,", "5", '5,9,10,"2', '5,9,"1\n0,2'],
)
def test_a_last_row_that_is_cut_is_malformed_and_the_others_land(
    extraction: Extraction, packed: bool, cut: str
) -> None:
    whole = "".join(f"{user},{user + 1},7,2,12\n" for user in range(50))
    body = (LIST + whole + cut).encode()
    if packed:
        body = zip_bytes({"animelist.csv": body})
    land(extraction, "a.zip" if packed else "a.csv", body)
    found = rows(extraction, "animelist")
    assert found[:50] == expected((LIST + whole).encode())
    assert "\n".join(found[50:]) == cut
    (pending,) = extraction.keys("_pending/")
    assert json.loads(extraction.read(pending))["missing"] == []


def test_fields_with_commas_quotes_and_breaks_stay_as_written(extraction: Extraction) -> None:
    written = {"MAL_ID": "1", "Name": ' "A", the\r\nMovie ', "Score": "7.10", "Type": "\u00a0TV"}
    written["Aired"] = "Apr 3, 1998 to ?"
    text = io.StringIO(newline="")
    csv.writer(text).writerow(written.values())
    land(extraction, "x.csv", (ANIME + text.getvalue()).encode())
    assert rows(extraction, "anime") == [written]


def test_an_unpacked_list_is_split_in_byte_ranges(
    extraction: Extraction, small_units: None, archive: bytes
) -> None:
    body = members(archive)["animelist.csv"]
    done = land(extraction, "animelist.csv", body)
    plan = json.loads(extraction.read(f"_runs/kaggle_anime/{done['run_id']}/plan.json"))
    spans = [unit["params"]["range"] for unit in plan["units"]]
    assert len(spans) > 10
    assert [low for low, _ in spans[1:]] == [high for _, high in spans[:-1]]
    assert (spans[0][0], spans[-1][1]) == (body.index(b"\n") + 1, len(body))
    assert done["units"] == len(extraction.keys("kaggle_anime/animelist/"))
    assert rows(extraction, "animelist") == expected(body)


@pytest.mark.parametrize("shift", range(0, 24, 3))
def test_wherever_a_range_ends_no_line_is_lost_or_doubled(
    extraction: Extraction, monkeypatch: pytest.MonkeyPatch, shift: int
) -> None:
    monkeypatch.setattr("data_pipeline.bronze.landing.RANGE_BYTES", 40 + shift)
    body = LIST + "".join(f"{n},{n * 7},{n % 11},2,{n}\r\n" for n in range(30))
    body = body.removesuffix("\r\n")  # no break behind the last one
    land(extraction, "animelist.csv", body.encode())
    assert rows(extraction, "animelist") == expected(body.encode())


def test_a_list_in_a_zip_becomes_many_objects(
    extraction: Extraction, small_units: None, archive: bytes
) -> None:
    land(extraction, "archive.zip", archive)
    assert len(extraction.keys("kaggle_anime/animelist/")) > 10
    assert rows(extraction, "animelist") == expected(members(archive)["animelist.csv"])


def test_files_whose_fields_may_hold_breaks_are_not_split(
    extraction: Extraction, small_units: None
) -> None:
    body = ANIME + "".join(f'{n},"a\n{n}",1,TV,?\n' for n in range(500))
    done = land(extraction, "anime.csv", body.encode())
    plan = json.loads(extraction.read(f"_runs/kaggle_anime/{done['run_id']}/plan.json"))
    assert len(plan["units"]) == 1
    assert rows(extraction, "anime") == expected(body.encode())


def test_the_same_file_again_is_the_same_run(extraction: Extraction, archive: bytes) -> None:
    first = land(extraction, "archive.zip", archive)
    before = extraction.content()
    again = extraction.start(**extraction.drop("kaggle_anime/archive.zip", archive))["runs"][0]
    assert (again["run_id"], again["state"]) == (first["run_id"], "complete")
    assert extraction.content() == before


def test_the_sandbox_serves_it(new_extraction: New, archive: bytes) -> None:
    """Fetched where the settings name an address, with a limit of so many units."""
    with Sandbox({"files": DownloadApp({ARCHIVE: archive})}) as server:
        extraction = new_extraction("kaggle_anime", url=f"{server.url('files')}/{ARCHIVE}")
        (landed,) = extraction.start(source="kaggle_anime", fetch=True, limit=2)["landed"]
        assert landed == {"key": f"kaggle_anime/{ARCHIVE}", "etag": landed["etag"], "limit": 2}
        assert extraction.start(source="kaggle_anime", fetch=True, limit=2)["landed"] == []
        assert [request.status for request in server.log] == [200, 304]
    (run,) = extraction.start(source="kaggle_anime", key=landed["key"])["runs"]
    extraction.work()
    assert extraction.complete("kaggle_anime", run["run_id"])["units"] == 2


def counts(extraction: Extraction) -> Mapping[str, int]:
    return {name: len(rows(extraction, name)) for name in DATASETS}


def test_files_may_come_one_by_one(extraction: Extraction, archive: bytes) -> None:
    files = members(archive)
    for name, body in files.items():
        land(extraction, name, body)
    assert counts(extraction) == {name: len(expected(files[f"{name}.csv"])) for name in DATASETS}
    assert len(extraction.keys("_pending/")) == 4
