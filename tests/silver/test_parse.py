"""The readers' edge cases; each test is one Spark job over all its examples."""

from __future__ import annotations

import hashlib
import math
import re
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

from chispa import assert_df_equality
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from pyspark.sql import Row, SparkSession
from pyspark.sql import functions as F

from data_pipeline.silver import parse
from data_pipeline.silver.parse import Reader


def check(
    spark: SparkSession,
    reader: Reader,
    kind: str,
    cases: list[tuple[Any, Any, bool]],
    raw_kind: str = "string",
) -> None:
    """Each case: the raw text, the value and whether it is unreadable."""
    schema = f"raw {raw_kind}, value {kind}, unreadable boolean"
    expected = spark.createDataFrame(cases, schema)
    reading = reader.read(lambda _: F.col("raw"))
    actual = expected.select(
        "raw", reading.value.alias("value"), reading.unreadable.alias("unreadable")
    )
    assert_df_equality(actual, expected, ignore_nullable=True)


def read_all(spark: SparkSession, texts: list[str], **readers: Reader) -> list[Row]:
    """Read every text by each reader, as columns ``raw``, ``<name>`` and ``<name>?``."""
    columns = [F.col("raw")]
    for name, reader in readers.items():
        reading = reader.read(lambda _: F.col("raw"))
        columns += [reading.value.alias(name), reading.unreadable.alias(f"{name}?")]
    frame = spark.createDataFrame([(text,) for text in texts], "raw string")
    return frame.select(*columns).collect()


BLANK = [(None, None, False), ("", None, False), (" \u00a0\u3000 ", None, False)]
UNKNOWN = [*BLANK, ("Unknown", None, False), ("N/A", None, False), (" - ", None, False)]


def test_text_is_tidied_and_unknown_is_null(spark: SparkSession) -> None:
    cases = [
        *UNKNOWN,
        ("  A\u00a0film\r\n of\u3000two\u2028lines\u0085", "A film of two lines", False),
        ("Unknown Pleasures", "Unknown Pleasures", False),
        ("unknown", "unknown", False),
        ("A &amp; B", "A &amp; B", False),
        ("zero\u200bwidth", "zero\u200bwidth", False),
        ("0", "0", False),
    ]
    check(spark, parse.text("x"), "string", cases)


def test_a_name_may_be_unknown(spark: SparkSession) -> None:
    cases = [*BLANK, (" Unknown\u00a0", "Unknown", False), ("-", "-", False), ("N/A", "N/A", False)]
    check(spark, parse.name("x"), "string", cases)


def test_whole_numbers(spark: SparkSession) -> None:
    cases = [
        *UNKNOWN,
        ("28", 28, False),
        ("28.0", 28, False),
        ("28.", 28, False),
        ("-3", -3, False),
        ("+3", 3, False),
        ("007", 7, False),
        ("\u00a028\u3000", 28, False),
        ("9223372036854775807", 2**63 - 1, False),
        ("9223372036854775808", None, True),
        ("5.6", None, True),
        ("1e5", None, True),
        ("1d", None, True),
        ("NaN", None, True),
        ("true", None, True),
        ("1 2", None, True),
        ("1,000", None, True),
        ("\uff11\uff12", None, True),
        ("1\x002", None, True),
        ("[1]", None, True),
    ]
    check(spark, parse.whole("x"), "bigint", cases)


def test_decimals(spark: SparkSession) -> None:
    cases = [
        *UNKNOWN,
        ("1.10", 1.1, False),
        ("4", 4.0, False),
        (".5", 0.5, False),
        ("1e5", 1e5, False),
        ("1.5E-3", 0.0015, False),
        ("\u00a04.5 ", 4.5, False),
        ("-0.5", -0.5, False),
        ("1d", None, True),
        ("1f", None, True),
        ("NaN", None, True),
        ("Infinity", None, True),
        ("1e999", None, True),
        ("0x1p3", None, True),
        ("1.2.3", None, True),
        ("1,5", None, True),
        ("e", None, True),
        ("t", None, True),
    ]
    check(spark, parse.decimal("x"), "double", cases)


def test_whole_numbers_above_zero(spark: SparkSession) -> None:
    cases = [
        *UNKNOWN,
        ("28.0", 28, False),
        ("1998", 1998, False),
        ("\u00a01\u3000", 1, False),
        ("0", None, False),
        ("0.0", None, False),
        ("-0", None, False),
        ("-1", None, True),
        ("5.6", None, True),
        ("9223372036854775807", 2**63 - 1, False),
        ("9223372036854775808", None, True),
        ("Infinity", None, True),
        ("\u0662\u0668", None, True),
        ("unknown", None, True),
    ]
    check(spark, parse.positive("x"), "bigint", cases)


