"""A run that is killed or stopped anywhere: nothing stays behind, and the next one mends it."""

from __future__ import annotations

import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.end_to_end.conftest import Lake, stop, wait_for

# An API and files, rows by key and whole snapshots.
RUN = ("run", "tmdb", "movielens", "spotify", "--as-of", "2026-11-20")


def has(folder: Path, pattern: str) -> Callable[[], bool]:
    return lambda: any(folder.glob(pattern))


@pytest.fixture(scope="module")
def undisturbed(new_lake: Callable[[], Lake]) -> Lake:
    lake = new_lake()
    lake.run(*RUN)
    return lake


def test_killed_anywhere_the_next_run_makes_the_same_tables(undisturbed: Lake, lake: Lake) -> None:
    """SIGKILL while it plans, extracts, loads silver, and builds gold, one after the other."""
    bronze, silver, gold = (lake.objects(layer) for layer in ("bronze", "silver", "gold"))
    moments = {
        "planned": has(bronze, "_runs/*/*/plan.json"),
        "extracting": has(bronze, "tmdb/discover_movie/*/*/*.json.gz"),
        "handed over": has(bronze, "_pending/*/*.json"),
        "first silver table": has(silver, "*/_delta_log/*.json"),
        "all silver tables": has(silver, "tmdb_movies/_delta_log/*.json"),
        "first gold table": has(gold, "*/_delta_log/*.json"),
    }
    for name, reached in moments.items():
        process = lake.start(*RUN)
        wait_for(lambda done=reached, p=process: done() or p.poll() is not None)
        assert process.poll() is None, f"ended before: {name}\n{process.communicate()[0]}"
        stop(process, signal.SIGKILL)
        wait_for(lambda: not lake.processes(), 30)
    lake.run(*RUN)
    assert lake.content() == undisturbed.content()


def test_stopped_by_ctrl_c_the_next_run_goes_on(undisturbed: Lake, lake: Lake) -> None:
    moments = {
        "extracting": has(lake.objects("bronze"), "tmdb/discover_movie/*/*/*.json.gz"),
        "loading": has(lake.objects("silver"), "*/_delta_log/*.json"),
    }
    for name, reached in moments.items():
        process = lake.start(*RUN)
        wait_for(lambda done=reached, p=process: done() or p.poll() is not None)
        printed = stop(process, signal.SIGINT)
        assert process.returncode == 130, (name, printed)
        assert "Stopped." in printed
        assert "Traceback" not in printed
        wait_for(lambda: not lake.processes(), 10)
    lake.run(*RUN)
    assert lake.content() == undisturbed.content()
