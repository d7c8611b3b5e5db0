"""A generated Tag Genome 2021 archive, of mostly the same movies as the generated MovieLens."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from pathlib import Path
from random import Random

from data_pipeline.errors import LocalError
from data_pipeline.local.sandbox.archive import zip_bytes
from data_pipeline.local.sandbox.downloads import DownloadApp
from data_pipeline.local.sandbox.films import generate_films, listed
from data_pipeline.local.sandbox.limits import RateLimit
from data_pipeline.local.sandbox.movielens import Movie, generate_movies, picker
from data_pipeline.local.sandbox.server import StandIn

ARCHIVE = "genome_2021.zip"
FOLDER = "movie_dataset_public_final"
"""The archive's name, and that of the folder in it."""

BAD_LINES: Mapping[str, Sequence[str]] = {
    "metadata.json": (
        '{"title": "Cut Off (1999)", "directedBy": "Ida Mar',
        '{"title": "No Number (2001)", "directedBy": "", "starring": "", "dateAdded": null, '
        '"avgRating": 3.0, "imdbId": "0000001"}',
    ),
    "ratings.json": (
        '{"item_id": 1, "user_id": 1, "rating": 7.5}',
        '{"item_id": 1, "user_id": 2, "rating": 0.0}',
        '{"item_id": 1, "rating": 4.0}',
        '{"item_id": null, "user_id": 3, "rating": 4.0}',
        "item_id,user_id,rating",
        '{"item_id": 1, "user_id": 4, "rat',
    ),
    "reviews.json": ('{"item_id": 1}', '{"item_id": 1, "txt": "It breaks off in the mid'),
    "tags.json": ('{"tag": "numberless"}',),
    "tag_count.json": ('{"item_id": 1, "num": 3}', '{"item_id": 1, "tag_id": 2, "num": '),
}
"""Lines in the middle of the archive's files that belong into quarantine."""

_Rows = list[dict[str, object]]


@dataclass(frozen=True)
class _Person:
    name: str
    weight: float
    """How often they work, beside the others."""


def stand_in(folder: Path | None, limit: RateLimit) -> StandIn:
    """Return GroupLens's file server with a generated archive, of MovieLens's movies too."""
    if folder is not None:
        raise LocalError(f"the Tag Genome ships files: {folder} is dropped, not served")
    archive = generate_archive(generate_movies(generate_films()))
    return StandIn(DownloadApp({ARCHIVE: archive}, limit=limit), f"/{ARCHIVE}")


def generate_archive(
    known: Sequence[Movie],
    seed: int = 5,
    *,
    movies: int = 1200,
    ratings: int = 25_000,
    reviews: int = 2500,
    tag_counts: int = 6000,
) -> bytes:
    """Return a zip laid out as the publisher's; 11 of 12 of its movies are among ``known``.

    Those that MovieLens's users rate most are all here. There may be a few rows less than asked
    for. The same arguments give the same content.
    """
    random = Random(seed)
    catalogue = _movies(random, known, movies)
    pick = picker(random, catalogue)
    tags = [{"tag": tag, "id": 3 * number + 1} for number, tag in enumerate(_TAGS)]
    tables: dict[str, _Rows] = {
        "metadata.json": _metadata(random, catalogue),
        "ratings.json": list(_ratings(random, pick, ratings)),
        "reviews.json": _reviews(random, catalogue, reviews),
        "survey_answers.json": list(_survey(random, pick)),
        "tag_count.json": list(_tag_counts(random, pick, tag_counts)),
        "tags.json": [*tags],
    }
    members = {f"{FOLDER}/": b"", f"{FOLDER}/raw/": b"", f"{FOLDER}/scores/": b""}
    for name, rows in tables.items():
        members[f"{FOLDER}/raw/{name}"] = _lines(rows, BAD_LINES.get(name, ()))
    for name in ("glmer.csv", "tagdl.csv"):
        members[f"{FOLDER}/scores/{name}"] = _scores(random, catalogue)
    return zip_bytes(members)


def _lines(rows: _Rows, bad: Sequence[str]) -> bytes:
    """Return the file as the publisher writes it: an object a line, blanks behind : and ,."""
    lines = [json.dumps(row, ensure_ascii=index % 3 == 0) for index, row in enumerate(rows)]
    middle = len(lines) // 2
    return "".join(f"{line}\n" for line in [*lines[:middle], *bad, *lines[middle:]]).encode()


