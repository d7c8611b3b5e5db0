"""The extraction of Tag Genome 2021: files of JSON lines, packed and unpacked."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from typing import Any

import pytest

from data_pipeline.local.sandbox.archive import zip_bytes
from data_pipeline.local.sandbox.films import generate_films
from data_pipeline.local.sandbox.movielens import generate_movies
from data_pipeline.local.sandbox.tag_genome import ARCHIVE, BAD_LINES, FOLDER, generate_archive
from tests.bronze.conftest import Extraction

New = Callable[..., Extraction]
DATASETS = ("metadata", "ratings", "reviews", "tag_count", "tags")


@pytest.fixture(scope="module")
def archive() -> bytes:
    known = generate_movies(generate_films())
    return generate_archive(known, movies=120, ratings=6_000, reviews=200, tag_counts=300)


@pytest.fixture
def extraction(new_extraction: New) -> Extraction:
    return new_extraction("tag_genome", url="")


@pytest.fixture
def small_units(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("data_pipeline.bronze.landing.RANGE_BYTES", 10_000)
    monkeypatch.setattr("data_pipeline.bronze.worker.UNIT_BYTES", 30_000)


def land(extraction: Extraction, name: str, body: bytes) -> dict[str, Any]:
    return extraction.land("tag_genome", name, body)


def texts(extraction: Extraction, dataset: str) -> list[tuple[str, bool]]:
    """Return (text, whether it is malformed) of each line, by unit and position."""
    found = []
    prefix = f"tag_genome/{dataset}/"
    for key in sorted(extraction.keys(prefix), key=lambda key: key.removesuffix(".json.gz")):
        for line in extraction.read(key).decode().split("\n")[:-1]:
            parsed = json.loads(line)
            if "malformed" in parsed:
                found.append((parsed["malformed"], True))
            else:
                found.append((line.partition('"record":')[2].removesuffix("}"), False))
    return found


def expected(body: bytes) -> list[tuple[str, bool]]:
    """Return the same of a publisher's file; blanks around a line are nothing."""

    def is_bad(line: str) -> bool:
        try:
            return not isinstance(json.loads(line), dict)
        except ValueError:
            return True

    return [(line.strip(" "), is_bad(line)) for line in body.decode().split("\n") if line]


def members(archive: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(archive)) as opened:
        return {name: opened.read(name) for name in opened.namelist()}


def raw(archive: bytes, dataset: str) -> bytes:
    return members(archive)[f"{FOLDER}/raw/{dataset}.json"]


def test_every_line_of_the_archive_lands_verbatim(extraction: Extraction, archive: bytes) -> None:
    done = land(extraction, ARCHIVE, archive)
    assert done["units"] == len(DATASETS)
    for dataset in DATASETS:
        assert texts(extraction, dataset) == expected(raw(archive, dataset)), dataset
    bad = [text for text, malformed in texts(extraction, "ratings") if malformed]
    assert bad == list(BAD_LINES["ratings.json"][-2:])
    (pending,) = extraction.keys("_pending/")
    fields = json.loads(extraction.read(pending))["fields"]
    assert fields["ratings"] == ["item_id", "rating", "user_id"]
    assert fields["tags"] == ["id", "tag"]


def test_answers_and_scores_are_left_out(extraction: Extraction, archive: bytes) -> None:
    names = members(archive)
    assert {f"{FOLDER}/raw/survey_answers.json", f"{FOLDER}/scores/glmer.csv"} <= set(names)
    land(extraction, ARCHIVE, archive)
    assert {key.split("/")[1] for key in extraction.keys("tag_genome/")} == set(DATASETS)


@pytest.mark.parametrize("dataset", DATASETS)
def test_an_unpacked_file_lands_too(extraction: Extraction, archive: bytes, dataset: str) -> None:
    land(extraction, f"{dataset}.json", raw(archive, dataset))
    assert texts(extraction, dataset) == expected(raw(archive, dataset))


LINES = [
    ('{"a": 1.10, "b": 1e5, "a": 2,   "c" : [ ]}', False),
    ('{"a":-0.0,"big":123456789012345678901234567890}', False),
    ('{"txt": "a\\nb\\u00e9é\\ud83d \u2028 \u0085 \x7f"}', False),
    ("{}", False),
    ('{"nested": {"deep": [{"x": null}]}}', False),
    ("item_id,user_id,rating", True),
    ('{"a": 1', True),
    ('{"a": 1}}', True),
    ('{"a": 1} {"a": 2}', True),
    ('{"rating": NaN}', True),
    ('{"rating": -Infinity}', True),
    ('{"rating": 01}', True),
    ("{'a': 1}", True),
    ('{"a": "tab\there"}', True),
    ('[{"a": 1}]', True),
    ("[]", True),
    ("null", True),
    ('"text"', True),
    ("17", True),
    ("[" * 5_000, True),
]


