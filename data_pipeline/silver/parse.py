"""Readers: from the publisher's text to typed values, with what could not be read kept apart.

Bronze records are read as text, so that a value's exact spelling is still there (``1.10``,
``28.0``, ``1e5``). A reader turns it into a :class:`Reading`: the value, and whether there was
something that could not be read. Casts are lenient in surprising ways (``'2020'`` is a date,
``'1d'`` a number, ``'28.0'`` no whole number), so every reader tests the shape first.

Unknown is NULL, and not unreadable: a JSON null, an empty or blank text, and ``Unknown``, ``N/A``
and ``-`` as the whole value (but not in names and titles: there is a film called Unknown).

Readers are built when a table's module is imported, without Spark; only :meth:`Reader.read`
makes column expressions. Texts that one kind of publisher writes have modules of their own:
:mod:`data_pipeline.silver.parse_anime` and :mod:`data_pipeline.silver.parse_names`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pyspark.sql import functions as F

if TYPE_CHECKING:
    from pyspark.sql import Column

UNKNOWN = ("", "Unknown", "N/A", "-")

# The characters of Unicode's White_Space property, which Java's \s and trim() do not cover.
BLANKS = (
    "\t\n\v\f\r \u0085\u00a0\u1680"
    "\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000"
)
_BLANK_RUN = r"\p{IsWhite_Space}+"
_WHOLE = r"^([+-]?[0-9]+)(?:\.0*)?$"
_NUMBER_CHARACTERS = r"^[0-9.eE+-]+$"
_DATE = r"^[0-9]{4}(-[0-9]{1,2}){0,2}$"
_TITLE_YEAR = r"\s*\(\s*([0-9]{4})\s*(?:[-\u2013]\s*(?:[0-9]{4})?\s*)?\)$"
_ARRAY = r"(?s)^\[(.*)\]$"
_IMDB_NUMBER = r"^(?:tt)?([0-9]+)(?:\.0*)?$"
_YEAR_ZERO = "^0{1,4}(-|$)"
_CLOCK = r"T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?"
_ZONE = "(Z|[+-][0-9]{2}(:?[0-9]{2})?)"
_DAY = "^[0-9]{4}-[0-9]{2}-[0-9]{2}"

# What Spark's timestamps and Python's datetimes can both hold: the years 1 to 9999.
_FIRST_SECOND, _LAST_SECOND = -62_135_596_800, 253_402_300_799


@dataclass(frozen=True)
class Reading:
    """A typed value, and a boolean (never NULL) that is true where text could not be read."""

    value: Column
    unreadable: Column


@dataclass(frozen=True)
class Reader:
    """How one column of a table is read from the ``fields`` of a record."""

    fields: tuple[str, ...]
    _read: Callable[[Callable[[str], Column]], Reading]

    def read(self, raw: Callable[[str], Column]) -> Reading:
        """Return the reading, where ``raw`` gives the text column of a field."""
        return self._read(raw)

    def then(self, change: Callable[[Column], Column]) -> Reader:
        """Return a reader whose value is ``change`` of this one's; what is unreadable stays so."""

        def read(raw: Callable[[str], Column]) -> Reading:
            reading = self._read(raw)
            return Reading(change(reading.value), reading.unreadable)

        return Reader(self.fields, read)

    def or_else(self, other: Reader) -> Reader:
        """Return a reader of this one's value or, where there is none, of ``other``'s."""

        def read(raw: Callable[[str], Column]) -> Reading:
            first, second = self._read(raw), other.read(raw)
            value = F.coalesce(first.value, second.value)
            return Reading(value, value.isNull() & (first.unreadable | second.unreadable))

        return Reader(self.fields + other.fields, read)

    def unknown_where(self, other: Reader, test: Callable[[Column], Column]) -> Reader:
        """Return a reader that is NULL where ``test`` of ``other``'s value is true."""

        def read(raw: Callable[[str], Column]) -> Reading:
            reading = self._read(raw)
            known = ~F.coalesce(test(other.read(raw).value), F.lit(False))
            return Reading(F.when(known, reading.value), known & reading.unreadable)

        return Reader(self.fields + other.fields, read)


def reader(field: str, read: Callable[[Column], Reading]) -> Reader:
    """Return the reader of one field, where ``read`` gives the reading of its text."""
    return Reader((field,), lambda raw: read(raw(field)))


def readable(value: Column) -> Reading:
    """Return ``value`` as a reading of text that can always be read."""
    return Reading(value, F.lit(False))


