"""The generated MovieLens archive, its download, and the packing of folders."""

import csv
import io
import re
import zipfile
from collections import Counter
from pathlib import Path

import pytest
import requests

from data_pipeline.errors import InputError
from data_pipeline.local.sandbox import RateLimit, Sandbox
from data_pipeline.local.sandbox.archive import pack_folder
from data_pipeline.local.sandbox.downloads import DownloadApp
from data_pipeline.local.sandbox.films import generate_films
from data_pipeline.local.sandbox.movielens import ARCHIVE, BAD_ROWS, generate_archive

REAL = Path(__file__).parents[3] / "shared" / "data" / "movielens" / "ml-latest-small"
FILMS = generate_films()
CONTENT = generate_archive(FILMS)


def members(content):
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name).decode() for name in archive.namelist()}


TEXTS = members(CONTENT)


def rows(name, texts=TEXTS):
    """Return the good rows of a file, as objects of strings."""
    reader = csv.DictReader(io.StringIO(texts[f"ml-sandbox/{name}"], newline=""))
    return [row for row in reader if None not in row.values() and "" not in list(row.values())[:1]]


# The archive


def test_it_is_laid_out_as_the_publishers():
    assert list(TEXTS) == [
        "ml-sandbox/",
        "ml-sandbox/README.txt",
        "ml-sandbox/links.csv",
        "ml-sandbox/tags.csv",
        "ml-sandbox/ratings.csv",
        "ml-sandbox/movies.csv",
    ]


@pytest.mark.skipif(
    not REAL.is_dir(), reason="only for ../shared, whose recorded data may not be redistributed"
)
@pytest.mark.parametrize("name", ["links.csv", "tags.csv", "ratings.csv", "movies.csv"])
def test_its_files_are_spelled_as_real_ones(name):
    real = (REAL / name).read_bytes().decode()
    made = TEXTS[f"ml-sandbox/{name}"]
    assert made.partition("\r\n")[0] == real.partition("\r\n")[0]
    for text in (real, made):
        assert text.count("\n") == text.count("\r\n")
        assert text.endswith("\r\n")


def test_the_same_arguments_give_the_same_bytes():
    small = {"movies": 60, "users": 10, "ratings": 400, "tags": 60}
    once = generate_archive(FILMS, 5, **small)
    assert once == generate_archive(FILMS, 5, **small)
    assert once != generate_archive(FILMS, 6, **small)
    with zipfile.ZipFile(io.BytesIO(once)) as archive:
        assert {info.date_time for info in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}


def test_its_size():
    assert len(rows("movies.csv")) == len(rows("links.csv")) == 3000
    assert 57_000 <= len(rows("ratings.csv")) <= 60_000
    assert 2900 <= len(rows("tags.csv")) <= 3100
    users = Counter(row["userId"] for row in rows("ratings.csv"))
    assert len(users) == 500
    assert min(users.values()) >= 20
    assert max(users.values()) > 10 * sorted(users.values())[250]


def test_few_films_make_a_small_archive():
    texts = members(generate_archive(FILMS[:20], ratings=500, tags=60, users=10))
    assert 20 <= len(rows("movies.csv", texts)) <= 25
    assert rows("ratings.csv", texts)


def test_its_films_are_mostly_those_of_tmdb():
    by_id = {film.id: film for film in FILMS}
    links = rows("links.csv")
    linked = [int(row["tmdbId"]) for row in links if row["tmdbId"]]
    assert 0.9 < sum(tmdb_id in by_id for tmdb_id in linked) / len(links) < 0.96
    assert any(row["tmdbId"] == "" for row in links)
    assert max(Counter(linked).values()) == 2
    assert {len(row["imdbId"]) for row in links} == {7, 8}
    titles = {row["movieId"]: row["title"] for row in rows("movies.csv")}
    same = sum(
        by_id[int(row["tmdbId"])].release_date[:4] in titles[row["movieId"]]
        for row in links
        if row["tmdbId"] and int(row["tmdbId"]) in by_id
    )
    assert same > 2600


def test_its_titles_have_the_dirt_of_real_ones():
    titles = [row["title"] for row in rows("movies.csv")]
    assert sum(bool(re.search(r" \(\d{4}\)$", title)) for title in titles) > 2600
    for pattern in (
        r"^[^()]*[^)]$",  # no year
        r" \(\d{4}-\d{4}\)$",
        r" \(\d{4}\u2013\d{4}\)$",
        r"\) $",
        r"\)\u00a0$",
        r"\u00a0\(\d{4}\)$",
        r", The \(\d{4}\)$",
        r"\(a\.k\.a\. .*\) \(\d{4}\)$",
        r'"',
    ):
        assert any(re.search(pattern, title) for title in titles), pattern
    text = TEXTS["ml-sandbox/movies.csv"]
    assert ',"""' in text
    assert "(no genres listed)" in {row["genres"] for row in rows("movies.csv")}


