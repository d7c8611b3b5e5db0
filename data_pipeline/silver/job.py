"""The silver job: load what bronze completed, or maintain the tables.

A plain script for ``spark-submit`` and AWS Glue (the package comes by ``--extra-py-files``)::

    job.py --step load --bronze s3://BUCKET --silver s3://BUCKET [--sources tmdb,movielens]
           [--tables a,b] [--run-id RUN] [--full-refresh]
    job.py --step maintain --silver s3://BUCKET [--tables a,b]

Delta and storage settings come from outside. There may be one writer per layer: never run two
silver jobs at once.
"""

from __future__ import annotations

import logging
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence

from pyspark.sql import SparkSession

from data_pipeline.errors import TableError
from data_pipeline.silver.incremental import TableResult, chosen_tables, load
from data_pipeline.silver.maintain import maintain

__all__ = ["TableResult", "chosen_tables", "load", "main", "maintain"]

logger = logging.getLogger("data_pipeline.silver")


def main(argv: Sequence[str]) -> None:
    """Run the job.

    Raises:
        TableError: Tables failed; their names and reasons.
    """
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    arguments = _parse(argv)
    spark = SparkSession.builder.getOrCreate()
    if arguments.step == "maintain":
        results = maintain(spark, arguments.silver, tables=arguments.tables, on_result=_log)
    else:
        results = load(
            spark,
            arguments.bronze,
            arguments.silver,
            sources=arguments.sources,
            tables=arguments.tables,
            run_id=arguments.run_id or None,
            full_refresh=arguments.full_refresh,
            on_result=_log,
        )
    failed = [result for result in results if result.status == "failed"]
    if failed:
        listed = "; ".join(f"{result.table}: {result.message}" for result in failed)
        raise TableError(f"{len(failed)} of {len(results)} silver tables failed: {listed}")


def _log(result: TableResult) -> None:
    logger.info(
        "%s: %s in %.1f s %s %s",
        result.table,
        result.status,
        result.seconds,
        dict(result.counts),
        result.message,
    )


def _parse(argv: Sequence[str]) -> Namespace:
    """Return the job's arguments; those that Glue adds are passed over."""
    parser = ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--step", choices=("load", "maintain"), required=True)
    parser.add_argument("--bronze", help="root of the bronze layer (for load)")
    parser.add_argument("--silver", required=True, help="root of the silver layer")
    parser.add_argument("--sources", type=_names, default=(), help="only these, comma separated")
    parser.add_argument("--tables", type=_names, default=(), help="only these, comma separated")
    parser.add_argument("--run-id", help="take this run again")
    parser.add_argument("--full-refresh", action="store_true", help="take all of bronze again")
    arguments, _ = parser.parse_known_args(argv)
    if arguments.step == "load" and not arguments.bronze:
        parser.error("--step load needs --bronze")
    return arguments


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())


if __name__ == "__main__":
    main(sys.argv[1:])
