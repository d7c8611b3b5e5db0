"""Athena's SQL over local tables: the answers that Athena gives, or clear errors."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from data_pipeline.errors import QueryError
from data_pipeline.local.query import LocalLake, query, render
from tests.local.delta_lake import small_lake, write


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> LocalLake:
    return small_lake(tmp_path_factory.mktemp("home"))


def rows(sql: str, lake: LocalLake) -> list[tuple[Any, ...]]:
    return list(query(sql, lake).rows)


def rendered(sql: str, lake: LocalLake, form: str) -> str:
    out = io.StringIO()
    render(query(sql, lake), form, out)
    return out.getvalue()


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        # Division: of whole numbers whole, of decimals with the places that they have.
        ("1 / 2", 0),
        ("-7 / 2", -3),
        ("-7 % 3", -1),
        ("mod(7, 3)", 1),
        ("1e0 / 2", 0.5),
        ("1.0 / 3", 0.3),
        ("1.00 / 3", 0.33),
        ("100.0 * 2 / 7", 28.6),
        ("CAST(1 AS double) / 2", 0.5),
        ("CAST(1 AS double) / 0", float("inf")),
        ("round(2.5e0)", 3.0),
        ("round(-2.5e0)", -3.0),
        ("round(3.14159e0, 2)", 3.14),
        ("floor(7 / 2)", 3),
        ("floor(3.5e0)", 3.0),
        ("ceil(3.2e0)", 4.0),
        ("truncate(-3.7e0)", -3.0),
        ("abs(-3)", 3),
        ("power(2, 3)", 8.0),
        ("sqrt(4)", 2.0),
        ("ln(1)", 0.0),
        ("log(2, 8)", 3.0),
        ("log10(100)", 2.0),
        # Casts.
        ("CAST(2.5e0 AS bigint)", 3),
        ("CAST(' 12 ' AS integer)", 12),
        ("TRY_CAST('12.5' AS integer)", None),
        ("TRY_CAST('x' AS double)", None),
        ("CAST(12 AS varchar)", "12"),
        ("CAST(true AS varchar)", "true"),
        ("CAST(DATE '2020-01-31' AS varchar)", "2020-01-31"),
        ("CAST('2020-01-31' AS date)", date(2020, 1, 31)),
        ("CAST(1 AS decimal(5, 2))", Decimal("1.00")),
        # NULL.
        ("greatest(1, NULL)", None),
        ("least(1, 2)", 1),
        ("concat('a', NULL)", None),
        ("'a' || NULL", None),
        ("concat('a', 'b', 'c')", "abc"),
        ("concat_ws(',', 'a', NULL, 'b')", "a,b"),
        ("coalesce(NULL, 2)", 2),
        ("nullif(1, 1)", None),
        ("if(1 > 2, 'a')", None),
        ("NULL IS DISTINCT FROM 1", True),
        # Text.
        ("length('七人')", 2),
        ("upper('é')", "É"),
        ("substr('lakehouse', 5)", "house"),
        ("substr('lakehouse', -5, 2)", "ho"),
        ("strpos('abc', 'c')", 3),
        ("strpos('abc', 'x')", 0),
        ("split_part('a,b', ',', 2)", "b"),
        ("split_part('a,b', ',', 3)", None),
        ("split('a,b', ',')", ["a", "b"]),
        ("regexp_extract('a1b2', '[0-9]')", "1"),
        ("regexp_extract('abc', '([0-9])', 1)", None),
        ("regexp_like('abc', 'b')", True),
        ("regexp_replace('a1b2', '[0-9]', '-')", "a-b-"),
        ("replace('abc', 'b')", "ac"),
        ("lpad('7', 3, '0')", "007"),
        ("starts_with('abc', 'ab')", True),
        ("trim('  a ')", "a"),
        ("json_extract_scalar('{\"a\": {\"b\": 1}}', '$.a.b')", "1"),
        ("json_extract_scalar('{\"a\": {\"b\": 1}}', '$.a')", None),
        # Dates and moments: whole units, weeks that begin on Monday, dates that stay dates.
        ("date_diff('month', DATE '2020-01-31', DATE '2020-02-01')", 0),
        ("date_diff('day', TIMESTAMP '2020-01-01 23:00:00', TIMESTAMP '2020-01-02 01:00:00')", 0),
        ("date_diff('day', DATE '2020-01-01', DATE '2020-01-31')", 30),
        ("date_trunc('month', DATE '2020-01-31')", date(2020, 1, 1)),
        ("date_trunc('week', DATE '2020-01-01')", date(2019, 12, 30)),
        ("date_trunc('hour', TIMESTAMP '2020-01-31 10:20:30')", datetime(2020, 1, 31, 10)),
        ("date_add('month', 1, DATE '2020-01-31')", date(2020, 2, 29)),
        ("DATE '2020-01-31' + INTERVAL '1' DAY", date(2020, 2, 1)),
        ("DATE '2020-01-31' - INTERVAL '1' MONTH", date(2019, 12, 31)),
        ("day_of_week(DATE '2020-01-05')", 7),
        ("week(DATE '2021-01-01')", 53),
        ("quarter(DATE '2020-05-01')", 2),
        ("extract(year FROM DATE '2020-05-01')", 2020),
        ("last_day_of_month(DATE '2020-02-03')", date(2020, 2, 29)),
        (
            "date_format(TIMESTAMP '2020-02-03 04:05:06', '%Y-%m-%d %H:%i:%s')",
            "2020-02-03 04:05:06",
        ),
        ("date_format(DATE '2020-02-03', '%M %b %W %a %y')", "February Feb Monday Mon 20"),
        ("date_parse('2020-02', '%Y-%m')", datetime(2020, 2, 1)),
        ("to_unixtime(TIMESTAMP '1970-01-02 00:00:00')", 86400.0),
        ("from_unixtime(86400)", datetime(1970, 1, 2, tzinfo=UTC)),
        ("hour(TIMESTAMP '2020-01-01 10:00:00 UTC' AT TIME ZONE 'Europe/Paris')", 11),
        # Arrays.
        ("ARRAY['a', 'b'][1]", "a"),
        ("element_at(ARRAY['a', 'b'], 3)", None),
        ("element_at(ARRAY['a', 'b'], -1)", "b"),
        ("cardinality(ARRAY[1, 2, 3])", 3),
        ("contains(ARRAY[1, 2], 2)", True),
        ("array_join(ARRAY['a', NULL, 'b'], '/')", "a/b"),
        ("array_sort(ARRAY[3, NULL, 1])", [1, 3, None]),
        ("filter(ARRAY[1, 2, 3], x -> x > 1)", [2, 3]),
        ("transform(ARRAY[1, 2], x -> x * 2)", [2, 4]),
    ],
)
def test_expressions_mean_what_they_mean_in_athena(
    expression: str, expected: Any, lake: LocalLake
) -> None:
    answer = query(f"SELECT {expression}", lake)
    (value,) = next(answer.rows)
    assert value == expected
    assert type(value) is type(expected)
    assert answer.columns == ("_col0",)


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("SELECT count(*), count(title) FROM gold.movies_analytics", [(4, 3)]),
        ("SELECT sum(num_positive) / sum(num_ratings) FROM gold.movies_analytics", [(0,)]),
        ("SELECT 100.0 * sum(num_positive) / count(*) FROM gold.movies_analytics", [(275.0,)]),
        ("SELECT 100.0 * sum(num_positive) / 7 FROM gold.movies_analytics", [(157.1,)]),
        ("SELECT 100.0 * avg_rating / 3 FROM gold.movies_analytics WHERE movie_id = 1", [(150.0,)]),
        ("SELECT avg(num_ratings) FROM gold.movies_analytics", [(4.75,)]),
        (
            "SELECT num_positive / num_ratings AS share FROM gold.movies_analytics"
            " ORDER BY 1 DESC LIMIT 1",
            [(1,)],
        ),
        # NULL comes last in Athena, whichever the order.
        (
            "SELECT release_year FROM gold.movies_analytics ORDER BY release_year",
            [(1954,), (1999,), (2001,), (None,)],
        ),
        (
            "SELECT release_year FROM gold.movies_analytics ORDER BY release_year DESC",
            [(2001,), (1999,), (1954,), (None,)],
        ),
        (
            "SELECT release_year FROM gold.movies_analytics"
            " ORDER BY release_year NULLS FIRST LIMIT 2",
            [(None,), (1954,)],
        ),
        (
            "SELECT floor(release_year / 10) * 10 AS decade, count(*) FROM gold.movies_analytics"
            " WHERE release_year IS NOT NULL GROUP BY 1 ORDER BY decade",
            [(1950, 1), (1990, 1), (2000, 1)],
        ),
        ("SELECT approx_percentile(num_ratings, 0.5) FROM gold.movies_analytics", [(5,)]),
        ("SELECT approx_distinct(num_ratings) FROM gold.movies_analytics", [(3,)]),
        ("SELECT count_if(num_ratings > 4) FROM gold.movies_analytics", [(3,)]),
        ("SELECT max_by(title, num_ratings) FROM gold.movies_analytics", [("Amélie",)]),
        (
            "SELECT max_by(release_year, movie_id) FROM gold.movies_analytics WHERE movie_id < 4",
            [(None,)],
        ),
        ("SELECT min_by(movie_id, avg_rating) FROM gold.movies_analytics", [(3,)]),
        (
            "SELECT array_agg(release_year ORDER BY movie_id) FROM gold.movies_analytics",
            [([2001, 1954, None, 1999],)],
        ),
        (
            "SELECT listagg(CAST(movie_id AS varchar), ',') WITHIN GROUP (ORDER BY movie_id DESC)"
            " FROM gold.movies_analytics",
            [("4,3,2,1",)],
        ),
        ("SELECT stddev(x), bool_or(x > 1) FROM (VALUES 1, 3) AS t (x)", [(2**0.5, True)]),
        ("SELECT sum(x) FILTER (WHERE x > 1) FROM (VALUES 1, 3) AS t (x)", [(3,)]),
        ("SELECT sum(x) FROM (VALUES 1.5, 3) AS t (x)", [(Decimal("4.5"),)]),
        (
            "SELECT movie_id, sum(num_ratings) OVER (ORDER BY movie_id) FROM gold.movies_analytics"
            " ORDER BY 1 LIMIT 2",
            [(1, 7), (2, 9)],
        ),
        (
            "SELECT movie_id FROM"
            " (SELECT movie_id, rank() OVER (ORDER BY num_ratings DESC) AS place"
            " FROM gold.movies_analytics) WHERE place = 2 ORDER BY movie_id",
            [(3,), (4,)],
        ),
        (
            "SELECT m.movie_id, t.genre FROM silver.movielens_movies m"
            " CROSS JOIN UNNEST(m.genres) AS t (genre) ORDER BY 1, 2",
            [(1, "Comedy"), (1, "Romance"), (2, "Drama")],
        ),
        (
            "SELECT movie_id, genre, n FROM silver.movielens_movies"
            " LEFT JOIN UNNEST(genres) WITH ORDINALITY AS t (genre, n) ON true ORDER BY 1, 3",
            [(1, "Comedy", 1), (1, "Romance", 2), (2, "Drama", 1), (3, None, None)],
        ),
        (
            "WITH yearly AS (SELECT date_trunc('year', month) AS year, sum(num_ratings) AS n"
            " FROM gold.ratings_by_month GROUP BY 1) SELECT year, n / 2 FROM yearly",
            [(date(2020, 1, 1), 3)],
        ),
        # Names: any case, quoted or not, with the catalogue or an alias.
        ('SELECT "TITLE" FROM Gold."MOVIES_Analytics" WHERE Movie_ID = 1', [("Amélie",)]),
        (
            "SELECT M.title FROM awsdatacatalog.gold.movies_analytics m WHERE m.movie_id = 1",
            [("Amélie",)],
        ),
        ("SELECT movies_analytics.movie_id FROM gold.movies_analytics LIMIT 1", [(1,)]),
        (
            "SELECT a.movie_id FROM gold.movies_analytics a JOIN silver.movielens_movies b"
            " USING (movie_id) WHERE EXISTS (SELECT 1 FROM gold.ratings_by_month) ORDER BY 1",
            [(1,), (2,), (3,)],
        ),
        ("SELECT 1 UNION ALL SELECT 1", [(1,), (1,)]),
        ("SELECT title FROM gold.movies_analytics WHERE title LIKE 'Am_lie'", [("Amélie",)]),
        # Moments are UTC.
        (
            "SELECT _fetched_at, date_trunc('month', _fetched_at), CAST(_fetched_at AS date)"
            " FROM silver.movielens_movies WHERE _fetched_at >= TIMESTAMP '2020-01-31 23:00:00'",
            [
                (
                    datetime(2020, 1, 31, 23, 30, 0, 5000, UTC),
                    datetime(2020, 1, 1, tzinfo=UTC),
                    date(2020, 1, 31),
                )
            ],
        ),
        ("SELECT unreadable['year'] FROM silver.movielens_movies WHERE movie_id = 1", [(2,)]),
        ("-- a comment\nSELECT 1; ", [(1,)]),
    ],
)
def test_queries(sql: str, expected: list[tuple[Any, ...]], lake: LocalLake) -> None:
    assert [tuple(map(_float, row)) for row in rows(sql, lake)] == [
        tuple(map(_float, row)) for row in expected
    ]


def _float(value: Any) -> Any:
    return pytest.approx(value) if isinstance(value, float) else value


def test_columns_are_called_as_in_athena(lake: LocalLake) -> None:
    sql = "SELECT title AS Film, count(*), movie_id, CAST(movie_id AS double)"
    assert query(f"{sql} FROM gold.movies_analytics GROUP BY 1, 3", lake).columns == (
        "Film",
        "_col1",
        "movie_id",
        "_col3",
    )
    assert query("SELECT *, 1 + 1 FROM gold.ratings_by_month", lake).columns == (
        "month",
        "num_ratings",
        "_col2",
    )


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("SELECT title FORM gold.movies_analytics", "error at line 1, column 22, near 'gold'"),
        ("SELEC 1", "error at line 1"),
        ("SELECT 'a", "cannot be read"),
        ("", "one statement is expected, not 0"),
        ("SELECT 1; SELECT 2", "one statement is expected, not 2"),
        ("SELECT titel FROM gold.movies_analytics", "no column titel; did you mean title?"),
        ("SELECT m.titel FROM gold.movies_analytics m", "no column titel; did you mean title?"),
        (
            "SELECT month, zz FROM gold.ratings_by_month",
            "no column zz; there are month, num_ratings",
        ),
        (
            "SELECT * FROM gold.movie_analytics",
            "gold.movie_analytics; did you mean gold.movies_ana",
        ),
        (
            "SELECT * FROM gold.xyz",
            "no table gold.xyz; there are silver.movielens_movies, gold.movies_analytics, gold.r",
        ),
        ("SELECT * FROM bronze.x", "there is no table bronze.x"),
        ("SELECT * FROM movies_analytics", "lacks its database; write gold.movies_analytics"),
        ("SELECT * FROM other.gold.movies_analytics", "there is no catalogue other"),
        ("SELECT * FROM read_text('/etc/passwd')", "read_text"),
        ("SELECT * FROM '/etc/passwd'", "lacks its database"),
        ("DROP TABLE gold.movies_analytics", "DROP cannot be run here: the tables are written by"),
        ("CREATE TABLE x AS SELECT 1", "CREATE cannot be run here"),
        ("SELECT 1 / 0", "Division by zero"),
        ("SELECT 1.0 / 0", "Division by zero"),
        ("SELECT title, count(*) FROM gold.movies_analytics", "must appear in the GROUP BY clause"),
        (
            "SELECT CAST(title AS bigint) FROM gold.movies_analytics",
            "Cannot cast 'Amélie' to a whole",
        ),
        ("SELECT CAST('12.5' AS integer)", "Cannot cast '12.5' to a whole number"),
        # What would be answered otherwise than by Athena is not answered.
        (
            "SELECT array_distinct(genres) FROM silver.movielens_movies",
            "the function array_distinct",
        ),
        ("SELECT typo(1)", "the function typo is not known"),
        (
            "SELECT CAST(avg_rating AS varchar) FROM gold.movies_analytics",
            "reads otherwise in Athena",
        ),
        ("SELECT CAST('abc' AS varchar(2))", "a cast to VARCHAR(2) cannot be run here"),
        ("SELECT format('%s', 1)", "the function format"),
        ("SELECT parse_datetime('2020', 'yyyy')", "the function parse_datetime"),
        ("SELECT date_format(DATE '2020-01-01', '%v')", "the pattern in"),
        ("SELECT extract(dow FROM DATE '2020-01-01')", "cannot be run here; there are YEAR"),
        ("SELECT DATE '2020-01-02' - DATE '2020-01-01'", "use date_diff"),
        ("SELECT regexp_replace('ab', '(a)', '$1$1')", "groups are written otherwise"),
        (
            "SELECT approx_percentile(movie_id, num_ratings, 0.5) FROM gold.movies_analytics",
            "only in",
        ),
        (
            "SELECT movie_id FROM gold.movies_analytics ORDER BY 1 FETCH FIRST 1 ROWS WITH TIES",
            "TIES",
        ),
        ("SELECT ?", "parameters"),
        (
            "SHOW CREATE TABLE gold.movies_analytics",
            "this SHOW is not known here; there are SHOW DAT",
        ),
        ("SHOW TABLES IN bronze", "there is no database bronze; there are silver, gold"),
        ("DESCRIBE gold.nope", "there is no table gold.nope"),
    ],
)
def test_errors_say_what_is_wrong(sql: str, message: str, lake: LocalLake) -> None:
    with pytest.raises(QueryError) as raised:
        rows(sql, lake)
    text = str(raised.value)
    assert message in text
    assert "\n" not in text
    assert "\x1b" not in text


def test_a_lake_without_tables(tmp_path: Path, lake: LocalLake) -> None:
    empty = LocalLake(type(lake.home)(tmp_path, "media-lakehouse"))
    assert empty.tables() == []
    with pytest.raises(QueryError, match="there are no tables yet"):
        rows("SELECT * FROM gold.x", empty)


def test_only_the_tables_named_are_opened(lake: LocalLake, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = []
    real = LocalLake.open

    def recording(self: LocalLake, database: str, name: str) -> Any:
        opened.append(f"{database}.{name}")
        return real(self, database, name)

    monkeypatch.setattr(LocalLake, "open", recording)
    rows("WITH a AS (SELECT * FROM gold.ratings_by_month) SELECT * FROM a, a AS b", lake)
    assert opened == ["gold.ratings_by_month"]


def test_show_and_describe(lake: LocalLake) -> None:
    assert rows("SHOW DATABASES", lake) == [("silver",), ("gold",)]
    assert rows("show tables in gold;", lake) == [
        ("gold", "movies_analytics"),
        ("gold", "ratings_by_month"),
    ]
    assert ("silver", "movielens_movies") in rows("SHOW TABLES", lake)
    expected = [("month", "date", "The month"), ("num_ratings", "bigint", "The num_ratings")]
    assert rows("DESCRIBE gold.ratings_by_month", lake) == expected
    assert rows('SHOW COLUMNS FROM "gold"."ratings_by_month"', lake) == expected


TITLES = "SELECT movie_id, title, release_year FROM gold.movies_analytics ORDER BY movie_id"


def test_csv_has_a_header_all_rows_and_nothing_for_null(lake: LocalLake) -> None:
    text = rendered(TITLES, lake, "csv")
    assert text == (
        "movie_id,title,release_year\n"
        "1,Amélie,2001\n"
        '2,"Say ""Hi"", 七人の侍",1954\n'
        "3,,\n"
        '4,"",1999\n'
    )
    assert list(csv.reader(io.StringIO(text)))[2][1] == 'Say "Hi", 七人の侍'


def test_csv_values(lake: LocalLake) -> None:
    sql = "SELECT _fetched_at, genres, unreadable, true AS t, 0.1e0 AS d, 1.50, DATE '2020-01-01'"
    text = rendered(f"{sql} FROM silver.movielens_movies ORDER BY movie_id LIMIT 1", lake, "csv")
    assert text.splitlines()[1] == (
        '2020-01-31 23:30:00.005000+00:00,"[""Comedy"", ""Romance""]","{""year"": 2}",'
        "true,0.1,1.50,2020-01-01"
    )


def test_json_is_an_array_of_objects(lake: LocalLake) -> None:
    answer = json.loads(rendered(TITLES, lake, "json"))
    assert answer[0] == {"movie_id": 1, "title": "Amélie", "release_year": 2001}
    assert answer[2] == {"movie_id": 3, "title": None, "release_year": None}
    assert "Amélie" in rendered(TITLES, lake, "json")
    sql = "SELECT genres, unreadable, CAST(1 AS double) / 0 AS inf FROM silver.movielens_movies"
    assert json.loads(rendered(f"{sql} LIMIT 1", lake, "json")) == [
        {"genres": ["Comedy", "Romance"], "unreadable": {"year": 2}, "inf": "inf"}
    ]
    assert json.loads(rendered("SELECT 1 AS a WHERE 1 = 2", lake, "json")) == []
    with pytest.raises(QueryError, match="two columns are called a; give one an alias"):
        rendered("SELECT 1 AS a, 2 AS a", lake, "json")


def test_a_table_is_for_reading(lake: LocalLake) -> None:
    text = rendered(f"{TITLES} LIMIT 3", lake, "table")
    assert [line.split() for line in text.splitlines() if line.strip() and "─" not in line] == [
        ["movie_id", "title", "release_year"],
        ["1", "Amélie", "2001"],
        ["2", "Say", '"Hi",', "七人の侍", "1954"],
        ["3", "NULL", "NULL"],
        ["3", "rows"],
    ]


def test_a_long_table_says_that_it_is_cut(tmp_path: Path, lake: LocalLake) -> None:
    long = LocalLake(type(lake.home)(tmp_path, "media-lakehouse"))
    write(long.home, "gold", "long", {"n": (pa.int64(), list(range(25_000)))})
    text = rendered("SELECT n FROM gold.long ORDER BY n", long, "table")
    assert text.splitlines()[-1] == "The first 1,000 rows; --format csv prints all"
    assert rendered("SELECT n FROM gold.long ORDER BY n", long, "csv").splitlines()[-1] == "24999"


def test_tables_are_described_from_their_logs(lake: LocalLake) -> None:
    tables = {f"{table.database}.{table.name}": table for table in lake.tables()}
    assert list(tables) == [
        "silver.movielens_movies",
        "gold.movies_analytics",
        "gold.ratings_by_month",
    ]
    movies = tables["silver.movielens_movies"]
    assert movies.rows == 3
    assert [(column.name, column.type) for column in movies.columns] == [
        ("movie_id", "bigint"),
        ("genres", "array<string>"),
        ("_fetched_at", "timestamp"),
        ("unreadable", "map<string,bigint>"),
    ]
    assert movies.columns[0].comment == "The movie_id"
    assert movies.address == "s3://media-lakehouse-local-silver-000000000000/movielens_movies"
    assert abs((datetime.now(UTC) - movies.last_load).total_seconds()) < 600


def test_a_query_imports_neither_spark_nor_the_emulator(lake: LocalLake) -> None:
    code = (
        "import sys; from pathlib import Path; from data_pipeline.local.home import Home;"
        "from data_pipeline.local.query import LocalLake, query, render;"
        f"lake = LocalLake(Home(Path({str(lake.home.root)!r}), 'media-lakehouse'));"
        "render(query('SELECT count(*) AS n FROM gold.ratings_by_month', lake), 'csv');"
        "loaded = {'pyspark', 'boto3', 'ministack', 'pandas'} & set(sys.modules);"
        "assert not loaded, loaded"
    )
    answer = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert answer.stderr == ""
    assert answer.stdout == "n\n2\n"