@pytest.mark.parametrize("packed", [False, True], ids=["file", "zip"])
def test_lines_that_are_no_object_are_malformed_with_their_text(
    extraction: Extraction, packed: bool
) -> None:
    body = "".join(f"{text}\n" for text, _ in LINES).encode()
    land(
        extraction,
        "x.zip" if packed else "reviews.json",
        zip_bytes({"x/reviews.json": body}) if packed else body,
    )
    assert texts(extraction, "reviews") == LINES
    (key,) = extraction.keys("tag_genome/reviews/")
    head = extraction.emulator.s3.head_object(Bucket=extraction.bronze, Key=key)
    assert (head["Metadata"]["records"], head["Metadata"]["malformed"]) == ("20", "15")


def test_what_is_no_text_is_kept_as_it_can_be_written(extraction: Extraction) -> None:
    land(extraction, "tags.json", b'{"tag": "caf\xe9"}\n{"tag": "ok"}\n\xff\xfe\x00\n')
    assert texts(extraction, "tags") == [
        ('{"tag": "caf\\xe9"}', True),
        ('{"tag": "ok"}', False),
        ("\\xff\\xfe\x00", True),
    ]


def test_blanks_around_a_line_and_blank_lines_are_nothing(extraction: Extraction) -> None:
    body = b'\xef\xbb\xbf{"id": 1}\r\n\n   \n\t{"id":\r2} \r\n\r\n{"id": 3}'
    land(extraction, "tags.json", body)
    assert texts(extraction, "tags") == [
        ('{"id": 1}', False),
        ('{"id": 2}', False),
        ('{"id": 3}', False),
    ]


@pytest.mark.parametrize("packed", [False, True], ids=["file", "zip"])
@pytest.mark.parametrize("size", [-2, -9, -25])
def test_a_file_that_is_cut_loses_its_last_line_only(
    extraction: Extraction, packed: bool, size: int
) -> None:
    lines = [f'{{"item_id": {n}, "txt": "né {n}"}}' for n in range(20)]
    body = "".join(f"{line}\n" for line in lines).encode()[:size]
    if packed:
        body = zip_bytes({"reviews.json": body})
    land(extraction, "x.zip" if packed else "reviews.json", body)
    found = texts(extraction, "reviews")
    assert found[:19] == [(line, False) for line in lines[:19]]
    ((last, malformed),) = found[19:]
    assert malformed
    assert lines[19].startswith(last.partition("\\x")[0])


def test_unpacked_ratings_are_split_in_byte_ranges(
    extraction: Extraction, small_units: None, archive: bytes
) -> None:
    body = raw(archive, "ratings")
    done = land(extraction, "ratings.json", body)
    plan = json.loads(extraction.read(f"_runs/tag_genome/{done['run_id']}/plan.json"))
    spans = [unit["params"]["range"] for unit in plan["units"]]
    assert len(spans) == -(-len(body) // 10_000) > 10
    assert [low for low, _ in spans[1:]] == [high for _, high in spans[:-1]]
    assert (spans[0][0], spans[-1][1]) == (0, len(body))
    # A JSON file has no header: its first line is a record as the others.
    assert texts(extraction, "ratings") == expected(body)
    names = [unit["name"] for unit in plan["units"]]
    assert names == sorted(names)


@pytest.mark.parametrize("length", range(20, 60, 7))
def test_wherever_a_range_ends_no_line_is_lost_or_doubled(
    extraction: Extraction, monkeypatch: pytest.MonkeyPatch, length: int
) -> None:
    monkeypatch.setattr("data_pipeline.bronze.landing.RANGE_BYTES", length)
    body = "\n".join(f'{{"item_id": {n}, "txt": "{"é" * (n % 9)}"}}' for n in range(25)).encode()
    land(extraction, "reviews.json", body)
    assert texts(extraction, "reviews") == expected(body)


def test_a_member_becomes_many_objects(
    extraction: Extraction, small_units: None, archive: bytes
) -> None:
    done = land(extraction, ARCHIVE, archive)
    keys = extraction.keys("tag_genome/")
    assert (done["state"], done["units"]) == ("complete", len(keys))
    assert len(extraction.keys("tag_genome/ratings/")) > 10
    for dataset in DATASETS:
        assert texts(extraction, dataset) == expected(raw(archive, dataset)), dataset


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("survey_answers.json", b"{}\n"),
        ("tags.csv", b"tag,id\n"),
        ("x.zip", zip_bytes({"scores/glmer.csv": b"tag,item_id,score\n"})),
        ("x.zip", zip_bytes({"__MACOSX/raw/._tags.json": b"\0\5"})),
    ],
)
def test_what_is_not_the_publishers_is_rejected(
    extraction: Extraction, name: str, body: bytes
) -> None:
    done = land(extraction, name, body)
    assert done["state"] == "rejected"
    assert "expected a zip with, or one of, metadata.json" in done["error"]


def test_an_empty_file_is_a_run_without_records(extraction: Extraction) -> None:
    done = land(extraction, "tags.json", b"")
    assert (done["state"], done["units"], texts(extraction, "tags")) == ("complete", 1, [])


def test_the_same_file_again_is_the_same_run(extraction: Extraction, archive: bytes) -> None:
    first = land(extraction, ARCHIVE, archive)
    before = extraction.content()
    again = extraction.start(**extraction.drop(f"tag_genome/{ARCHIVE}", archive))["runs"][0]
    assert (again["run_id"], again["state"]) == (first["run_id"], "complete")
    assert extraction.content() == before
