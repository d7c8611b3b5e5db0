"""The generated Tag Genome archive: laid out as the publisher's, of MovieLens's movies."""

import csv
import io
import json
import re
import zipfile
from collections import Counter
from pathlib import Path

import pytest
import requests

from data_pipeline.errors import LocalError
from data_pipeline.local.sandbox import RateLimit, Sandbox, movielens
from data_pipeline.local.sandbox.films import generate_films
from data_pipeline.local.sandbox.tag_genome import BAD_LINES, generate_archive, stand_in

REAL = Path(__file__).parents[3] / "shared" / "data" / "tag_genome_2021"
FILMS = generate_films()
KNOWN = movielens.generate_movies(FILMS)
CONTENT = generate_archive(KNOWN)
RAW = "movie_dataset_public_final/raw"


def members(content):
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name).decode() for name in archive.namelist()}


TEXTS = members(CONTENT)


def rows(name, texts=TEXTS):
    """Return the good lines of a file, as objects."""
    lines = texts[f"{RAW}/{name}"].removesuffix("\n").split("\n")
    return [json.loads(line) for line in lines if line not in BAD_LINES.get(name, ())]


def test_it_is_laid_out_as_the_publishers():
    names = [name for name in TEXTS if not name.endswith("/")]
    assert names == [
        f"{RAW}/metadata.json",
        f"{RAW}/ratings.json",
        f"{RAW}/reviews.json",
        f"{RAW}/survey_answers.json",
        f"{RAW}/tag_count.json",
        f"{RAW}/tags.json",
        "movie_dataset_public_final/scores/glmer.csv",
        "movie_dataset_public_final/scores/tagdl.csv",
    ]
    for name in names[-2:]:
        assert TEXTS[name].startswith("tag,item_id,score\naction,")


@pytest.mark.skipif(
    not REAL.is_dir(), reason="only for ../shared, whose recorded data may not be redistributed"
)
@pytest.mark.parametrize(
    "name",
    [
        "metadata.json",
        "ratings.json",
        "reviews.json",
        "survey_answers.json",
        "tag_count.json",
        "tags.json",
    ],
)
def test_its_files_are_spelled_as_real_ones(name):
    text = (REAL / name).read_text(encoding="utf-8")
    real = [json.loads(line) for line in text.splitlines()]
    made = rows(name)
    assert {tuple(row) for row in real} == {tuple(row) for row in made}
    for key in real[0]:
        assert {type(row[key]) for row in real} <= {type(row[key]) for row in made}
    # Blanks stand behind colons and commas.
    assert text.startswith(json.dumps(real[0]))
    assert TEXTS[f"{RAW}/{name}"].startswith(json.dumps(made[0]))
    assert TEXTS[f"{RAW}/{name}"].endswith("}\n")
    assert "\r" not in TEXTS[f"{RAW}/{name}"]