def _movies(random: Random, known: Sequence[Movie], count: int) -> list[Movie]:
    """Return ``count`` movies by id, one in twelve of which MovieLens lacks."""
    by_weight = sorted(known, key=lambda movie: -movie.weight)
    wanted = min(count * 11 // 12, len(known))
    popular = by_weight[: wanted * 2 // 3]
    rare = random.sample(by_weight[len(popular) :], wanted - len(popular))
    shared = sorted([*popular, *rare], key=lambda movie: movie.movie_id)
    films = generate_films(random.randrange(2**32), count)
    others = generate_movies(films, seed=11, movies=count - wanted)
    first = max(movie.movie_id for movie in known) + 1
    return shared + [
        replace(movie, movie_id=movie_id)
        for movie_id, movie in enumerate(others[: count - wanted], first)
    ]


# What the files hold


def _metadata(random: Random, movies: Sequence[Movie]) -> _Rows:
    directors = _people(random, 150)
    actors = _people(random, 400)
    return [
        {
            "title": _TITLES.get(index % 60, str)(movie.title),
            "directedBy": _credits(random, directors, random.choice((1, 1, 1, 1, 2, 3)), ","),
            "starring": _credits(random, actors, random.randint(2, 10), ", "),
            "dateAdded": _added(random) if index % 4 == 0 else None,
            "avgRating": round(min(5.0, max(0.5, movie.quality)), 5),
            "imdbId": movie.imdb_id,
            "item_id": movie.movie_id,
            **_DEFECTS.get(index % 150, {}),
        }
        for index, movie in enumerate(movies)
    ]


def _people(random: Random, count: int) -> list[_Person]:
    """Return people of different names, the busy ones first; one in eleven has a suffix."""
    names = random.sample([f"{first} {last}" for first in _FIRST for last in _LAST], count)
    return [
        _Person(
            f"{name}{_SUFFIXES[index // 11 % len(_SUFFIXES)]}" if index % 11 == 2 else name,
            1 / (index + 8),
        )
        for index, name in enumerate(names)
    ]


def _credits(random: Random, people: Sequence[_Person], count: int, between: str) -> str:
    drawn = random.choices(people, [person.weight for person in people], k=count)
    return between.join(dict.fromkeys(person.name for person in drawn))


def _added(random: Random) -> str:
    return f"{random.randint(1997, 2020)}-{random.randint(1, 12):02}-{random.randint(1, 28):02}"


def _ratings(
    random: Random, pick: Callable[[int], list[Movie]], count: int, users: int = 400
) -> Iterator[dict[str, object]]:
    """Yield about ``count`` ratings by user and movie; a few users give most of them."""
    activity = [random.lognormvariate(0, 0.8) for _ in range(users)]
    scale = (count - 10 * users) / sum(activity)
    for user_id, active in enumerate(activity, start=1):
        for movie in pick(10 + round(active * scale)):
            halves = round(2 * (movie.quality + random.gauss(0, 0.9)))
            rating = min(10, max(1, halves)) / 2
            yield {"item_id": movie.movie_id, "user_id": user_id, "rating": rating}


def _reviews(random: Random, movies: Sequence[Movie], count: int) -> _Rows:
    """Return reviews by movie; one in forty was sent twice."""
    weights = [movie.weight for movie in movies]
    reviewed = random.choices(movies, weights, k=count - count // 40)
    rows: _Rows = []
    for movie in sorted(reviewed, key=lambda movie: movie.movie_id):
        sentences = random.choices(_SENTENCES, k=random.randint(1, 6))
        text = random.choice((" ", " ", "\n\n", "\u00a0", "<br />")).join(sentences)
        rows.append({"item_id": movie.movie_id, "txt": text})
        if len(rows) % 40 == 39:
            rows.append(rows[-1])
    return rows


def _tag_counts(
    random: Random, pick: Callable[[int], list[Movie]], count: int
) -> Iterator[dict[str, object]]:
    """Yield how often each of a movie's tags was given; the common tags have most movies."""
    weights = list(accumulate(1 / (rank + 4) for rank in range(len(_TAGS))))
    total = weights[-1]
    for number in range(len(_TAGS)):
        for movie in pick(round(count / (number + 4) / total)):
            num = int(random.paretovariate(1.1))
            yield {"item_id": movie.movie_id, "tag_id": 3 * number + 1, "num": min(num, 500)}


def _survey(random: Random, pick: Callable[[int], list[Movie]]) -> Iterator[dict[str, object]]:
    """Yield what users said about tags: 1 to 5, or -1 where they were not sure."""
    for user_id in range(900_000, 900_030):
        for movie in pick(10):
            tag_id = 3 * random.randrange(len(_TAGS)) + 1
            score = random.choice((-1, 1, 2, 3, 4, 5))
            item = movie.movie_id
            yield {"user_id": user_id, "item_id": item, "tag_id": tag_id, "score": score}


def _scores(random: Random, movies: Sequence[Movie]) -> bytes:
    rows = [
        f"{tag},{movie.movie_id},{random.random():.6f}\n"
        for movie in movies[:50]
        for tag in _TAGS[:20]
    ]
    return f"tag,item_id,score\n{''.join(rows)}".encode()


# Of sixty movies, each of these has its title once.
_TITLES: Mapping[int, Callable[[str], str]] = {
    7: lambda title: title.rpartition(" (")[0] or title,
    21: lambda title: title.replace(" ", "\u00a0"),
    35: lambda title: f"{title}\u00a0",
    49: lambda title: f" {title} ",
}
# Of 150 movies, each of these once.
_DEFECTS: Mapping[int, Mapping[str, object]] = {
    10: {"directedBy": ""},
    25: {"starring": ""},
    40: {"directedBy": "Ida Marsh, Jr.,Ida Marsh"},
    55: {"starring": "Sammy Varga, Jr., Roberta Lund Jr.,  Otto Reyes, III, Ida Marsh,"},
    70: {"starring": "José\u00a0Álvarez, 山本 ゆき, Otto Reyes, Otto Reyes"},
    85: {"avgRating": None},
    100: {"imdbId": ""},
    115: {"imdbId": "1001"},
    130: {"dateAdded": ""},
    145: {"avgRating": 0.0, "directedBy": "Unknown"},
}
_SUFFIXES = (" Jr.", ", Jr.", " III", ", Sr.", " II", ", IV", " Sr.", ", III")
_FIRST = listed(
    "Ada,Bruno,Carmen,Desmond,Elena,Felix,Greta,Hugo,Ines,Jonas,Katya,Leopold,Mira,Nadia,"
    "Oscar,Paloma,Quentin,Rosa,Stefan,Tilda,Umberto,Vera,Wim,Xenia,Yusuf,Zoë,R. Lee,Jean-Luc"
)
_LAST = listed(
    "Abbot,Bergström,Castell,Dvořák,Eriksen,Fontaine,Grünwald,Halloran,Ivory,Jansen,Kowalski,"
    "Lindqvist,Moreau,Nakamura,O'Dowd,Petrov,Quist,Rasmussen,Szabó,Tremblay,Ueda,Vogel,"
    "Whitlock,Yilmaz,Zapata,van der Meer,De Luca,St. Clair"
)
_TAGS = listed(
    "action,comedy,drama,romance,violence,funny,atmospheric,based on a book,classic,"
    "thought-provoking,twist ending,dark comedy,sci-fi,surreal,quirky,great soundtrack,dystopia,"
    "psychology,time travel,film noir,nonlinear,space,cult film,coming of age,heist,friendship,"
    "family,animation,toys,robot,war,history,politics,murder,revenge,music,dance,sports,"
    "school,small town,new york city,paris,japan,road trip,courtroom,prison,vampire,zombies,"
    "ghosts,aliens,artificial intelligence,super hero,martial arts,western,satire,remake,"
    "sequel,black and white,silent,007"
)
_SENTENCES = (
    "A film that stays with you for days.",
    "I wanted to like it, but the second half drags.",
    "Don't believe the hype; it's \"fine\", nothing more.",
    "The score alone is worth the ticket &amp; the popcorn.",
    "Even as a grown-up I laughed out loud!",
    "Le meilleur rôle de sa carrière — sans aucun doute.",
    "10/10 would watch again \U0001f37f",
    "My wife fell asleep.\tI envied her.",
    "Nobody shoots rain like this director does.",
    "The twist can be seen from a mile away, and still it works.",
    "C:\\Films\\seen is where this one goes.",
    "素晴らしい映画でした。",
)
