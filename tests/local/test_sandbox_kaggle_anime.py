"""The generated Anime Recommendation Database: its files, their dirt, its download."""

import csv
import hashlib
import io
import json
import re
import zipfile
from collections import Counter
from pathlib import Path

import pytest
import requests

from data_pipeline.errors import LocalError
from data_pipeline.local.sandbox import RateLimit, Sandbox
from data_pipeline.local.sandbox.animes import generate_animes
from data_pipeline.local.sandbox.jikan import generated_records
from data_pipeline.local.sandbox.kaggle_anime import BAD_ROWS, generate_archive, stand_in

REAL = Path(__file__).parents[3] / "shared" / "data" / "kaggle_anime_2020"
ONLY_FOR_SHARED = pytest.mark.skipif(
    not REAL.is_dir(), reason="only for ../shared, whose recorded data may not be redistributed"
)


@pytest.fixture(scope="module")
def download():
    with Sandbox({"kaggle_anime": stand_in(None, RateLimit()).app}) as sandbox:
        yield requests.get(sandbox.url("kaggle_anime") + "/archive.zip", timeout=10)


@pytest.fixture(scope="module")
def texts(download):
    with zipfile.ZipFile(io.BytesIO(download.content)) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name).decode() for name in archive.namelist()}


@pytest.fixture(scope="module")
def rows(texts):
    """Return a function that gives the rows of a file that have all fields and a key."""

    def read(name):
        found = csv.DictReader(io.StringIO(texts[name], newline=""), strict=True)
        return [row for row in found if None not in row.values() and next(iter(row.values()))]

    return read


def test_where_it_is_mounted():
    its = stand_in(None, RateLimit())
    assert (its.path, its.secret, dict(its.settings)) == ("/archive.zip", None, {})
    with pytest.raises(LocalError, match="dropped, not served"):
        stand_in(Path("x"), RateLimit())


def test_its_download(download):
    assert download.status_code == 200
    assert download.headers["Content-Type"] == "application/zip"
    assert re.fullmatch(r'"[0-9a-f]{32}"', download.headers["ETag"])


def test_it_is_laid_out_as_kaggles(texts):
    assert list(texts) == [
        "anime.csv",
        "animelist.csv",
        "anime_with_synopsis.csv",
        "watching_status.csv",
    ]
    headers = {name: text.partition("\n")[0] for name, text in texts.items()}
    assert headers["animelist.csv"] == "user_id,anime_id,rating,watching_status,watched_episodes"
    assert headers["anime_with_synopsis.csv"] == "MAL_ID,Name,Score,Genres,sypnopsis"
    assert headers["watching_status.csv"] == "status, description"
    assert len(headers["anime.csv"].split(",")) == 35


