"""The publisher's rate limit: used and kept by all workers together, obeyed where it is lower."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

from data_pipeline.local.sandbox import RateLimit, Sandbox
from data_pipeline.local.sandbox.films import generate_films
from data_pipeline.local.sandbox.jikan import JikanApp, paged
from data_pipeline.local.sandbox.tmdb import TOKEN, Catalogue, TmdbApp
from tests.end_to_end.conftest import Lake

CONFIGURED = 20
PAGES = 300


def crawl(lake: Lake, pages: int, allowed: float) -> tuple[Sandbox, Catalogue]:
    """Extract about ``pages`` pages with two workers from a server that allows that much."""
    catalogue = Catalogue(tuple(generate_films(n=int(pages * 20 / 0.99))), '{"genres":[]}')
    app = TmdbApp(catalogue, limit=RateLimit(per_second=allowed))
    with Sandbox({"tmdb": app}) as sandbox:
        lake.set("base_url = https://api.themoviedb.org/3", f"base_url = {sandbox.url('tmdb')}/3")
        lake.set("requests_per_second = 40", f"requests_per_second = {CONFIGURED}")
        lake.set("max_concurrency = 8", "max_concurrency = 2")
        lake.environment["TMDB_TOKEN"] = TOKEN
        lake.run("config")
        lake.run("extract", "tmdb", "--live")
    return sandbox, catalogue


def rate_used(sandbox: Sandbox) -> float:
    """Return the workers' requests a second, from the first to the last."""
    moments = sorted(r.at for r in sandbox.log)
    # The planner asks for first pages only, and ends before the workers begin.
    first = min(r.at for r in sandbox.log if r.query.get("page", "1") != "1")
    count = sum(at >= first for at in moments)
    return (count - 1) / (moments[-1] - first)


def crawl_jikan(lake: Lake, pages: int) -> Sandbox:
    """Extract ``pages`` pages of anime from a server with the publisher's limits."""
    app = JikanApp(paged([f'{{"mal_id":{n}}}' for n in range(pages * 25)]), limit=RateLimit(3, 60))
    with Sandbox({"jikan": app}) as sandbox:
        lake.set("base_url = https://api.jikan.moe/v4", f"base_url = {sandbox.url('jikan')}/v4")
        lake.run("config")
        lake.run("extract", "jikan", "--live", seconds=60 + 2 * pages)
    return sandbox


def landed(lake: Lake, dataset: str, name: str) -> set[int]:
    return {
        json.loads(line)["record"][name]
        for path in Path(lake.objects("bronze")).glob(f"{dataset}/*/*/*.json.gz")
        for line in gzip.decompress(path.read_bytes()).splitlines()
    }


def landed_films(lake: Lake) -> set[int]:
    return landed(lake, "tmdb/discover_movie", "id")


def test_the_allowed_rate_is_used_and_kept(lake: Lake) -> None:
    sandbox, catalogue = crawl(lake, PAGES, CONFIGURED)
    assert {request.status for request in sandbox.log} == {200}
    assert landed_films(lake) == {film.id for film in catalogue.films if film.release_date}
    assert rate_used(sandbox) >= 0.95 * CONFIGURED


def test_jikans_limits_are_used_and_kept(lake: Lake) -> None:
    sandbox = crawl_jikan(lake, 20)
    assert [request.status for request in sandbox.log] == [200] * 21
    assert landed(lake, "jikan/anime", "mal_id") == set(range(500))
    # The planner's request comes first, and is for a page that a worker asks for again.
    moments = [request.at for request in sandbox.log][1:]
    steady = len(moments) - 1
    # Of two workers the second may begin a turn (2 s) late, which only so short a crawl shows.
    assert moments[-1] - moments[0] <= 1.02 * steady + 2


def test_a_stricter_limit_is_obeyed_and_every_page_lands(lake: Lake) -> None:
    sandbox, catalogue = crawl(lake, 100, CONFIGURED / 2)
    refused = sum(request.status == 429 for request in sandbox.log)
    assert refused
    # Each is answered by a pause, not by another request at once.
    assert refused < len(sandbox.log) / 2
    assert landed_films(lake) == {film.id for film in catalogue.films if film.release_date}
