"""Rules that a record must keep to enter its table; those that fail name why it is quarantined.

A rule looks at typed columns. It holds where its column is NULL, but for :func:`required` and
the key: whether something may be missing, and what it may be, are two questions.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import TYPE_CHECKING

from pyspark.sql import functions as F

if TYPE_CHECKING:
    from pyspark.sql import Column


@dataclass(frozen=True)
class Rule:
    """A check of one column: ``broken`` gives a boolean column; NULL counts as kept."""

    name: str
    column: str
    broken: Callable[[Column], Column]

    def is_broken(self) -> Column:
        """Return a boolean column, never NULL, that is true where the rule is broken."""
        return F.coalesce(self.broken(F.col(self.column)), F.lit(False))


def part_of_key(column: str) -> Rule:
    """The column belongs to the key: it must be there and be readable."""
    return Rule(f"key:{column}", column, lambda value: value.isNull())


def required(column: str) -> Rule:
    """The column must be there and be readable."""
    return Rule(f"required:{column}", column, lambda value: value.isNull())


def between(column: str, low: float, high: float) -> Rule:
    """The value must lie between ``low`` and ``high``, both included."""
    return Rule(f"between:{column}", column, lambda value: ~value.between(low, high))


def one_of(column: str, *allowed: object) -> Rule:
    """The value must be one of ``allowed``."""
    return Rule(f"one_of:{column}", column, lambda value: ~value.isin(*allowed))


def of_kind(column: str, kind: str) -> Rule:
    """The record must be of this kind: neither another, nor none."""
    return Rule("wrong_kind", column, lambda value: ~value.eqNullSafe(kind))


MALFORMED = "malformed"
"""Name of the rule that a record is JSON, whole, and could be split into its fields."""


def any_broken(rules: Sequence[Rule], malformed: Column) -> Column:
    """Return whether a record is malformed or breaks a rule, without building their names."""
    return reduce(or_, (rule.is_broken() for rule in rules), malformed)


def broken_names(rules: Sequence[Rule], malformed: Column) -> Column:
    """Return the names of the broken rules, in order; of a malformed record only that."""
    names = F.array_compact(F.array(*(F.when(rule.is_broken(), rule.name) for rule in rules)))
    return F.when(malformed, F.array(F.lit(MALFORMED))).otherwise(names)
