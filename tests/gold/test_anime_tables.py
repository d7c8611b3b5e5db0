"""The gold tables about anime, on rows small enough to compute their values by hand."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession

from data_pipeline.gold import registry
from tests.gold.frames import frame
from tests.gold.test_gold_tables import assert_rows, build

_COMMON = {
    "anime_id": "bigint",
    "title": "string",
    "title_english": "string",
    "type": "string",
    "source": "string",
    "episodes": "bigint",
    "aired_from": "date",
    "aired_to": "date",
    "duration_minutes": "double",
    "age_rating": "string",
    "score": "double",
    "members": "bigint",
    "favorites": "bigint",
    "genres": "array<string>",
    "studios": "array<string>",
}
COLUMNS = {
    "jikan_anime": _COMMON
    | {"status": "string", "season": "string", "season_year": "int", "synopsis": "string"}
    | {"themes": "array<string>", "rank": "bigint"},
    "kaggle_anime": _COMMON | {"premiered_season": "string", "premiered_year": "int"},
    "kaggle_synopses": {"anime_id": "bigint", "synopsis": "string"},
    "kaggle_animelist": {
        "user_id": "bigint",
        "anime_id": "bigint",
        "rating": "int",
        "watching_status": "int",
        "watched_episodes": "bigint",
    },
    "kaggle_watching_status": {"status_id": "int", "description": "string"},
}


def silver(spark: SparkSession, **tables: list[dict[str, Any]]) -> dict[str, DataFrame]:
    """Return a frame for each table given by its rows; a column that a row lacks is NULL."""
    return {
        name: frame(
            spark,
            ", ".join(f"{column} {kind}" for column, kind in COLUMNS[name].items()),
            [tuple(row.get(column) for column in COLUMNS[name]) for row in rows],
        )
        for name, rows in tables.items()
    }


def listed(*entries: tuple[int, int, int | None, int, int]) -> list[dict[str, Any]]:
    """Return entries of lists: user_id, anime_id, rating, watching_status, watched_episodes."""
    return [dict(zip(COLUMNS["kaggle_animelist"], entry, strict=True)) for entry in entries]


DIM_ANIME = (
    "anime_id bigint, title string, title_english string, type string, source string,"
    " episodes bigint, status string, aired_from date, aired_to date, season string,"
    " season_year int, duration_minutes double, age_rating string, score double, members bigint,"
    " favorites bigint, synopsis string"
)
JIKANS = {
    "anime_id": 1,
    "title": "Jikan's",
    "title_english": None,
    "type": "TV",
    "source": None,
    "episodes": 26,
    "status": "Finished Airing",
    "aired_from": date(1998, 4, 3),
    "aired_to": None,
    "season": "spring",
    "season_year": None,
    "duration_minutes": 24.5,
    "age_rating": None,
    "score": 8.75,
    "members": 0,
    "favorites": None,
    "synopsis": "Jikan's synopsis",
}
KAGGLES = {
    "anime_id": 1,
    "title": "Kaggle's",
    "title_english": "In English",
    "type": "Movie",
    "source": "Original",
    "episodes": 1,
    "aired_from": date(1990, 1, 1),
    "aired_to": date(1999, 4, 24),
    "premiered_season": "fall",
    "premiered_year": 1999,
    "duration_minutes": 90.0,
    "age_rating": "R",
    "score": 1.0,
    "members": 7,
    "favorites": 8,
}
SYNOPSES = [{"anime_id": 1, "synopsis": "Other"}, {"anime_id": 99, "synopsis": "Of none"}]
OF_JIKAN = tuple(JIKANS.values())
OF_KAGGLE = (
    *(1, "Kaggle's", "In English", "Movie", "Original", 1, None, date(1990, 1, 1)),
    *(date(1999, 4, 24), "fall", 1999, 90.0, "R", 1.0, 7, 8),
)


@pytest.mark.parametrize(
    ("tables", "expected"),
    [
        ({"jikan_anime": [JIKANS]}, [OF_JIKAN]),
        ({"kaggle_anime": [KAGGLES]}, [(*OF_KAGGLE, None)]),
        ({"kaggle_anime": [KAGGLES], "kaggle_synopses": SYNOPSES}, [(*OF_KAGGLE, "Other")]),
        (
            {"jikan_anime": [JIKANS], "kaggle_anime": [KAGGLES], "kaggle_synopses": SYNOPSES},
            [
                (
                    *(1, "Jikan's", "In English", "TV", "Original", 26, "Finished Airing"),
                    *(date(1998, 4, 3), date(1999, 4, 24), "spring", 1999, 24.5, "R", 8.75, 0, 8),
                    "Jikan's synopsis",
                )
            ],
        ),
        (
            {"jikan_anime": [JIKANS], "kaggle_anime": [KAGGLES | {"anime_id": 2}]},
            [OF_JIKAN, (2, *OF_KAGGLE[1:], None)],
        ),
        ({"jikan_anime": [], "kaggle_anime": [KAGGLES]}, [(*OF_KAGGLE, None)]),
    ],
    ids=["jikan", "kaggle", "kaggle with synopses", "both", "each another", "jikan empty"],
)
def test_dim_anime(
    spark: SparkSession,
    tables: dict[str, list[dict[str, Any]]],
    expected: list[tuple[Any, ...]],
) -> None:
    """Jikan's value first, column by column; an anime of either one counts."""
    assert_rows(build("dim_anime", silver(spark, **tables)), DIM_ANIME, expected)


