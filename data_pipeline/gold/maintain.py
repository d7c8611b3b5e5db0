"""Maintenance of the gold tables."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence

from pyspark.sql import SparkSession

from data_pipeline.gold.build import Status, TableResult, in_short
from data_pipeline.gold.versions import Layer
from data_pipeline.maintenance import maintain_table

log = logging.getLogger(__name__)


def maintain_tables(
    spark: SparkSession,
    gold: str,
    names: Sequence[str],
    on_result: Callable[[TableResult], None] = lambda result: None,
) -> list[TableResult]:
    """Compact and vacuum those gold tables of ``names`` that exist; one that fails stops no other.

    Neither counts as a change of data: nothing is rebuilt because of it.
    """
    layer = Layer(spark, gold)
    existing = set(layer.names())
    results = []
    for name in names:
        started = time.perf_counter()
        if name in existing:
            status, message = _maintain(spark, layer.address(name), name)
        else:
            status, message = "left out", "does not exist"
        results.append(TableResult(name, status, None, time.perf_counter() - started, message))
        on_result(results[-1])
    return results


def _maintain(spark: SparkSession, address: str, name: str) -> tuple[Status, str]:
    try:
        maintain_table(spark, address)
    except Exception as error:  # isolated: whatever it is, the other tables get their turn
        log.exception("gold.%s failed", name)
        return "failed", in_short(error)
    return "maintained", ""