def checked(value: Column, text: Column, known: Column | None = None) -> Reading:
    """Return a reading that is unreadable where there is known text, but no value."""
    known = ~text.isin(*UNKNOWN) if known is None else known
    return Reading(value, value.isNull() & F.coalesce(known, F.lit(False)))


# --- text ---------------------------------------------------------------------------------------


def tidy(text: Column) -> Column:
    """Return ``text`` trimmed, with one blank for every run of Unicode white space."""
    return F.trim(F.regexp_replace(text, _BLANK_RUN, " "))


def bare(text: Column) -> Column:
    """Return ``text`` without white space around it; for a scalar: cheaper than tidy."""
    return F.btrim(text, F.lit(BLANKS))


def text(field: str) -> Reader:
    """Read free text; unknown is NULL."""

    def read(raw: Column) -> Reading:
        tidied = tidy(raw)
        return readable(F.when(~tidied.isin(*UNKNOWN), tidied))

    return reader(field, read)


def name(field: str) -> Reader:
    """Read a name or a title, which may well read "Unknown" or "-"; only empty is NULL."""
    return reader(field, lambda raw: readable(F.nullif(tidy(raw), F.lit(""))))


def fingerprint(field: str) -> Reader:
    """Read a text as the SHA-256, in hexadecimal digits, of its tidied form; only empty is NULL."""
    return name(field).then(lambda tidied: F.sha2(tidied, 256))


def title_without_year(field: str) -> Reader:
    """Read a title such as ``Heat (1995)`` without the year in parentheses at its end."""
    return name(field).then(
        lambda title: F.nullif(F.trim(F.regexp_replace(title, _TITLE_YEAR, "")), F.lit(""))
    )


def year_in_title(field: str) -> Reader:
    """Read the year at the end of a title as an int: the first of ``(1975-1979)``, else NULL."""
    return name(field).then(
        lambda title: F.nullif(F.regexp_extract(title, _TITLE_YEAR, 1).try_cast("int"), F.lit(0))
    )


# --- scalars ------------------------------------------------------------------------------------


def whole(field: str, kind: str = "bigint") -> Reader:
    """Read a whole number as a bigint, or an int; ``28.0`` is 28, ``5.6`` is unreadable."""
    return reader(field, lambda raw: _whole(raw, kind))


def _whole(raw: Column, kind: str) -> Reading:
    text = bare(raw)
    # A cast to an integer reads digits with a sign and nothing else, so the usual spelling needs
    # no regular expression (0.3 s of CPU a column and million rows).
    value = F.coalesce(raw.try_cast(kind), F.regexp_extract(text, _WHOLE, 1).try_cast(kind))
    return checked(value, text)


def decimal(field: str) -> Reader:
    """Read a number as a double; ``NaN``, ``Infinity``, ``1d`` and ``1e999`` are unreadable."""

    def read(raw: Column) -> Reading:
        text = bare(raw)
        # With these characters alone, a cast to double reads decimal notation and nothing else.
        number = F.when(text.rlike(_NUMBER_CHARACTERS), text.try_cast("double"))
        return checked(F.when(F.abs(number) < float("inf"), number), text)

    return reader(field, read)


def positive(field: str) -> Reader:
    """Read a whole number above 0 as a bigint; 0 is unknown, below it is unreadable."""
    return _above_zero(whole(field))


def year(field: str) -> Reader:
    """Read a year from -9999 to 9999 as an int; 0 is unknown, beyond them is unreadable."""

    def read(raw: Column) -> Reading:
        number = _whole(raw, "int")
        beyond = F.coalesce(~number.value.between(-9999, 9999), F.lit(False))
        known = F.when(~beyond & (number.value != 0), number.value)
        return Reading(known, number.unreadable | beyond)

    return reader(field, read)


def positive_decimal(field: str) -> Reader:
    """Read a number above 0 as a double; 0 is unknown, below it is unreadable."""
    return _above_zero(decimal(field))


def _above_zero(number: Reader) -> Reader:
    def read(raw: Callable[[str], Column]) -> Reading:
        reading = number.read(raw)
        negative = F.coalesce(reading.value < 0, F.lit(False))
        return Reading(F.when(reading.value > 0, reading.value), reading.unreadable | negative)

    return Reader(number.fields, read)


def boolean(field: str) -> Reader:
    """Read ``true`` or ``false``, in any case."""

    def read(raw: Column) -> Reading:
        text = bare(raw)
        spelled = F.lower(text)
        return checked(F.when(spelled.isin("true", "false"), spelled == "true"), text)

    return reader(field, read)


