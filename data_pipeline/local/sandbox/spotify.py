"""Spotify's Web API as far as a crawler of playlists and albums meets it."""

from __future__ import annotations

import base64
import json
import re
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from operator import itemgetter
from pathlib import Path
from random import Random
from typing import Any
from urllib.parse import parse_qs

from data_pipeline.bronze.json_text import members
from data_pipeline.errors import InputError
from data_pipeline.local.sandbox.limits import RateLimit
from data_pipeline.local.sandbox.playlists import Music, generate_music
from data_pipeline.local.sandbox.recorded import elements, json_files
from data_pipeline.local.sandbox.server import Call, Response, StandIn
from data_pipeline.local.sandbox.songs import ALBUM_PAGE, Album

CLIENT_ID = "sandbox"
CLIENT_SECRET = "sandbox"
"""The client that the sandbox gives tokens to."""

TOKEN_PATH = "/api/token"

_PLAYLIST_LIMIT = 100
_ALBUM_LIMIT = 50
_DEFAULT_LIMIT = 20

_REMOVED = re.compile(r"/v1/(playlists/[^/]+/tracks|albums|tracks|artists)")
_PATHS = re.compile(r"/v1/(playlists|albums)/([^/]+)(?:/(items|tracks))?")


def stand_in(folder: Path | None, limit: RateLimit) -> StandIn:
    """Return Spotify with the recorded answers under ``folder``, or with generated music."""
    music = load_recorded(folder) if folder else generate_music()
    settings = {
        "playlists": ", ".join([*music.playlists, *music.refused]),
        "albums": ", ".join(music.extra_albums),
        "token_url": TOKEN_PATH,
    }
    secret = {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}
    return StandIn(SpotifyApp(music, limit=limit), "/v1", secret, settings)


def load_recorded(folder: Path) -> Music:
    """Return the playlists and albums of the recorded answers under ``folder``, verbatim.

    A playlist is the items of its files ``playlist_<id>_items*.json``, in the order of their
    names, numbers in them counting as such. Albums are found in any other file: an album with
    its tracks, or a batch of such. Other files are ignored.
    Raises InputError where there is neither a playlist nor an album.
    """
    pages: dict[str, list[tuple[list[Any], list[str]]]] = {}
    albums: dict[str, Album] = {}
    files = 0
    for path, text, value in json_files(folder):
        files += 1
        name = re.fullmatch(r"playlist_(.+?)_items.*\.json", path.name)
        if name and isinstance(value, dict) and isinstance(value.get("items"), list):
            items = [item for item, _ in elements(text, "items")]
            pages.setdefault(name[1], []).append((_natural(path), items))
            continue
        albums.update(_albums_in(text, value))
    if not pages and not albums:
        raise InputError(
            f"no Spotify answers in {folder}: looked for playlist_<id>_items*.json with pages "
            'of a playlist ({"items": [...]}) and for *.json with albums (objects of type album '
            f"with tracks); found {files} JSON file(s), none of them such"
        )
    playlists = {
        playlist: tuple(item for _, items in sorted(found, key=itemgetter(0)) for item in items)
        for playlist, found in sorted(pages.items())
    }
    return Music(playlists, albums, extra_albums=tuple(albums))


def _natural(path: Path) -> list[Any]:
    """Return what sorts a path so that page 10 comes after page 9."""
    return [int(part) if part.isdigit() else part for part in re.split(r"([0-9]+)", str(path))]


def _is_album(value: Any) -> bool:
    return (
        isinstance(value, dict)
        and value.get("type") == "album"
        and isinstance(value.get("id"), str)
        and isinstance(value.get("tracks"), dict)
    )


def _albums_in(text: str, value: Any) -> Iterator[tuple[str, Album]]:
    """Yield id and album of a file that is an album, or a batch of them."""
    batch = [(text, value)] if _is_album(value) else elements(text, "albums")
    for album_text, album in batch:
        if _is_album(album):
            tracks = album_text[dict(members(album_text))["tracks"] :]
            items = tuple(item for item, _ in elements(tracks, "items"))
            yield album["id"], Album(album_text, items, len(items))


