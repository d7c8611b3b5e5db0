"""Playlists as Spotify serves them: generated ones, with the dirt seen in real data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import accumulate
from random import Random

from data_pipeline.local.sandbox.songs import (
    Album,
    Record,
    generate_albums,
    images,
    json_text,
    served,
    songs_of,
    thing,
    title,
)


@dataclass(frozen=True)
class Music:
    """What one Spotify serves: playlists' items and albums as JSON text, by their ids."""

    playlists: Mapping[str, Sequence[str]]
    albums: Mapping[str, Album]
    refused: frozenset[str] = frozenset()
    """Playlists that exist and are not the app's to read."""
    extra_albums: tuple[str, ...] = ()
    """Albums that are asked for by name."""


REFUSED_PLAYLIST = "4kTq0pLZgJ7rWcYbN2sXeM"
"""A playlist of somebody else."""

_SIZES = {
    "2mHv8cQwR5tYfKd1NzXoLp": 230,
    "6aJ3eUgBx9WkVi4SqTnRhC": 100,
    "0yPd7fMzE2LsGb5OjKwUcQ": 64,
    "7rXk1nVhD8TaQe3ZmFpYsB": 30,
}
"""How many items each playlist has; 100 fit on a page to the last one."""


def generate_music(seed: int = 3) -> Music:
    """Return four playlists over sixty albums of seventy artists; the same for a seed."""
    random = Random(seed)
    albums = generate_albums(random)
    # The first two are left to those who ask for them by name.
    songs = [song for album in albums[2:] for song in songs_of(random, album)]
    random.shuffle(songs)
    # A removed song is removed everywhere, so each playlist has its own.
    gone = [_removed(songs.pop()) for _ in _SIZES]
    return Music(
        {
            playlist: tuple(map(json_text, _playlist(random, songs, removed, size)))
            for (playlist, size), removed in zip(_SIZES.items(), gone, strict=True)
        },
        {album["id"]: served(album) for album in albums},
        frozenset({REFUSED_PLAYLIST}),
        tuple(album["id"] for album in albums[:2]),
    )


def _playlist(random: Random, songs: Sequence[Record], removed: Record, size: int) -> list[Record]:
    """Return a playlist's items: popular songs, so that playlists share them, and its dirt."""
    weights = list(accumulate(1 / (rank + 20) for rank in range(len(songs))))
    chosen: dict[str, Record] = {}
    while len(chosen) < size:
        song = random.choices(songs, cum_weights=weights)[0]
        chosen[song["id"]] = song
    items = [_item(random, song) for song in chosen.values()]
    items[9] = {**items[9], "item": _episode(random)}
    items[14] = {**items[14], "is_local": True, "item": _local_file(random)}
    items[19] = {**items[19], "item": None}
    items[24] = {**items[24], "item": removed}
    # A song twice; and what was added before Spotify kept account of it.
    items[27] = {**items[27], "item": items[3]["item"]}
    items[28] = {**items[28], "added_at": None, "added_by": None}
    if size > 100:
        items[105] = {**items[105], "item": _episode(random)}
        items[199] = {**items[199], "is_local": True, "item": _local_file(random)}
    return items


_YEAR_2020 = int(datetime(2020, 1, 1, tzinfo=UTC).timestamp())


def _item(random: Random, song: Record) -> Record:
    added = datetime.fromtimestamp(_YEAR_2020 + random.randrange(215_000_000), UTC)
    user = f"https://open.spotify.com/user/{_USER}"
    return {
        "added_at": f"{added:%Y-%m-%dT%H:%M:%SZ}",
        "added_by": {
            "external_urls": {"spotify": user},
            "href": f"https://api.spotify.com/v1/users/{_USER}",
            "id": _USER,
            "type": "user",
            "uri": f"spotify:user:{_USER}",
        },
        "is_local": False,
        "item": song,
        "primary_color": None,
        "video_thumbnail": {"url": None},
    }


_USER = "sandbox"


def _episode(random: Random) -> Record:
    show = thing(random, "show", "Sandcastles: The Podcast")
    return {
        **thing(random, "episode", f"{random.randrange(1, 400)} - {title(random)}"),
        "description": "How it was made.\n\nWith guests.",
        "duration_ms": 2_249_560,
        "explicit": False,
        "html_description": "<p>How it was made.</p><p>With guests.</p>",
        "images": images(random),
        "is_externally_hosted": False,
        "is_playable": True,
        "languages": ["en-US"],
        "release_date": "2024-05-18",
        "release_date_precision": "day",
        "show": {**show, "explicit": False, "media_type": "audio", "total_episodes": 400},
    }


def _nameless(kind: str, name: str = "") -> Record:
    return {
        "external_urls": {},
        "href": None,
        "id": None,
        "name": name,
        "type": kind,
        "uri": None,
    }


def _local_file(random: Random) -> Record:
    """Return a file on somebody's disk: all that is known of it are texts."""
    name = title(random)
    unknown = dict.fromkeys(("album_type", "release_date", "release_date_precision"))
    return {
        **_nameless("track", name),
        "album": {**unknown, **_nameless("album", "Demos"), "artists": [], "images": []},
        "artists": [_nameless("artist", "The Garage")],
        "disc_number": 0,
        "duration_ms": 187_000,
        "explicit": False,
        "external_ids": {},
        "is_local": True,
        "preview_url": None,
        "track_number": 0,
        "uri": f"spotify:local:The+Garage:Demos:{name.replace(' ', '+')}:187",
    }


def _removed(song: Record) -> Record:
    """Return the song as it is shown once its label took it away."""
    return {**song, "name": "", "duration_ms": 0, "external_ids": {}, "is_playable": False}
