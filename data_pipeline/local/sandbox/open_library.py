"""Open Library as far as a crawler of subjects meets it: /subjects/<name>.json."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from random import Random
from typing import Any
from urllib.parse import unquote

from data_pipeline.errors import InputError
from data_pipeline.local.sandbox.films import listed
from data_pipeline.local.sandbox.limits import RateLimit
from data_pipeline.local.sandbox.recorded import named_lists
from data_pipeline.local.sandbox.server import Call, Response, StandIn

DEFAULT_LIMIT = 12
MAX_LIMIT = 1000
ANONYMOUS_PER_SECOND = 1.0
"""What a client may send whose User-Agent says nothing about where to reach it."""

# An e-mail address or a web address, in parentheses.
CONTACT = "crawler@example.org"
_IDENTIFIED = re.compile(r"\([^()]*(?:[^\s()@]+@[^\s()@]+\.|https?://)[^()]+\)")

Subjects = Mapping[str, Sequence[str]]
"""The JSON texts of the works of each subject, by its name, such as ``science_fiction``."""


def stand_in(folder: Path | None, limit: RateLimit) -> StandIn:
    """Return Open Library with the subjects recorded under ``folder``, or with generated ones.

    The settings name the subjects that there are, and a contact, without which it is slow.
    """
    subjects = load_recorded(folder) if folder else generated_subjects()
    app = OpenLibraryApp(subjects, limit=limit)
    return StandIn(app, "", settings={"subjects": ", ".join(subjects), "contact": CONTACT})


def load_recorded(folder: Path) -> Subjects:
    """Return the works of the files ``subjects_<name>.json`` under ``folder``, verbatim.

    Where a subject has several files, they follow each other by order of paths.
    Raises InputError where there is no such file with a list "works".
    """
    found, files = named_lists(folder, r"subjects_(.+)\.json", "works")
    subjects: dict[str, list[str]] = {}
    for name, works in found:
        subjects.setdefault(name.lower(), []).extend(works)
    if not subjects:
        raise InputError(
            f"no Open Library answers in {folder}: looked for subjects_<name>.json with whole "
            f'answers of /subjects/<name>.json ({{..., "works": [...]}}); found {files} JSON '
            "file(s), none of them such"
        )
    return subjects


class OpenLibraryApp:
    """Answers as Open Library does, from ``subjects``.

    ``limit`` holds for who identifies itself in its User-Agent, ``anonymous`` for all others.
    """

    def __init__(
        self,
        subjects: Subjects,
        *,
        limit: RateLimit | None = None,
        anonymous: RateLimit | None = None,
    ) -> None:
        self._subjects = subjects
        self._limit = limit or RateLimit()
        self._anonymous = anonymous or RateLimit(ANONYMOUS_PER_SECOND)

    def handle(self, call: Call) -> Response:
        """Return Open Library's answer; 404 for what is no subject's path."""
        identified = _IDENTIFIED.search(call.headers.get("user-agent", ""))
        if refusal := (self._limit if identified else self._anonymous).take():
            return Response.json(
                429, {"error": "Too Many Requests"}, {"Retry-After": str(refusal.retry_after)}
            )
        subject = re.fullmatch(r"/subjects/([^/]+)\.json", unquote(call.path))
        if call.method != "GET" or subject is None:
            return Response.json(404, {"error": "notfound", "key": call.path})
        return self._works(subject[1].lower(), call.query)

    def _works(self, name: str, query: Mapping[str, str]) -> Response:
        limit = _number(query.get("limit"), DEFAULT_LIMIT)
        offset = _number(query.get("offset"), 0)
        if limit > MAX_LIMIT:
            return Response.json(400, {"error": f"Specified limit exceeds maximum of {MAX_LIMIT}."})
        # One that nobody ever used is a subject without works.
        works = self._subjects.get(name, ())
        envelope = {
            "key": f"/subjects/{name}",
            "name": name.replace("_", " "),
            "subject_type": "subject",
            "work_count": len(works),
        }
        page = ", ".join(works[offset : offset + limit])
        return Response.json(200, f'{json.dumps(envelope)[:-1]}, "works": [{page}]}}')


def _number(text: str | None, default: int) -> int:
    """Return the number that ``text`` is; the publisher takes what is none for the default."""
    return int(text) if text and re.fullmatch(r"[0-9]{1,9}", text) else default


# The generated subjects


@dataclass(frozen=True)
class _Author:
    key: str
    names: tuple[str, ...]
    """The usual one first."""
    debut: int
    career: int
    """Years from the first work to the last."""


def generated_subjects(seed: int = 7) -> dict[str, list[str]]:
    """Return three subjects, some works of which are in two or in all; the same for a seed.

    Works come by number of editions, and some again a thousand places later. One in five
    carries a defect (``_DEFECTS``), each defect about equally often.
    """
    random = Random(seed)
    pick = _picker(random, [_author(random, index) for index in range(250)])
    works = [_work(random, index, pick()) for index in range(1880)]
    for index, work in enumerate(works):
        if index % 5 == 1:
            _DEFECTS[index // 5 % len(_DEFECTS)](work)
    works.sort(key=lambda work: (-work["edition_count"], work["key"]))
    return {
        name: _repeated([_text(work) for work in works if title in work["subject"]])
        for name, title in _SUBJECTS.items()
    }


_SUBJECTS = {"love": "Love", "space": "Space", "science_fiction": "Science fiction"}
# Which subjects a work is in, and how often that is so.
_SHELVES = (
    (("Love",), 1240),
    (("Space",), 265),
    (("Science fiction",), 190),
    (("Love", "Space"), 25),
    (("Love", "Science fiction"), 15),
    (("Space", "Science fiction"), 100),
    (("Love", "Space", "Science fiction"), 10),
)


def _text(work: Mapping[str, Any]) -> str:
    return json.dumps(work, ensure_ascii=work["edition_count"] % 3 > 0)


def _repeated(works: Sequence[str]) -> list[str]:
    """Return the works with some of the first again a greatest page later, or at the end."""
    listing = list(works)
    for place in range(40, min(len(works), 400), 60):
        listing.insert(min(len(listing), place + MAX_LIMIT), works[place])
    return listing


def _author(random: Random, index: int) -> _Author:
    name = f"{random.choice(_FIRST_NAMES)} {random.choice(_LAST_NAMES)}"
    first, _, last = name.rpartition(" ")
    other = random.choice((name.upper(), f"{last}, {first}", f"{first[0]}. {last}"))
    names = (name, other) if index % 8 == 3 else (name,)
    debut = int(2015 - 160 * random.random() ** 2)
    return _Author(f"/authors/OL{7919 * index + 26}A", names, debut, random.randint(1, 40))


def _picker(random: Random, authors: Sequence[_Author]) -> Callable[[], list[_Author]]:
    """Return a function that draws a work's authors; a few of them wrote most works."""
    weights = list(accumulate(1 / rank**0.8 for rank in range(1, len(authors) + 1)))

    def pick() -> list[_Author]:
        size = random.choices((1, 2, 3), (88, 9, 3))[0]
        return list(dict.fromkeys(random.choices(authors, cum_weights=weights, k=size)))

    return pick


