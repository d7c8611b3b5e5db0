"""MyAnimeList's texts: durations, dates and seasons."""

from __future__ import annotations

import re
from datetime import date

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyspark.sql import SparkSession

from data_pipeline.silver import parse_anime
from tests.silver.test_parse import UNKNOWN, WHITE, check, is_unknown, read_all, squeeze

MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
READERS = {
    "minutes": parse_anime.duration_minutes("x"),
    "first": parse_anime.first_date("x"),
    "last": parse_anime.last_date("x"),
    "season": parse_anime.season("x"),
    "year": parse_anime.season_year("x"),
    "name": parse_anime.season_name("x"),
}


def test_durations(spark: SparkSession) -> None:
    cases = [
        *UNKNOWN,
        ("24 min per ep", 24.0, False),
        ("24 min. per ep.", 24.0, False),
        ("1 hr 55 min", 115.0, False),
        ("1 hr. 55 min.", 115.0, False),
        ("2 hr 3 min per ep", 123.0, False),
        ("1 hr", 60.0, False),
        ("1 hr. per ep.", 60.0, False),
        ("30 sec", 0.5, False),
        ("45 sec. per ep.", 0.75, False),
        ("1 min 20 sec", 1 + 20 / 60, False),
        ("1 hr 1 sec", 60 + 1 / 60, False),
        ("90 min", 90.0, False),
        ("\u00a024\u3000MIN  per\u00a0Ep \n", 24.0, False),
        ("0 min", None, False),
        ("0 hr. 0 min. per ep.", None, False),
        ("24", None, True),
        ("min", None, True),
        ("per ep.", None, True),
        ("hr. 30 min.", None, True),
        ("30 min 1 hr", None, True),
        ("-24 min", None, True),
        ("1.5 hr", None, True),
        ("24 min per week", None, True),
        ("about 24 min", None, True),
        ("99999999999999999999 min", None, True),
        ("Infinity min", None, True),
        ("\u0662\u0664 min", None, True),
        ("24 m\u0131n", None, True),
        ("PT24M", None, True),
    ]
    check(spark, READERS["minutes"], "double", cases)


def test_dates_of_airing(spark: SparkSession) -> None:
    both = [
        *((text, None, None, False, False) for text, _, _ in UNKNOWN),
        ("Not available", None, None, False, False),
        ("?", None, None, False, False),
        ("Apr 3, 1998 to Apr 24, 1999", date(1998, 4, 3), date(1999, 4, 24), False, False),
        ("Sep 1, 2001", date(2001, 9, 1), None, False, False),
        ("Feb 29, 2004", date(2004, 2, 29), None, False, False),
        ("2005", date(2005, 1, 1), None, False, False),
        ("2005 to 2006", date(2005, 1, 1), date(2006, 1, 1), False, False),
        ("Jul, 2021 to ?", date(2021, 7, 1), None, False, False),
        ("Oct, 1994", date(1994, 10, 1), None, False, False),
        ("Oct 1994", date(1994, 10, 1), None, False, False),
        ("2005 to Dec, 2006", date(2005, 1, 1), date(2006, 12, 1), False, False),
        ("Apr 3, 1998 to Unknown", date(1998, 4, 3), None, False, False),
        ("? to 2006", None, date(2006, 1, 1), False, False),
        ("0000 to 2006", None, date(2006, 1, 1), False, False),
        (
            "\u3000MAY\u00a03,  1998 to\nmay 4, 1998 ",
            date(1998, 5, 3),
            date(1998, 5, 4),
            False,
            False,
        ),
        # Each of the two columns says for itself what could not be read.
        ("Feb 29, 2005 to Mar 1, 2005", None, date(2005, 3, 1), True, False),
        ("2005 to later", date(2005, 1, 1), None, False, True),
        ("2005 to 2006 to 2007", date(2005, 1, 1), None, False, True),
        ("2005to 2006", None, None, True, True),
        ("Apr 0, 1998", None, None, True, True),
        ("Apr 31, 1998", None, None, True, True),
        ("Abr 3, 1998", None, None, True, True),
        ("Avr, 1998", None, None, True, True),
        ("3 Apr 1998", None, None, True, True),
        ("Apr", None, None, True, True),
        ("Apr 3, 98", None, None, True, True),
        ("-1998", None, None, True, True),
        ("19981", None, None, True, True),
        ("99999999999999999999", None, None, True, True),
        ("\u0661\u0669\u0669\u0668", None, None, True, True),
        ("now", None, None, True, True),
    ]
    check(spark, READERS["first"], "date", [(raw, a, bad) for raw, a, _, bad, _ in both])
    check(spark, READERS["last"], "date", [(raw, b, bad) for raw, _, b, _, bad in both])


