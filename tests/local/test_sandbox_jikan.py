"""Jikan as the sandbox plays it: its pages, its errors, and what makes crawling it hard."""

import json
from collections import Counter
from pathlib import Path

import pytest

from data_pipeline.errors import InputError
from data_pipeline.local.sandbox import RateLimit
from data_pipeline.local.sandbox.animes import generate_animes
from data_pipeline.local.sandbox.jikan import (
    JikanApp,
    generated_records,
    load_recorded,
    paged,
    stand_in,
)
from tests.local.sandbox_client import SandboxClient

RECORDED = Path(__file__).parents[3] / "shared" / "data" / "jikan"
ONLY_FOR_SHARED = pytest.mark.skipif(
    not RECORDED.is_dir(), reason="only for ../shared, whose recorded data may not be redistributed"
)


class Client(SandboxClient):
    def __init__(self, app=None, path="/v4"):
        super().__init__(app or stand_in(None, RateLimit()).app, path)

    def get(self, path="/anime", headers=None, **query):
        return super().get(path, headers, **query)

    def page(self, number):
        answer = self.get(page=number)
        assert answer.status_code == 200, answer.text
        assert answer.headers["Content-Type"] == "application/json;charset=utf-8"
        return answer.json()

    def crawl(self):
        """Go on while there is a next page, as one has to; return the answers."""
        answers = [self.page(1)]
        while answers[-1]["pagination"]["has_next_page"]:
            answers.append(self.page(len(answers) + 1))
        return answers


@pytest.fixture(scope="module")
def jikan():
    with Client() as client:
        yield client


def ids(answers):
    return [record["mal_id"] for answer in answers for record in answer["data"]]


def small(count, per_page=25, first=None):
    texts = [f'{{"mal_id":{number}}}' for number in range(1, count + 1)]
    pages = [texts[at : at + per_page] for at in range(0, count, per_page)]
    return JikanApp(pages, first=pages[:first] if first else None)


# Answers


def test_where_it_is_mounted():
    its = stand_in(None, RateLimit())
    assert (its.path, its.secret, dict(its.settings)) == ("/v4", None, {})


def test_a_page_has_the_publishers_envelope():
    with Client(small(60)) as client:
        assert client.page(3) == {
            "pagination": {
                "last_visible_page": 3,
                "has_next_page": False,
                "current_page": 3,
                "items": {"count": 10, "total": 60, "per_page": 25},
            },
            "data": [{"mal_id": number} for number in range(51, 61)],
        }
        assert client.page(2)["pagination"]["has_next_page"] is True
        assert client.get().json() == client.page(1)


def test_a_page_beyond_the_end_is_empty():
    with Client(small(60)) as client:
        answer = client.page(4)
    assert answer["data"] == []
    assert answer["pagination"] == {
        "last_visible_page": 3,
        "has_next_page": False,
        "current_page": 4,
        "items": {"count": 0, "total": 60, "per_page": 25},
    }


@pytest.mark.parametrize(
    ("page", "message"),
    [
        ("0", "The page must be at least 1."),
        ("-3", "The page must be at least 1."),
        ("two", "The page must be an integer."),
        ("1.5", "The page must be an integer."),
        ("", "The page must be an integer."),
    ],
)
def test_what_is_no_page_is_refused(jikan, page, message):
    answer = jikan.get(page=page)
    assert answer.status_code == 400
    assert answer.json() == {
        "status": 400,
        "type": "ValidationException",
        "messages": {"page": [message]},
        "error": "Invalid or incomplete request. Make sure your request is correct. "
        "https://docs.api.jikan.moe/",
    }


NOT_FOUND = {"status": 404, "type": "HttpException", "message": "Not Found", "error": None}


def test_an_unknown_path_is_not_found(jikan):
    for path in ("/manga", "/anime/1", "/", ""):
        answer = jikan.get(path)
        assert (answer.status_code, answer.json()) == (404, NOT_FOUND)
    with Client(path="") as client:
        assert client.get("/anime").status_code == 404
    assert jikan.session.post(jikan.base + "/anime", timeout=10).status_code == 404


@ONLY_FOR_SHARED
def test_errors_are_as_the_recorded_ones():
    for path in (RECORDED / "errors").iterdir():
        assert json.loads(path.read_text()) == NOT_FOUND