def _work(random: Random, index: int, authors: Sequence[_Author]) -> dict[str, Any]:
    """Return a clean work, its fields in the publisher's order."""
    edition = f"OL{31 * index + 5000}M"
    title = _title(random)
    scanned = random.random() < 0.8
    scan = f"{re.sub('[^a-z]', '', title.lower())[:16]}{index:04}" if scanned else None
    public = scanned and random.random() < 0.15
    subjects = random.choices(*zip(*_SHELVES, strict=True))[0]
    work = {
        "key": f"/works/OL{37 * index + 1}W",
        "title": title,
        "edition_count": int(random.paretovariate(0.9)) % 2000 + 1,
        "cover_id": random.randrange(10**4, 15 * 10**6),
        "cover_edition_key": edition,
        "subject": [*subjects, *random.sample(_MORE_SUBJECTS, random.randint(1, 6))],
        "ia_collection": ["inlibrary", "printdisabled"] if scanned else [""],
        "lendinglibrary": False,
        "printdisabled": scanned,
        "lending_edition": edition if scanned else "",
        "lending_identifier": scan or "",
        "authors": [{"key": author.key, "name": _called(random, author)} for author in authors],
        "first_publish_year": min(2026, authors[0].debut + random.randrange(authors[0].career)),
        "ia": scan,
        "public_scan": public,
        "has_fulltext": scanned,
    }
    return {**work, "availability": _availability(work, public)} if scan else work