def test_the_same_arguments_give_the_same_bytes():
    animes = generate_animes(n=60)
    once = generate_archive(animes, 5, users=8, entries=200)
    assert once == generate_archive(animes, 5, users=8, entries=200)
    assert once != generate_archive(animes, 6, users=8, entries=200)
    with zipfile.ZipFile(io.BytesIO(once)) as archive:
        assert {info.date_time for info in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
    digests = {hashlib.sha256(generate_archive(generate_animes())).digest() for _ in range(2)}
    assert len(digests) == 1


@ONLY_FOR_SHARED
def test_its_files_are_spelled_as_real_ones(texts, rows):
    for name, like in (
        ("anime.csv", "anime.csv"),
        ("animelist.csv", "animelist_first4562_truncated_tail.csv"),
        ("watching_status.csv", "watching_status.csv"),
    ):
        real = (REAL / like).read_bytes().decode()
        assert texts[name].partition("\n")[0] == real.partition("\n")[0]
        assert "\r" not in real + texts[name]
    assert texts["watching_status.csv"].rstrip("\n") == (REAL / "watching_status.csv").read_text()
    with (REAL / "anime.csv").open(encoding="utf-8", newline="") as file:
        published = list(csv.DictReader(file))
    for field in ("Type", "Score", "Episodes", "Ranked", "Members", "Score-7"):
        shapes = [
            {re.sub(r"\d+", "9", row[field]) for row in its}
            for its in (published, rows("anime.csv"))
        ]
        if field != "Type":
            assert shapes[1] <= shapes[0], field


def test_how_much_there_is(rows):
    assert 800 < len(rows("anime.csv")) < 900
    assert 750 < len(rows("anime_with_synopsis.csv")) < len(rows("anime.csv"))
    entries = rows("animelist.csv")
    assert 44_000 < len(entries) < 46_000
    users = Counter(row["user_id"] for row in entries)
    sizes = sorted(users.values())
    # Beside the 150 there are those of the bad rows.
    assert 150 <= len(users) <= 154
    assert users["0"]
    assert sizes[-1] > 3 * sizes[len(sizes) // 2] > 20 * sizes[5]
    listed = sorted(Counter(row["anime_id"] for row in entries).values())
    assert listed[-1] > 100 > 60 > listed[len(listed) // 2]


def test_its_anime_are_mostly_those_of_jikan(rows):
    jikan = {record["mal_id"]: record for record in map(json.loads, generated_records())}
    animes = {int(row["MAL_ID"]): row for row in rows("anime.csv")}
    both = jikan.keys() & animes.keys()
    assert 0.77 < len(both) / len(animes) < 0.83
    assert len(jikan.keys() - animes.keys()) > 20
    titles = sum(jikan[key]["title"] == animes[key]["Name"] for key in both)
    years = sum(str(jikan[key]["year"]) in animes[key]["Premiered"] for key in both)
    assert titles > 0.8 * len(both)
    assert years > 0.9 * sum(jikan[key]["year"] is not None for key in both)
    assert not any(
        int(year) > 2021
        for row in animes.values()
        for year in re.findall(r"\b20\d\d\b", row["Aired"])
    )


def test_its_anime_have_the_dirt_of_real_ones(rows):
    animes = rows("anime.csv")
    columns = {name: {row[name] for row in animes} for name in animes[0]}
    for name in (
        "Score",
        "Genres",
        "English name",
        "Japanese name",
        "Type",
        "Episodes",
        "Aired",
        "Premiered",
        "Producers",
        "Studios",
        "Licensors",
        "Source",
        "Duration",
        "Rating",
        "Ranked",
        "Score-1",
    ):
        assert "Unknown" in columns[name], name
    known = columns["Ranked"] - {"Unknown"}
    assert "0.0" in known
    assert all(re.fullmatch(r"\d+\.0", rank) for rank in known)
    assert "Spring 1998" in columns["Premiered"]
    assert columns["Aired"] > {
        "Not available",
        "2005",
        "Jul, 2021 to ?",
        "Apr 3, 1998 to Apr 24, 1999",
        "Apr, 1998 to Apr 24, 1999",
        "2005 to 2007",
    }
    assert columns["Duration"] > {"24 min. per ep.", "1 hr. 55 min.", "30 sec.", "2 hr."}
    assert any(name.startswith('"') and "," in name for name in columns["Name"])
    assert any("\u00a0" in name for name in columns["Name"])
    assert "Unknown" in columns["Name"]
    for row in animes:
        parts = ("Watching", "Completed", "On-Hold", "Dropped", "Plan to Watch")
        if row["Members"] != "0":
            assert sum(int(row[part]) for part in parts) == int(row["Members"])


def test_its_lists(rows):
    bad = {"11": "rating", "5": "watching_status"}
    good = [row for row in rows("animelist.csv") if not any(row[f] == v for v, f in bad.items())]
    assert {row["rating"] for row in good} == {str(rating) for rating in range(11)}
    assert {row["watching_status"] for row in good} == {"1", "2", "3", "4", "6"}
    assert 0.45 < sum(row["rating"] == "0" for row in good) / len(good) < 0.55
    keys = Counter((row["user_id"], row["anime_id"]) for row in good)
    assert sum(count == 2 for count in keys.values()) > 50
    animes = {row["MAL_ID"] for row in rows("anime.csv")}
    assert {row["anime_id"] for row in good} - animes == {"90001", "90002", "90003"}


def test_its_synopses(rows):
    synopses = rows("anime_with_synopsis.csv")
    assert {row["MAL_ID"] for row in synopses} < {row["MAL_ID"] for row in rows("anime.csv")}
    assert any(row["sypnopsis"].startswith("No synopsis information") for row in synopses)
    assert any('"' in row["sypnopsis"] for row in synopses)
    assert not any("\n" in row["sypnopsis"] for row in synopses)


def test_bad_rows_stand_in_the_middle(texts, rows):
    first = rows("anime.csv")[0]["MAL_ID"]
    assert set(BAD_ROWS) == {"anime.csv", "animelist.csv", "anime_with_synopsis.csv"}
    for name, bad in BAD_ROWS.items():
        lines = texts[name].split("\n")
        for row in bad:
            at = lines.index(row.format(anime=first))
            assert len(lines) / 3 < at < len(lines) * 2 / 3
    assert f"2,{first},8,5,1" in texts["animelist.csv"].split("\n")
    assert f"3,{first},11,2,1" in texts["animelist.csv"].split("\n")
    assert [len(next(csv.reader([row]))) for row in BAD_ROWS["anime.csv"]] == [3, 35]