def test_more_requests_than_allowed_are_refused():
    limit = RateLimit(per_second=3, clock=lambda: 0.0)
    with Client(stand_in(None, limit).app) as client:
        assert [client.get().status_code for _ in range(3)] == [200] * 3
        answer = client.get()
    assert answer.status_code == 429
    assert "Retry-After" not in answer.headers
    assert answer.json() == {
        "status": "429",
        "type": "RateLimitException",
        "message": "You are being rate-limited. Please follow Rate Limiting guidelines: "
        "https://docs.api.jikan.moe/#section/Information/Rate-Limiting",
        "error": None,
    }


# What makes crawling hard


def test_who_trusts_the_first_total_misses_anime():
    known = {anime.id for anime in generate_animes() if not anime.removed}
    with Client() as client:
        first = client.page(1)["pagination"]
        assert (first["last_visible_page"], first["items"]["total"]) == (28, 695)
        trusting = [client.page(number) for number in range(1, 29)]
        assert set(ids(trusting)) < known
        assert trusting[26]["pagination"]["items"]["total"] == 695
        assert trusting[27]["pagination"]["items"]["total"] == 721
        assert trusting[27]["pagination"]["has_next_page"] is True
        trusting.append(client.page(29))
        assert set(ids(trusting)) == known
        assert trusting[28]["pagination"]["has_next_page"] is False


def test_every_crawl_finds_the_same():
    with Client() as client:
        once = ids(client.crawl())
        assert ids(client.crawl()) == once
    with Client() as client:
        assert ids(client.crawl()) == once
    assert len(once) == 721
    assert len(set(once)) == 704


def test_an_anime_may_come_again_a_page_later(jikan):
    listing = ids(jikan.crawl())
    again = [at for at, mal_id in enumerate(listing) if mal_id in listing[:at]]
    assert len(again) == 17
    assert all(listing[at] == listing[at - 25] for at in again)


def test_it_grows_too_where_a_page_beyond_is_asked_for():
    with Client(small(60, first=2)) as client:
        assert client.page(1)["pagination"]["last_visible_page"] == 2
        assert len(client.page(3)["data"]) == 10
        assert client.page(1)["pagination"]["last_visible_page"] == 3


# The generated anime


@pytest.fixture(scope="module")
def records():
    return [json.loads(text) for text in generated_records()]


def test_they_are_the_same_every_time():
    assert generated_records() == generated_records()
    assert generate_animes(7, 50) == generate_animes(7, 50)
    assert generate_animes(7, 50) != generate_animes(8, 50)


def test_they_have_the_dirt_of_real_ones(records):
    def values(name):
        return {json.dumps(record.get(name)) for record in records}

    assert {"null", "0"} < values("episodes")
    kinds = {type(record["score"]) for record in records}
    assert kinds == {int, float, type(None)}
    assert {"null", '"spring"', '"summer"', '"fall"', '"winter"'} < values("season")
    assert "null" in values("year")
    assert {"null", '""'} < values("title_english")
    types = {"TV", "Movie", "OVA", "ONA", "Special", "Music", "TV Special", "CM", "PV", None}
    assert {record["type"] for record in records} == types
    lengths = {"24 min per ep", "1 hr 55 min", "30 sec", "2 hr", "Unknown", "1 hr 5 min per ep"}
    assert lengths < {record["duration"] for record in records}
    titles = [record["title"] for record in records]
    assert any(title.startswith("\u00a0") for title in titles)
    assert any("\u00a0" in title.strip() for title in titles)
    assert any(title.endswith(("\u3000", " ")) for title in titles)
    assert any(not title.isascii() for title in titles)
    assert "Unknown" in titles
    assert any(record["genres"] == [] for record in records)
    assert any(
        max(Counter(genre["name"] for genre in record["genres"]).values(), default=0) > 1
        for record in records
    )
    statuses = Counter(record["status"] for record in records)
    assert set(statuses) == {"Finished Airing", "Currently Airing", "Not yet aired"}
    assert min(statuses.values()) >= 5
    assert any("themes" not in record for record in records)