def test_decimals_above_zero(spark: SparkSession) -> None:
    cases = [
        *UNKNOWN,
        ("8.78", 8.78, False),
        ("9", 9.0, False),
        ("0", None, False),
        ("0.00", None, False),
        ("-0.0", None, False),
        ("-1.5", None, True),
        ("1e999", None, True),
        ("Infinity", None, True),
        ("NaN", None, True),
        ("\u0668.5", None, True),
    ]
    check(spark, parse.positive_decimal("x"), "double", cases)


def test_dates(spark: SparkSession) -> None:
    cases = [
        *UNKNOWN,
        ("2020-01-31", date(2020, 1, 31), False),
        ("2020-1-5", date(2020, 1, 5), False),
        ("1995", date(1995, 1, 1), False),
        ("1995-07", date(1995, 7, 1), False),
        ("1600", date(1600, 1, 1), False),
        ("1232-02-03", date(1232, 2, 3), False),
        (" 2020-02-29\u00a0", date(2020, 2, 29), False),
        ("0", None, False),
        ("0000", None, False),
        ("0000-00-00", None, False),
        ("2021-02-29", None, True),
        ("2020-13-01", None, True),
        ("2020-00-00", None, True),
        ("20200131", None, True),
        ("199", None, True),
        ("2020-01-31T00:00:00Z", None, True),
        ("31/01/2020", None, True),
        ("2020-01-31 x", None, True),
        ("now", None, True),
    ]
    check(spark, parse.date("x"), "date", cases)


def test_years_of_dates(spark: SparkSession) -> None:
    cases = [
        *UNKNOWN,
        ("1999", 1999, False),
        ("1981-12", 1981, False),
        ("2020-01-31\u00a0", 2020, False),
        ("0000", None, False),
        ("0", None, False),
        ("0000-00-00", None, False),
        ("1981-13", None, True),
        ("99999", None, True),
        ("\u0661\u0669\u0669\u0665", None, True),
    ]
    check(spark, parse.year_of("x"), "int", cases)


def test_dates_of_moments_are_as_written(spark: SparkSession) -> None:
    cases = [
        *UNKNOWN,
        ("1998-04-03T00:00:00+00:00", date(1998, 4, 3), False),
        ("1998-04-03T23:59:59-11:00", date(1998, 4, 3), False),
        ("1998-04-03T00:30:00.5+14:00", date(1998, 4, 3), False),
        ("1998-04-03T00:00:00", date(1998, 4, 3), False),
        ("\u30001998-04-03T00:00:00Z\u00a0", date(1998, 4, 3), False),
        ("0000-01-01T00:00:00+00:00", None, False),
        ("0000-00-00T00:00:00+00:00", None, False),
        ("1998-02-29T00:00:00Z", None, True),
        ("1998-04-03T24:00:00Z", None, True),
        ("1998-04-03", None, True),
        ("1998-04-03T00:00", None, True),
        ("1998-04-03 00:00:00", None, True),
        ("1998-4-3T00:00:00Z", None, True),
        ("11998-04-03T00:00:00Z", None, True),
        ("1998-04-03T00:00:00Zebra", None, True),
        ("\u0661\u0669\u0669\u0668-04-03T00:00:00Z", None, True),
    ]
    check(spark, parse.moment_date("x"), "date", cases)


def test_moments(spark: SparkSession) -> None:
    def local(text: str) -> datetime:
        return datetime.fromisoformat(text).astimezone().replace(tzinfo=None)

    cases = [
        *UNKNOWN,
        ("2020-01-01T10:00:00Z", local("2020-01-01T10:00:00+00:00"), False),
        (" 2020-01-01T10:00:00+05:30", local("2020-01-01T04:30:00+00:00"), False),
        ("2020-01-01T10:00:00-0800", local("2020-01-01T18:00:00+00:00"), False),
        ("2020-01-01T10:00:00+02", local("2020-01-01T08:00:00+00:00"), False),
        ("2020-01-01T10:00:00.1234567Z", local("2020-01-01T10:00:00.123456+00:00"), False),
        ("1970-01-01T00:00:00Z", local("1970-01-01T00:00:00+00:00"), False),
        ("0000-01-01T00:00:00Z", None, False),
        ("0001-01-01T00:00:00+05:00", None, True),
        ("9999-12-31T23:59:59-05:00", None, True),
        ("2020-01-01T10:00:00", None, True),
        ("2020-01-01T10:00Z", None, True),
        ("2020-01-01", None, True),
        ("2020-01-01T10:00:00+19:00", None, True),
        ("2020-02-30T10:00:00Z", None, True),
        ("2020-01-01T10:00:00 Europe/Paris", None, True),
        ("1577872800", None, True),
        ("now", None, True),
    ]
    check(spark, parse.timestamp("x"), "timestamp", cases)