class SpotifyApp:
    """Answers as Spotify does, from ``music``, to those who have a token of the right client.

    A token is good for ``token_seconds``, or until ``expire_tokens``. Another ``shuffle`` is
    another day: the same songs, each playlist in another order. Getting a token does not count
    against ``limit``, because Spotify has another host for it.
    """

    def __init__(
        self,
        music: Music,
        *,
        limit: RateLimit | None = None,
        token_seconds: int = 3600,
        shuffle: int = 0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.tokens_issued = 0
        self._music = music
        self._playlists = {
            playlist: _shuffled(items, f"{playlist} {shuffle}") if shuffle else items
            for playlist, items in music.playlists.items()
        }
        self._limit = limit or RateLimit()
        self._token_seconds = token_seconds
        self._clock = clock
        self._expiry: dict[str, float] = {}
        self._lock = threading.Lock()

    def expire_tokens(self) -> None:
        """Let every token that was given out be refused from now on."""
        with self._lock:
            self._expiry.clear()

    def handle(self, call: Call) -> Response:
        """Return Spotify's answer; 404 for paths that it lacks, 403 for those that it removed."""
        if call.path == TOKEN_PATH:
            return self._token(call)
        if why := self._unauthorized(call):
            return _error(401, why)
        if refusal := self._limit.take():
            wait = {"Retry-After": str(refusal.retry_after)}
            return _error(429, "API rate limit exceeded", wait)
        if call.method != "GET":
            return _error(405, "Method not allowed")
        if _REMOVED.fullmatch(call.path):
            return _error(403, "Forbidden")
        if (path := _PATHS.fullmatch(call.path)) is None:
            return _error(404, "Service not found")
        match path.groups():
            case ("playlists", playlist, "items"):
                return self._items(call, playlist)
            case ("albums", album, None):
                return self._album(call, album)
            case ("albums", album, "tracks"):
                return self._tracks(call, album)
        return _error(404, "Service not found")

    def _token(self, call: Call) -> Response:
        """Return a new token to the client, which has to ask as OAuth 2.0 says."""
        if call.method != "POST":
            return Response(405, headers={"Allow": "POST"})
        known = base64.b64encode(f"{CLIENT_ID}:{CLIENT_SECRET}".encode()).decode()
        if call.headers.get("authorization") != f"Basic {known}":
            return Response.json(400, {"error": "invalid_client"})
        if parse_qs(call.body.decode("latin-1")).get("grant_type") != ["client_credentials"]:
            return Response.json(400, {"error": "unsupported_grant_type"})
        with self._lock:
            self.tokens_issued += 1
            token = f"sandbox-token-{self.tokens_issued}"
            self._expiry[token] = self._clock() + self._token_seconds
        granted = {"access_token": token, "token_type": "Bearer", "expires_in": self._token_seconds}
        return Response.json(200, granted)

    def _unauthorized(self, call: Call) -> str | None:
        scheme, _, token = call.headers.get("authorization", "").partition(" ")
        if scheme != "Bearer" or not token:
            return "No token provided"
        with self._lock:
            valid = self._expiry.get(token, float("-inf")) > self._clock()
        return None if valid else "The access token expired"

    def _items(self, call: Call, playlist: str) -> Response:
        if playlist in self._music.refused:
            return _error(403, "Forbidden")
        if playlist not in self._playlists:
            return _error(404, "Resource not found")
        return _page(call, self._playlists[playlist], _PLAYLIST_LIMIT)

    def _album(self, call: Call, album_id: str) -> Response:
        """Return the album, its tracks' link leading to the next page of them if there is one."""
        album = self._music.albums.get(album_id)
        if album is None:
            return _error(404, "Resource not found")
        link = None
        if len(album.tracks) > album.in_text:
            path = f"/v1/albums/{album_id}/tracks"
            link = f"{call.base_url}{path}?offset={album.in_text}&limit={ALBUM_PAGE}"
        return Response.json(200, _linked(album.text, link))

    def _tracks(self, call: Call, album_id: str) -> Response:
        album = self._music.albums.get(album_id)
        if album is None:
            return _error(404, "Resource not found")
        return _page(call, album.tracks, _ALBUM_LIMIT)


def _shuffled(items: Iterable[str], seed: str) -> Sequence[str]:
    shuffled = list(items)
    Random(seed).shuffle(shuffled)
    return shuffled


def _page(call: Call, listing: Sequence[str], most: int) -> Response:
    """Return the page of a listing that the query asks for; 400 for a limit that is none."""
    limit = _number(call.query, "limit", _DEFAULT_LIMIT)
    if limit is None or not 1 <= limit <= most:
        return _error(400, "Invalid limit")
    offset = _number(call.query, "offset", 0)
    if offset is None:
        return _error(400, "Invalid offset")

    def link(at: int) -> str:
        return json.dumps(f"{call.base_url}{call.path}?offset={at}&limit={limit}")

    total = len(listing)
    following = link(offset + limit) if offset + limit < total else "null"
    previous = link(max(0, offset - limit)) if offset else "null"
    return Response.json(
        200,
        f'{{"href":{link(offset)},"items":[{",".join(listing[offset : offset + limit])}],'
        f'"limit":{limit},"next":{following},"offset":{offset},"previous":{previous},'
        f'"total":{total}}}',
    )


def _number(query: Mapping[str, str], name: str, default: int) -> int | None:
    """Return a number of the query, or None where something else is there."""
    text = query.get(name, str(default))
    return int(text) if re.fullmatch(r"[0-9]{1,9}", text) else None


def _linked(album: str, link: str | None) -> str:
    """Return an album's text with ``link`` as its tracks' ``next``, all else as it is written."""
    tracks = dict(members(album))["tracks"]
    place = dict(members(album[tracks:])).get("next")
    if place is None:
        return album
    start = tracks + place
    _, end = json.JSONDecoder().raw_decode(album, start)
    return f"{album[:start]}{json.dumps(link)}{album[end:]}"


def _error(status: int, message: str, headers: Mapping[str, str] | None = None) -> Response:
    error = {"error": {"status": status, "message": message}}
    return Response.json(status, error, headers)
