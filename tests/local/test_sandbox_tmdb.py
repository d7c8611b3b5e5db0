"""TMDB as the sandbox plays it: its answers, and what makes crawling it hard."""

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from data_pipeline.errors import InputError
from data_pipeline.local.sandbox import RateLimit
from data_pipeline.local.sandbox.films import GENRES, generate_films
from data_pipeline.local.sandbox.tmdb import (
    TOKEN,
    Catalogue,
    TmdbApp,
    generated_catalogue,
    load_recorded,
)
from tests.local.sandbox_client import SandboxClient

RECORDED = Path(__file__).parents[3] / "shared" / "data" / "tmdb"
DATED = {"sort_by": "primary_release_date.asc", "primary_release_date.gte": "1900-01-01"}
CATALOGUE = generated_catalogue()


class Client(SandboxClient):
    def __init__(self, catalogue=CATALOGUE, **options):
        headers = {"Authorization": f"Bearer {TOKEN}"}
        super().__init__(TmdbApp(catalogue, **options), headers=headers)

    def page(self, number=1, **query):
        return self.json("/3/discover/movie", page=number, **query)

    def crawl(self, **query):
        """Follow the total of the last page that was read, as one has to."""
        results, number, pages = [], 0, 1
        while number < pages:
            number += 1
            answer = self.page(number, **query)
            results += answer["results"]
            pages = answer["total_pages"]
        assert len(results) == answer["total_results"]
        return results


@pytest.fixture(scope="module")
def tmdb():
    with Client() as client:
        yield client


def steady(n, seed=1):
    return Catalogue(tuple(generate_films(seed, n)), '{"genres":[]}')


# Answers


@pytest.mark.parametrize("token", [None, "Bearer wrong", TOKEN])
def test_without_its_token_nothing_is_answered(tmdb, token):
    for path in ("/3/discover/movie", "/3/genre/movie/list", "/3/x"):
        answer = tmdb.get(path, headers={"Authorization": token})
        assert answer.status_code == 401
        assert answer.text == (
            '{"status_code":7,"status_message":"Invalid API key: You must be granted a valid key.",'
            '"success":false}'
        )


def test_pages_beyond_500_are_refused(tmdb):
    for number, message in (
        (501, "page must be less than or equal to 500"),
        (0, "page must be greater than 0"),
        (-1, "page must be greater than 0"),
    ):
        answer = tmdb.get("/3/discover/movie", page=number)
        assert (answer.status_code, answer.json()) == (422, {"errors": [message]})


def test_what_is_no_page_or_no_date_is_refused(tmdb):
    for query in ({"page": "two"}, {"page": ""}, {"release_date.gte": "2020"}):
        answer = tmdb.get("/3/discover/movie", **query)
        assert (answer.status_code, answer.json()["success"]) == (400, False)


def test_an_unknown_path_is_not_found(tmdb):
    for path in ("/3/discover/tv", "/3/", ""):
        answer = tmdb.get(path)
        assert answer.status_code == 404
        assert answer.text == (
            '{"success":false,"status_code":34,'
            '"status_message":"The resource you requested could not be found."}'
        )


def test_more_requests_than_allowed_are_told_when_to_come_back():
    with Client(limit=RateLimit(per_second=3, clock=lambda: 0.0)) as client:
        assert [client.get("/3/genre/movie/list").status_code for _ in range(3)] == [200] * 3
        # A stranger does not use up the limit.
        assert client.get("/3/x", headers={"Authorization": "x"}).status_code == 401
        answer = client.get("/3/genre/movie/list")
        assert answer.status_code == 429
        assert answer.headers["Retry-After"] == "1"
        assert answer.json() == {
            "status_code": 25,
            "status_message": "Your request count (4) is over the allowed limit of (3).",
        }


def test_genres(tmdb):
    genres = tmdb.get("/3/genre/movie/list").json()["genres"]
    assert {genre["id"]: genre["name"] for genre in genres} == GENRES