def test_its_ratings_and_tags():
    good = [row for row in rows("ratings.csv") if row["rating"] not in ("0", "7.0")]
    assert {row["rating"] for row in good} == {str(half / 2) for half in range(1, 11)}
    keys = [(row["userId"], row["movieId"]) for row in good]
    assert len(set(keys)) == len(keys)
    years = {1970 + int(row["timestamp"]) // 31_557_600 for row in good}
    assert years == set(range(1996, 2027))
    movies = {row["movieId"] for row in rows("movies.csv")}
    assert {row["movieId"] for row in good} <= movies
    tags = rows("tags.csv")
    assert {row["movieId"] for row in tags} <= movies
    assert {"funny", "Funny", "FUNNY", " funny", "funny "} < {row["tag"] for row in tags}
    seen = Counter((row["userId"], row["movieId"], row["tag"].strip().lower()) for row in tags)
    assert max(seen.values()) == 2


def test_bad_rows_stand_in_the_middle():
    first = rows("movies.csv")[0]["movieId"]
    for name, bad in BAD_ROWS.items():
        lines = TEXTS[f"ml-sandbox/{name}"].split("\r\n")
        for row in bad:
            at = lines.index(row.format(movie=first))
            assert len(lines) / 3 < at < len(lines) * 2 / 3


# The download


@pytest.fixture
def url():
    with Sandbox({"movielens": DownloadApp({ARCHIVE: CONTENT})}) as sandbox:
        yield f"{sandbox.url('movielens')}/{ARCHIVE}"


def test_the_archive_is_downloaded_once(url):
    answer = requests.get(url, timeout=5)
    assert answer.status_code == 200
    assert answer.content == CONTENT
    assert answer.headers["Content-Length"] == str(len(CONTENT))
    assert answer.headers["Content-Type"] == "application/zip"
    assert answer.headers["Last-Modified"] == "Sun, 01 Nov 2026 00:00:00 GMT"
    etag = answer.headers["ETag"]
    assert re.fullmatch(r'"[0-9a-f]{32}"', etag)
    for known in (etag, f'"other", {etag}', "*", f"W/{etag}"):
        again = requests.get(url, headers={"If-None-Match": known}, timeout=5)
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["ETag"] == etag
    assert requests.get(url, headers={"If-None-Match": '"other"'}, timeout=5).status_code == 200


def test_head_tells_the_same_without_the_content(url):
    session = requests.Session()
    head = session.head(url, timeout=5)
    assert (head.status_code, head.content) == (200, b"")
    whole = session.get(url, timeout=5)
    for name in ("ETag", "Last-Modified", "Content-Length", "Content-Type"):
        assert head.headers[name] == whole.headers[name]


def test_nothing_else_is_offered(url):
    assert requests.get(url + ".md5", timeout=5).status_code == 404
    assert requests.post(url, timeout=5).status_code == 405


def test_downloads_can_be_limited():
    app = DownloadApp({"a.zip": b"x"}, limit=RateLimit(per_minute=1, clock=lambda: 0.0))
    with Sandbox({"files": app}) as sandbox:
        answers = [requests.get(sandbox.url("files") + "/a.zip", timeout=5) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 429]
    assert answers[1].headers["Retry-After"] == "60"


# Folders


@pytest.fixture
def folder(tmp_path):
    source = tmp_path / "ml"
    (source / "sub").mkdir(parents=True)
    (source / "ratings.csv").write_bytes(b"userId,movieId,rating,timestamp\r\n" * 1000)
    for name in "qwertyuiop":
        (source / "sub" / f"{name}.csv").write_bytes(name.encode())
    (source / "sub" / "movies.csv").write_bytes(b"movieId,title,genres\r\n")
    (source / ".DS_Store").write_bytes(b"x")
    return source


def test_the_same_folder_gives_the_same_bytes(folder, tmp_path):
    targets = [tmp_path / "1.zip", tmp_path / "2.zip"]
    pack_folder(folder, targets[0])
    for path in folder.rglob("*.csv"):
        path.touch()
    (folder / ".hidden").write_bytes(b"new")
    pack_folder(folder, targets[1])
    assert targets[0].read_bytes() == targets[1].read_bytes()
    with zipfile.ZipFile(targets[0]) as archive:
        files = sorted([*"qwertyuiop", "movies"])
        assert archive.namelist() == ["ratings.csv", *(f"sub/{name}.csv" for name in files)]
        assert {info.date_time for info in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        assert archive.read("ratings.csv") == (folder / "ratings.csv").read_bytes()
    (folder / "ratings.csv").write_bytes(b"changed")
    pack_folder(folder, targets[1])
    assert targets[0].read_bytes() != targets[1].read_bytes()


def test_a_zip_stays_as_it_is(tmp_path):
    (tmp_path / "ml.zip").write_bytes(CONTENT)
    pack_folder(tmp_path / "ml.zip", tmp_path / "out.zip")
    assert (tmp_path / "out.zip").read_bytes() == CONTENT


def test_what_cannot_be_packed_is_named(tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "x.csv").write_text("a,b")
    for name, message in (
        ("empty", "it is empty"),
        ("absent", "no such folder"),
        ("x.csv", "is no zip"),
    ):
        with pytest.raises(InputError, match=f"{name}.*{message}"):
            pack_folder(tmp_path / name, tmp_path / "out.zip")
        assert not (tmp_path / "out.zip").exists()
