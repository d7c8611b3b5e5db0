"""Spotify as the sandbox plays it: tokens, pages of playlists and albums, recorded answers."""

import json
import re
import shutil
from collections import Counter
from pathlib import Path

import pytest
import requests

from data_pipeline.errors import InputError
from data_pipeline.local.sandbox import RateLimit
from data_pipeline.local.sandbox.playlists import REFUSED_PLAYLIST, generate_music
from data_pipeline.local.sandbox.spotify import SpotifyApp, load_recorded, stand_in
from tests.local.sandbox_client import SandboxClient

RECORDED = Path(__file__).parents[3] / "shared" / "data" / "spotify"
MUSIC = generate_music()
PLAYLISTS = list(MUSIC.playlists)
LONG_ALBUM, SHORT_ALBUM = MUSIC.extra_albums
GRANT = {"grant_type": "client_credentials"}
EXPIRED = {"error": {"status": 401, "message": "The access token expired"}}
NOT_FOUND = {"error": {"status": 404, "message": "Resource not found"}}


class Client(SandboxClient):
    def __init__(self, music=MUSIC, app=None, **options):
        super().__init__(app or SpotifyApp(music, **options))
        self.renew()

    def renew(self):
        token = self.token().json()["access_token"]
        self.session.headers["Authorization"] = f"Bearer {token}"

    def token(self, client="sandbox:sandbox", data=GRANT):
        name, _, secret = client.partition(":")
        return requests.post(f"{self.base}/api/token", data=data, auth=(name, secret), timeout=10)

    def items(self, playlist, **query):
        """Return all items of a playlist, following its links."""
        page = self.json(f"/v1/playlists/{playlist}/items", **query)
        items = page["items"]
        while page["next"]:
            assert page["next"].startswith(f"{self.base}/v1/playlists/{playlist}/items?")
            page = self.session.get(page["next"], timeout=10).json()
            items += page["items"]
        assert len(items) == page["total"]
        return items


@pytest.fixture(scope="module")
def spotify():
    with Client() as client:
        yield client


@pytest.fixture(scope="module")
def everything(spotify):
    return {playlist: spotify.items(playlist, limit=100) for playlist in PLAYLISTS}


def tracks(items):
    return [item["item"] for item in items if item["item"] and item["item"]["id"]]


# Tokens


def test_a_token_is_given_to_the_right_client(spotify):
    answer = spotify.token()
    assert answer.status_code == 200
    granted = answer.json()
    assert list(granted) == ["access_token", "token_type", "expires_in"]
    assert (granted["token_type"], granted["expires_in"]) == ("Bearer", 3600)
    for client in ("sandbox:wrong", "other:sandbox", ":"):
        answer = spotify.token(client)
        assert (answer.status_code, answer.json()) == (400, {"error": "invalid_client"})
    answer = spotify.token(data={"grant_type": "password"})
    assert (answer.status_code, answer.json()) == (400, {"error": "unsupported_grant_type"})
    assert requests.get(f"{spotify.base}/api/token", timeout=10).status_code == 405


def test_without_a_token_nothing_is_answered(spotify):
    for path in (f"/v1/playlists/{PLAYLISTS[0]}/items", f"/v1/albums/{LONG_ALBUM}", "/v1/x"):
        answer = spotify.get(path, headers={"Authorization": "Bearer unknown"})
        assert (answer.status_code, answer.json()) == (401, EXPIRED)
        answer = spotify.get(path, headers={"Authorization": None})
        assert answer.status_code == 401
        assert answer.json() == {"error": {"status": 401, "message": "No token provided"}}


def test_tokens_expire():
    now = 0.0
    with Client(token_seconds=60, clock=lambda: now) as client:
        assert client.token().json()["expires_in"] == 60
        now = 59.0
        assert client.get(f"/v1/albums/{LONG_ALBUM}").status_code == 200
        now = 61.0
        answer = client.get(f"/v1/albums/{LONG_ALBUM}")
        assert (answer.status_code, answer.json()) == (401, EXPIRED)
        client.renew()
        assert client.get(f"/v1/albums/{LONG_ALBUM}").status_code == 200
        client.app.expire_tokens()
        assert client.get(f"/v1/albums/{LONG_ALBUM}").status_code == 401
        client.renew()
        assert client.get(f"/v1/albums/{LONG_ALBUM}").status_code == 200
        assert client.app.tokens_issued == 4


def test_more_requests_than_allowed_are_told_when_to_come_back():
    with Client(limit=RateLimit(per_second=2, clock=lambda: 0.0)) as client:
        path = f"/v1/albums/{LONG_ALBUM}"
        # Neither tokens nor refused strangers use up the limit.
        client.renew()
        assert client.get(path, headers={"Authorization": "Bearer x"}).status_code == 401
        assert [client.get(path).status_code for _ in range(3)] == [200, 200, 429]
        answer = client.get(path)
        assert answer.headers["Retry-After"] == "1"
        assert answer.json()["error"]["status"] == 429


