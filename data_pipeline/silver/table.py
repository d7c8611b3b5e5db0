"""What a silver table is: where it comes from, its key, its columns and its rules."""

from __future__ import annotations

from dataclasses import dataclass

from data_pipeline.columns import Column
from data_pipeline.errors import TableError
from data_pipeline.silver.parse import Reader
from data_pipeline.silver.quality import Rule, part_of_key

COMMON_COLUMNS = (
    Column("_run_id", "string", "Bronze run whose version of the row this is"),
    Column("_fetched_at", "timestamp", "When that version was fetched from the publisher, UTC"),
    Column("_row_hash", "bigint", "Hash of the business columns; differs where one differs"),
    Column("_updated_at", "timestamp", "When the row was last written here, UTC"),
)


@dataclass(frozen=True)
class Field(Column):
    """A business column, and how it is read from a bronze record."""

    reader: Reader


@dataclass(frozen=True)
class SilverTable:
    """A Delta table of ``silver``, loaded from one dataset of one source.

    ``key`` names the columns that identify a row; a record in which one of them is missing or
    unreadable is quarantined. ``rules`` are checked beyond that.
    """

    name: str
    source: str
    dataset: str
    key: tuple[str, ...]
    fields: tuple[Field, ...]
    rules: tuple[Rule, ...] = ()

    def __post_init__(self) -> None:
        known = {field.name for field in self.fields}
        used = {*self.key, *(rule.column for rule in self.rules)}
        if not self.key or used - known:
            raise TableError(
                f"table {self.name}: key and rules name the columns {sorted(used)}, "
                f"but its columns are {sorted(known)}"
            )

    @property
    def columns(self) -> tuple[Column, ...]:
        """Every column of the table, in order."""
        return (*self.fields, *COMMON_COLUMNS)

    @property
    def all_rules(self) -> tuple[Rule, ...]:
        """The rules of the key and those of the table."""
        return (*(part_of_key(column) for column in self.key), *self.rules)

    @property
    def raw_fields(self) -> tuple[str, ...]:
        """The names of the record's fields that the table reads, sorted."""
        return tuple(sorted({name for field in self.fields for name in field.reader.fields}))
