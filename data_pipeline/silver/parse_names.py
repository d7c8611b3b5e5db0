"""Readers of lists of names: one text with commas, or an array of texts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from data_pipeline.silver.parse import UNKNOWN, Reader, Reading, readable, reader, tidy

if TYPE_CHECKING:
    from pyspark.sql import Column

# One or several separators. The publishers' comma has a blank behind it; "D,IOS" is one studio.
_COMMAS = "[ ,]*,[ ,]+"
_COMMAS_OF_PEOPLE = "[ ,]*,[ ,]*"

# What follows a comma and still belongs to the name before it.
_COMPANY = r"(?:Inc|Ltd)\.?"
_GENERATION = r"(?:(?i:jr|sr)|II|III|IV)\.?"


def comma_names(field: str) -> Reader:
    """Read ``Action, Adventure`` as an array without empty or repeated names; unknown is NULL.

    ``NIS America, Inc.`` is one name.
    """
    return _listed(field, _COMMAS, _COMPANY)


def people(field: str) -> Reader:
    """Read ``Sammy Davis, Jr., Dean Martin`` as an array of two names; unknown is NULL.

    Jr., Sr., II, III and IV belong to the name before them.
    """
    return _listed(field, _COMMAS_OF_PEOPLE, _GENERATION)


def _listed(field: str, commas: str, suffix: str) -> Reader:
    def read(raw: Column) -> Reading:
        tidied = tidy(raw)
        even = F.btrim(F.regexp_replace(tidied, commas, ", "), F.lit(" ,"))
        names = F.split(even, f", (?!{suffix}(?:,|$))")
        # Nothing but commas is a list, and an empty one.
        given = F.array_remove(F.array_distinct(names), "")
        return readable(F.when(~tidied.isin(*UNKNOWN), given))

    return reader(field, read)


def texts(field: str) -> Reader:
    """Read an array of texts, each tidied, as one without empty or repeated texts.

    ``raw(field)`` is an array<string> here, which can always be read.
    """

    def read(raw: Column) -> Reading:
        return readable(F.array_distinct(F.filter(F.transform(raw, tidy), lambda text: text != "")))

    return reader(field, read)
