"""Maintenance of a Delta table: small files are compacted, those out of use deleted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from delta.tables import DeltaTable

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

# Delta's shortest safe time: a reader may still be at work on files that a write replaced.
RETAIN_HOURS = 7 * 24.0


def maintain_table(spark: SparkSession, address: str, sorted_by: str | None = None) -> None:
    """Compact and vacuum the table at ``address``; its rows stay, ordered by ``sorted_by``."""
    table = DeltaTable.forPath(spark, address)
    optimize = table.optimize()
    if sorted_by:
        # To compact is to mix files; by one column, Z-order is order.
        optimize.executeZOrderBy(sorted_by)
    else:
        optimize.executeCompaction()
    table.vacuum(RETAIN_HOURS)