def test_when_they_were_shown(records):
    shown = [record["aired"] for record in records]
    assert None in shown
    assert any(aired is not None and list(aired) == ["from"] for aired in shown)
    whole = [aired for aired in shown if aired and len(aired) == 4]
    by_text = {aired["string"]: aired for aired in whole}
    assert by_text["Not available"]["from"] is None
    for aired in whole:
        first, year = aired["from"], aired["prop"]["from"]["year"]
        assert (first or "None")[:4] == str(year)
        assert str(year) in aired["string"] or aired["string"] == "Not available"
        if aired["to"]:
            assert aired["to"] >= first[:7]
    # As the real ones: the first of a month or a year of which no more is known.
    (month,) = {aired["from"] for aired in whole if aired["string"] == "Jan 2027 to ?"}
    assert month == "2027-01-01T00:00:00+00:00"


def test_some_are_newer_than_kaggles_copy(records):
    years = [record["year"] or 0 for record in records]
    assert 10 < sum(year > 2021 for year in years) < 100
    assert sum(1960 < year <= 2021 for year in years) > 100


@ONLY_FOR_SHARED
def test_they_have_the_fields_of_real_ones(records):
    page = json.loads((RECORDED / "pages" / "anime_page_12.json").read_text(encoding="utf-8"))
    for real in page["data"]:
        clean = records[0]
        assert list(clean) == list(real)
        for name in ("images", "trailer", "aired", "broadcast"):
            assert list(clean[name]) == list(real[name])
        for name in ("genres", "studios", "producers", "demographics", "themes"):
            for link in real[name]:
                assert all(list(its) == list(link) for its in clean[name])


# Recorded answers


def write_page(folder, number, text):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"anime_page_{number}.json").write_text(
        f'{{"pagination": {{"last_visible_page": 1207, "has_next_page": true}}, "data": [{text}]}}',
        newline="",
    )


def test_recorded_pages_are_served_in_order(tmp_path):
    write_page(tmp_path / "a", 1203, '{"mal_id": 7}')
    write_page(tmp_path / "z", 2, '{"mal_id": 5, "score": 7.10,\r\n "rank": 1e1}, {"mal_id": 5}')
    write_page(tmp_path, 10, "")
    write_page(tmp_path / "m", 9, '{"mal_id": 6}')
    (tmp_path / "anime_page_x.json").write_text('{"data": [{"mal_id": 1}]}')
    (tmp_path / "manga_page_1.json").write_text('{"data": [{"mal_id": 1}]}')
    (tmp_path / "anime_page_3.txt").write_text('{"data": [{"mal_id": 1}]}')
    with Client(stand_in(tmp_path, RateLimit()).app) as client:
        assert client.get(page=1).text == (
            '{"pagination":{"last_visible_page": 4, "has_next_page": true, "current_page": 1, '
            '"items": {"count": 2, "total": 4, "per_page": 25}},'
            '"data":[{"mal_id": 5, "score": 7.10,   "rank": 1e1},{"mal_id": 5}]}'
        )
        answers = client.crawl()
        assert [ids([answer]) for answer in answers] == [[5, 5], [6], [], [7]]
        assert client.page(1) == answers[0]


def test_an_error_among_the_pages_is_named(tmp_path, caplog):
    write_page(tmp_path, 1, '{"mal_id": 7}')
    (tmp_path / "anime_page_2.json").write_text(json.dumps(NOT_FOUND))
    assert load_recorded(tmp_path) == [['{"mal_id": 7}']]
    assert "anime_page_2.json" in caplog.text


def test_a_folder_without_pages_is_an_error(tmp_path):
    (tmp_path / "other.json").write_text('{"data": []}')
    with pytest.raises(InputError, match=r"looked for anime_page_<n>\.json .*found 1 JSON file"):
        load_recorded(tmp_path)
    with pytest.raises(InputError, match="not a folder"):
        load_recorded(tmp_path / "absent")


@ONLY_FOR_SHARED
def test_real_recorded_pages_equal_the_files():
    numbers = [*range(1, 51), *range(600, 605), *range(1203, 1208)]
    with Client(stand_in(RECORDED, RateLimit()).app) as client:
        answers = client.crawl()
    assert len(answers) == 60
    assert answers[-1]["pagination"] == {
        "last_visible_page": 60,
        "has_next_page": False,
        "current_page": 60,
        "items": {"count": 9, "total": 1484, "per_page": 25},
    }
    for number, answer in zip(numbers, answers, strict=True):
        path = RECORDED / "pages" / f"anime_page_{number}.json"
        assert answer["data"] == json.loads(path.read_text(encoding="utf-8"))["data"]
    assert len(set(ids(answers))) == 1476


def test_pages_hold_25():
    assert [len(page) for page in paged(["{}"] * 51)] == [25, 25, 1]