# Answers


def test_a_playlist_comes_in_pages(spotify):
    path = f"/v1/playlists/{PLAYLISTS[0]}/items"
    page = spotify.json(path, limit=100, offset=100)
    assert list(page) == ["href", "items", "limit", "next", "offset", "previous", "total"]
    assert (page["limit"], page["offset"], page["total"]) == (100, 100, 230)
    assert len(page["items"]) == 100
    assert page["href"] == f"{spotify.base}{path}?offset=100&limit=100"
    assert page["next"] == f"{spotify.base}{path}?offset=200&limit=100"
    assert page["previous"] == f"{spotify.base}{path}?offset=0&limit=100"
    last = spotify.json(path, limit=100, offset=200)
    assert (len(last["items"]), last["next"]) == (30, None)
    first = spotify.json(path)
    assert (len(first["items"]), first["limit"], first["previous"]) == (20, 20, None)
    beyond = spotify.json(path, offset=1000)
    assert (beyond["items"], beyond["next"], beyond["total"]) == ([], None, 230)


def test_pages_of_any_size_hold_the_same(spotify, everything):
    assert spotify.items(PLAYLISTS[0], limit=7) == everything[PLAYLISTS[0]]
    assert spotify.items(PLAYLISTS[1], limit=100) == spotify.items(PLAYLISTS[1], limit=50)


def test_a_page_of_no_size_is_refused(spotify):
    for path, most in (
        (f"/v1/playlists/{PLAYLISTS[0]}/items", 100),
        (f"/v1/albums/{LONG_ALBUM}/tracks", 50),
    ):
        assert spotify.get(path, limit=most).status_code == 200
        for limit in (most + 1, 0, -1, "many", ""):
            answer = spotify.get(path, limit=limit)
            assert answer.status_code == 400
            assert answer.json() == {"error": {"status": 400, "message": "Invalid limit"}}
        assert spotify.get(path, offset=-1).status_code == 400


def test_what_is_not_there_or_not_the_apps_to_read(spotify):
    for path in (
        "/v1/playlists/0000000000000000000000/items",
        "/v1/albums/0000000000000000000000",
        "/v1/albums/0000000000000000000000/tracks",
    ):
        answer = spotify.get(path)
        assert (answer.status_code, answer.json()) == (404, NOT_FOUND)
    answer = spotify.get(f"/v1/playlists/{REFUSED_PLAYLIST}/items")
    assert answer.status_code == 403
    assert answer.json() == {"error": {"status": 403, "message": "Forbidden"}}


def test_what_spotify_removed_is_not_answered(spotify):
    assert spotify.get(f"/v1/playlists/{PLAYLISTS[0]}/tracks").status_code == 403
    assert spotify.get("/v1/albums", ids=LONG_ALBUM).status_code == 403
    assert spotify.get(f"/v1/playlists/{PLAYLISTS[0]}").status_code == 404
    assert spotify.get(f"/v1/albums/{LONG_ALBUM}/items").status_code == 404


def test_an_album_leads_to_the_rest_of_its_tracks(spotify):
    album = spotify.json(f"/v1/albums/{LONG_ALBUM}")
    assert (album["id"], album["type"], album["total_tracks"]) == (LONG_ALBUM, "album", 63)
    first = album["tracks"]
    assert (len(first["items"]), first["total"]) == (50, 63)
    assert first["next"] == f"{spotify.base}/v1/albums/{LONG_ALBUM}/tracks?offset=50&limit=50"
    rest = spotify.session.get(first["next"], timeout=10).json()
    assert (len(rest["items"]), rest["next"], rest["total"]) == (13, None, 63)
    places = [(t["disc_number"], t["track_number"]) for t in first["items"] + rest["items"]]
    assert places == sorted(places)
    assert len(set(places)) == 63
    assert spotify.json(f"/v1/albums/{LONG_ALBUM}/tracks", limit=50)["items"] == first["items"]
    assert spotify.json(f"/v1/albums/{SHORT_ALBUM}")["tracks"]["next"] is None


# The generated music


def test_a_seed_makes_the_same_music():
    assert generate_music(7) == generate_music(7)
    assert generate_music(7) != generate_music(8)


def test_its_size(everything):
    assert [len(items) for items in everything.values()] == [230, 100, 64, 30]
    assert len(MUSIC.albums) == 60
    artists = {
        artist["id"]
        for album in MUSIC.albums.values()
        for track in album.tracks
        for artist in json.loads(track)["artists"]
    }
    assert 60 <= len(artists) <= 70


