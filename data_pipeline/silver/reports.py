"""silver.quarantine and silver.load_audit: what was refused and why, and what each load did."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import reduce
from typing import TYPE_CHECKING

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from data_pipeline.columns import Column, conform

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

QUARANTINE = "quarantine"
LOAD_AUDIT = "load_audit"

QUARANTINE_COLUMNS = (
    Column("source", "string", "Publisher"),
    Column("dataset", "string", "Dataset of the publisher"),
    Column("table", "string", "Silver table that refused the record"),
    Column("run_id", "string", "Bronze run of the record"),
    Column("unit", "string", "Unit of work (bronze object) of the record"),
    Column("position", "bigint", "Position in the unit; NULL where the line itself is broken"),
    Column("record", "string", "The record as the publisher wrote it: JSON, or the broken text"),
    Column("failed_rules", "array<string>", "Names of the rules that the record breaks"),
    Column("quarantined_at", "timestamp", "When it was put here, UTC"),
)

LOAD_AUDIT_COLUMNS = (
    Column("source", "string", "Publisher"),
    Column("dataset", "string", "Dataset of the publisher"),
    Column("table", "string", "Silver table"),
    Column("run_id", "string", "Bronze run"),
    Column("records_read", "bigint", "Records of the run: valid and quarantined"),
    Column("records_valid", "bigint", "Records that keep all rules: distinct keys and duplicates"),
    Column("records_quarantined", "bigint", "Records that break a rule"),
    Column("records_duplicate", "bigint", "Valid records beyond the newest of their key"),
    Column(
        "unreadable",
        "map<string,bigint>",
        "By column: valid records whose text could not be read, and so is NULL",
    ),
    Column("new_fields", "array<string>", "Fields of the records that no table of them knows"),
    Column("rows_inserted", "bigint", "Rows that were new to the table"),
    Column("rows_updated", "bigint", "Rows that the run changed"),
    Column(
        "rows_unchanged",
        "bigint",
        "Keys of the run whose row stayed: the same values, or a newer version",
    ),
    Column("loaded_at", "timestamp", "When the load of the table began, UTC"),
    Column("duration_seconds", "double", "How long the load of the table took, all runs together"),
)


@dataclass(frozen=True)
class Audit:
    """A row of load_audit: what one run brought to one table."""

    source: str
    dataset: str
    table: str
    run_id: str
    records_read: int
    records_valid: int
    records_quarantined: int
    records_duplicate: int
    unreadable: Mapping[str, int]
    new_fields: Sequence[str]
    rows_inserted: int
    rows_updated: int
    rows_unchanged: int
    loaded_at: datetime
    duration_seconds: float


@dataclass(frozen=True)
class Reports:
    """The two tables under ``silver``; ``has_audit`` and ``has_quarantine``: they exist."""

    spark: SparkSession
    silver: str
    has_audit: bool
    has_quarantine: bool

    def write(self, audits: Sequence[Audit], refused: Sequence[DataFrame]) -> None:
        """Write what one job did, in place of what was written of the same tables and runs.

        Most runs are new, and appended. Whether any was here before is asked of load_audit,
        which is why that is written first: killed in between, the repetition replaces both.
        """
        loaded = {(audit.table, audit.run_id) for audit in audits}
        here = _table_and_run(loaded)
        again = self.has_audit and self._has_rows(LOAD_AUDIT, here)
        self._write_audit(audits, here if again else None)
        self._write_quarantine(refused, here if again and self.has_quarantine else None)

    def _has_rows(self, name: str, where: str) -> bool:
        return (
            not self.spark.read.format("delta").load(f"{self.silver}/{name}").where(where).isEmpty()
        )

    def _write_audit(self, audits: Sequence[Audit], where: str | None) -> None:
        schema = ", ".join(f"`{column.name}` {column.type}" for column in LOAD_AUDIT_COLUMNS)
        text = json.dumps([asdict(audit) for audit in audits], default=datetime.isoformat)
        # Not createDataFrame: that may start Python workers for a handful of rows.
        rows = F.inline(F.from_json(F.lit(text), f"array<struct<{schema}>>"))
        frame = conform(self.spark.range(1).select(rows), LOAD_AUDIT_COLUMNS)
        _write(frame, f"{self.silver}/{LOAD_AUDIT}", where)

    def _write_quarantine(self, refused: Sequence[DataFrame], where: str | None) -> None:
        if (
            not refused
            and self.has_quarantine
            and not (where and self._has_rows(QUARANTINE, where))
        ):
            return
        nulls = [F.lit(None).alias(column.name) for column in QUARANTINE_COLUMNS]
        nothing = self.spark.range(0).select(*nulls)
        frame = conform(reduce(DataFrame.unionByName, refused or [nothing]), QUARANTINE_COLUMNS)
        _write(frame, f"{self.silver}/{QUARANTINE}", where)


def _write(frame: DataFrame, path: str, where: str | None) -> None:
    writer = frame.write.format("delta").mode("append")
    if where is not None:
        writer = writer.mode("overwrite").option("replaceWhere", where)
    writer.save(path)


def _table_and_run(loaded: set[tuple[str, str]]) -> str:
    runs: dict[str, list[str]] = {}
    for table, run_id in sorted(loaded):
        runs.setdefault(table, []).append(f"'{run_id}'")
    return " OR ".join(
        f"(table = '{table}' AND run_id IN ({', '.join(ids)}))" for table, ids in runs.items()
    )
