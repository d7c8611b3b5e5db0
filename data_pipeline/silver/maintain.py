"""Maintenance of the silver tables."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from time import monotonic
from typing import TYPE_CHECKING

from data_pipeline.maintenance import maintain_table
from data_pipeline.silver.incremental import TableResult, check_known, reason
from data_pipeline.silver.tables import all_tables
from data_pipeline.storage import Storage

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

logger = logging.getLogger(__name__)


def maintain(
    spark: SparkSession,
    silver: str,
    *,
    tables: Sequence[str] = (),
    on_result: Callable[[TableResult], None] = lambda result: None,
) -> list[TableResult]:
    """Compact the silver tables (all, or those named) and delete files out of use for 7 days.

    Neither changes data. A table that fails does not stop the others: see its result.

    Raises:
        TableError: A name that is no table of the layer.
    """
    storage = Storage(spark)
    silver = silver.rstrip("/")
    present = storage.folders(silver)
    check_known("silver table", tables, set(present))
    sorted_by = {table.name: table.sorted_by for table in all_tables()}
    results = []
    for name in tables or present:
        started = monotonic()
        try:
            maintain_table(spark, f"{silver}/{name}", sorted_by.get(name))
            result = TableResult(name, "maintained", seconds=monotonic() - started)
        except Exception as error:
            logger.exception("table %s failed", name)
            result = TableResult(
                name, "failed", seconds=monotonic() - started, message=reason(error)
            )
        results.append(result)
        on_result(result)
    return results
