"""Write once: of several writers the first wins, and what it wrote stays."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from data_pipeline.bronze.store import Bronze
from tests.bronze.conftest import Extraction


def test_an_object_that_is_there_stays(new_extraction: Callable[..., Extraction]) -> None:
    extraction = new_extraction("movielens", url="")
    bronze = Bronze(extraction.emulator.s3, extraction.bronze)
    assert bronze.put_once("a/b", b"first", {"records": "1"})
    assert not bronze.put_once("a/b", b"second", {"records": "2"})
    assert extraction.read("a/b") == b"first"
    assert bronze.metadata("a/b") == {"records": "1"}


def test_of_many_at_once_one_wins(new_extraction: Callable[..., Extraction]) -> None:
    extraction = new_extraction("movielens", url="")
    bronze = Bronze(extraction.emulator.s3, extraction.bronze)
    bodies = [f"writer {i}".encode() for i in range(8)]
    with ThreadPoolExecutor(8) as pool:
        won = list(pool.map(lambda body: bronze.put_once("k", body), bodies))
    assert won.count(True) == 1
    assert extraction.read("k") == bodies[won.index(True)]


def test_names_come_in_order_and_after(new_extraction: Callable[..., Extraction]) -> None:
    extraction = new_extraction("movielens", url="")
    bronze = Bronze(extraction.emulator.s3, extraction.bronze)
    for name in ("20260102", "20260101", "20260103"):
        bronze.put_once(f"m/{name}", b"")
    assert list(bronze.names("m/")) == ["20260101", "20260102", "20260103"]
    assert list(bronze.names("m/", after="20260101~")) == ["20260102", "20260103"]
    assert bronze.get_json("m/none") is None
