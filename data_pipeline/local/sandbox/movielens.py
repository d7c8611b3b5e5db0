"""A generated MovieLens archive."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import accumulate
from pathlib import Path
from random import Random

from data_pipeline.errors import LocalError
from data_pipeline.local.sandbox.archive import zip_bytes
from data_pipeline.local.sandbox.downloads import DownloadApp
from data_pipeline.local.sandbox.films import GENRES, Film, generate_films, listed
from data_pipeline.local.sandbox.limits import RateLimit
from data_pipeline.local.sandbox.server import StandIn

ARCHIVE = "ml-sandbox.zip"
"""The archive's name, and before its ending that of the folder in it."""

BAD_ROWS: Mapping[str, Sequence[str]] = {
    "ratings.csv": (
        "1,{movie},7.0,964982703",
        "2,{movie},0,964982703",
        "3,{movie}",
        ",{movie},4.0,964982703",
    ),
    "tags.csv": ("4,{movie}",),
}
"""Rows in the middle of the archive's files that belong into quarantine."""

_README = """Summary
=======

This archive is generated. It has the shape of the MovieLens data of GroupLens and none of its
content.
"""

_OPENED = int(datetime(1996, 1, 29, tzinfo=UTC).timestamp())
_CLOSED = int(datetime(2026, 11, 20, tzinfo=UTC).timestamp())
_THREE_YEARS = 3 * 365 * 86_400

_Rows = list[tuple[object, ...]]


@dataclass(frozen=True)
class Movie:
    """A movie of the archive, as its files tell it."""

    movie_id: int
    title: str
    genres: str
    imdb_id: str
    """Seven digits or more, without the "tt" before them."""
    tmdb_id: int | None
    weight: float
    """How often it is rated, beside the others."""
    quality: float
    """The mean of its ratings."""


def stand_in(folder: Path | None, limit: RateLimit) -> StandIn:
    """Return GroupLens's file server with a generated archive of the TMDB sandbox's films."""
    if folder is not None:
        raise LocalError(f"MovieLens ships files: {folder} is dropped, not served")
    archive = generate_archive(generate_films())
    return StandIn(DownloadApp({ARCHIVE: archive}, limit=limit), f"/{ARCHIVE}")


def generate_archive(
    films: Sequence[Film],
    seed: int = 3,
    *,
    movies: int = 3000,
    users: int = 500,
    ratings: int = 60_000,
    tags: int = 3000,
) -> bytes:
    """Return a zip laid out as the publisher's; 19 of 20 of its movies are among ``films``.

    Films with many votes have many ratings. There are a little fewer rows than asked for, and
    fewer movies where there are few films. The same arguments give the same content.
    """
    random = Random(seed)
    catalogue = _movies(random, films, movies)
    pick = picker(random, catalogue)
    tables: dict[str, _Rows] = {
        "links.csv": _links(catalogue),
        "tags.csv": _tags(random, pick, users, tags),
        "ratings.csv": _ratings(random, pick, users, ratings),
        "movies.csv": [(movie.movie_id, movie.title, movie.genres) for movie in catalogue],
    }
    folder = ARCHIVE.removesuffix(".zip")
    members = {f"{folder}/": b"", f"{folder}/README.txt": _README.encode()}
    for name, rows in tables.items():
        bad = [row.format(movie=catalogue[0].movie_id) for row in BAD_ROWS.get(name, ())]
        members[f"{folder}/{name}"] = _csv(_HEADERS[name], rows, bad)
    return zip_bytes(members)


def generate_movies(films: Sequence[Film], seed: int = 3, movies: int = 3000) -> list[Movie]:
    """Return the movies of the archive that the same arguments generate, by id."""
    return _movies(Random(seed), films, movies)


_HEADERS = {
    "links.csv": ("movieId", "imdbId", "tmdbId"),
    "tags.csv": ("userId", "movieId", "tag", "timestamp"),
    "ratings.csv": ("userId", "movieId", "rating", "timestamp"),
    "movies.csv": ("movieId", "title", "genres"),
}