def test_the_same_arguments_give_the_same_bytes():
    small = {"movies": 60, "ratings": 5000, "reviews": 100, "tag_counts": 200}
    once = generate_archive(KNOWN[:80], 5, **small)
    assert once == generate_archive(KNOWN[:80], 5, **small)
    assert once != generate_archive(KNOWN[:80], 6, **small)
    with zipfile.ZipFile(io.BytesIO(once)) as archive:
        assert {info.date_time for info in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
    assert len(rows("metadata.json", members(once))) == 60


def test_its_size():
    assert len(rows("metadata.json")) == 1200
    assert 24_000 <= len(rows("ratings.json")) <= 26_000
    assert 2450 <= len(rows("reviews.json")) <= 2550
    assert 5500 <= len(rows("tag_count.json")) <= 6100
    assert len(rows("tags.json")) == 60
    assert len(CONTENT) < 1_000_000


def test_its_movies_are_mostly_those_of_movielens():
    with zipfile.ZipFile(io.BytesIO(movielens.generate_archive(FILMS))) as archive:
        texts = {
            name: archive.read(f"ml-sandbox/{name}.csv").decode() for name in ("links", "movies")
        }
    tables = {
        name: {row["movieId"]: row for row in csv.DictReader(io.StringIO(text, newline=""))}
        for name, text in texts.items()
    }
    ours = {str(row["item_id"]): row for row in rows("metadata.json")}
    assert len(ours) == 1200
    shared = [movie_id for movie_id in ours if movie_id in tables["movies"]]
    assert 1050 <= len(shared) <= 1150
    titles = [ours[movie_id]["title"] == tables["movies"][movie_id]["title"] for movie_id in shared]
    assert 0.9 < sum(titles) / len(shared) < 1
    imdb = [ours[movie_id]["imdbId"] == tables["links"][movie_id]["imdbId"] for movie_id in shared]
    assert 0.95 < sum(imdb) / len(shared) < 1


def test_its_titles_are_with_and_without_a_year():
    titles = [row["title"] for row in rows("metadata.json")]
    assert sum(bool(re.search(r" \(\d{4}\)$", title)) for title in titles) > 1000
    for pattern in (r"^[^()]*[^)]$", r"\u00a0", r"^ .* $", r"\)\u00a0$"):
        assert any(re.search(pattern, title) for title in titles), pattern


def test_its_people_have_suffixes_and_odd_spellings():
    table = rows("metadata.json")
    directed = Counter(row["directedBy"] for row in table)
    starring = [row["starring"] for row in table]
    plain = {name for names in directed for name in names.split(",") if names}
    assert 130 <= len({name for name in plain if " " in name.strip()}) <= 200
    actors = {name.strip() for names in starring for name in names.split(",")}
    assert 380 <= len(actors) <= 450
    for suffix in (" Jr.", ", Jr.", " III", ", Sr.", ", IV"):
        assert any(f"{suffix}," in f"{names}," for names in directed), suffix
        assert any(f"{suffix}," in f"{names}," for names in starring), suffix
    assert {"", "Unknown"} < set(directed)
    assert "" in starring
    assert any(names.endswith(",") for names in starring)
    assert any("\u00a0" in names for names in starring)
    assert any(names.count(",") > 1 for names in directed)
    assert directed.most_common(1)[0][1] > 20


def test_what_else_is_unknown_of_movies():
    table = rows("metadata.json")
    added = {row["dateAdded"] for row in table}
    assert {None, ""} < added
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\d", text) for text in added if text)
    assert {None, 0.0} < {row["avgRating"] for row in table}
    assert {"", "1001"} < {row["imdbId"] for row in table}


def test_its_ratings_reviews_and_tags_are_of_its_movies():
    movies = {row["item_id"] for row in rows("metadata.json")}
    ratings, reviews, counts = (
        rows(f"{name}.json") for name in ("ratings", "reviews", "tag_count")
    )
    for table in (ratings, reviews, counts, rows("survey_answers.json")):
        assert {row["item_id"] for row in table} <= movies
    assert {row["rating"] for row in ratings} == {half / 2 for half in range(1, 11)}
    keys = [(row["user_id"], row["item_id"]) for row in ratings]
    assert len(set(keys)) == len(keys)
    assert len({user for user, _ in keys}) == 400
    tags = {row["id"] for row in rows("tags.json")}
    assert {row["tag_id"] for row in counts} == tags
    assert len({row["tag"] for row in rows("tags.json")}) == 60
    pairs = [(row["item_id"], row["tag_id"]) for row in counts]
    assert len(set(pairs)) == len(pairs)
    assert min(row["num"] for row in counts) == 1
    texts = Counter((row["item_id"], row["txt"]) for row in reviews)
    assert max(texts.values()) > 1
    for sign in ("\n", "\u00a0", "&amp;", '"', "\\", "\t", "\U0001f37f"):
        assert any(sign in text for _, text in texts), sign


def test_bad_lines_stand_in_the_middle():
    assert set(BAD_LINES) == {
        "metadata.json",
        "ratings.json",
        "reviews.json",
        "tag_count.json",
        "tags.json",
    }
    for name, bad in BAD_LINES.items():
        lines = TEXTS[f"{RAW}/{name}"].split("\n")
        for line in bad:
            assert lines.count(line) == 1
            assert len(lines) / 3 < lines.index(line) < len(lines) * 2 / 3


def test_the_archive_is_downloaded():
    its = stand_in(None, RateLimit())
    assert its.path == "/genome_2021.zip"
    with Sandbox({"tag_genome": its.app}) as sandbox:
        url = sandbox.url("tag_genome") + its.path
        answer = requests.get(url, timeout=5)
        assert (answer.status_code, answer.content) == (200, CONTENT)
        known = {"If-None-Match": answer.headers["ETag"]}
        assert requests.get(url, headers=known, timeout=5).status_code == 304


def test_a_folder_is_dropped_not_served(tmp_path):
    with pytest.raises(LocalError, match="dropped"):
        stand_in(tmp_path, RateLimit())
