"""The readers' edge cases; each test is one Spark job over all its examples."""

from __future__ import annotations

import math
import re
from datetime import UTC, date, datetime
from typing import Any

from chispa import assert_df_equality
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from data_pipeline.silver import parse
from data_pipeline.silver.parse import Reader


def check(
    spark: SparkSession, reader: Reader, kind: str, cases: list[tuple[str | None, Any, bool]]
) -> None:
    """Each case: the raw text, the value and whether it is unreadable."""
    schema = f"raw string, value {kind}, unreadable boolean"
    expected = spark.createDataFrame(cases, schema)
    reading = reader.read(lambda _: F.col("raw"))
    actual = expected.select(
        "raw", reading.value.alias("value"), reading.unreadable.alias("unreadable")
    )
    assert_df_equality(actual, expected, ignore_nullable=True)


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
        "decimal": parse.decimal("x"),
        "date": parse.date("x"),
        "boolean": parse.boolean("x"),
        "moment": parse.epoch_seconds("x"),
        "imdb": parse.imdb_id("x"),
        "title": parse.title_without_year("x"),
        "year": parse.year_in_title("x"),
        "names": parse.separated_names("x", "|", nothing="(none)"),
        "numbers": parse.whole_numbers("x"),
    }
    columns = []
    for name, reader in readers.items():
        reading = reader.read(lambda _: F.col("raw"))
        value = F.unix_timestamp(reading.value) if name == "moment" else reading.value
        columns += [value.alias(name), reading.unreadable.alias(f"{name}?")]
    frame = spark.createDataFrame([(text,) for text in texts], "raw string")
    for row in frame.select("raw", *columns).collect():
        raw = row["raw"]
        assert row["name"] == (squeeze(raw) or None)
        assert row["text"] == (None if is_unknown(squeeze(raw)) else squeeze(raw))
        assert row["whole"] == python_whole(raw)
        assert row["decimal"] == python_decimal(raw)
        assert row["date"] == python_date(raw)
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


def test_times_are_utc(spark: SparkSession) -> None:
    moment = parse.epoch_seconds("x").read(lambda _: F.lit("964982703")).value
    found = spark.range(1).select(moment.cast("string")).first()[0]
    assert found == f"{datetime.fromtimestamp(964982703, UTC):%Y-%m-%d %H:%M:%S}"
