"""Films as TMDB lists them: generated ones, with the dirt seen in real data."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from random import Random
from typing import Any

GENRES: dict[int, str] = {
    28: "Action",
    12: "Adventure",
    16: "Animation",
    35: "Comedy",
    80: "Crime",
    99: "Documentary",
    18: "Drama",
    10751: "Family",
    14: "Fantasy",
    36: "History",
    27: "Horror",
    10402: "Music",
    9648: "Mystery",
    10749: "Romance",
    878: "Science Fiction",
    10770: "TV Movie",
    53: "Thriller",
    10752: "War",
    37: "Western",
}
_GENRE_WEIGHTS = (9, 6, 5, 16, 7, 9, 24, 5, 4, 3, 8, 4, 4, 9, 4, 3, 10, 3, 2)

_FIRST = date(1902, 1, 1)
_LAST = date(2026, 12, 31)


@dataclass(frozen=True)
class Film:
    """One result of /discover/movie: what it is sorted and found by, and its JSON text."""

    id: int
    title: str
    release_date: str
    """ISO 8601; "" where none is known."""
    popularity: float
    vote_count: int
    genre_ids: tuple[int, ...]
    text: str

    @staticmethod
    def of(record: dict[str, Any], text: str) -> Film:
        """Return the film of a discover result; what is missing in it sorts last."""
        return Film(
            id=int(record["id"]),
            title=record.get("title") or "",
            release_date=record.get("release_date") or "",
            popularity=float(record.get("popularity") or 0),
            vote_count=int(record.get("vote_count") or 0),
            genre_ids=tuple(record["genre_ids"] or ()),
            text=text,
        )


def generate_films(seed: int = 3, n: int = 4000) -> list[Film]:
    """Return ``n`` films released from 1902 on, mostly recent ones; the same for a seed.

    One in four carries a defect of real data (``_DEFECTS``), each defect about equally often.
    """
    random = Random(seed)
    ids = random.sample(range(2, max(1_400_000, 4 * n)), n)
    films = []
    for index, film_id in enumerate(ids):
        record = _record(random, film_id)
        if index % 4 == 1:
            _DEFECTS[index // 4 % len(_DEFECTS)](record)
        films.append(Film.of(record, _spell(record, index)))
    return films


def _record(random: Random, film_id: int) -> dict[str, Any]:
    """Return a clean discover result, its fields in the publisher's order."""
    language, title, original = _titles(random)
    votes = min(40_000, int(0.4 * random.paretovariate(0.42)))
    average = min(10.0, max(0.5, random.gauss(6.1, 1.2))) if votes else 0.0
    popularity = 0.6 + votes**0.6 * random.uniform(0.02, 0.3) * random.paretovariate(3)
    return {
        "adult": False,
        "backdrop_path": _image(random) if random.random() < 0.85 else None,
        "genre_ids": list(
            dict.fromkeys(random.choices(_GENRE_IDS, _GENRE_WEIGHTS, k=random.randint(1, 4)))
        ),
        "id": film_id,
        "title": title,
        "original_language": language,
        "original_title": original,
        "overview": _overview(random),
        "popularity": round(popularity, 4),
        "poster_path": _image(random),
        "release_date": _release_date(random),
        "softcore": False,
        "video": False,
        # A whole number is written as 7 or 7.0.
        "vote_average": _whole(random, round(average, random.choice((1, 3)))),
        "vote_count": votes,
    }


_GENRE_IDS = tuple(GENRES)


def _whole(random: Random, number: float) -> float:
    return int(number) if number.is_integer() and random.random() < 0.5 else number


def _release_date(random: Random) -> str:
    age = (_LAST - _FIRST).days * random.random() ** 2.2
    return (_LAST - timedelta(days=int(age))).isoformat()


_IMAGE = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"


def _image(random: Random) -> str:
    return "/" + "".join(random.choices(_IMAGE, k=27)) + ".jpg"


