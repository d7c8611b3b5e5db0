"""From valid rows to the table: the newest version of each key, and only what differs."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from operator import and_
from typing import TYPE_CHECKING

from delta.tables import DeltaTable
from pyspark.sql import Window
from pyspark.sql import functions as F
from pyspark.sql.types import ArrayType

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame, SparkSession

# A table of this size is first cut down to the keys of a load that is ten times smaller: such a
# load can be broadcast, so the table is read, but neither shuffled nor sorted.
LARGE_TABLE_BYTES = 8 * 2**20

NEWEST_FIRST = ("_fetched_at", "_run_id", "_unit", "_position")


def row_hash(frame: DataFrame, columns: Sequence[str]) -> Column:
    """Return a bigint hash (xxHash64) of ``columns``, in that order, whatever else is there.

    Spark's hash passes over NULLs and over the borders between arrays; which columns are NULL,
    and how long the arrays are, is hashed too, so that a value cannot move from one column to
    the next unseen.
    """
    arrays = [name for name in columns if isinstance(frame.schema[name].dataType, ArrayType)]
    return F.xxhash64(
        *columns,
        *(F.isnull(name) for name in columns),
        *(F.size(name) for name in arrays),
    )


def rank_versions(frame: DataFrame, key: Sequence[str], several_runs: bool) -> DataFrame:
    """Add ``_is_newest`` (of its key) and ``_is_newest_of_run`` (of its key in its run)."""
    order = [F.desc(name) for name in NEWEST_FIRST]
    newest = F.row_number().over(Window.partitionBy(*key).orderBy(*order)) == 1
    of_run = F.row_number().over(Window.partitionBy(*key, "_run_id").orderBy(*order)) == 1
    return frame.withColumns(
        {"_is_newest": newest, "_is_newest_of_run": of_run if several_runs else newest}
    )


def is_much_larger(table: DataFrame, records: DataFrame) -> bool:
    """Whether ``table`` is large, and ten times as large as ``records``, by their files."""
    return _file_bytes(table) > max(LARGE_TABLE_BYTES, 10 * _file_bytes(records))


def _file_bytes(frame: DataFrame) -> int:
    return int(frame._jdf.queryExecution().analyzed().stats().sizeInBytes())


def rows_of(keys: DataFrame, table: DataFrame, key: Sequence[str]) -> DataFrame:
    """Return the rows of ``table`` whose ``key`` is in ``keys``."""
    return table.join(keys.select(*key), list(key), "left_semi")


def differences(newest: DataFrame, current: DataFrame, key: Sequence[str]) -> DataFrame:
    """Add ``_change``: inserted, updated, or NULL where the table already says so, or newer."""
    there = current.select(
        *key,
        F.col("_row_hash").alias("_old_hash"),
        F.struct("_fetched_at", "_run_id").alias("_old_version"),
    )
    version = F.struct("_fetched_at", "_run_id")
    change = F.when(F.col("_old_hash").isNull(), "inserted").when(
        (F.col("_old_hash") != F.col("_row_hash")) & (version >= F.col("_old_version")), "updated"
    )
    return (
        newest.join(there, list(key), "left")
        .withColumn("_change", change)
        .drop("_old_hash", "_old_version")
    )


def create(rows: DataFrame, path: str) -> None:
    """Write ``rows`` as a new Delta table; fails where one is there already."""
    rows.write.format("delta").save(path)


def append(rows: DataFrame, path: str) -> None:
    """Add ``rows``, whose keys are not in the table, in one commit."""
    rows.write.format("delta").mode("append").option("mergeSchema", "true").save(path)


def upsert(spark: SparkSession, rows: DataFrame, path: str, key: Sequence[str]) -> None:
    """Replace or insert ``rows`` by ``key``, whose columns are never NULL, in one commit."""
    same_key = reduce(and_, (F.col(f"old.{name}") == F.col(f"new.{name}") for name in key))
    (
        DeltaTable.forPath(spark, path)
        .alias("old")
        .merge(rows.alias("new"), same_key)
        .withSchemaEvolution()
        .whenMatchedUpdateAll()
        .whenNotMatchedInsertAll()
        .execute()
    )
