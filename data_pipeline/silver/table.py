"""What a silver table is: where it comes from, its key, its columns and its rules."""

from __future__ import annotations

from dataclasses import dataclass

from data_pipeline.columns import Column
from data_pipeline.errors import TableError
from data_pipeline.silver.parse import Reader
from data_pipeline.silver.quality import Rule, part_of_key
from data_pipeline.silver.raw import Origin

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
    """A Delta table of ``silver``, loaded from datasets of one source.

    ``key`` names the columns that identify a row; a record in which one of them is missing or
    unreadable is quarantined. ``rules`` are checked beyond that; they may look at ``checked``
    too, which are read and not kept. Rows whose ``snapshot`` (columns of the key) is the same
    are replaced together, by those of one run (but not by none: what is empty has no rows).
    ``sorted_by`` orders the rows within a file.
    """

    name: str
    source: str
    origins: tuple[Origin, ...]
    key: tuple[str, ...]
    fields: tuple[Field, ...]
    rules: tuple[Rule, ...] = ()
    checked: tuple[Field, ...] = ()
    snapshot: tuple[str, ...] = ()
    sorted_by: str | None = None

    def __post_init__(self) -> None:
        known = {field.name for field in self.fields}
        used = {*self.key, *filter(None, [self.sorted_by])}
        looked_at = {rule.column for rule in self.rules} - {field.name for field in self.checked}
        if not self.key or (used | looked_at) - known or not set(self.snapshot) <= set(self.key):
            raise TableError(
                f"table {self.name}: key, snapshot and rules name the columns "
                f"{sorted(used | looked_at | set(self.snapshot))}, "
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
    def paths(self) -> tuple[str, ...]:
        """What the readers ask for, sorted: fields, paths into them, and the envelope's."""
        readers = [field.reader for field in (*self.fields, *self.checked)]
        return tuple(sorted({path for reader in readers for path in reader.fields}))