def _titles(random: Random) -> tuple[str, str, str]:
    """Return the original language, the title and the original title."""
    title = random.choice(_PATTERNS)(
        random.choice(_ADJECTIVES), random.choice(_NOUNS), random.choice(_PLACES)
    )
    if random.random() < 0.06:
        title += f" {random.choice(('II', 'III', '2', '3', 'Reloaded', 'Part One'))}"
    if random.random() < 0.7:
        return "en", title, title
    language, words = random.choice(_LANGUAGES)
    blank = "" if language in ("ja", "zh") else " "
    original = blank.join(random.sample(words, 2))
    # A third of the foreign films has no English title.
    return language, original if random.random() < 0.35 else title, original


def _overview(random: Random) -> str:
    return " ".join(
        f"{random.choice(_WHO)} {random.choice(_DOES)} {random.choice(_WHERE)}."
        for _ in range(random.randint(1, 4))
    )


def _spell(record: dict[str, Any], index: int) -> str:
    """Return the film's JSON text, in one of the spellings that were seen."""
    text = json.dumps(record, ensure_ascii=index % 8 == 3, separators=(",", ":"))
    if index % 16 == 5:
        text = text.replace("/", "\\/")
    if index % 32 == 7:
        text = re.sub(r'"vote_average":\d+\.\d+', r"\g<0>00", text)
    return text


def _set(**fields: Any) -> Callable[[dict[str, Any]], None]:
    """Return a defect that sets fields; text with ``{}`` in it keeps the former value there."""

    def defect(record: dict[str, Any]) -> None:
        for name, value in fields.items():
            wraps = isinstance(value, str) and "{}" in value
            record[name] = value.replace("{}", record[name]) if wraps else value

    return defect


def _inner_blank(blank: str) -> Callable[[dict[str, Any]], None]:
    def defect(record: dict[str, Any]) -> None:
        record["title"] = record["title"].replace(" ", blank)

    return defect


def _repeat_genre(record: dict[str, Any]) -> None:
    record["genre_ids"].append(record["genre_ids"][0])


def _announce(record: dict[str, Any]) -> None:
    """Move the release beyond the last one of the catalogue."""
    record["release_date"] = f"{2027 + record['id'] % 2}-{record['id'] % 12 + 1:02}-15"


_DEFECTS: Sequence[Callable[[dict[str, Any]], None]] = (
    _set(overview=None),
    _set(overview=""),
    _set(overview="{} \n"),
    _set(overview="{}\r\n\r\nBased on a true story."),
    _set(overview="Tom &amp; Ann: &quot;never again&quot;, they say. {}"),
    _set(overview="{} \U0001f3ac\U0001f468\u200d\U0001f469\u200d\U0001f467"),
    _set(overview="{}\u00a0\u3000"),
    _set(release_date=""),
    lambda record: record.pop("release_date"),
    _announce,
    _set(poster_path=None),
    _set(poster_path=None, backdrop_path=None),
    _set(vote_count=0, vote_average=0.0),
    _set(vote_count=0, vote_average=0),
    _set(vote_count=1, vote_average=10.0),
    _set(genre_ids=[]),
    _repeat_genre,
    _set(title="{} "),
    _set(title="\u00a0{}"),
    _set(title="{}\u3000"),
    _inner_blank("\u00a0"),
    _inner_blank("  "),
    _set(title="Unknown", original_title="Unknown"),
    _set(title='"{}"'),
    _set(title='{}: It\'s "Fine", They Said'),
    _set(title="Love & {}", original_title="Love &amp; {}"),
    _set(original_title="\u200e{}"),
    _set(original_language="xx"),
    _set(video=True),
    _set(popularity=0.0),
    _set(popularity=1e-05),
)


def listed(text: str) -> list[str]:
    """Return the words of a list that is written with commas."""
    return text.split(",")