def test_seasons(spark: SparkSession) -> None:
    both = [
        *((text, None, None, False) for text, _, _ in UNKNOWN),
        ("Spring 1998", "spring", 1998, False),
        ("FALL 2020", "fall", 2020, False),
        ("\u00a0winter\u3000 1970\n", "winter", 1970, False),
        ("Summer", None, None, True),
        ("1998", None, None, True),
        ("Autumn 1998", None, None, True),
        ("Spring 98", None, None, True),
        ("Spring 19980", None, None, True),
        ("Spring 1998 to Fall 1999", None, None, True),
        ("Spring \u0661\u0669\u0669\u0668", None, None, True),
        ("Spr\u0131ng 1998", None, None, True),
        ("Not available", None, None, True),
    ]
    check(spark, READERS["season"], "string", [(raw, name, bad) for raw, name, _, bad in both])
    check(spark, READERS["year"], "int", [(raw, year, bad) for raw, _, year, bad in both])
    check(spark, READERS["year"], "int", [("Fall 0000", None, False)])


def test_names_of_seasons(spark: SparkSession) -> None:
    cases = [
        *UNKNOWN,
        *((season, season, False) for season in parse_anime.SEASONS),
        (" Spring\u00a0", "spring", False),
        ("FALL", "fall", False),
        ("autumn", None, True),
        ("spring 1998", None, True),
        ("spr ing", None, True),
        ("\u017fpring", None, True),
    ]
    check(spark, READERS["name"], "string", cases)


# --- properties: nothing throws, nothing is invented, what is written is read back ---------------

WORDS = "Apr Feb 3 29 31 1998 2005 0000 24 0 hr min. sec per ep. Spring fall Unknown Not available"
PIECES = st.sampled_from([*WORDS.split(), " to ", "?", ",", ", ", " ", " ", "-", "\x00", *WHITE])
TEXTS = st.lists(
    st.one_of(st.text(max_size=12), st.lists(PIECES, max_size=9).map("".join)),
    min_size=300,
    max_size=400,
)


@settings(max_examples=3, deadline=None, suppress_health_check=list(HealthCheck))
@given(texts=TEXTS)
def test_readers_neither_throw_nor_invent(spark: SparkSession, texts: list[str]) -> None:
    for row in read_all(spark, texts, **READERS):
        raw = squeeze(row["raw"])
        parts = re.findall("([0-9]+) ?(hr|min|sec)", raw)
        amount = sum(int(n) * {"hr": 3600, "min": 60, "sec": 1}[unit] for n, unit in parts)
        assert row["minutes"] is None or round(row["minutes"] * 60) == amount > 0
        for end in ("first", "last"):
            found = row[end]
            if found is not None:
                assert f"{found.year:04}" in raw
                assert found.month == 1 or MONTHS[found.month - 1] in raw
                assert found.day == 1 or str(found.day) in raw
        assert row["season"] is None or row["season"] in raw.lower()
        assert row["year"] is None or f"{row['year']:04}" in raw
        assert row["name"] is None or row["name"] == raw.lower()

        # What is neither read nor reported was unknown.
        silent = {name for name in READERS if row[name] is None and not row[f"{name}?"]}
        reported = {name for name in READERS if row[f"{name}?"]}
        assert not any(row[name] is not None for name in reported)
        if not is_unknown(raw):
            assert not silent & {"season", "name"}
            assert "minutes" not in silent or (parts and amount == 0)
            assert "year" not in silent or raw.endswith("0000")
            ends = raw.split(" to ", 1)
            for end, text in zip(("first", "last"), ends, strict=False):
                unknown = is_unknown(text) or text in {"Not available", "?"}
                assert end not in silent or unknown or text.endswith("0000")