def _csv(header: Sequence[str], rows: _Rows, bad: Sequence[str]) -> bytes:
    """Return the file as the publisher writes it: CRLF, quotes only where they are needed."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(header)
    middle = len(rows) // 2
    writer.writerows(rows[:middle])
    text.writelines(f"{row}\r\n" for row in bad)
    writer.writerows(rows[middle:])
    return text.getvalue().encode()


def _movies(random: Random, films: Sequence[Film], count: int) -> list[Movie]:
    """Return movies of the films, and one in twenty that TMDB's catalogue lacks, by id."""
    known = random.sample(films, min(len(films), count * 19 // 20))
    others = generate_films(random.randrange(2**32), max(1, len(known) // 19))
    unknown = {film.id for film in others} - {film.id for film in films}
    both = [*known, *(film for film in others if film.id in unknown)]
    random.shuffle(both)
    ids = sorted(random.sample(range(1, 70 * len(both)), len(both)))
    qualities = [random.gauss(3.5, 0.45) for _ in both]
    imdb_ids = random.sample(range(100, 11_000_000), len(both))
    return [
        Movie(
            movie_id=movie_id,
            title=_TITLES.get(index % _EVERY, _plain)(film, _year(film)),
            genres=_genres(film),
            imdb_id=f"{imdb_ids[index]:07}",
            tmdb_id=None if index % 97 == 5 else film.id,
            weight=(film.vote_count + 1) ** 0.6,
            quality=qualities[index],
        )
        for index, (movie_id, film) in enumerate(zip(ids, both, strict=True))
    ]


def _year(film: Film) -> int | None:
    return int(film.release_date[:4]) if film.release_date else None


def _name(film: Film) -> str:
    """Return the title as MovieLens writes it: plain blanks, the article behind a comma."""
    name = " ".join(film.title.split())
    article, _, rest = name.partition(" ")
    return f"{rest}, {article}" if article in ("The", "A") and rest else name


def _plain(film: Film, year: int | None) -> str:
    return f"{_name(film)} ({year})" if year else _name(film)


_EVERY = 120
"""Of so many movies, each of these has its title once."""
_TITLES: Mapping[int, Callable[[Film, int | None], str]] = {
    3: lambda film, year: _name(film),
    17: lambda film, year: f"{_plain(film, year)} ",
    29: lambda film, year: f"{_plain(film, year)}\u00a0",
    31: lambda film, year: f"{_name(film)}\u00a0({year or 1999})",
    43: lambda film, year: f"{_name(film)} ({year or 1975}-{(year or 1975) + 4})",
    59: lambda film, year: f"{_name(film)} ({year or 2006}\u2013{(year or 2006) + 1})",
    67: lambda film, year: f"{_name(film)} ({year or 2010}-)",
    71: lambda film, year: f"{_name(film)} (a.k.a. Tales of {_name(film)}) ({year or 1984})",
    83: lambda film, year: f'"{_name(film)}" ({year or 1968})',
    97: lambda film, year: f"{_name(film)} ({(year or 1951) + 1})",
    101: lambda film, year: f"{_name(film)}: The Director's Cut ({year or 1982})",
    113: lambda film, year: f"{year or 1984} ({year or 1984})",
}

# MovieLens's names where they differ; "" has no counterpart there.
_GENRES = {
    **GENRES,
    36: "Drama",
    878: "Sci-Fi",
    10402: "Musical",
    10751: "Children",
    10770: "",
}


def _genres(film: Film) -> str:
    names = {_GENRES.get(genre_id, "") for genre_id in film.genre_ids} - {""}
    return "|".join(sorted(names)) or "(no genres listed)"


def picker(random: Random, movies: Sequence[Movie]) -> Callable[[int], list[Movie]]:
    """Return a function that draws so many different movies, the popular ones first."""
    weights = list(accumulate(movie.weight for movie in movies))

    def pick(count: int) -> list[Movie]:
        drawn: dict[int, Movie] = {}
        # Someone with many ratings has seen all that is popular; so draws run dry.
        for _ in range(12):
            missing = min(count, len(movies)) - len(drawn)
            for movie in random.choices(movies, cum_weights=weights, k=missing):
                drawn[movie.movie_id] = movie
        return [drawn[movie_id] for movie_id in sorted(drawn)]

    return pick


def _ratings(random: Random, pick: Callable[[int], list[Movie]], users: int, count: int) -> _Rows:
    """Return the ratings by user and movie; a few users give most of them."""
    activity = [random.lognormvariate(0, 1.1) for _ in range(users)]
    least = min(20, count // users)
    scale = (count - least * users) / sum(activity)
    rows: _Rows = []
    for user_id, active in enumerate(activity, start=1):
        bias = random.gauss(0, 0.35)
        moment = _moments(random)
        for movie in pick(least + round(active * scale)):
            halves = round(2 * (movie.quality + bias + random.gauss(0, 0.8)))
            rating = min(10, max(1, halves)) / 2
            rows.append((user_id, movie.movie_id, rating, next(moment)))
    return rows


def _moments(random: Random) -> Iterator[int]:
    """Yield one user's moments: most in the days after joining, all within three years."""
    joined = random.randrange(_OPENED, _CLOSED)
    span = min(_THREE_YEARS, _CLOSED - joined)
    while True:
        yield joined + int(random.random() ** 4 * span)


def _tags(random: Random, pick: Callable[[int], list[Movie]], users: int, count: int) -> _Rows:
    """Return tags by user and movie, in the spellings of many people."""
    taggers = random.sample(range(1, users + 1), min(users, 60))
    weights = list(accumulate(1 / rank for rank in range(1, len(_TAGS) + 1)))
    rows: _Rows = []
    for tagger in sorted(taggers):
        moment = _moments(random)
        for movie in pick(count // len(taggers)):
            tag = random.choices(_TAGS, cum_weights=weights)[0]
            for spell in random.choices(_SPELLINGS, k=2 if len(rows) % 50 == 0 else 1):
                rows.append((tagger, movie.movie_id, spell(tag), next(moment)))
    return rows


_TAGS = listed(
    "funny,atmospheric,based on a book,surreal,thought-provoking,twist ending,"
    "classic,visually appealing,dark comedy,In Netflix queue,sci-fi,romance,"
    "quirky,great soundtrack,dystopia,psychology,time travel,film noir,"
    "nonlinear,space,violence,cult film,coming of age,heist,café society,"
    "B-movie,Oscar (Best Picture),based on a true story,feel-good,courtroom,"
    '"artsy",日本'
)
_TAGS.append("funny, but sad")
_SPELLINGS: Sequence[Callable[[str], str]] = (
    *([str] * 8),
    str.lower,
    str.title,
    str.upper,
    str.capitalize,
    lambda tag: f" {tag}",
    lambda tag: f"{tag} ",
    lambda tag: tag.replace(" ", "\u00a0"),
    lambda tag: tag.replace(" ", "  "),
)


def _links(movies: Sequence[Movie]) -> _Rows:
    """Return the links; a few of TMDB come twice or are missing."""
    rows: _Rows = []
    for index, movie in enumerate(movies):
        tmdb_id = movies[index - 1].tmdb_id if index % 499 == 7 else movie.tmdb_id
        rows.append((movie.movie_id, movie.imdb_id, "" if tmdb_id is None else tmdb_id))
    return rows
