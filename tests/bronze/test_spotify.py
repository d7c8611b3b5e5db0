"""Spotify's extraction, against the sandbox that behaves as Spotify does."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest

from data_pipeline.bronze import runtime
from data_pipeline.bronze.run import MAX_RECEIVES, UNIT_SECONDS
from data_pipeline.bronze.source import ApiSource
from data_pipeline.bronze.sources.spotify import PAGE_SIZE
from data_pipeline.errors import ApiError, ApiRefusedError, SettingsError
from data_pipeline.local.publishers import UNLIMITED
from data_pipeline.local.sandbox import Call, Response, Sandbox
from data_pipeline.local.sandbox.playlists import Music, generate_music
from data_pipeline.local.sandbox.songs import Album
from data_pipeline.local.sandbox.spotify import (
    CLIENT_ID,
    CLIENT_SECRET,
    TOKEN_PATH,
    SpotifyApp,
)
from tests.bronze.conftest import Extraction, killed_everywhere

New = Callable[..., Extraction]
DAY = "2026-11-21"
SECRET = {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}
MUSIC = generate_music()
(REFUSED,) = MUSIC.refused
LONG_ALBUM, SHORT_ALBUM = MUSIC.extra_albums
# Ids of nothing, which Spotify answers with 404.
GONE, NO_ALBUM = "5gOnE00000000000000000", "6nOnE00000000000000000"


class Hooked:
    """Answers as ``app`` does, but for what ``hook`` answers itself; keeps the calls."""

    def __init__(self, app: SpotifyApp, hook: Callable[[Call], Response | None]) -> None:
        self.app = app
        self.hook = hook
        self.calls: list[Call] = []

    def handle(self, call: Call) -> Response:
        self.calls.append(call)
        return self.hook(call) or self.app.handle(call)


@pytest.fixture
def app() -> SpotifyApp:
    return SpotifyApp(MUSIC)


@pytest.fixture
def sandbox(app: SpotifyApp) -> Iterator[Sandbox]:
    with Sandbox({"spotify": app}) as sandbox:
        yield sandbox


def make(
    new: New,
    sandbox: Sandbox,
    playlists: list[str] | None = None,
    albums: list[str] | None = None,
    secret: Mapping[str, str] | None = SECRET,
    **changes: str,
) -> Extraction:
    url = sandbox.url("spotify")
    wanted = {
        "base_url": url + "/v1",
        "token_url": url + TOKEN_PATH,
        "playlists": ", ".join(list(MUSIC.playlists) if playlists is None else playlists),
        "albums": ", ".join([*MUSIC.extra_albums] if albums is None else albums),
    }
    return new("spotify", secret, **{**UNLIMITED, **wanted, **changes})


def start(extraction: Extraction, **event: Any) -> dict[str, Any]:
    (run,) = extraction.start(source="spotify", as_of=DAY, **event)["runs"]
    return dict(run)


def crawl(extraction: Extraction, **event: Any) -> dict[str, Any]:
    """Run to the end; return what completion says, and the run's id."""
    return extraction.crawl("spotify", as_of=DAY, **event)


def texts(extraction: Extraction, dataset: str, name: str) -> list[str]:
    """Return the verbatim records of a playlist or an album, in order."""
    (key,) = (
        key for key in extraction.keys(f"spotify/{dataset}/") if key.endswith(f"-{name}.json.gz")
    )
    return [
        line.partition('"record":')[2].removesuffix("}")
        for line in extraction.read(key).decode().splitlines()
    ]


def paths(sandbox: Sandbox, method: str = "GET") -> list[str]:
    return [request.path for request in sandbox.log if request.method == method]


