"""Readers: from the publisher's text to typed values, with what could not be read kept apart.

Bronze records are read as text, so that a value's exact spelling is still there (``1.10``,
``28.0``, ``1e5``). A reader turns it into a :class:`Reading`: the value, and whether there was
something that could not be read. Casts are lenient in surprising ways (``'2020'`` is a date,
``'1d'`` a number, ``'28.0'`` no whole number), so every reader tests the shape first.

Unknown is NULL, and not unreadable: a JSON null, an empty or blank text, and ``Unknown``, ``N/A``
and ``-`` as the whole value (but not in names and titles: there is a film called Unknown).

Readers are built when a table's module is imported, without Spark; only :meth:`Reader.read`
makes column expressions.
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

    def unknown_where(self, other: Reader, test: Callable[[Column], Column]) -> Reader:
        """Return a reader that is NULL where ``test`` of ``other``'s value is true."""

        def read(raw: Callable[[str], Column]) -> Reading:
            reading = self._read(raw)
            known = ~F.coalesce(test(other.read(raw).value), F.lit(False))
            return Reading(F.when(known, reading.value), known & reading.unreadable)

        return Reader(self.fields + other.fields, read)


def _reader(field: str, read: Callable[[Column], Reading]) -> Reader:
    return Reader((field,), lambda raw: read(raw(field)))


def _readable(value: Column) -> Reading:
    return Reading(value, F.lit(False))


def _checked(value: Column, text: Column, known: Column | None = None) -> Reading:
    """A reading that is unreadable where there is known text, but no value."""
    known = ~text.isin(*UNKNOWN) if known is None else known
    return Reading(value, value.isNull() & F.coalesce(known, F.lit(False)))


# --- text ---------------------------------------------------------------------------------------


def tidy(text: Column) -> Column:
    """Return ``text`` trimmed, with one blank for every run of Unicode white space."""
    return F.trim(F.regexp_replace(text, _BLANK_RUN, " "))


def _bare(text: Column) -> Column:
    """``text`` without white space around it; enough for a scalar, and cheaper than tidy."""
    return F.btrim(text, F.lit(BLANKS))


def text(field: str) -> Reader:
    """Read free text; unknown is NULL."""

    def read(raw: Column) -> Reading:
        tidied = tidy(raw)
        return _readable(F.when(~tidied.isin(*UNKNOWN), tidied))

    return _reader(field, read)


def name(field: str) -> Reader:
    """Read a name or a title, which may well read "Unknown" or "-"; only empty is NULL."""
    return _reader(field, lambda raw: _readable(F.nullif(tidy(raw), F.lit(""))))


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


def whole(field: str) -> Reader:
    """Read a whole number as a bigint; ``28.0`` is 28, ``5.6`` and ``1e5`` are unreadable."""
    return _reader(field, lambda raw: _whole(raw, "bigint"))


def _whole(raw: Column, kind: str) -> Reading:
    text = _bare(raw)
    # A cast to an integer reads digits with a sign and nothing else, so the usual spelling needs
    # no regular expression (0.3 s of CPU a column and million rows).
    value = F.coalesce(raw.try_cast(kind), F.regexp_extract(text, _WHOLE, 1).try_cast(kind))
    return _checked(value, text)


def decimal(field: str) -> Reader:
    """Read a number as a double; ``NaN``, ``Infinity``, ``1d`` and ``1e999`` are unreadable."""

    def read(raw: Column) -> Reading:
        text = _bare(raw)
        # With these characters alone, a cast to double reads decimal notation and nothing else.
        number = F.when(text.rlike(_NUMBER_CHARACTERS), text.try_cast("double"))
        return _checked(F.when(F.abs(number) < float("inf"), number), text)

    return _reader(field, read)


def boolean(field: str) -> Reader:
    """Read ``true`` or ``false``, in any case."""

    def read(raw: Column) -> Reading:
        text = _bare(raw)
        spelled = F.lower(text)
        return _checked(F.when(spelled.isin("true", "false"), spelled == "true"), text)

    return _reader(field, read)


def date(field: str) -> Reader:
    """Read ``2020-01-31``, ``2020-1``, ``2020`` as a date, the first of the month or year.

    A year of 0 means that the publisher does not know it.
    """

    def read(raw: Column) -> Reading:
        text = _bare(raw)
        unknown = text.isin(*UNKNOWN) | text.rlike("^0{1,4}(-|$)")
        value = F.when(text.rlike(_DATE) & ~unknown, text.try_cast("date"))
        return _checked(value, text, known=~unknown)

    return _reader(field, read)


def epoch_seconds(field: str) -> Reader:
    """Read whole seconds since 1970, UTC, as a timestamp of the years 1 to 9999."""

    def read(raw: Column) -> Reading:
        seconds = _whole(raw, "bigint")
        usable = seconds.value.between(_FIRST_SECOND, _LAST_SECOND)
        return _checked(F.when(usable, F.timestamp_seconds(seconds.value)), _bare(raw))

    return _reader(field, read)


def imdb_id(field: str) -> Reader:
    """Read IMDb's number of a title as its id: ``tt`` and at least seven digits."""

    def read(raw: Column) -> Reading:
        text = _bare(raw)
        digits = F.regexp_extract(text, _IMDB_NUMBER, 1).try_cast("decimal(38,0)").cast("string")
        padded = F.when(F.length(digits) < 7, F.lpad(digits, 7, "0")).otherwise(digits)
        return _checked(F.concat(F.lit("tt"), padded), text)

    return _reader(field, read)


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
        return _readable(value)

    return _reader(field, read)


def whole_numbers(field: str) -> Reader:
    """Read a JSON array of whole numbers as an array<int> without nulls and repetitions.

    An element that cannot be read is left out, and the column counts as unreadable.
    """

    def read(raw: Column) -> Reading:
        text = _bare(raw)
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

    return _reader(field, read)