def _called(random: Random, author: _Author) -> str:
    """Return the author's name, one time in four another spelling of it where there is one."""
    return author.names[-1] if random.random() < 0.25 else author.names[0]


def _availability(work: Mapping[str, Any], public: bool) -> dict[str, Any]:
    return {
        "status": "open" if public else "borrow_available",
        "available_to_browse": not public,
        "available_to_borrow": False,
        "available_to_waitlist": False,
        "is_printdisabled": not public,
        "is_readable": public,
        "is_lendable": not public,
        "is_previewable": True,
        "identifier": work["ia"],
        "isbn": None,
        "oclc": None,
        "openlibrary_work": work["key"].rpartition("/")[2],
        "openlibrary_edition": work["lending_edition"],
        "last_loan_date": None,
        "num_waitlist": None,
        "last_waitlist_date": None,
        "is_restricted": not public,
        "is_browseable": not public,
        "__src__": "core.models.lending.get_availability",
    }


def _title(random: Random) -> str:
    adjective, noun, place = map(random.choice, (_ADJECTIVES, _NOUNS, _PLACES))
    return random.choice(
        (
            f"The {adjective} {noun}",
            f"One {noun} for {place}",
            f"{noun} and {random.choice(_NOUNS)}",
            f"{place}, {place}: {adjective} Stories",
            f"{adjective} {noun} of {place}",
        )
    )


def _set(**fields: Any) -> Callable[[dict[str, Any]], None]:
    """Return a defect that sets fields; ``{}`` in a text keeps the former value there."""

    def defect(work: dict[str, Any]) -> None:
        for name, value in fields.items():
            work[name] = value.replace("{}", work[name]) if isinstance(value, str) else value

    return defect


def _repeat_author(work: dict[str, Any]) -> None:
    work["authors"] *= 2


def _rename_author(work: dict[str, Any]) -> None:
    first = work["authors"][0]
    work["authors"].append({**first, "name": f"{first['name']} (author)"})


def _unbroken(work: dict[str, Any]) -> None:
    work["title"] = work["title"].replace(" ", "\u00a0")


_DEFECTS: Sequence[Callable[[dict[str, Any]], None]] = (
    _set(first_publish_year=0),
    _set(first_publish_year=None),
    _set(first_publish_year=1484),
    lambda work: work.pop("first_publish_year"),
    _set(authors=[]),
    _repeat_author,
    _rename_author,
    _set(cover_id=None, cover_edition_key=None),
    lambda work: work.pop("cover_id"),
    _unbroken,
    _set(title="\u00a0{} "),
    _set(title="{}\u3000"),
    _set(title="{}\r\n a novel"),
    _set(title="Unknown"),
    _set(title="愛と{}"),
    _set(has_fulltext=False, public_scan=False),
)
_FIRST_NAMES = listed(
    "Amara,Bruno,Chloé,Dmitri,Esther,Fumiko,George,Hélène,Ivo,Jane,Karl,Leïla,Maria Elena,Ngũgĩ,"
    "Oscar,Petra,Søren,Theodora,Umberto,Wisława"
)
_LAST_NAMES = listed(
    "Abbott,Brontëson,Castellanos,Dvořák,Eriksen,Fairweather,Grünwald,Hartley,Ibsenius,Jansson,"
    "Kobayashi,Lindqvist,Moreau,Nwosu,O'Hara,Petrov,Quiroga,Rosewood,Szabó,Thackery,村上"
)
_MORE_SUBJECTS = listed(
    "Fiction,Romance,Juvenile fiction,Man-woman relationships,Family,Poetry,Friendship,Astronauts,"
    "Marriage,Philosophy,Large type books,Amour,Life on other planets"
)
_ADJECTIVES = listed("Silent,Distant,Burning,Second,Unwritten,Perfect,Last,Hidden,Blue,Restless")
_NOUNS = listed("Orbit,Letter,Heart,Summer,Machine,Promise,Moon,Garden,Stranger,Song,Station")
_PLACES = listed("Mars,Two,Lisbon,Andromeda,Winter,Strangers,Ceres,Provence,the Stars,Tomorrow")