def test_every_item_lands_verbatim_and_in_order(
    new_extraction: New, sandbox: Sandbox, app: SpotifyApp
) -> None:
    extraction = make(new_extraction, sandbox)
    done = crawl(extraction)
    assert (done["state"], done["units"], done["notes"]) == ("complete", 6, [])
    for playlist, items in MUSIC.playlists.items():
        assert texts(extraction, "playlist_items", playlist) == list(items)
    # Next-links are followed, and no page is asked for twice.
    asked = [(request.path, request.query.get("offset", "0")) for request in sandbox.log[1:]]
    expected = [
        (f"/v1/playlists/{playlist}/items", str(offset))
        for playlist, items in MUSIC.playlists.items()
        for offset in range(0, len(items), PAGE_SIZE)
    ]
    expected += [(f"/v1/albums/{LONG_ALBUM}", "0"), (f"/v1/albums/{LONG_ALBUM}/tracks", "50")]
    expected += [(f"/v1/albums/{SHORT_ALBUM}", "0")]
    assert sorted(asked) == sorted(expected)
    assert {request.status for request in sandbox.log} == {200}
    positions = [
        (line["_page"], line["_position"])
        for line in extraction.lines("spotify/playlist_items/")
        if line["_unit"].endswith("2mHv8cQwR5tYfKd1NzXoLp")
    ]
    assert positions == [((n - 1) // PAGE_SIZE + 1, n) for n in range(1, 231)]
    (pending,) = extraction.keys("_pending/")
    fields = json.loads(extraction.read(pending))["fields"]
    assert "item" in fields["playlist_items"]
    assert {"album_type", "tracks", "items"} <= set(fields["albums"])


def test_episodes_are_asked_for_as_such(new_extraction: New, sandbox: Sandbox) -> None:
    crawl(make(new_extraction, sandbox, albums=[]))
    first = [request for request in sandbox.log if request.query.get("offset") is None][1:]
    assert {request.query["additional_types"] for request in first} == {"track,episode"}
    assert {request.query["limit"] for request in first} == {str(PAGE_SIZE)}


def test_an_album_is_a_record_and_so_is_each_further_page(
    new_extraction: New, sandbox: Sandbox
) -> None:
    extraction = make(new_extraction, sandbox, playlists=[])
    crawl(extraction)
    album, further = texts(extraction, "albums", LONG_ALBUM)
    # All but the link to the next page, which the sandbox puts in, is the publisher's text.
    head, _, tail = MUSIC.albums[LONG_ALBUM].text.partition('"next":null')
    assert album.startswith(head)
    assert album.endswith(tail)
    assert [track["id"] for track in json.loads(further)["items"]] == [
        json.loads(track)["id"] for track in MUSIC.albums[LONG_ALBUM].tracks[50:]
    ]
    assert texts(extraction, "albums", SHORT_ALBUM) == [MUSIC.albums[SHORT_ALBUM].text]


def test_spelling_and_repeated_keys_survive(new_extraction: New) -> None:
    odd = '{"item": {"a": 1.10, "a": 1e5}, "é": "\\u00e9",  "added_at": null}'
    album = (
        '{"id":"A", "album_type":"album","n":1.10,"tracks":{"items":[],"next":null},"type":"album"}'
    )
    music = Music({"P": [odd, "null", odd]}, {"A": Album(album, (), 0)})
    with Sandbox({"spotify": SpotifyApp(music)}) as sandbox:
        extraction = make(new_extraction, sandbox, ["P"], ["A"])
        crawl(extraction)
    assert texts(extraction, "playlist_items", "P") == [odd, "null", odd]
    assert texts(extraction, "albums", "A") == [album]


def test_unit_names_end_in_the_id(new_extraction: New, sandbox: Sandbox) -> None:
    extraction = make(new_extraction, sandbox)
    run = start(extraction)
    plan = json.loads(extraction.read(f"_runs/spotify/{run['run_id']}/plan.json"))
    names = [unit["name"] for unit in plan["units"]]
    assert names == [
        *(f"playlist_items-{n:06d}-{name}" for n, name in enumerate(MUSIC.playlists, 1)),
        *(f"albums-{n:06d}-{name}" for n, name in enumerate(MUSIC.extra_albums, 5)),
    ]
    assert names[:4] == sorted(names[:4])


@pytest.mark.parametrize("rate", ["3", "0.5"])
def test_a_playlist_is_within_two_minutes(new_extraction: New, sandbox: Sandbox, rate: str) -> None:
    """Even the longest one, at the slowest rate that the settings speak of."""
    make(new_extraction, sandbox, requests_per_second=rate, requests_per_minute="60")
    source = runtime.source("spotify")
    assert isinstance(source, ApiSource)
    # A worker at its pace gets this far in two minutes; a page takes PAGE_SIZE songs.
    assert UNIT_SECONDS * source.worker_rate * PAGE_SIZE >= 1500
    assert source.worker_rate * source.settings.max_concurrency <= min(float(rate), 1.0)


# --- the token --------------------------------------------------------------------------------


def test_a_token_is_asked_for_once(new_extraction: New, sandbox: Sandbox, app: SpotifyApp) -> None:
    crawl(make(new_extraction, sandbox))
    assert app.tokens_issued == 1
    assert paths(sandbox, "POST") == [TOKEN_PATH]


def test_a_token_that_is_about_to_expire_is_replaced_unasked(
    new_extraction: New, sandbox: Sandbox, app: SpotifyApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    extraction = make(new_extraction, sandbox)
    start(extraction)
    clock = time.monotonic
    monkeypatch.setattr("data_pipeline.bronze.runtime.time.monotonic", lambda: clock() + 3501)
    extraction.work()
    assert app.tokens_issued == 2
    assert {request.status for request in sandbox.log} == {200}


def test_a_401_in_the_middle_renews_the_token_once(
    new_extraction: New, sandbox: Sandbox, app: SpotifyApp
) -> None:
    """Between two pages of one playlist: the unit lands whole, and the next need no other."""
    seen = 0

    def expire_before_the_third(call: Call) -> None:
        nonlocal seen
        seen += "/items" in call.path
        if seen == 3 and "/items" in call.path:
            app.expire_tokens()

    sandbox.apps["spotify"] = Hooked(app, expire_before_the_third)
    extraction = make(new_extraction, sandbox)
    done = crawl(extraction)
    assert done["state"] == "complete"
    assert app.tokens_issued == 2
    assert [request.status for request in sandbox.log].count(401) == 1
    for playlist, items in MUSIC.playlists.items():
        assert texts(extraction, "playlist_items", playlist) == list(items)


def test_a_renewed_token_that_is_refused_too_fails_the_unit(
    new_extraction: New, sandbox: Sandbox, app: SpotifyApp
) -> None:
    def never(call: Call) -> Response | None:
        if "/items" in call.path:
            return Response.json(401, {"error": {"status": 401, "message": "Invalid token"}})
        return None

    sandbox.apps["spotify"] = Hooked(app, never)
    extraction = make(new_extraction, sandbox, [next(iter(MUSIC.playlists))], [SHORT_ALBUM])
    done = crawl(extraction)
    assert done["state"] == "failed"
    (error,) = done["failed"].values()
    assert "answered 401" in error
    assert "Invalid token" in error
    assert "sandbox-token" not in error
    assert sum("/items" in path for path in paths(sandbox)) == 2


@pytest.mark.parametrize("part", ["client_id", "client_secret"])
def test_refused_credentials_say_what_to_check(
    new_extraction: New, sandbox: Sandbox, part: str, capsys: pytest.CaptureFixture[str]
) -> None:
    extraction = make(new_extraction, sandbox, secret={**SECRET, part: "n0t-the-r1ght-one"})
    with pytest.raises(ApiRefusedError) as caught:
        start(extraction)
    assert "SPOTIFY_CLIENT_ID and SPOTIFY_CLIENT_SECRET" in str(caught.value)
    assert "the source's secret" in str(caught.value)
    assert "n0t-the-r1ght-one" not in str(caught.value) + "".join(capsys.readouterr())
    assert extraction.keys() == []
    assert paths(sandbox, "GET") == []


def test_mended_credentials_are_taken_at_the_next_start(
    new_extraction: New, sandbox: Sandbox
) -> None:
    """By the same process, which has the refused ones in its memory."""
    extraction = make(new_extraction, sandbox, secret={**SECRET, "client_secret": "old"})
    with pytest.raises(ApiRefusedError):
        start(extraction)
    extraction.emulator.client("secretsmanager").put_secret_value(
        SecretId=extraction.landing.replace("landing", "secret"), SecretString=json.dumps(SECRET)
    )
    assert start(extraction)["state"] == "planned"


@pytest.mark.parametrize(
    ("secret", "message"),
    [(None, "there is no secret"), ({"client_id": "x"}, "lacks client_secret")],
)
def test_missing_credentials_say_so(
    new_extraction: New, sandbox: Sandbox, secret: Mapping[str, str] | None, message: str
) -> None:
    extraction = make(new_extraction, sandbox, secret=secret)
    with pytest.raises(SettingsError, match=message):
        start(extraction)
    assert sandbox.log == []


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (Response(503, b"busy"), "answered 503"),
        (Response(200, b"<html>"), "without an access_token"),
        (Response(200, b"[]"), "without an access_token"),
        (Response(302, headers={"Location": "http://example.org/"}), "answered 302"),
    ],
)
def test_a_token_that_is_not_given_says_so(
    new_extraction: New, sandbox: Sandbox, app: SpotifyApp, answer: Response, message: str
) -> None:
    sandbox.apps["spotify"] = Hooked(app, lambda call: answer)
    with pytest.raises(ApiError, match=message) as caught:
        start(make(new_extraction, sandbox))
    assert not isinstance(caught.value, ApiRefusedError)
    assert len(sandbox.log) == 1


def test_a_token_address_that_cannot_be_reached_is_named(
    new_extraction: New, sandbox: Sandbox
) -> None:
    extraction = make(new_extraction, sandbox, token_url="http://127.0.0.1:9/token")
    with pytest.raises(ApiError, match=r"cannot be reached at http://127\.0\.0\.1:9/token"):
        start(extraction)


# --- what Spotify refuses -----------------------------------------------------------------------


@pytest.mark.parametrize(("refused", "status"), [(REFUSED, 403), (GONE, 404)])
def test_a_refused_playlist_is_a_note_and_the_others_complete(
    new_extraction: New, sandbox: Sandbox, refused: str, status: int
) -> None:
    whole = "0yPd7fMzE2LsGb5OjKwUcQ"
    extraction = make(new_extraction, sandbox, [refused, whole], [NO_ALBUM, SHORT_ALBUM])
    done = crawl(extraction)
    assert (done["state"], done["missing"], done["failed"]) == ("complete", [], {})
    of_playlist, of_album = sorted(done["notes"], key=lambda note: NO_ALBUM in note)
    assert of_playlist.startswith(
        f"spotify answered {status}: the playlist {refused} is left out. "
    )
    assert of_album.startswith(f"spotify answered 404: the album {NO_ALBUM} is left out. ")
    assert not any("token" in note or "Bearer" in note for note in done["notes"])
    assert texts(extraction, "playlist_items", refused) == []
    assert texts(extraction, "playlist_items", whole) == list(MUSIC.playlists[whole])
    assert texts(extraction, "albums", SHORT_ALBUM) == [MUSIC.albums[SHORT_ALBUM].text]
    # A refusal is asked for once: not again, and not with another token.
    assert sum(refused in path for path in paths(sandbox)) == 1
    assert len(extraction.keys("_pending/")) == 1


def test_a_playlist_that_goes_away_while_it_is_read_is_a_failure(
    new_extraction: New, sandbox: Sandbox, app: SpotifyApp
) -> None:
    """Half a list must not pass for the whole one."""

    def gone(call: Call) -> Response | None:
        return Response.json(404, {}) if call.query.get("offset") == "50" else None

    sandbox.apps["spotify"] = Hooked(app, gone)
    extraction = make(new_extraction, sandbox, ["0yPd7fMzE2LsGb5OjKwUcQ"], [])
    done = crawl(extraction)
    assert (done["state"], done["landed"]) == ("failed", 0)
    assert extraction.keys("spotify/") == []


@pytest.mark.parametrize("link", ["http://example.org/next", "https://127.0.0.1/x"])
def test_a_link_to_another_host_is_not_followed(
    new_extraction: New, sandbox: Sandbox, app: SpotifyApp, link: str
) -> None:
    def elsewhere(call: Call) -> Response | None:
        if not call.path.endswith("/items"):
            return None
        page = {"items": [{"item": None}], "next": link}
        return Response.json(200, page)

    hooked = Hooked(app, elsewhere)
    sandbox.apps["spotify"] = hooked
    extraction = make(new_extraction, sandbox, ["P"], [])
    run = start(extraction)
    (message,) = extraction.receive()
    assert extraction.deliver(message) != []
    assert extraction.keys("spotify/") == []
    assert len(hooked.calls) == 2  # the token, and the page that has the link
    # At the last of its receives it is noted why.
    message["Attributes"]["ApproximateReceiveCount"] = str(MAX_RECEIVES)
    assert extraction.deliver(message) != []
    (error,) = extraction.complete("spotify", run["run_id"])["failed"].values()
    assert "not followed" in error


def test_a_pause_of_hours_puts_the_message_back(
    new_extraction: New, sandbox: Sandbox, app: SpotifyApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Else the message would be out of sight for a quarter of an hour.
    monkeypatch.setattr("data_pipeline.bronze.store.SQS_MAX_DELAY", 0)
    busy = Response.json(429, {"error": {"message": "slow"}}, {"Retry-After": "10800"})
    hooked = Hooked(app, lambda call: busy if "/items" in call.path else None)
    sandbox.apps["spotify"] = hooked
    extraction = make(new_extraction, sandbox, ["0yPd7fMzE2LsGb5OjKwUcQ"], [])
    run = start(extraction)
    (message,) = extraction.receive()
    began = time.time()
    assert extraction.deliver(message) == []  # it is done with: another one waits
    (waiting,) = extraction.receive()
    body = json.loads(waiting["Body"])
    assert 10_790 <= body["not_before"] - began <= 10_900
    assert body["unit"] == json.loads(message["Body"])["unit"]
    # Who receives it too early sends it on and asks nothing.
    asked = len(hooked.calls)
    assert extraction.deliver(waiting) == []
    (later,) = extraction.receive()
    assert json.loads(later["Body"]) == body
    assert len(hooked.calls) == asked
    assert extraction.complete("spotify", run["run_id"])["state"] == "running"
    # When its time has come it lands.
    sandbox.apps["spotify"] = app
    later["Body"] = json.dumps({**body, "not_before": time.time() - 1})
    assert extraction.deliver(later) == []
    assert extraction.complete("spotify", run["run_id"])["state"] == "complete"


# --- runs ---------------------------------------------------------------------------------------


def test_a_limit_takes_that_many_lists(new_extraction: New, sandbox: Sandbox) -> None:
    extraction = make(new_extraction, sandbox)
    done = crawl(extraction, limit=2)
    assert (done["state"], done["units"]) == ("complete", 2)
    assert {line["_unit"][-22:] for line in extraction.lines("spotify/")} == set(
        list(MUSIC.playlists)[:2]
    )


def test_nothing_is_wanted(new_extraction: New, sandbox: Sandbox) -> None:
    done = crawl(make(new_extraction, sandbox, [], []))
    assert (done["state"], done["units"]) == ("complete", 0)


def test_the_same_day_again_asks_nothing(new_extraction: New, sandbox: Sandbox) -> None:
    extraction = make(new_extraction, sandbox)
    done = crawl(extraction)
    before, asked = extraction.content(), len(sandbox.log)
    again = start(extraction)
    assert (again["run_id"], again["state"]) == (done["run_id"], "complete")
    assert extraction.receive() == []
    assert len(sandbox.log) == asked
    assert extraction.content() == before


def test_a_message_delivered_twice_changes_nothing(new_extraction: New, sandbox: Sandbox) -> None:
    contents = []
    for deliveries in (1, 2):
        extraction = make(new_extraction, sandbox)
        run = start(extraction)
        extraction.work(deliveries)
        extraction.complete("spotify", run["run_id"])
        contents.append(extraction.content())
    assert contents[0] == contents[1]


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_killed_between_any_two_steps(new_extraction: New, sandbox: Sandbox, after: bool) -> None:
    """Killed at each request to AWS in turn, and started again: always the same bronze.

    With a refused playlist, so that a note is on the way too.
    """

    def begin() -> Extraction:
        playlists = [REFUSED, "7rXk1nVhD8TaQe3ZmFpYsB"]
        return make(new_extraction, sandbox, playlists, [LONG_ALBUM])

    content, calls = killed_everywhere(begin, crawl, after)
    assert calls > 15
    assert any("/notes/" in key for key in content)
