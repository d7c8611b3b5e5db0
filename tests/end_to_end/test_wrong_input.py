"""What a person can do wrong: one clear message, exit status 1, and no traceback."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from data_pipeline.local.sandbox import Sandbox
from data_pipeline.local.sandbox.tmdb import Catalogue, TmdbApp
from tests.end_to_end.conftest import Lake

EMPTY = Catalogue((), '{"genres":[]}')
TMDB_URL = "base_url = https://api.themoviedb.org/3"


@pytest.fixture(scope="module")
def shared(new_lake: Callable[[], Lake]) -> Lake:
    return new_lake()


def fails(lake: Lake, *arguments: str) -> str:
    done = lake.run(*arguments, status=1)
    assert "Traceback" not in done.stderr + done.stdout
    assert "Error: " in done.stderr
    return " ".join(done.stderr.split())


def test_no_token(shared: Lake) -> None:
    message = fails(shared, "run", "tmdb", "--live")
    assert "TMDB_TOKEN not set" in message
    assert "run without --live" in message


def test_a_refused_token(lake: Lake) -> None:
    with Sandbox({"tmdb": TmdbApp(EMPTY)}) as sandbox:
        lake.set(TMDB_URL, f"base_url = {sandbox.url('tmdb')}/3")
        lake.environment["TMDB_TOKEN"] = "not-the-right-one"
        message = fails(lake, "extract", "tmdb", "--live")
    assert "tmdb answered 401" in message
    assert "Invalid API key" in message
    assert "Check the source's key" in message
    for path in lake.home.rglob("*"):
        if path.is_file():
            assert b"not-the-right-one" not in path.read_bytes(), path


def test_an_unreachable_host(lake: Lake) -> None:
    lake.set(TMDB_URL, "base_url = http://127.0.0.1:9/3")
    lake.environment["TMDB_TOKEN"] = "x"
    assert "tmdb cannot be reached at http://127.0.0.1:9/3" in fails(
        lake, "extract", "tmdb", "--live"
    )


def test_one_sources_failure_does_not_stop_the_others(lake: Lake) -> None:
    lake.set(TMDB_URL, "base_url = http://127.0.0.1:9/3")
    lake.environment["TMDB_TOKEN"] = "x"
    folder = lake.folder / "ml"
    folder.mkdir()
    (folder / "links.csv").write_text("movieId,imdbId,tmdbId\n1,0114709,862\n")
    sources = ("tmdb", "movielens", "--live", "--from", f"movielens={folder}")
    done = lake.run("extract", *sources, status=1)
    assert "complete 1 of 1" in " ".join(done.stdout.split())
    assert "tmdb cannot be reached" in done.stderr


def test_an_unknown_source(shared: Lake) -> None:
    message = fails(shared, "run", "netflix")
    assert "unknown source 'netflix'; expected" in message
    assert "tmdb" in message


def test_a_bad_setting(lake: Lake) -> None:
    lake.set("max_concurrency = 8", "max_concurrency = lots")
    message = fails(lake, "run")
    assert "configs.ini: [tmdb] max_concurrency = 'lots' is not allowed" in message
    assert "expected a whole number from 2 to 1000" in message


@pytest.mark.parametrize(
    ("name", "body", "message"),
    [
        ("ml.zip", b"PK\x05\x06 this is no zip", "is no zip"),
        ("ratings.csv", b"userId,rating\n1,3\n", "ratings.csv in ml.zip has no column movieId"),
        ("readme.md", b"hello", "does not know what to do with ml.zip"),
    ],
)
def test_files_that_are_not_the_publishers(
    lake: Lake, name: str, body: bytes, message: str
) -> None:
    path = lake.folder / "ml" / name
    path.parent.mkdir()
    path.write_bytes(body)
    source = path if name.endswith(".zip") else path.parent
    assert message in fails(lake, "extract", "movielens", "--from", f"movielens={source}")


def test_a_folder_that_is_not_there(shared: Lake) -> None:
    message = fails(shared, "extract", "movielens", "--from", "movielens=nowhere")
    assert "nowhere" in message
    message = fails(shared, "extract", "tmdb", "--from", "tmdb=nowhere")
    assert "nowhere" in message


def test_a_port_in_use(lake: Lake) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", int(lake.environment["LAKEHOUSE_PORT"])))
        taken.listen()
        message = fails(lake, "run")
    assert f"port {lake.environment['LAKEHOUSE_PORT']} is in use" in message
    assert "LAKEHOUSE_PORT" in message


def test_a_home_in_use(lake: Lake) -> None:
    from data_pipeline.local.home import Home

    with Home(lake.home, "media-lakehouse").lock():
        assert "another lakehouse command" in fails(lake, "run")


def test_sql_with_a_typo(shared: Lake) -> None:
    assert "the SQL has an error at line 1" in fails(shared, "query", "SELEC 1")
    assert "there is no table gold.movies" in fails(shared, "query", "SELECT * FROM gold.movies")


def test_a_function_that_is_not_there(shared: Lake) -> None:
    message = fails(shared, "invoke", "extract-netflix")
    assert "expected check, completion, extract-jikan, " in message
    assert ", extract-tmdb, start-extraction" in message


def test_an_event_that_is_no_json(lake: Lake) -> None:
    (lake.folder / "event.json").write_text("{")
    assert "event.json is not JSON" in fails(lake, "invoke", "completion", "--event", "event.json")


def test_a_day_to_come(shared: Lake) -> None:
    assert "lies in the future" in fails(shared, "run", "--as-of", "2999-01-01")


def test_outside_of_the_projects_folder(lake: Lake, tmp_path: Path) -> None:
    lake.folder = tmp_path
    assert "configs.ini does not exist" in fails(lake, "run")


def test_wrong_usage_is_status_2(shared: Lake) -> None:
    shared.run("run", "--nope", status=2)
    shared.run("run", "--from", "tmdb", status=2)