_PATTERNS: Sequence[Callable[[str, str, str], str]] = (
    lambda a, n, p: f"The {a} {n}",
    lambda a, n, p: f"The {n} of {p}",
    lambda a, n, p: f"A {n} in {p}",
    lambda a, n, p: f"Once Upon a {n}",
    lambda a, n, p: n,
    lambda a, n, p: f"{p[0].upper()}{p[1:]}",
    lambda a, n, p: f"{a} {n}: {p[0].upper()}{p[1:]}",
    lambda a, n, p: f"Goodbye, {a} {n}",
    lambda a, n, p: f"The Last {n} of {p}",
    lambda a, n, p: f"No {n} for the {a}",
)
_ADJECTIVES = listed(
    "Silent,Golden,Broken,Last,Hidden,Red,Electric,Lonely,Burning,Distant,Frozen,"
    "Crooked,Endless,Invisible,Gentle,Savage,Midnight,Paper,Velvet,Hollow,Wild,"
    "Blue,Forgotten,Secret,Perfect,Restless,Little,Great,Bitter,Sweet"
)
_NOUNS = listed(
    "Garden,Letter,Stranger,River,Promise,Detective,Winter,Orchestra,Summer,Witness,"
    "Mirror,Train,Lighthouse,Thief,Daughter,Island,Machine,Shadow,Harvest,Violin,"
    "Bridge,Soldier,Dream,Night,Portrait,Voyage,Widow,Clock,Ghost,Road,Season,"
    "Dancer,Storm,King,Fox,Piano,Kitchen,Bride"
)
_PLACES = listed(
    "Lisbon,New York,Samarkand,Marseille,the North,Havana,Kyoto,São Paulo,Reykjavík,"
    "the Valley,Dakar,Trieste,Montréal,the Moon,Buenos Aires,Kraków,Naples,Tehran,"
    "Mumbai,Dublin,Łódź,Odessa,the Desert,Shanghai,Cork,Oaxaca,Tromsø,Zürich"
)
_LANGUAGES: Sequence[tuple[str, Sequence[str]]] = (
    ("fr", ("L'été", "Les Misérables", "La nuit", "Où", "Le garçon", "sans fin", "d'avril")),
    ("ja", ("七人の", "夜の", "東京", "物語", "雪国", "少年", "魔女", "日曜日")),
    ("ko", ("기억의", "밤", "서울의", "봄", "바람", "그녀의", "편지")),
    ("ru", ("Зимний", "вечер", "Сталкер", "тихий", "Дон", "письмо", "Солярис")),
    ("zh", ("花樣", "年華", "江湖", "兒女", "秋天的", "故事", "春風")),
    ("hi", ("दिल", "की", "रात", "प्यार", "का", "गाँव", "सपना")),
    ("ar", ("ليلة", "القاهرة", "باب", "الحديد", "حكاية", "البحر")),
    ("es", ("El corazón", "La niña", "del año", "sin nombre", "mañana", "¿Quién?")),
    ("pl", ("Człowiek", "z żelaza", "Popiół", "i diament", "Noc", "Łódź")),
    ("th", ("รัก", "แห่ง", "สยาม", "ลุงบุญมี", "คืน")),
)
_WHO = listed(
    "A retired detective,A young violinist,Two estranged sisters,An ageing boxer,A small-"
    "town teacher,A family of fishermen,The last lighthouse keeper,A runaway heiress,"
    "An astronaut"
)
_DOES = listed(
    "discovers a secret that threatens everything,falls in love against all odds,"
    "returns after twenty years of silence,has to choose between duty and freedom,"
    "takes on one final job,learns — too late — what was lost,"
    "searches for a brother nobody remembers"
)
_WHERE = listed(
    "in a city on the brink of war,during the longest winter in living memory,"
    "on the coast of Brittany,far from home,among strangers,while the clock is ticking,"
    "in 1970s São Paulo"
)