def test_every_song_leads_to_an_album_that_names_it(spotify, everything):
    named = {}
    for items in everything.values():
        for track in tracks(items):
            if track["type"] == "track":
                named.setdefault(track["album"]["id"], set()).add(track["id"])
    assert len(named) > 50
    assert not {LONG_ALBUM, SHORT_ALBUM} & set(named)
    for album_id, songs in named.items():
        album = spotify.json(f"/v1/albums/{album_id}")
        assert songs <= {track["id"] for track in album["tracks"]["items"]}
        assert album["total_tracks"] == album["tracks"]["total"]


def test_songs_cross_playlists(everything):
    lists = [{track["id"] for track in tracks(items)} for items in everything.values()]
    assert len(lists[0] & lists[1]) > 20
    assert len(lists[0] & lists[1] & lists[2]) > 3


def test_the_playlists_have_the_dirt_of_real_ones(everything):
    for items in everything.values():
        kinds = Counter((item["item"] or {}).get("type") for item in items)
        assert kinds["episode"] >= 1
        assert kinds[None] == 1
        local = [item for item in items if item["is_local"]]
        assert local
        assert all(item["item"]["id"] is None for item in local)
        removed = [track for track in tracks(items) if track["name"] == ""]
        assert len(removed) == 1
        songs = Counter(track["id"] for track in tracks(items))
        assert max(songs.values()) == 2
        assert any(item["added_at"] is None for item in items)
        assert all("track" not in item for item in items)
    names = {track["name"] for items in everything.values() for track in tracks(items)}
    assert any(name != name.strip() for name in names)
    assert any(
        len(track["artists"]) > 2
        for track in tracks(everything[PLAYLISTS[0]])
        if track["type"] == "track"
    )


def test_a_song_reads_the_same_wherever_it_is(everything):
    versions = {}
    for items in everything.values():
        for track in tracks(items):
            versions.setdefault(track["id"], set()).add(json.dumps(track))
    assert {len(texts) for texts in versions.values()} == {1}


def test_dates_are_as_exact_as_they_are_known():
    albums = [json.loads(album.text) for album in MUSIC.albums.values()]
    dates = {(album["release_date"], album["release_date_precision"]) for album in albums}
    assert {("1999", "year"), ("1981-12", "month"), ("0000", "year"), ("2014-05-13", "day")} < dates
    shapes = {"year": r"\d{4}", "month": r"\d{4}-\d\d", "day": r"\d{4}-\d\d-\d\d"}
    assert all(re.fullmatch(shapes[precision], text) for text, precision in dates)
    assert {album["album_type"] for album in albums} == {"album", "single", "compilation"}


def test_what_is_no_longer_served_is_nowhere():
    gone = {"popularity", "followers", "available_markets", "label"}
    texts = [text for items in MUSIC.playlists.values() for text in items]
    texts += [album.text for album in MUSIC.albums.values()]
    assert not {name for name in gone if any(f'"{name}"' in text for text in texts)}


def test_another_day_has_another_order(everything):
    with Client(shuffle=1) as client, Client(shuffle=2) as later:
        one, two = client.items(PLAYLISTS[3]), later.items(PLAYLISTS[3])
        assert client.items(PLAYLISTS[3]) == one
    base = everything[PLAYLISTS[3]]
    assert base != one != two != base
    assert sorted(map(json.dumps, one)) == sorted(map(json.dumps, base))


def test_the_stand_in_names_its_playlists_and_albums():
    its = stand_in(None, RateLimit())
    assert (its.path, its.secret["client_id"]) == ("/v1", "sandbox")
    assert its.settings == {
        "playlists": ", ".join([*PLAYLISTS, REFUSED_PLAYLIST]),
        "albums": f"{LONG_ALBUM}, {SHORT_ALBUM}",
        "token_url": "/api/token",
    }


# Recorded answers


def item(number, key="item"):
    return {"added_at": "2026-01-01T00:00:00Z", key: {"id": f"s{number}", "type": "track"}}


def album(album_id, following=None, total=2):
    page = {"items": [{"id": "s1"}, {"id": "s2"}], "next": following, "total": total}
    return {"album_type": "album", "id": album_id, "tracks": page, "type": "album"}


def test_recorded_answers_are_served_as_they_are_written(tmp_path):
    (tmp_path / "playlist_P1_items.json").write_text(
        '{"total": 9, "next": "https://api.spotify.com/v1/x", "items": [\r\n'
        '  {"track": {"id": "a",\r\n "n": 1.10, "n": 1e1}}, null ]}',
        encoding="utf-8-sig",
        newline="",
    )
    (tmp_path / "any.json").write_text(
        '{"id": "A", "type": "album", "x": 1.10,\n "tracks": {"next" : "https://api.spotify.com/'
        'v1/albums/A/tracks?offset=2", "items": [{"id": 1e1}], "total":7}, "next": "kept"}'
    )
    with Client(load_recorded(tmp_path)) as client:
        href = f'"href":"{client.base}/v1/playlists/P1/items?offset=0&limit=20"'
        assert client.get("/v1/playlists/P1/items").text == (
            f'{{{href},"items":[{{"track": {{"id": "a",   "n": 1.10, "n": 1e1}}}},null],'
            '"limit":20,"next":null,"offset":0,"previous":null,"total":2}'
        )
        assert client.get("/v1/albums/A").text == (
            '{"id": "A", "type": "album", "x": 1.10,\n "tracks": {"next" : null, '
            '"items": [{"id": 1e1}], "total":7}, "next": "kept"}'
        )