def test_a_page_has_the_publishers_envelope(tmdb):
    answer = tmdb.page(3)
    assert list(answer) == ["page", "results", "total_pages", "total_results"]
    assert (answer["page"], len(answer["results"])) == (3, 20)
    assert answer["total_pages"] == -(-answer["total_results"] // 20)


def test_a_page_past_the_end_is_empty(tmdb):
    answer = tmdb.page(500)
    assert (answer["page"], answer["results"]) == (500, [])
    nothing = tmdb.page(1, **{"release_date.gte": "2090-01-01"})
    assert nothing == {"page": 1, "results": [], "total_pages": 1, "total_results": 0}


def test_a_catalogue_may_have_more_pages_than_it_shows():
    with Client(steady(10_021)) as client:
        assert client.page(500)["total_pages"] == 502
        assert len(client.page(500)["results"]) == 20


# Searches


def test_a_window_is_inclusive_at_both_ends():
    dates = sorted({film.release_date for film in steady(400).films if film.release_date})
    since, until = dates[100], dates[110]
    with Client(steady(400)) as client:
        for prefix in ("primary_release_date", "release_date"):
            found = client.crawl(**{f"{prefix}.gte": since, f"{prefix}.lte": until})
            assert {film["release_date"] for film in found} == set(dates[100:111])


def test_windows_side_by_side_hold_every_dated_film_once():
    catalogue = steady(1000)
    with Client(catalogue) as client:
        found = [
            film["id"]
            for year in range(1900, 2030, 10)
            for film in client.crawl(
                **{
                    "primary_release_date.gte": f"{year}-01-01",
                    "primary_release_date.lte": f"{year + 9}-12-31",
                }
            )
        ]
    assert sorted(found) == sorted(film.id for film in catalogue.films if film.release_date)


def test_films_without_a_date_are_found_by_popularity_only():
    catalogue = steady(400)
    undated = {film.id for film in catalogue.films if not film.release_date}
    assert undated
    with Client(catalogue) as client:
        assert undated <= {film["id"] for film in client.crawl(sort_by="popularity.desc")}
        assert not undated & {film["id"] for film in client.crawl(**DATED)}
        until = client.crawl(**{"primary_release_date.lte": "2030-01-01"})
        assert not undated & {film["id"] for film in until}


@pytest.mark.parametrize(
    ("sort_by", "key"),
    [
        ("primary_release_date.asc", lambda film: (film.release_date, film.id)),
        ("primary_release_date.desc", lambda film: (_days_down(film.release_date), film.id)),
        ("popularity.desc", lambda film: (-film.popularity, film.id)),
        ("vote_count.desc", lambda film: (-film.vote_count, film.id)),
        ("", lambda film: (-film.popularity, film.id)),
        ("nonsense.asc", lambda film: (-film.popularity, film.id)),
    ],
)
def test_the_order_is_total(sort_by, key):
    catalogue = steady(300)
    with Client(catalogue) as client:
        found = client.crawl(sort_by=sort_by)
    assert [film["id"] for film in found] == [film.id for film in sorted(catalogue.films, key=key)]


def _days_down(release_date):
    return -int(release_date.replace("-", "") or 0)


# What makes crawling hard


def test_a_film_may_come_again_a_page_later(tmdb):
    listing = [film["id"] for film in tmdb.crawl(**DATED)]
    again = [at for at, film_id in enumerate(listing) if film_id in listing[:at]]
    assert len(again) > 20
    assert all(listing[at] == listing[at - 20] for at in again)
    assert len(listing) == len(set(listing)) + len(again)


@pytest.mark.parametrize("workers", [1, 4])
def test_who_trusts_the_first_total_misses_films(workers):
    dated = {film.id for film in CATALOGUE.films if film.release_date}
    with Client() as client, ThreadPoolExecutor(workers) as pool:
        first = client.page(1, **DATED)
        answers = list(
            pool.map(
                lambda number: client.page(number, **DATED), range(1, first["total_pages"] + 1)
            )
        )
        assert {film["id"] for answer in answers for film in answer["results"]} < dated
        last = answers[-1]
        assert last["total_pages"] > first["total_pages"]
        assert last["total_results"] == first["total_results"] + 23
        # The rest is there, for those who look at the last page's total.
        rest = range(first["total_pages"] + 1, last["total_pages"] + 1)
        answers += [client.page(number, **DATED) for number in rest]
        assert {film["id"] for answer in answers for film in answer["results"]} == dated


def test_totals_never_shrink_and_the_beginning_never_changes():
    with Client() as client:
        first = client.page(1, **DATED)
        totals = [client.page(number, **DATED)["total_results"] for number in (5, 1, 499, 2, 1)]
        assert totals == sorted(totals)
        assert totals[-1] > first["total_results"]
        assert client.page(1, **DATED)["results"] == first["results"]


def test_every_crawl_finds_the_same():
    with Client() as client:
        once = client.crawl(**DATED)
        assert client.crawl(**DATED) == once
    with Client() as client:
        assert client.crawl(**DATED) == once
    assert {film["id"] for film in once} == {f.id for f in CATALOGUE.films if f.release_date}


def test_small_windows_are_steady(tmdb):
    """The first page is the last one then, so it tells the whole total."""
    for until in ("1930-01-31", "1931-03-31"):
        window = {"release_date.gte": "1930-01-01", "release_date.lte": until}
        first = tmdb.page(1, **window)
        assert 1 <= first["total_results"] <= 43
        assert len(tmdb.crawl(**window)) == first["total_results"]


# The generated films


def test_a_seed_makes_the_same_films():
    assert generate_films(7, 50) == generate_films(7, 50)
    assert generate_films(7, 50) != generate_films(8, 50)


def test_the_films_have_the_dirt_of_real_ones():
    films = [json.loads(film.text) for film in CATALOGUE.films]
    assert len({film["id"] for film in films}) == len(films) == 4000
    titles = [film["title"] for film in films]
    dates = [film["release_date"] for film in films if film.get("release_date")]
    overviews = [film["overview"] for film in films]
    genres = [film["genre_ids"] for film in films]
    assert "Unknown" in titles
    assert any("\u00a0" in title for title in titles)
    assert any(title != title.rstrip() for title in titles)
    assert any('"' in title for title in titles)
    assert any(title.isalpha() and not title.isascii() for title in titles)
    assert {None, ""} < set(overviews)
    assert any("&quot;" in (text or "") for text in overviews)
    assert any("\U0001f3ac" in (text or "") for text in overviews)
    assert [] in genres
    assert any(len(ids) > len(set(ids)) for ids in genres)
    assert any(film["poster_path"] is None for film in films)
    assert any(film.get("release_date") == "" for film in films)
    assert any("release_date" not in film for film in films)
    assert min(dates) < "1905"
    assert max(dates) > "2027"
    assert sum(date > "2010" for date in dates) > len(dates) / 3
    assert {film["vote_average"] for film in films if film["vote_count"] == 0} == {0}
    spellings = {
        film.text.rpartition('"vote_average":')[2].partition(",")[0] for film in CATALOGUE.films
    }
    assert {"0", "0.0", "7", "7.0"} < spellings
    assert any("\\/" in film.text for film in CATALOGUE.films)
    assert any("\\u" in film.text for film in CATALOGUE.films)


# Recorded answers


def film(film_id, date="2020-05-05", **more):
    return {"id": film_id, "genre_ids": [18], "title": f"T{film_id}", "release_date": date, **more}


def test_recorded_answers_are_served_as_they_are_written(tmp_path):
    (tmp_path / "a.json").write_text(
        '{"page": 1, "total_results": 9999,\r\n "results": [\n {"id": 5,\n  "genre_ids": [18], '
        '"popularity": 1.10, "vote_average": 1e1, "title": "A", "title": "B\\n",\r\n'
        ' "release_date": "2020-01-01"} ]}',
        encoding="utf-8-sig",
        newline="",
    )
    with Client(load_recorded(tmp_path)) as client:
        assert client.get("/3/discover/movie").text == (
            '{"page":1,"results":[{"id": 5,   "genre_ids": [18], "popularity": 1.10, '
            '"vote_average": 1e1, "title": "A", "title": "B\\n",   "release_date": "2020-01-01"}],'
            '"total_pages":1,"total_results":1}'
        )


def test_recorded_answers_are_found_with_and_without_envelope(tmp_path):
    (tmp_path / "deep" / "er").mkdir(parents=True)
    files = {
        "deep/er/page.json": {"page": 1, "results": [film(1), film(2, "2021-01-01")]},
        "deep/list.json": [film(3, ""), film(4, None), {"id": 9}, 7, [film(8)]],
        "z_later.json": [film(1, title="newer")],
        "genre_movie_list__000.json": {"genres": [{"id": 18, "name": "Drama"}]},
        "genre2.json": {"genres": [{"id": 28, "name": "Action"}]},
        "movie_details.json": {"movies": [film(6)], "results": {"id": 1}},
        "text.json": "results",
        "film.json": film(7),
        "empty.json": [],
    }
    for name, value in files.items():
        (tmp_path / name).write_text(json.dumps(value))
    (tmp_path / "cut.json").write_text('[{"id": 10, "genre_ids": []}, {"id"')
    (tmp_path / "notes.txt").write_text("[]")
    with Client(load_recorded(tmp_path)) as client:
        found = {result["id"]: result["title"] for result in client.crawl()}
        assert found == {1: "newer", 2: "T2", 3: "T3", 4: "T4"}
        assert [result["id"] for result in client.crawl(**DATED)] == [1, 2]
        assert {genre["name"] for genre in client.get("/3/genre/movie/list").json()["genres"]} == {
            "Drama",
            "Action",
        }


def test_a_file_that_is_no_json_is_named(tmp_path, caplog):
    (tmp_path / "good.json").write_text(json.dumps([film(1)]))
    (tmp_path / "cut.json").write_text('[{"id": 10,')
    assert len(load_recorded(tmp_path).films) == 1
    assert "cut.json" in caplog.text


def test_a_folder_without_answers_is_an_error(tmp_path):
    (tmp_path / "other.json").write_text('{"movies": []}')
    with pytest.raises(InputError, match=r"looked for .*genre.*; found 1 JSON file"):
        load_recorded(tmp_path)
    with pytest.raises(InputError, match="not a folder"):
        load_recorded(tmp_path / "absent")


@pytest.mark.skipif(
    not RECORDED.is_dir(), reason="only for ../shared, whose recorded data may not be redistributed"
)
def test_real_recorded_answers_equal_the_files():
    expected = {}
    for path in sorted(RECORDED.rglob("*.json")):
        value = json.loads(path.read_text(encoding="utf-8"))
        results = value.get("results", []) if isinstance(value, dict) else value
        expected.update({result["id"]: result for result in results})
    texts = " ".join(path.read_text(encoding="utf-8") for path in sorted(RECORDED.rglob("*.json")))
    texts = texts.replace("\n", " ")
    catalogue = load_recorded(RECORDED)
    assert len(catalogue.films) == 1133
    assert all(film.text in texts for film in catalogue.films)
    with Client(catalogue) as client:
        results = client.crawl(sort_by="popularity.desc")
        assert len(results) == len(expected)
        assert {result["id"]: result for result in results} == expected
        assert len(client.get("/3/genre/movie/list").json()["genres"]) == 19
