"""Songs and albums as Spotify lists them: generated ones, with the dirt seen in real data.

The records have the fields that are served since February 2026: no popularity, followers,
available_markets or label.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from random import Random
from typing import Any

from data_pipeline.local.sandbox.films import listed

Record = dict[str, Any]

ALBUM_PAGE = 50
"""So many tracks are in the answer that is an album; the others are on pages of their own."""


@dataclass(frozen=True)
class Album:
    """An album: its JSON text, whose tracks are only its first page, and all of its tracks."""

    text: str
    tracks: tuple[str, ...]
    in_text: int
    """How many of the tracks are in ``text``."""


def json_text(record: Record) -> str:
    """Return the record as it is sent."""
    return json.dumps(record, ensure_ascii=False, separators=(",", ":"))


_LETTERS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def thing(random: Random, kind: str, name: str) -> Record:
    """Return the fields that everything on Spotify has, under a new id."""
    identity = "".join(random.choices(_LETTERS, k=22))
    return {
        "external_urls": {"spotify": f"https://open.spotify.com/{kind}/{identity}"},
        "href": f"https://api.spotify.com/v1/{kind}s/{identity}",
        "id": identity,
        "name": name,
        "type": kind,
        "uri": f"spotify:{kind}:{identity}",
    }


def images(random: Random) -> list[Record]:
    """Return a cover in the three sizes."""
    name = f"{random.randrange(16**40):040x}"
    return [
        {"height": side, "url": f"https://i.scdn.co/image/{name}{side}", "width": side}
        for side in (640, 300, 64)
    ]


def _isrc(random: Random) -> str:
    return f"{random.choice(('GB', 'US', 'NL', 'JP', 'FR'))}XXX{random.randrange(10**7):07}"


# Artists and albums


def generate_albums(random: Random) -> list[Record]:
    """Return sixty full albums, whose ``tracks`` are a plain list of all of their tracks.

    The first one has more tracks than fit into its answer.
    """
    artists = _artists(random, 70)
    return [_album(random, artists, number) for number in range(60)]


def _artists(random: Random, count: int) -> list[Record]:
    names = [f"{first} {second}" for first in _FIRST_WORDS for second in _SECOND_WORDS]
    known = [*_ODD_NAMES, *random.sample(names, count - len(_ODD_NAMES))]
    return [thing(random, "artist", name) for name in known]


def _album(random: Random, artists: Sequence[Record], number: int) -> Record:
    kind = "album" if number < 2 else _KINDS[number % len(_KINDS)]
    size = {0: 63, 1: 9}.get(number, _SIZE_OF[kind] + random.randrange(4))
    # The popular artists come first.
    credited = random.choices(artists, [1 / (rank + 3) for rank in range(len(artists))], k=2)
    own = [credited[0]] if credited[0] is credited[1] or number % 9 else credited
    released, precision = _RELEASES.get(number) or (_day(random), "day")
    name = title(random) + random.choice(("", "", "", " (Deluxe Edition)", "\u00a0- EP"))
    new = thing(random, "album", name)
    album = {
        "album_type": kind,
        "artists": own,
        **{key: new[key] for key in ("external_urls", "href", "id")},
        "images": images(random),
        "name": "\u3000夜想曲集 " if number == 7 else name,
        "release_date": released,
        "release_date_precision": precision,
        "total_tracks": size,
        "type": "album",
        "uri": new["uri"],
    }
    guests = [artist for artist in random.sample(artists, 5) if artist not in own]
    tracks = [_track(random, own, guests, at, size) for at in range(size)]
    return {
        **album,
        "copyrights": [{"text": "(P) Sandbox Records", "type": "P"}],
        "external_ids": {"upc": f"{random.randrange(10**12):012}"},
        "genres": [],
        "tracks": tracks,
    }


def _day(random: Random) -> str:
    return (date(2026, 10, 30) - timedelta(days=int(24_000 * random.random() ** 2))).isoformat()


def _track(random: Random, own: list[Record], guests: list[Record], at: int, size: int) -> Record:
    """Return the track at a place of an album; one in four has a guest, some have three."""
    name = title(random)
    invited = guests[: (3 if at % 11 == 5 else 1)] if at % 4 == 1 else []
    if invited and at % 8 == 1:
        name += f" (feat. {invited[0]['name']})"
    new = thing(random, "track", f" {name} " if at % 29 == 7 else name)
    # A long album is spread over two discs, each of which counts from 1.
    disc, place = divmod(at, 40) if size > ALBUM_PAGE else (0, at)
    return {
        "artists": [*own, *invited],
        "disc_number": disc + 1,
        "duration_ms": int(random.lognormvariate(12.3, 0.35)),
        "explicit": random.random() < 0.15,
        "external_urls": new["external_urls"],
        "href": new["href"],
        "id": new["id"],
        "is_local": False,
        "name": new["name"],
        "preview_url": None,
        "track_number": place + 1,
        "type": "track",
        "uri": new["uri"],
    }


def songs_of(random: Random, album: Record) -> list[Record]:
    """Return the album's tracks as playlists show them, with the album in each."""
    full = ("copyrights", "external_ids", "genres", "tracks")
    simple = {key: value for key, value in album.items() if key not in full}
    return [
        {**track, "album": simple, "external_ids": {"isrc": _isrc(random)}}
        for track in album["tracks"]
    ]


def served(album: Record) -> Album:
    """Return the album with the page of tracks that is in its answer, and all of its tracks."""
    tracks = tuple(json_text(track) for track in album["tracks"])
    first = album["tracks"][:ALBUM_PAGE]
    href = f"{album['href']}/tracks?offset=0&limit={ALBUM_PAGE}"
    page = {
        "href": href,
        "items": first,
        "limit": ALBUM_PAGE,
        "next": None,
        "offset": 0,
        "previous": None,
        "total": len(tracks),
    }
    return Album(json_text({**album, "tracks": page}), tracks, len(first))


# Words


def title(random: Random) -> str:
    """Return what a song or an album might be called."""
    first, second = random.choice(_FIRST_WORDS), random.choice(_SECOND_WORDS)
    return random.choice(
        (
            f"{first} {second}",
            f"{second}",
            f"{second}, {second}",
            f"The {second} Song",
            f"Don't Call Me {first}",
            f"{first} & {second}",
            f"{second} - Remastered 2011",
            f'"{first}" {second}',
        )
    )


_KINDS = ("album", "single", "album", "album", "compilation")
_SIZE_OF = {"album": 9, "single": 1, "compilation": 20}
# By the album's number; the others have a day.
_RELEASES = {
    3: ("1999", "year"),
    8: ("1981-12", "month"),
    12: ("0000", "year"),
    17: ("2014-05-13", "day"),
    22: ("1967", "year"),
    31: ("0000", "year"),
    40: ("2003-02", "month"),
}
_FIRST_WORDS = listed(
    "Silver,Paper,Midnight,Velvet,Electric,Broken,Golden,Quiet,Northern,Plastic,Crimson,"
    "Distant,Salt,Neon,Hollow,Lucky,Concrete,Sunday"
)
_SECOND_WORDS = listed(
    "Rivers,Machines,Tigers,Weather,Letters,Harbour,Satellites,Gardens,Wolves,Motel,"
    "Avenue,Choir,Engines,Islands,Mirrors,Fever,Parade,Signals"
)
_ODD_NAMES = (
    "Sigur Dóttir",
    "夜の電車",
    "Café\u00a0Tacuba Norte",
    "AC/BC",
    "Unknown",
    "Тихий Дом",
    "P!xel",
    'Weird "Al" Gorithm',
    "Earth, Sand & Fire",
    "...",
)