def test_recorded_answers_are_found(tmp_path):
    (tmp_path / "deep").mkdir()
    files = {
        "playlist_Two_items_10.json": {"items": [item(5)]},
        "playlist_Two_items_9.json": {"items": [item(3), item(4, "track")]},
        "playlist_Two_items.json": {"items": [item(1), item(2)]},
        "deep/playlist_One_items_2022-05-20.json": {"items": []},
        "album_A.json": album("A"),
        "deep/batch.json": {"albums": [album("B"), None, album("C", "https://x/y", 9)]},
        "playlist_Three.json": {"items": [item(1)]},
        "playlist_Four_items.json": {"tracks": {"items": [item(1)]}},
        "simple.json": {"id": "D", "type": "album"},
        "track.json": {"id": "s1", "type": "track", "album": album("E")},
        "text.json": "albums",
    }
    for name, value in files.items():
        (tmp_path / name).write_text(json.dumps(value))
    (tmp_path / "playlist_Five_items.json").write_text('{"items": [')
    its = stand_in(tmp_path, RateLimit())
    assert its.settings["playlists"] == "One, Two"
    assert its.settings["albums"].split(", ") == sorted("ABC")
    with Client(app=its.app) as client:
        found = client.items("Two", limit=2)
        assert [(i.get("item") or i["track"])["id"] for i in found] == [
            f"s{n}" for n in range(1, 6)
        ]
        assert client.items("One") == []
        assert client.json("/v1/albums/A") == album("A")
        assert client.json("/v1/albums/C") == album("C", None, 9)
        for album_id in ("D", "E"):
            assert client.get(f"/v1/albums/{album_id}").status_code == 404


def test_albums_alone_are_asked_for_by_name(tmp_path):
    (tmp_path / "albums.json").write_text(json.dumps({"albums": [album("A"), album("B")]}))
    settings = stand_in(tmp_path, RateLimit()).settings
    assert (settings["playlists"], settings["albums"]) == ("", "A, B")


def test_a_folder_without_answers_is_an_error(tmp_path):
    (tmp_path / "other.json").write_text('{"items": []}')
    with pytest.raises(InputError, match=r"playlist_<id>_items\*.*album.*found 1 JSON file"):
        load_recorded(tmp_path)
    with pytest.raises(InputError, match="not a folder"):
        load_recorded(tmp_path / "absent")


@pytest.mark.skipif(
    not RECORDED.is_dir(), reason="only for ../shared, whose recorded data may not be redistributed"
)
def test_real_recorded_answers_equal_the_files(tmp_path):
    copies = {
        "playlist_23Ay9WfURne0LvtlCvYTkj_items_0.json": "playlist_items_episodes_and_tracks.json",
        "playlist_23Ay9WfURne0LvtlCvYTkj_items_1.json": "playlist_items_tracks.json",
        "playlist_5lH9NjOeJvctAO92ZrKQNB_items.json": "playlist_tracks.txt",
    }
    for target, source in copies.items():
        shutil.copyfile(RECORDED / source, tmp_path / target)
    for name in ("album.json", "albums.json", "artists.json", "tracks.json"):
        shutil.copyfile(RECORDED / name, tmp_path / name)

    def read(name):
        return json.loads((RECORDED / name).read_text(encoding="utf-8"))

    with Client(load_recorded(tmp_path)) as client:
        found = client.items("23Ay9WfURne0LvtlCvYTkj", limit=4)
        assert [i["track"]["type"] for i in found] == ["episode"] * 2 + ["track"] * 4
        assert found == [i for name in list(copies.values())[:2] for i in read(name)["items"]]
        assert client.items("5lH9NjOeJvctAO92ZrKQNB") == read("playlist_tracks.txt")["items"]
        for expected in (read("album.json"), *read("albums.json")["albums"]):
            answer = client.get(f"/v1/albums/{expected['id']}")
            assert answer.json() == expected
        text = (RECORDED / "album.json").read_text(encoding="utf-8")
        assert client.get("/v1/albums/7u6zL7kqpgLPISZYXNTgYk").text == text
        missing = found[3]["track"]["album"]["id"]
        assert client.get(f"/v1/albums/{missing}").json() == NOT_FOUND