def test_fingerprints_are_of_the_tidied_text(spark: SparkSession) -> None:
    def sha(text: str) -> str:
        return hashlib.sha256(text.encode()).hexdigest()

    cases = [
        *BLANK,
        ("A film\u00a0of  two\r\nlines ", sha("A film of two lines"), False),
        ("A film of two lines", sha("A film of two lines"), False),
        ("a film of two lines", sha("a film of two lines"), False),
        ("\u30ab\u30a6\u3000\U0001f600", sha("\u30ab\u30a6 \U0001f600"), False),
        ("-", sha("-"), False),
        ("Unknown", sha("Unknown"), False),
    ]
    check(spark, parse.fingerprint("x"), "string", cases)


def test_epoch_seconds(spark: SparkSession) -> None:
    # chispa compares what Python gets: naive times of the machine's zone.
    def local(seconds: int) -> datetime:
        return datetime.fromtimestamp(seconds)

    cases = [
        *UNKNOWN,
        ("964982703", local(964982703), False),
        ("964982703.0", local(964982703), False),
        ("0", local(0), False),
        ("964982703000", None, True),
        ("99999999999999999999", None, True),
        ("9223372036854775807", None, True),
        ("2000-07-30", None, True),
    ]
    check(spark, parse.epoch_seconds("x"), "timestamp", cases)


def test_booleans(spark: SparkSession) -> None:
    cases = [
        *UNKNOWN,
        ("true", True, False),
        ("False", False, False),
        ("t", None, True),
        ("yes", None, True),
        ("1", None, True),
    ]
    check(spark, parse.boolean("x"), "boolean", cases)


def test_imdb_ids(spark: SparkSession) -> None:
    cases = [
        *UNKNOWN,
        ("0114709", "tt0114709", False),
        ("114709", "tt0114709", False),
        ("tt0114709", "tt0114709", False),
        ("10872600", "tt10872600", False),
        ("114709.0", "tt0114709", False),
        ("nm0000158", None, True),
    ]
    check(spark, parse.imdb_id("x"), "string", cases)


def test_titles_with_years(spark: SparkSession) -> None:
    cases = [
        ("Toy Story (1995)", "Toy Story", 1995),
        ("96 Minutes (2011) ", "96 Minutes", 2011),
        ("Dark\u00a0(2017\u20132020)", "Dark", 2017),
        ("Fawlty Towers (1975-1979)", "Fawlty Towers", 1975),
        ("Doctor Who (2005- )", "Doctor Who", 2005),
        ("3 dev adam (Three Giant Men) (1973)", "3 dev adam (Three Giant Men)", 1973),
        ("Two (1990) (1995)", "Two (1990)", 1995),
        ("Babylon 5", "Babylon 5", None),
        ("2012", "2012", None),
        ("1984 (1984) again", "1984 (1984) again", None),
        ("Unknown (2011)", "Unknown", 2011),
        ("Close(2022)", "Close", 2022),
        ("(1995)", None, 1995),
        ("Nothing (0000)", "Nothing", None),
        ("Arabic (\u0661\u0669\u0669\u0665)", "Arabic (\u0661\u0669\u0669\u0665)", None),
        ("", None, None),
        (None, None, None),
    ]
    titles = [(raw, title, False) for raw, title, _ in cases]
    years = [(raw, year, False) for raw, _, year in cases]
    check(spark, parse.title_without_year("x"), "string", titles)
    check(spark, parse.year_in_title("x"), "int", years)


def test_separated_names(spark: SparkSession) -> None:
    cases = [
        (None, None, False),
        ("", None, False),
        ("(no genres listed)", [], False),
        ("Comedy", ["Comedy"], False),
        ("Comedy| Sci-Fi |Comedy||\u00a0", ["Comedy", "Sci-Fi"], False),
        ("|", [], False),
    ]
    reader = parse.separated_names("x", "|", nothing="(no genres listed)")
    check(spark, reader, "array<string>", cases)