def anime(
    anime_id: int, genres: list[str] | None = None, studios: list[str] | None = None, **more: Any
) -> dict[str, Any]:
    return {"anime_id": anime_id, "genres": genres, "studios": studios, **more}


@pytest.fixture(scope="module")
def lists(spark: SparkSession) -> dict[str, DataFrame]:
    """Return anime whose genres and studios differ between Jikan and Kaggle."""
    return silver(
        spark,
        jikan_anime=[
            anime(1, ["Action", "Drama"], ["Sunrise"], themes=["Space"]),
            anime(2, [], None),
            anime(3, None, []),
            anime(4, ["Action"], ["Bones", "Sunrise"]),
        ],
        kaggle_anime=[
            anime(1, ["Comedy"], ["Madhouse"]),
            anime(2, ["Comedy"], ["Madhouse"]),
            anime(3, [], None),
            anime(5, ["Drama"], []),
        ],
    )


def test_bridges_and_their_dimensions(spark: SparkSession, lists: dict[str, DataFrame]) -> None:
    """Jikan's list where it is not empty, else Kaggle's; a list counts whole, never both."""
    assert_rows(
        build("bridge_anime_genre", lists),
        "anime_id bigint, genre string",
        [(1, "Action"), (1, "Drama"), (2, "Comedy"), (4, "Action"), (5, "Drama")],
    )
    assert_rows(
        build("dim_genre", lists),
        "genre string, num_anime bigint",
        [("Action", 2), ("Drama", 2), ("Comedy", 1)],
    )
    assert_rows(
        build("bridge_anime_studio", lists),
        "anime_id bigint, studio string",
        [(1, "Sunrise"), (2, "Madhouse"), (4, "Bones"), (4, "Sunrise")],
    )
    assert_rows(
        build("dim_studio", lists),
        "studio string, num_anime bigint",
        [("Sunrise", 2), ("Madhouse", 1), ("Bones", 1)],
    )


@pytest.mark.parametrize("source", ["jikan_anime", "kaggle_anime"])
def test_bridges_of_one_source(spark: SparkSession, source: str) -> None:
    frames = silver(spark, **{source: [anime(1, ["Action"], None), anime(2, [], ["Bones"])]})
    genres = build("bridge_anime_genre", frames).collect()
    studios = build("bridge_anime_studio", frames).collect()
    assert [tuple(row) for row in genres] == [(1, "Action")]
    assert [tuple(row) for row in studios] == [(2, "Bones")]


def test_anime_genre_by_year(spark: SparkSession) -> None:
    frames = silver(
        spark,
        jikan_anime=[
            anime(1, ["Action", "Drama"], season_year=1998, score=8.0, members=100),
            anime(2, ["Action"], season_year=1998, score=7.0, members=20),
            anime(3, ["Action"], season_year=1998, score=None, members=3),
            anime(4, ["Action"], season_year=None, score=9.0, members=1000),
            anime(5, ["Horror"], season_year=1998, score=None, members=0),
            anime(6, [], season_year=1998, score=1.0, members=1),
            anime(7, ["Action"], season_year=None, score=5.0, members=None),
        ],
        # Column by column: the year may be Kaggle's where the score is Jikan's.
        kaggle_anime=[anime(7, ["Drama"], premiered_year=1999, members=4)],
    )
    assert_rows(
        build("anime_genre_by_year", frames),
        "season_year int, genre string, num_anime bigint, avg_score double, sum_members bigint",
        [
            (1998, "Action", 3, 7.5, 123),
            (1998, "Drama", 1, 8.0, 100),
            (1998, "Horror", 1, None, 0),
            (1999, "Action", 1, 5.0, 4),
        ],
    )