def date(field: str) -> Reader:
    """Read ``2020-01-31``, ``2020-1``, ``2020`` as a date, the first of the month or year.

    A year of 0 means that the publisher does not know it.
    """

    def read(raw: Column) -> Reading:
        text = bare(raw)
        unknown = text.isin(*UNKNOWN) | text.rlike(_YEAR_ZERO)
        value = F.when(text.rlike(_DATE) & ~unknown, text.try_cast("date"))
        return checked(value, text, known=~unknown)

    return reader(field, read)


def year_of(field: str) -> Reader:
    """Read the year of what :func:`date` reads, as an int."""
    return date(field).then(F.year)


def moment_date(field: str) -> Reader:
    """Read the date of an ISO 8601 moment as it is written, in whatever zone that is.

    A year of 0 means that the publisher does not know it.
    """

    def read(raw: Column) -> Reading:
        text = bare(raw)
        known = ~(text.isin(*UNKNOWN) | text.rlike(_YEAR_ZERO))
        is_moment = text.rlike(f"{_DAY}{_CLOCK}{_ZONE}?$") & text.try_cast("timestamp").isNotNull()
        value = F.when(is_moment & known, F.substring(text, 1, 10).try_cast("date"))
        return checked(value, text, known)

    return reader(field, read)


def timestamp(field: str) -> Reader:
    """Read an ISO 8601 moment with its zone as a timestamp of the years 1 to 9999, UTC.

    A year of 0 means that the publisher does not know it. Spotify writes 1970-01-01T00:00:00Z
    for a moment that it does not know: that stays, being a moment.
    """

    def read(raw: Column) -> Reading:
        text = bare(raw)
        known = ~(text.isin(*UNKNOWN) | text.rlike(_YEAR_ZERO))
        moment = F.when(text.rlike(f"{_DAY}{_CLOCK}{_ZONE}$"), text.try_cast("timestamp"))
        usable = F.unix_seconds(moment).between(_FIRST_SECOND, _LAST_SECOND)
        return checked(F.when(known & usable, moment), text, known)

    return reader(field, read)


def epoch_seconds(field: str) -> Reader:
    """Read whole seconds since 1970, UTC, as a timestamp of the years 1 to 9999."""

    def read(raw: Column) -> Reading:
        seconds = _whole(raw, "bigint")
        usable = seconds.value.between(_FIRST_SECOND, _LAST_SECOND)
        return checked(F.when(usable, F.timestamp_seconds(seconds.value)), bare(raw))

    return reader(field, read)


def imdb_id(field: str) -> Reader:
    """Read IMDb's number of a title as its id: ``tt`` and at least seven digits."""

    def read(raw: Column) -> Reading:
        text = bare(raw)
        digits = F.regexp_extract(text, _IMDB_NUMBER, 1).try_cast("decimal(38,0)").cast("string")
        padded = F.when(F.length(digits) < 7, F.lpad(digits, 7, "0")).otherwise(digits)
        return checked(F.concat(F.lit("tt"), padded), text)

    return reader(field, read)


# --- arrays -------------------------------------------------------------------------------------


def separated_names(field: str, separator: str, nothing: str) -> Reader:
    """Read ``A|B`` as an array without empty or repeated names; ``nothing`` is an empty array."""

    def read(raw: Column) -> Reading:
        tidied = tidy(raw)
        parts = F.split(tidied, f"\\Q{separator}\\E")
        names = F.filter(F.transform(parts, lambda part: F.trim(part)), lambda part: part != "")
        value = F.when(tidied == nothing, F.array().cast("array<string>")).when(
            tidied != "", F.array_distinct(names)
        )
        return readable(value)

    return reader(field, read)


def whole_numbers(field: str) -> Reader:
    """Read a JSON array of whole numbers as an array<int> without nulls and repetitions.

    An element that cannot be read is left out, and the column counts as unreadable.
    """

    def read(raw: Column) -> Reading:
        text = bare(raw)
        # Split rather than parsed: from_json reads "[1]x" as [1], and 1e3 as 1000.0.
        parts = F.split(F.regexp_extract(text, _ARRAY, 1), ",")
        elements = F.transform(parts, lambda part: F.btrim(part, F.lit(BLANKS + '"')))
        given = F.filter(elements, lambda element: element != "null")
        values = F.transform(given, lambda element: _whole(element, "int").value)
        broken = F.exists(given, lambda element: _whole(element, "int").unreadable)
        is_array = text.rlike(_ARRAY)
        unreadable = F.when(is_array, broken).otherwise(~text.isin(*UNKNOWN))
        return Reading(
            F.when(is_array, F.array_distinct(F.array_compact(values))),
            F.coalesce(unreadable, F.lit(False)),
        )

    return reader(field, read)