BLANKS = st.sampled_from([" ", "  ", "\u00a0", "\u3000", "\n"])


@st.composite
def durations(draw: st.DrawFn) -> tuple[str, float | None]:
    units = draw(st.sets(st.sampled_from(["hr", "min", "sec"]), min_size=1))
    amounts = {unit: draw(st.integers(0, 999)) for unit in ("hr", "min", "sec") if unit in units}
    stop, blank = draw(st.sampled_from(["", "."])), draw(BLANKS)
    words = [f"{amount}{blank}{unit}{stop}" for unit, amount in amounts.items()]
    words += draw(st.sampled_from([[], [f"per ep{stop}"]]))
    hours, minutes, seconds = (amounts.get(unit, 0) for unit in ("hr", "min", "sec"))
    return blank.join(words), (hours * 60 + minutes + seconds / 60) or None


@st.composite
def ends(draw: st.DrawFn) -> tuple[str, date]:
    day = draw(st.dates())
    month, blank, comma = MONTHS[day.month - 1], draw(BLANKS), draw(st.sampled_from([",", ""]))
    return draw(
        st.sampled_from(
            [
                (f"{month}{blank}{day.day}{comma}{blank}{day.year:04}", day),
                (f"{month}{comma}{blank}{day.year:04}", day.replace(day=1)),
                (f"{day.year:04}", day.replace(month=1, day=1)),
            ]
        )
    )


@settings(max_examples=2, deadline=None, suppress_health_check=list(HealthCheck))
@given(cases=st.lists(durations(), min_size=200, max_size=200))
def test_durations_are_read_back(
    spark: SparkSession, cases: list[tuple[str, float | None]]
) -> None:
    rows = read_all(spark, [raw for raw, _ in cases], minutes=READERS["minutes"])
    assert [(row["raw"], row["minutes"], row["minutes?"]) for row in rows] == [
        (raw, minutes, False) for raw, minutes in cases
    ]


@settings(max_examples=2, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    cases=st.lists(
        st.tuples(ends(), st.one_of(st.none(), st.just(("?", None)), ends())),
        min_size=200,
        max_size=200,
    )
)
def test_dates_are_read_back(
    spark: SparkSession,
    cases: list[tuple[tuple[str, date], tuple[str, date | None] | None]],
) -> None:
    written = [first[0] + (f" to {last[0]}" if last else "") for first, last in cases]
    rows = read_all(spark, written, first=READERS["first"], last=READERS["last"])
    assert [(row["first"], row["last"], row["first?"], row["last?"]) for row in rows] == [
        (first[1], last[1] if last else None, False, False) for first, last in cases
    ]


@settings(max_examples=2, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    cases=st.lists(
        st.tuples(st.sampled_from(parse_anime.SEASONS), BLANKS, st.integers(1, 9999)),
        min_size=200,
        max_size=200,
    )
)
def test_seasons_are_read_back(spark: SparkSession, cases: list[tuple[str, str, int]]) -> None:
    written = [f"{season.capitalize()}{blank}{year:04}" for season, blank, year in cases]
    rows = read_all(spark, written, season=READERS["season"], year=READERS["year"])
    assert [(row["season"], row["year"]) for row in rows] == [
        (season, year) for season, _, year in cases
    ]
