"""Open Library as the sandbox plays it: its subjects, its limits and the dirt in its works."""

import json
from collections import Counter, defaultdict
from pathlib import Path

import pytest

from data_pipeline.errors import InputError
from data_pipeline.local.sandbox import RateLimit
from data_pipeline.local.sandbox.open_library import (
    OpenLibraryApp,
    generated_subjects,
    load_recorded,
    stand_in,
)
from tests.local.sandbox_client import SandboxClient

RECORDED = Path(__file__).parents[3] / "shared" / "data" / "openlibrary"
ONLY_FOR_SHARED = pytest.mark.skipif(
    not RECORDED.is_dir(), reason="only for ../shared, whose recorded data may not be redistributed"
)
IDENTIFIED = "tests/1.0 (tests@example.org)"


class Client(SandboxClient):
    def __init__(self, app):
        super().__init__(app, headers={"User-Agent": IDENTIFIED})

    def page(self, subject, **query):
        return self.json(f"/subjects/{subject}.json", **query)

    def crawl(self, subject, limit=1000):
        """Return all works of a subject, as many as it says that there are."""
        works, count = [], 1
        while len(works) < count:
            answer = self.page(subject, limit=limit, offset=len(works))
            works += answer["works"]
            count = answer["work_count"]
        return works


@pytest.fixture(scope="module")
def library():
    with Client(stand_in(None, RateLimit()).app) as client:
        yield client


@pytest.fixture(scope="module")
def subjects(library):
    return {name: library.crawl(name) for name in ("love", "space", "science_fiction")}


@pytest.fixture(scope="module")
def works(subjects):
    return list({work["key"]: work for listing in subjects.values() for work in listing}.values())


# Answers


def test_where_it_is_mounted():
    its = stand_in(None, RateLimit())
    assert (its.path, its.secret) == ("", None)
    assert its.settings["subjects"] == "love, space, science_fiction"


def test_a_subject_has_the_publishers_envelope(library, subjects):
    answer = library.page("science_fiction")
    assert list(answer) == ["key", "name", "subject_type", "work_count", "works"]
    assert (answer["key"], answer["name"]) == ("/subjects/science_fiction", "science fiction")
    assert answer["subject_type"] == "subject"
    assert answer["work_count"] == len(subjects["science_fiction"])
    assert answer["works"] == subjects["science_fiction"][:12]


def test_pages_are_cut_by_offset_and_limit(library, subjects):
    love = subjects["love"]
    assert library.page("love", limit=5, offset=7)["works"] == love[7:12]
    assert library.page("love", limit=1000)["works"] == love[:1000]
    assert library.page("love", limit=1000, offset=1000)["works"] == love[1000:]
    assert library.page("love", limit=1, offset=5000)["works"] == []
    assert library.page("love", limit=0)["works"] == []
    assert library.page("love", limit="x", offset="y")["works"] == love[:12]
    assert library.crawl("space", limit=100) == subjects["space"]


def test_an_unknown_subject_is_empty(library):
    assert library.page("no_such_thing", limit=10) == {
        "key": "/subjects/no_such_thing",
        "name": "no such thing",
        "subject_type": "subject",
        "work_count": 0,
        "works": [],
    }


def test_a_limit_above_1000_is_refused(library):
    answer = library.get("/subjects/love.json", limit=1001)
    assert answer.status_code == 400
    assert answer.json() == {"error": "Specified limit exceeds maximum of 1000."}


def test_other_paths_are_not_found(library):
    for path in ("/", "/subjects/love", "/subjects/.json", "/search.json", "/subjects/a/b.json"):
        assert library.get(path).status_code == 404
    address = library.base + "/subjects/love.json"
    assert library.session.post(address, timeout=10).status_code == 404


@pytest.mark.parametrize(
    ("agent", "allowed"),
    [
        (IDENTIFIED, 3),
        ("tests (https://example.org/about; nightly)", 3),
        ("tests/1.0", 1),
        ("python-requests/2.32", 1),
        ("tests/1.0 (nobody)", 1),
        ("tests/1.0 tests@example.org", 1),
    ],
)
def test_who_says_who_they_are_may_ask_more_often(agent, allowed):
    limit = RateLimit(per_second=3, clock=lambda: 0.0)
    anonymous = RateLimit(per_second=1, clock=lambda: 0.0)
    with Client(OpenLibraryApp({}, limit=limit, anonymous=anonymous)) as client:
        answers = [client.get("/subjects/a.json", {"User-Agent": agent}) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200] * allowed + [429] * (4 - allowed)
    assert answers[-1].headers["Retry-After"] == "1"


def test_a_stranger_is_held_to_one_request_a_second_even_without_limits():
    with Client(stand_in(None, RateLimit()).app) as client:
        nobody = {"User-Agent": "tests/1.0"}
        answers = [client.get("/subjects/a.json", nobody).status_code for _ in range(2)]
        assert answers == [200, 429]
        assert client.get("/subjects/a.json").status_code == 200


# The generated works


def test_they_are_the_same_every_time():
    assert generated_subjects() == generated_subjects()
    assert generated_subjects(1) != generated_subjects(2)


def test_how_many_there_are(subjects, works):
    sizes = {name: len(listing) for name, listing in subjects.items()}
    assert 1300 < sizes["love"] < 1400
    assert 370 < sizes["space"] < 430
    assert 280 < sizes["science_fiction"] < 340
    keys = [{work["key"] for work in listing} for listing in subjects.values()]
    shared = Counter(key for found in keys for key in found)
    assert sum(count == 2 for count in shared.values()) > 100
    assert sum(count == 3 for count in shared.values()) > 3
    for listing in subjects.values():
        counts = [work["edition_count"] for work in {w["key"]: w for w in listing}.values()]
        assert counts == sorted(counts, reverse=True)
    assert all(work["key"].startswith("/works/OL") for work in works)


