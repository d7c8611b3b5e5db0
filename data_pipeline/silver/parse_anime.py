"""Readers of MyAnimeList's texts, as Jikan and Kaggle's Anime Recommendation Database have them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from data_pipeline.silver.parse import UNKNOWN, Reader, Reading, bare, checked, reader, tidy

if TYPE_CHECKING:
    from pyspark.sql import Column

SEASONS = ("winter", "spring", "summer", "fall")

# Kaggle writes full stops ("1 hr. 30 min. per ep."), Jikan none.
_DURATION = (
    r"^(?i)(?:([0-9]{1,6}) ?hr\.?)?(?: ?([0-9]{1,6}) ?min\.?)?(?: ?([0-9]{1,6}) ?sec\.?)?"
    r"(?: per ep\.?)?$"
)
_END = r"^(?:([A-Za-z]{3})(?: ([0-9]{1,2}))?,? )?([0-9]{4})$"
_PREMIERED = rf"^(?i)({'|'.join(SEASONS)}) ([0-9]{{4}})$"

# Looked up, since parsing a month's name depends on Java's locale; without a name it is January.
_MONTH_NAMES = "jan feb mar apr may jun jul aug sep oct nov dec"
_MONTHS = {"": "1"} | {name: str(1 + i) for i, name in enumerate(_MONTH_NAMES.split())}


def duration_minutes(field: str) -> Reader:
    """Read ``1 hr 55 min``, ``24 min. per ep.`` or ``30 sec`` as minutes; 0 is unknown."""

    def read(raw: Column) -> Reading:
        text = tidy(raw)
        hours, minutes, seconds = (
            F.regexp_extract(text, _DURATION, group).try_cast("double") for group in (1, 2, 3)
        )
        parts = (hours * 60, minutes, seconds / 60)
        total = sum((F.coalesce(part, F.lit(0.0)) for part in parts), F.lit(0.0))
        return checked(F.when(F.coalesce(*parts).isNotNull(), total), text)

    return reader(field, read).then(lambda minutes: F.nullif(minutes, F.lit(0.0)))


def first_date(field: str) -> Reader:
    """Read the beginning of ``Apr 3, 1998 to Apr 24, 1999``, ``Jul, 2021 to ?`` or ``2005``.

    It is the first of the month or year where no more is known, and NULL for ``Not available``.
    """
    return reader(field, lambda raw: _end(_ends(raw, 0)))


def last_date(field: str) -> Reader:
    """Read the end of such a text; NULL for ``?``, and for a single date, as Jikan has it."""

    def read(raw: Column) -> Reading:
        last = _end(_ends(raw, 1))
        # Of a text that is no date, nobody can say that it has no end.
        missed = _ends(raw, 1).isNull() & _end(_ends(raw, 0)).unreadable
        return Reading(last.value, last.unreadable | missed)

    return reader(field, read)


def _ends(raw: Column, index: int) -> Column:
    return F.get(F.split(tidy(raw), " to ", 2), index)


def _end(text: Column) -> Reading:
    name, day, year = (F.regexp_extract(text, _END, group) for group in (1, 2, 3))
    months = F.create_map(*(F.lit(part) for pair in _MONTHS.items() for part in pair))
    month = F.try_element_at(months, F.lower(name))
    date = F.concat(year, F.lit("-"), month, F.lit("-"), F.when(day == "", "1").otherwise(day))
    known = ~(text.isin(*UNKNOWN, "Not available", "?") | (year == "0000"))
    return checked(F.when(known, date.try_cast("date")), text, known)


def season(field: str) -> Reader:
    """Read the season of ``Spring 1998``, in lower case."""
    return _premiered(field, lambda text: F.lower(F.regexp_extract(text, _PREMIERED, 1)))


def season_year(field: str) -> Reader:
    """Read the year of ``Spring 1998`` as an int; 0 is unknown."""
    return _premiered(field, lambda text: F.regexp_extract(text, _PREMIERED, 2)).then(
        lambda year: F.nullif(year.try_cast("int"), F.lit(0))
    )


def _premiered(field: str, part: Callable[[Column], Column]) -> Reader:
    def read(raw: Column) -> Reading:
        text = tidy(raw)
        return checked(F.nullif(part(text), F.lit("")), text)

    return reader(field, read)


def season_name(field: str) -> Reader:
    """Read ``winter``, ``spring``, ``summer`` or ``fall``, in any case, in lower case."""

    def read(raw: Column) -> Reading:
        text = bare(raw)
        spelled = F.lower(text)
        return checked(F.when(spelled.isin(*SEASONS), spelled), text)

    return reader(field, read)
