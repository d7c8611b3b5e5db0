"""Anime as MyAnimeList knows them: what Jikan and Kaggle's copy of 2021 both tell of."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import count
from random import Random

from data_pipeline.local.sandbox.films import listed

_REMOVED = 5
"""One of so many has been removed from MyAnimeList since Kaggle's copy was made."""


@dataclass(frozen=True)
class Day:
    """A date of which the day, or the month too, may be unknown."""

    year: int
    month: int | None = None
    day: int | None = None

    def text(self) -> str:
        """Return it as MyAnimeList writes it, such as ``Apr 3, 1998``, ``Apr, 1998``, ``1998``."""
        if self.month is None:
            return str(self.year)
        month = _MONTHS[self.month - 1]
        return f"{month}, {self.year}" if self.day is None else f"{month} {self.day}, {self.year}"


@dataclass(frozen=True)
class Anime:
    """An anime, without the dirt that is particular to one publisher."""

    id: int
    title: str
    title_english: str | None
    title_japanese: str | None
    type: str | None
    source: str
    episodes: int | None
    started: Day | None
    ended: Day | None
    """None also for what is a single day, or goes on."""
    status: str
    seconds: int | None
    """How long an episode is."""
    rating: str | None
    score: float | None
    scored_by: int | None
    rank: int | None
    popularity: int
    members: int
    favorites: int
    synopsis: str | None
    genres: tuple[str, ...]
    themes: tuple[str, ...]
    demographics: tuple[str, ...]
    producers: tuple[str, ...]
    licensors: tuple[str, ...]
    studios: tuple[str, ...]
    removed: bool
    """Whether MyAnimeList has it no more."""

    @property
    def season(self) -> str | None:
        """The season in which a series began, in lower case; None for the other types."""
        if self.type != "TV" or self.started is None or self.started.month is None:
            return None
        return ("winter", "spring", "summer", "fall")[(self.started.month - 1) // 3]

    def aired(self, unknown: str) -> str:
        """Return when it was shown, in words, or ``unknown``."""
        if self.started is None:
            return unknown
        begin = self.started.text()
        if self.ended:
            return f"{begin} to {self.ended.text()}"
        single = self.episodes == 1 and self.status == FINISHED
        return begin if single else f"{begin} to ?"


def generate_animes(seed: int = 5, n: int = 880) -> list[Anime]:
    """Return ``n`` anime by id, one in five of them removed since; the same for a seed."""
    random = Random(seed)
    ids = sorted(random.sample(range(1, 70 * n), n))
    members = [int(400 * random.paretovariate(0.5)) % 3_000_000 for _ in ids]
    scores = [round(min(9.2, max(2.1, random.gauss(6.5, 0.9))), 2) for _ in ids]
    popularity = _ranks(members)
    ranks = _ranks(scores)
    return [
        _anime(random, ids[at], members[at], scores[at], popularity[at], ranks[at], at)
        for at in range(n)
    ]


def _ranks(values: Sequence[float]) -> dict[int, int]:
    """Return the rank by position, the greatest value first."""
    order = sorted(range(len(values)), key=lambda at: (-values[at], at))
    return dict(zip(order, count(1)))


def _anime(
    random: Random, mal_id: int, members: int, score: float, popularity: int, rank: int, at: int
) -> Anime:
    kind = random.choices(*_TYPES)[0]
    started, ended, status, episodes = _shown(random, kind)
    english, japanese = random.random() < 0.55, random.random() < 0.97
    scored = status != ANNOUNCED and members > 700
    rated = random.random() < 0.95
    return Anime(
        id=mal_id,
        title=_title(random),
        title_english=_english(random) if english else None,
        title_japanese="".join(random.sample(_JAPANESE, 3)) if japanese else None,
        type=kind,
        source=random.choices(*_SOURCES)[0],
        episodes=episodes,
        started=started,
        ended=ended,
        status=status,
        seconds=_seconds(random, kind) if status != ANNOUNCED else None,
        rating=random.choices(*_RATINGS)[0] if rated else None,
        score=score if scored else None,
        scored_by=members * random.randint(30, 60) // 100 if scored else None,
        rank=rank if random.random() < 0.9 else None,
        popularity=popularity,
        members=members,
        favorites=int(members * random.random() ** 3 / 50),
        synopsis=_synopsis(random) if random.random() < 0.97 else None,
        genres=_some(random, GENRES, (1, 4, 6, 5, 2)),
        themes=_some(random, THEMES, (4, 4, 2)),
        demographics=_some(random, DEMOGRAPHICS, (6, 4)),
        producers=_some(random, PRODUCERS, (3, 3, 2, 1)),
        licensors=_some(random, LICENSORS, (7, 3, 1)),
        studios=_some(random, STUDIOS, (2, 8, 1)),
        removed=at % _REMOVED == 2,
    )


def _some(random: Random, names: Sequence[str], weights: Sequence[int]) -> tuple[str, ...]:
    """Return some of the names in their order; ``weights`` say how often none, one, two..."""
    size = random.choices(range(len(weights)), weights)[0]
    chosen = set(random.choices(names, [1 / rank for rank in range(1, len(names) + 1)], k=size))
    return tuple(name for name in names if name in chosen)


def _shown(random: Random, kind: str | None) -> tuple[Day | None, Day | None, str, int | None]:
    """Return when it began and ended, its status and the number of its episodes."""
    single = kind in ("Movie", "Music", "CM", "PV", None)
    episodes = 1 if single else random.choice((1, 2, 6, 12, 12, 12, 13, 24, 26, 52))
    if random.random() < 0.04:
        announced = Day(2027, *random.choice(((), (1,), (4, 10))))
        return random.choice((None, announced)), None, ANNOUNCED, None
    if not single and random.random() < 0.03:
        begun = _LAST - timedelta(days=random.randrange(80))
        return _day(begun, 3), None, AIRING, random.choice((None, episodes))
    latest = _LAST if random.random() < 0.08 else COPIED
    begin = latest - timedelta(days=int((latest - _FIRST).days * random.random() ** 2.5))
    end = min(_LAST, begin + timedelta(weeks=episodes - 1))
    known = random.choices((3, 2, 1), (17, 1, 2))[0]
    # When something ended is often less well known than when it began.
    last = None if end == begin or random.random() < 0.02 else _day(end, min(known, 3))
    return _day(begin, known), last, FINISHED, episodes


def _day(at: date, known: int) -> Day:
    return Day(*(at.year, at.month, at.day)[:known])


def _seconds(random: Random, kind: str | None) -> int | None:
    if random.random() < 0.03:
        return None
    if kind in ("Music", "CM", "PV"):
        return random.choice((15, 30, 54, 60, 180, 240))
    if kind == "Movie":
        return 60 * random.choice((24, 60, 75, 90, 98, 115, 120, 132))
    return 60 * random.choice((3, 12, 22, 23, 24, 24, 24, 25, 30, 48, 65))


def lengths(seconds: int, hour: str, minute: str, second: str) -> Iterator[str]:
    """Yield the parts of a length in words, such as ``1 hr`` and ``55 min``."""
    hours, minutes = seconds // 3600, seconds % 3600 // 60
    if hours:
        yield f"{hours} {hour}"
    if minutes:
        yield f"{minutes} {minute}"
    if seconds < 60:
        yield f"{seconds} {second}"


def _title(random: Random) -> str:
    words = random.sample(_ROMAJI, random.randint(1, 3))
    title = random.choice((" no ", " to ", " ")).join(words)
    return title + random.choice(("", "", "", "", " II", " 2nd Season", " OVA", ": Gaiden", "!"))


def _english(random: Random) -> str:
    title = f"{random.choice(_ENGLISH)} {random.choice(_ENGLISH_NOUNS)}"
    return title + random.choice(("", "", "", ": The Movie", " Season 2", " & Friends", "?!"))


def _synopsis(random: Random) -> str:
    sentences = [
        f"{random.choice(_WHO)} {random.choice(_DOES)}." for _ in range(random.randint(1, 4))
    ]
    text = random.choice((" ", "\n\n")).join(sentences)
    return text + random.choice(("", "\n\n[Written by MAL Rewrite]", " \n\n(Source: ANN)"))


_FIRST = date(1963, 1, 1)
_LAST = date(2026, 11, 1)
COPIED = date(2021, 2, 1)
"""When Kaggle's copy was made; most of the anime are older."""
_MONTHS = listed("Jan,Feb,Mar,Apr,May,Jun,Jul,Aug,Sep,Oct,Nov,Dec")
FINISHED, AIRING, ANNOUNCED = "Finished Airing", "Currently Airing", "Not yet aired"
_TYPES: tuple[Sequence[str | None], Sequence[int]] = (
    ("TV", "OVA", "Movie", "Special", "ONA", "Music", "TV Special", "CM", "PV", None),
    (40, 20, 16, 7, 8, 6, 3, 2, 1, 1),
)
_SOURCES = (
    listed("Manga,Original,Unknown,Visual novel,Light novel,Game,Novel,Other,4-koma manga,Music"),
    (30, 28, 12, 5, 7, 5, 4, 4, 3, 2),
)
_RATINGS = (
    (
        "PG-13 - Teens 13 or older",
        "G - All Ages",
        "PG - Children",
        "R - 17+ (violence & profanity)",
        "R+ - Mild Nudity",
    ),
    (50, 25, 8, 10, 7),
)
GENRES = listed(
    "Comedy,Action,Fantasy,Adventure,Drama,Sci-Fi,Romance,Supernatural,Mystery,Sports,Horror,"
    "Suspense,Slice of Life,Avant Garde,Award Winning,Gourmet"
)
THEMES = listed(
    "School,Mecha,Music,Historical,Military,Space,Super Power,Psychological,Martial Arts,Isekai,"
    "Mythology,Mahou Shoujo,Samurai,Idols (Female),Time Travel"
)
DEMOGRAPHICS = listed("Shounen,Seinen,Kids,Shoujo,Josei")
STUDIOS = listed(
    "Northlight Works,Studio Kumo,Ginga Animation,Hinode,Paper Crane,A-Line Pictures,Studio 7°N,"
    "Tanuki House,Blue Lantern,J.K.Works,Kaze & Co.,Minato Production,Yoru Animation,Ōkami"
)
PRODUCERS = listed(
    "Ginga TV,Minato Music,Hoshi Visual,Sakura Broadcasting,Kawa Shoten,Mori Pictures,TV Kita,"
    "Umi Entertainment,Asa Ad Systems,Lantern Records"
)
LICENSORS = listed("Northern Media,Anchor Anime,Red Door Video,Pelican Films,Discus Media")
_ROMAJI = listed(
    "Hoshi,Kaze,Tsuki,Yuki,Sora,Umi,Mori,Kaguya,Ryuu,Kitsune,Majo,Shoujo,Senshi,Densetsu,Yume,"
    "Hana,Ame,Kage,Tenshi,Gakuen,Kishi,Monogatari,Café Lumière,Étoile,Robot,Tanken,Neko,Ōkami"
)
_JAPANESE = listed(
    "星,風の,月と,雪国,空,海,森,竜,魔女,少女,戦士,伝説,夢,花,雨,影,学園,物語,カフェ,ロボット,猫"
)
_ENGLISH = listed("Silver,Lost,Crimson,Starlight,Wandering,Little,Endless,Clockwork,Secret,Brave")
_ENGLISH_NOUNS = listed("Fox,Garden,Knights,Sky,Academy,Witch,Diary,Voyage,Café,Dragon,Promise")
_WHO = listed(
    "A timid transfer student,The last pilot of the fleet,A witch without magic,A pair of sisters,"
    "A retired samurai — once feared —,The student council,A talking cat"
)
_DOES = listed(
    "finds a door that leads to another world,joins a club that nobody else wants,"
    "sets out to find a lost brother,has to win the tournament,opens a bakery by the sea,"
    'learns what "home" means,wakes up a hundred years too late'
)
