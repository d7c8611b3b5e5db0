"""The whole pipeline on recorded data: complete, right, and without needless work."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.end_to_end.conftest import DATA, Lake
from tests.expected import KEYS, assert_same, discover_results, gold_tables

MOVIELENS, TMDB = DATA / "movielens" / "ml-latest-small", DATA / "tmdb"
FROM = ["movielens", "tmdb", "--from", f"movielens={MOVIELENS}", "--from", f"tmdb={TMDB}"]

pytestmark = pytest.mark.skipif(
    not DATA.is_dir(), reason="only for ../shared, whose recorded data may not be redistributed"
)


@pytest.fixture(scope="module")
def loaded(new_lake: Callable[[], Lake]) -> tuple[Lake, str]:
    lake = new_lake()
    return lake, lake.run("run", *FROM).stdout


def source_rows(name: str) -> list[dict[str, str]]:
    with (MOVIELENS / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_every_row_is_loaded(loaded: tuple[Lake, str]) -> None:
    lake, printed = loaded
    assert printed.startswith("Extracted"), "something else writes to standard output"
    expected = {"ratings": 100_836, "movies": 9_742, "tags": 3_683, "links": 9_742}
    audit = {row["table"]: row for row in lake.rows("silver", "load_audit")}
    for name, count in expected.items():
        row = audit[f"movielens_{name}"]
        assert row["records_read"] == row["records_valid"] == count == len(source_rows(name))
        assert row["records_valid"] == row["rows_inserted"] + row["records_duplicate"]
        assert len(lake.rows("silver", f"movielens_{name}")) == row["rows_inserted"]
        assert f"{count:,}" in printed
    assert audit["movielens_ratings"]["rows_inserted"] == 100_836
    films = {film["id"] for film in discover_results(TMDB)}
    assert {row["tmdb_id"] for row in lake.rows("silver", "tmdb_movies")} == films
    assert lake.rows("silver", "quarantine") == []


def test_silver_says_what_the_files_say(loaded: tuple[Lake, str]) -> None:
    lake, _ = loaded
    ratings = {
        (row["user_id"], row["movie_id"]): (row["rating"], int(row["rated_at"].timestamp()))
        for row in lake.rows("silver", "movielens_ratings")
    }
    assert ratings == {
        (int(row["userId"]), int(row["movieId"])): (float(row["rating"]), int(row["timestamp"]))
        for row in source_rows("ratings")
    }
    links = {
        row["movie_id"]: (row["imdb_id"], row["tmdb_id"])
        for row in lake.rows("silver", "movielens_links")
    }
    assert links == {
        int(row["movieId"]): (
            "tt" + row["imdbId"],
            int(row["tmdbId"]) if row["tmdbId"] else None,
        )
        for row in source_rows("links")
    }


@pytest.mark.parametrize("table", KEYS)
def test_gold_equals_an_independent_computation(
    loaded: tuple[Lake, str], expected: dict[str, Any], table: str
) -> None:
    lake, _ = loaded
    assert expected[table], "nothing is expected: the test would prove nothing"
    assert_same(lake.rows("gold", table), expected[table], KEYS[table], tolerance=1e-9)


@pytest.fixture(scope="module")
def expected() -> dict[str, Any]:
    # Of a film that was recorded more than once the last recording counts, as the sandbox says.
    films = {film["id"]: film for film in discover_results(TMDB)}
    return gold_tables(MOVIELENS, films.values())


def test_the_tables_are_in_the_catalogue_with_comments(loaded: tuple[Lake, str]) -> None:
    lake, _ = loaded
    from data_pipeline.local.emulator import Emulator
    from data_pipeline.local.home import Home

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LAKEHOUSE_PORT", lake.environment["LAKEHOUSE_PORT"])
        with Emulator(Home(lake.home, "media-lakehouse"), "us-east-1") as emulator:
            glue = emulator.client("glue")
            for layer in ("silver", "gold"):
                listed = glue.get_tables(DatabaseName=layer)["TableList"]
                assert {table["Name"] for table in listed} == set(lake.tables(layer))
                for table in listed:
                    for column in table["StorageDescriptor"]["Columns"]:
                        assert column["Comment"], (table["Name"], column["Name"])


def test_the_check_finds_every_table_in_the_catalogue(loaded: tuple[Lake, str]) -> None:
    """The columns that the jobs report are those that Delta has, which the catalogue shows."""
    lake, _ = loaded
    for layer in ("silver", "gold"):
        report = json.loads((lake.objects(layer) / "_reports" / "tables.json").read_text())
        assert set(report["columns"]) == set(lake.tables(layer))
    answer = json.loads(lake.run("invoke", "check", "--event", "events/check.json").stdout)
    assert answer["crawl"] == []
    assert "  silver.movielens_ratings: loaded, 100836 read, 100836 inserted\n" in answer["message"]


def test_again_on_the_same_day_does_nothing(loaded: tuple[Lake, str]) -> None:
    lake, _ = loaded
    before, bronze = lake.versions(), sorted(lake.objects("bronze").rglob("*"))
    printed = lake.run("run", *FROM).stdout
    assert "Nothing is new: no table was opened." in printed
    assert sorted(lake.objects("bronze").rglob("*")) == bronze
    assert lake.versions() == before
    assert lake.tables("silver")["load_audit"].version() >= 0


def test_a_whole_new_crawl_of_the_same_data_changes_no_row(loaded: tuple[Lake, str]) -> None:
    lake, _ = loaded
    versions = lake.versions()
    updated = {
        name: sorted(str(row["_updated_at"]) for row in lake.rows("silver", name))
        for name in ("movielens_ratings", "tmdb_movies")
    }
    printed = lake.run("run", *FROM, "--again", "1").stdout
    assert "100,836" in printed  # it was read again
    assert lake.versions() == versions
    for name, moments in updated.items():
        assert sorted(str(row["_updated_at"]) for row in lake.rows("silver", name)) == moments
    assert " built " not in printed


def test_one_percent_new_and_changed_ratings_change_only_those(
    loaded: tuple[Lake, str], tmp_path: Path
) -> None:
    lake, _ = loaded
    rows = source_rows("ratings")
    changed = [{**row, "rating": "0.5" if row["rating"] != "0.5" else "1.0"} for row in rows[::200]]
    new = [{**row, "userId": str(9000 + int(row["userId"]))} for row in rows[::200]]
    folder = tmp_path / "later"
    folder.mkdir()
    with (folder / "ratings.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(changed + new)
    before = {(r["user_id"], r["movie_id"]): r for r in lake.rows("silver", "movielens_ratings")}
    versions = lake.versions()
    printed = lake.run("run", "movielens", "--from", f"movielens={folder}").stdout
    after = {(r["user_id"], r["movie_id"]): r for r in lake.rows("silver", "movielens_ratings")}
    touched = {(int(row["userId"]), int(row["movieId"])) for row in changed + new}
    assert len(touched) == len(changed) + len(new) == 1010
    assert {key for key in after if before.get(key) != after[key]} == touched
    # The first file is not read again for it.
    assert "1,010" in printed
    assert "100,836" not in printed
    moved = {name for name, version in lake.versions().items() if version != versions[name]}
    assert moved == {
        "silver.movielens_ratings",
        "gold.movies_analytics",
        "gold.genre_popularity",
        "gold.ratings_by_month",
        "gold.tag_ratings_by_year",
        "gold.movie_scores",
    }


def test_maintenance_changes_no_row_and_nothing_is_built_because_of_it(
    loaded: tuple[Lake, str],
) -> None:
    lake, _ = loaded
    before = lake.content()
    printed = lake.run("maintain").stdout
    tables = [*lake.tables("silver"), *lake.tables("gold")]
    assert printed.count(" maintained ") == len(tables)
    assert lake.content() == before
    assert " built " not in lake.run("gold").stdout
