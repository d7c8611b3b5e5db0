"""The gold job: a plain PySpark script, the same on Glue and on a laptop.

    job.py --step build --silver s3://BUCKET --gold s3://BUCKET [--tables a,b]
    job.py --step maintain --gold s3://BUCKET [--tables a,b]

Delta and the storage's settings are given from outside. It fails at its end, with the list of
the tables that failed, when all others are done.
"""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Callable, Sequence

from pyspark.sql import SparkSession

from data_pipeline.errors import TableError
from data_pipeline.gold import registry
from data_pipeline.gold.build import TableResult, build_tables
from data_pipeline.gold.maintain import maintain_tables

log = logging.getLogger("gold")


def build(
    spark: SparkSession,
    silver: str,
    gold: str,
    tables: Sequence[str] | None = None,
    on_result: Callable[[TableResult], None] = lambda result: None,
) -> list[TableResult]:
    """Build the gold tables called ``tables``, or all; return what became of each.

    Raises TableError for a name that is no gold table. A table that fails is a result.
    """
    return build_tables(spark, silver, gold, registry.select(tables), on_result)


def maintain(
    spark: SparkSession,
    gold: str,
    tables: Sequence[str] | None = None,
    on_result: Callable[[TableResult], None] = lambda result: None,
) -> list[TableResult]:
    """Compact and vacuum the gold tables called ``tables``, or all that exist."""
    names = [registered.table.name for registered in registry.select(tables)]
    return maintain_tables(spark, gold, names, on_result)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one step; raise TableError naming the tables that failed."""
    options = _parse(arguments)
    spark = SparkSession.builder.getOrCreate()
    if options.step == "build":
        results = build(spark, options.silver, options.gold, options.tables, _log)
    else:
        results = maintain(spark, options.gold, options.tables, _log)
    if failed := [result for result in results if result.status == "failed"]:
        listed = "; ".join(f"{result.table}: {result.message}" for result in failed)
        raise TableError(f"{len(failed)} of {len(results)} gold tables failed: {listed}")


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    # Glue passes arguments of its own, so unknown ones are let pass and none may be abbreviated.
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--step", choices=("build", "maintain"), required=True)
    parser.add_argument("--silver", help="address of the silver layer, for build")
    parser.add_argument("--gold", required=True, help="address of the gold layer")
    parser.add_argument("--tables", type=_names, help="only these, separated by commas")
    options, _ = parser.parse_known_args(arguments)
    if options.step == "build" and not options.silver:
        parser.error("--step build needs --silver")
    return options


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


def _log(result: TableResult) -> None:
    rows = "" if result.rows is None else f", {result.rows} rows"
    message = f": {result.message}" if result.message else ""
    level = logging.WARNING if result.status == "built" and message else logging.INFO
    level = logging.ERROR if result.status == "failed" else level
    log.log(
        level, "gold.%s %s%s, %.1f s%s", result.table, result.status, rows, result.seconds, message
    )


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(levelname)s %(message)s")
    main()