def test_arrays_of_whole_numbers(spark: SparkSession) -> None:
    cases = [
        *UNKNOWN,
        ("[]", [], False),
        ("[28, 12]", [28, 12], False),
        ("[ 28 , 28, null, 12 ]", [28, 12], False),
        ('["28", ""]', [28], False),
        ('[28, "x"]', [28], True),
        ("[28, 1e3]", [28], True),
        ("[[28]]", [], True),
        ("[1]x", None, True),
        ("28", None, True),
        ('{"a": 1}', None, True),
        ("[28", None, True),
        ("text", None, True),
    ]
    check(spark, parse.whole_numbers("x"), "array<int>", cases)


def test_unknown_where_another_field_says_so(spark: SparkSession) -> None:
    mean = parse.decimal("mean").unknown_where(parse.whole("votes"), lambda votes: votes == 0)
    assert mean.fields == ("mean", "votes")
    cases = [
        ("7.5", "2", 7.5, False),
        ("0.0", "0", None, False),
        ("7.5", "0.0", None, False),
        ("x", "0", None, False),
        ("x", "2", None, True),
        ("7.5", None, 7.5, False),
        ("7.5", "many", 7.5, False),
    ]
    expected = spark.createDataFrame(
        cases, "mean string, votes string, value double, unreadable boolean"
    )
    reading = mean.read(F.col)
    actual = expected.select(
        "mean", "votes", reading.value.alias("value"), reading.unreadable.alias("unreadable")
    )
    assert_df_equality(actual, expected, ignore_nullable=True)


# --- properties: nothing throws, nothing is invented, nothing vanishes in silence ----------------

WHITE = parse.BLANKS
WORDS = "1 0 28 2020 99999999999999999999 Unknown N/A true NaN Infinity (1995) tt e E5 d now"
PIECES = st.sampled_from([*WORDS.split(), *'.-+/:[],"{}|\\\x00', *WHITE])
TEXTS = st.lists(
    st.one_of(st.text(max_size=12), st.lists(PIECES, max_size=5).map("".join)),
    min_size=300,
    max_size=400,
)


def squeeze(text: str) -> str:
    return re.sub(f"[{WHITE}]+", " ", text).strip(" ")


def is_unknown(text: str) -> bool:
    return text.strip(WHITE) in {"", "Unknown", "N/A", "-"}


def python_whole(text: str) -> int | None:
    # A cast passes over control characters around a number, too.
    control = "".join(map(chr, (*range(33), 127)))
    found = re.fullmatch(r"([+-]?[0-9]+)(\.0*)?", text.strip(WHITE)) or re.fullmatch(
        "([+-]?[0-9]+)", text.strip(control)
    )
    value = int(found[1]) if found else 2**63
    return value if -(2**63) <= value < 2**63 else None


def python_decimal(text: str) -> float | None:
    shape = r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?"
    value = float(text.strip(WHITE)) if re.fullmatch(shape, text.strip(WHITE)) else math.inf
    return value if abs(value) < math.inf else None


def python_date(text: str) -> date | None:
    found = re.fullmatch(r"([0-9]{4})(?:-([0-9]{1,2}))?(?:-([0-9]{1,2}))?", text.strip(WHITE))
    try:
        return date(int(found[1]), int(found[2] or 1), int(found[3] or 1)) if found else None
    except ValueError:
        return None