def test_a_work_may_come_again_on_another_page(subjects):
    keys = [work["key"] for work in subjects["love"]]
    again = set(keys[:1000]) & set(keys[1000:])
    assert len(keys) - len(set(keys)) == len(again) >= 5
    assert len(subjects["space"]) > len({work["key"] for work in subjects["space"]})


def test_they_have_the_dirt_of_real_ones(works):
    years = [work.get("first_publish_year") for work in works]
    assert {0, None, 1484} < set(years)
    assert any("first_publish_year" not in work for work in works)
    assert all(1850 <= year <= 2026 for year in years if year not in (0, None, 1484))
    assert any("cover_id" not in work for work in works)
    assert any(work.get("cover_id", 1) is None for work in works)
    titles = [work["title"] for work in works]
    assert any("\u00a0" in title for title in titles)
    assert any(title.endswith("\u3000") for title in titles)
    assert "Unknown" in titles
    authors = [[author["key"] for author in work["authors"]] for work in works]
    assert [] in authors
    assert any(len(set(keys)) < len(keys) for keys in authors)
    # In one work, the same key under two names.
    assert any(
        len({author["key"] for author in work["authors"]})
        < len({author["name"] for author in work["authors"]})
        for work in works
    )
    assert any("availability" not in work for work in works)


def test_a_few_authors_wrote_most_works(works):
    counts, names, years = Counter(), defaultdict(set), defaultdict(set)
    for work in works:
        for author in {author["key"]: author for author in work["authors"]}.values():
            counts[author["key"]] += 1
            names[author["key"]].add(author["name"])
            years[author["key"]].add(work.get("first_publish_year"))
    assert 230 <= len(counts) <= 250
    assert sum(count for _, count in counts.most_common(25)) > len(works) / 3
    assert sum(count <= 4 for count in counts.values()) > 60
    assert sum(len(spellings) > 1 for spellings in names.values()) > 15
    assert max(len(found) for found in years.values()) > 10


@ONLY_FOR_SHARED
def test_they_have_the_fields_of_real_ones(works):
    real = json.loads((RECORDED / "subjects_love.json").read_text(encoding="utf-8"))["works"]
    with_scan = next(work for work in works if len(work) == 17 and work["authors"])
    assert list(with_scan) == list(real[0])
    assert list(with_scan["availability"]) == list(real[0]["availability"])
    assert list(with_scan["authors"][0]) == list(real[0]["authors"][0])
    assert {len(work) for work in real} == {16, 17}


# Recorded answers


def test_recorded_works_are_served_as_they_are_written(tmp_path):
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "subjects_science_fiction.json").write_text(
        '{"key": "/subjects/science_fiction", "work_count": 16212, "works": [\r\n'
        '{"key": "/works/OL1W", "first_publish_year": 1e3,\n "title": "A\\n"}, {"key": 2}]}',
        newline="",
    )
    (tmp_path / "subjects_love.json").write_text('{"works": []}')
    (tmp_path / "author.json").write_text('{"works": [{"key": "/works/OL9W"}]}')
    (tmp_path / "subjects_x.txt").write_text('{"works": [{"key": "/works/OL9W"}]}')
    its = stand_in(tmp_path, RateLimit())
    assert its.settings["subjects"] == "science_fiction, love"
    with Client(its.app) as client:
        assert client.get("/subjects/science_fiction.json").text == (
            '{"key": "/subjects/science_fiction", "name": "science fiction", '
            '"subject_type": "subject", "work_count": 2, "works": '
            '[{"key": "/works/OL1W", "first_publish_year": 1e3,  "title": "A\\n"}, {"key": 2}]}'
        )
        assert client.page("science_fiction", limit=1, offset=1)["works"] == [{"key": 2}]
        assert client.page("love")["works"] == client.page("author")["works"] == []


def test_files_of_one_subject_follow_each_other(tmp_path):
    for folder, key in (("b", 2), ("a", 1)):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "subjects_love.json").write_text(f'{{"works": [{key}]}}')
    assert load_recorded(tmp_path) == {"love": ["1", "2"]}


def test_an_error_among_the_answers_is_named(tmp_path, caplog):
    (tmp_path / "subjects_a.json").write_text('{"works": []}')
    (tmp_path / "subjects_b.json").write_text('{"error": "no"}')
    assert load_recorded(tmp_path) == {"a": []}
    assert "subjects_b.json" in caplog.text


def test_a_folder_without_answers_is_an_error(tmp_path):
    (tmp_path / "search.json").write_text('{"works": []}')
    with pytest.raises(InputError, match=r"looked for subjects_<name>\.json .*found 1 JSON file"):
        load_recorded(tmp_path)
    with pytest.raises(InputError, match="not a folder"):
        load_recorded(tmp_path / "absent")


@ONLY_FOR_SHARED
def test_real_recorded_works_equal_the_file():
    its = stand_in(RECORDED, RateLimit())
    assert its.settings["subjects"] == "love"
    real = json.loads((RECORDED / "subjects_love.json").read_text(encoding="utf-8"))
    with Client(its.app) as client:
        assert client.page("love", limit=1000)["works"] == real["works"]
        assert client.crawl("love", limit=300) == real["works"]
        first = client.page("love", limit=1)
    assert first["work_count"] == 1000
    for name in ("key", "name", "subject_type"):
        assert first[name] == real[name]