@pytest.fixture(scope="module")
def animelist(spark: SparkSession) -> dict[str, DataFrame]:
    return silver(
        spark,
        kaggle_animelist=listed(
            (1, 10, 9, 2, 26),
            (1, 11, None, 6, 0),
            (1, 12, 4, 4, 3),
            (2, 10, 6, 1, 5),
            (3, 10, None, 2, 26),  # a user without ratings
            (3, 11, None, 3, 1),
        ),
    )


def test_fact_anime_list(spark: SparkSession, animelist: dict[str, DataFrame]) -> None:
    assert_rows(
        build("fact_anime_list", animelist),
        "user_id bigint, anime_id bigint, rating int, status_id int, watched_episodes bigint",
        [
            (1, 10, 9, 2, 26),
            (1, 11, None, 6, 0),
            (1, 12, 4, 4, 3),
            (2, 10, 6, 1, 5),
            (3, 10, None, 2, 26),
            (3, 11, None, 3, 1),
        ],
    )


def test_dim_user(spark: SparkSession, animelist: dict[str, DataFrame]) -> None:
    assert_rows(
        build("dim_user", animelist),
        "user_id bigint, num_anime bigint, num_completed bigint, num_rated bigint,"
        " mean_rating double",
        [(1, 3, 1, 2, 6.5), (2, 1, 0, 1, 6.0), (3, 2, 1, 0, None)],
    )


def test_dim_watching_status(spark: SparkSession) -> None:
    frames = silver(
        spark,
        kaggle_watching_status=[
            {"status_id": 1, "description": "Currently Watching"},
            {"status_id": 6, "description": "Plan to Watch"},
        ],
    )
    assert_rows(
        build("dim_watching_status", frames),
        "status_id int, description string",
        [(1, "Currently Watching"), (6, "Plan to Watch")],
    )


POPULARITY = (
    "anime_id bigint, title string, num_ratings bigint, avg_rating double, weighted_rating double,"
    " num_watching bigint, num_completed bigint, num_on_hold bigint, num_dropped bigint,"
    " num_plan_to_watch bigint"
)


def test_anime_popularity(spark: SparkSession, animelist: dict[str, DataFrame]) -> None:
    frames = animelist | silver(
        spark,
        jikan_anime=[anime(10, title="Ten"), anime(77, title="In nobody's list")],
        kaggle_anime=[anime(10, title="Kaggle's"), anime(11, title="Eleven")],
    )
    mean = 19 / 3  # of 9, 6 and 4
    expected = [
        (10, "Ten", 2, 7.5, (15 + 50 * mean) / 52, 1, 2, 0, 0, 0),
        (11, "Eleven", 0, None, mean, 0, 0, 1, 0, 1),
        (12, None, 1, 4.0, (4 + 50 * mean) / 51, 0, 0, 0, 1, 0),
    ]
    assert_rows(build("anime_popularity", frames), POPULARITY, expected)
    # Of lists alone: nothing is known of the anime.
    assert_rows(
        build("anime_popularity", animelist),
        POPULARITY,
        [(anime_id, None, *numbers) for anime_id, _, *numbers in expected],
    )


def test_anime_popularity_where_nobody_rated(spark: SparkSession) -> None:
    """There is no mean to draw towards: NULL, not an error."""
    frames = silver(spark, kaggle_animelist=listed((1, 10, None, 1, 0)))
    assert_rows(
        build("anime_popularity", frames),
        POPULARITY,
        [(10, None, 0, None, None, 1, 0, 0, 0, 0)],
    )


def test_a_table_of_anime_needs_one_of_both_sources() -> None:
    for name in ("dim_anime", "dim_genre", "bridge_anime_studio", "anime_genre_by_year"):
        assert registry.select([name])[0].table.needs == (("jikan_anime", "kaggle_anime"),)