@settings(max_examples=4, deadline=None, suppress_health_check=list(HealthCheck))
@given(texts=TEXTS)
@example(texts=["12\x00", "1\n", "+", "--1", "1e", ".", "0000-1", "2020-1-", "[[1]]", "[1]x"])
def test_readers_neither_throw_nor_invent(spark: SparkSession, texts: list[str]) -> None:
    readers = {
        "text": parse.text("x"),
        "name": parse.name("x"),
        "whole": parse.whole("x"),
        "positive": parse.positive("x"),
        "above": parse.positive_decimal("x"),
        "year_of": parse.year_of("x"),
        "hash": parse.fingerprint("x"),
        "decimal": parse.decimal("x"),
        "date": parse.date("x"),
        "boolean": parse.boolean("x"),
        "moment": parse.epoch_seconds("x").then(F.unix_timestamp),
        "imdb": parse.imdb_id("x"),
        "title": parse.title_without_year("x"),
        "year": parse.year_in_title("x"),
        "names": parse.separated_names("x", "|", nothing="(none)"),
        "numbers": parse.whole_numbers("x"),
    }
    for row in read_all(spark, texts, **readers):
        raw = row["raw"]
        assert row["name"] == (squeeze(raw) or None)
        assert row["text"] == (None if is_unknown(squeeze(raw)) else squeeze(raw))
        assert row["whole"] == python_whole(raw)
        assert row["decimal"] == python_decimal(raw)
        assert row["date"] == python_date(raw)
        assert row["year_of"] == (row["date"].year if row["date"] else None)
        assert row["year_of?"] == row["date?"]
        assert (row["hash"] is None) == (row["name"] is None)
        for above, number in (("positive", "whole"), ("above", "decimal")):
            value = row[number]
            assert row[above] == (value if value is not None and value > 0 else None)
            assert row[f"{above}?"] == (row[f"{number}?"] or (value is not None and value < 0))
        for scalar in ("whole", "decimal", "boolean", "moment", "imdb"):
            assert row[f"{scalar}?"] == (row[scalar] is None and not is_unknown(raw))
        if row["moment"] is not None:
            assert row["moment"] == python_whole(raw)
        if row["title"] is not None:
            assert squeeze(raw).startswith(row["title"])
        if row["year"] is not None:
            assert f"{row['year']:04}" in raw
        if row["names"] is not None:
            assert all(name and name in squeeze(raw) for name in row["names"])
            assert len(set(row["names"])) == len(row["names"])
        if row["numbers"] is not None:
            assert all(re.search(rf"\b0*{abs(number)}\b", raw) for number in row["numbers"])


MOMENT_PARTS = (
    ["2020-02-29", "2021-02-29", "1998-12-31", "0000-01-01", "0001-01-01", "9999-12-31", "98-1-1"],
    ["T", "T", "T", " ", "t", ""],
    ["00:00:00", "23:59:59", "24:00:00", "12:60:00", "10:00", "1:2:3"],
    ["", ".5", ".123456789", ".", ",5"],
    ["Z", "Z", "", "+00:00", "-11:30", "+1400", "+05", "+19:00", " UTC", "z"],
)


EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
LEAST, MOST = (
    (end.replace(tzinfo=UTC) - EPOCH) // timedelta(microseconds=1)
    for end in (datetime.min, datetime.max)
)


@st.composite
def moments(draw: st.DrawFn) -> str:
    written = "".join(draw(st.sampled_from(part)) for part in MOMENT_PARTS)
    return draw(st.sampled_from(["", *WHITE])) + written


def python_moment(text: str) -> datetime | None:
    """The moment in the zone in which it is written, in UTC where none is."""
    shape = r"([0-9-]{10}T[0-9:]{8})(?:\.([0-9]+))?(?:Z|([+-])([0-9]{2}):?([0-9]{2})?)?"
    found = re.fullmatch(shape, text.strip(WHITE))
    if not found or int(found[4] or 0) > 18:
        return None
    offset = timedelta(hours=int(found[4] or 0), minutes=int(found[5] or 0))
    zone = timezone(-offset if found[3] == "-" else offset)
    try:
        written = datetime.strptime(found[1], "%Y-%m-%dT%H:%M:%S")
    except ValueError:
        return None
    micros = int((found[2] or "").ljust(6, "0")[:6])
    return written.replace(microsecond=micros, tzinfo=zone)


@settings(max_examples=3, deadline=None, suppress_health_check=list(HealthCheck))
@given(texts=st.lists(st.one_of(moments(), st.text(max_size=12)), min_size=300, max_size=400))
def test_moments_neither_throw_nor_invent(spark: SparkSession, texts: list[str]) -> None:
    readers = {
        "moment": parse.timestamp("x").then(F.unix_micros),
        "day": parse.moment_date("x"),
    }
    for row in read_all(spark, texts, **readers):
        raw = row["raw"].strip(WHITE)
        expected = python_moment(raw)
        assert row["day"] == (expected.date() if expected else None)
        zoned = expected is not None and re.search("(Z|[+-][0-9:]+)$", raw[10:])
        micros = (expected - EPOCH) // timedelta(microseconds=1) if expected and zoned else None
        usable = micros is not None and LEAST <= micros <= MOST
        assert row["moment"] == (micros if usable else None)
        unknown = is_unknown(raw) or re.match("0{1,4}(-|$)", raw)
        for column in ("moment", "day"):
            assert row[f"{column}?"] == (row[column] is None and not unknown)


def test_times_are_utc(spark: SparkSession) -> None:
    moment = parse.epoch_seconds("x").read(lambda _: F.lit("964982703")).value
    found = spark.range(1).select(moment.cast("string")).first()[0]
    assert found == f"{datetime.fromtimestamp(964982703, UTC):%Y-%m-%d %H:%M:%S}"
