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

# What orders the versions of a row, after the precedence of their origins.
VERSION = ("_fetched_at", "_run_id", "_unit", "_position", "_element")


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


def with_precedence(row_hash: Column, precedence: Column) -> Column:
    """Return ``row_hash`` with the precedence (0 or 1) of the row's origin as its lowest bit.

    So the table knows which of its rows a version of lower precedence must not overwrite.
    """
    return row_hash.bitwiseAND(F.lit(~1)).bitwiseOR(precedence.cast("bigint"))


def rank_versions(frame: DataFrame, key: Sequence[str], several_groups: bool) -> DataFrame:
    """Add ``_is_newest`` (of its key) and ``_is_newest_of_run`` (in its dataset and run too)."""
    order = [F.desc(name) for name in ("_precedence", *VERSION)]
    group = (*key, "_dataset", "_run_id")
    newest = F.row_number().over(Window.partitionBy(*key).orderBy(*order)) == 1
    of_run = F.row_number().over(Window.partitionBy(*group).orderBy(*order)) == 1
    return frame.withColumns(
        {"_is_newest": newest, "_is_newest_of_run": of_run if several_groups else newest}
    )


def newest_snapshots(frame: DataFrame, snapshot: Sequence[str]) -> DataFrame:
    """Set ``_precedence`` to 1 for the rows of their snapshot's newest run, to 0 for the others.

    Only the first make the table.
    """
    whole = Window.partitionBy(*snapshot)
    newest = F.max(F.struct("_fetched_at", "_run_id")).over(whole)["_run_id"]
    return frame.withColumn("_precedence", (F.col("_run_id") == newest).cast("int"))


def is_much_larger(table: DataFrame, records: Sequence[DataFrame]) -> bool:
    """Whether ``table`` is large, and ten times as large as ``records``, by their files."""
    return _file_bytes(table) > max(LARGE_TABLE_BYTES, 10 * sum(map(_file_bytes, records)))


def _file_bytes(frame: DataFrame) -> int:
    return int(frame._jdf.queryExecution().analyzed().stats().sizeInBytes())


def rows_of(keys: DataFrame, table: DataFrame, key: Sequence[str]) -> DataFrame:
    """Return the rows of ``table`` whose ``key`` is in ``keys``."""
    return table.join(keys.select(*key), list(key), "left_semi")


def differences(
    newest: DataFrame, current: DataFrame, key: Sequence[str], order: Sequence[str]
) -> DataFrame:
    """Add ``_change``: inserted, updated, or NULL where the table already says so, or better.

    A row of the table is better where it comes later by the columns of ``order``.
    """
    precedence = F.lit(1).cast("bigint").bitwiseAND(F.col("_row_hash"))
    # A struct has to have a member, also where nothing is compared.
    version = F.struct(F.lit(0), *(precedence if name == "_precedence" else name for name in order))
    there = current.select(
        *key, F.col("_row_hash").alias("_old_hash"), version.alias("_old_version")
    )
    change = F.when(F.col("_old_hash").isNull(), "inserted").when(
        (F.col("_old_hash") != F.col("_row_hash")) & (version >= F.col("_old_version")), "updated"
    )
    return (
        newest.join(there, list(key), "left")
        .withColumn("_change", change)
        .drop("_old_hash", "_old_version")
    )


def create(rows: DataFrame, path: str, sorted_by: str | None) -> None:
    """Write ``rows`` as a new Delta table; fails where one is there already."""
    _sorted(rows, sorted_by).write.format("delta").save(path)


def append(rows: DataFrame, path: str, sorted_by: str | None) -> None:
    """Add ``rows``, whose keys are not in the table, in one commit."""
    writer = _sorted(rows, sorted_by).write.format("delta").mode("append")
    writer.option("mergeSchema", "true").save(path)


def _sorted(rows: DataFrame, sorted_by: str | None) -> DataFrame:
    return rows.sortWithinPartitions(sorted_by) if sorted_by else rows


def upsert(spark: SparkSession, rows: DataFrame, path: str, key: Sequence[str]) -> None:
    """Replace or insert ``rows`` by ``key``, whose columns are never NULL, in one commit."""
    (
        DeltaTable.forPath(spark, path)
        .alias("old")
        .merge(rows.alias("new"), _same_key(key))
        .withSchemaEvolution()
        .whenMatchedUpdateAll()
        .whenNotMatchedInsertAll()
        .execute()
    )


def rewrite(
    rows: DataFrame, current: DataFrame, path: str, key: Sequence[str], sorted_by: str
) -> None:
    """Replace or insert ``rows`` by ``key`` in one commit of the whole table, in order.

    MERGE would write what it touches in any order.
    """
    untouched = current.join(rows.select(*key), list(key), "left_anti")
    writer = _sorted(untouched.unionByName(rows, allowMissingColumns=True), sorted_by).write
    writer.format("delta").mode("overwrite").option("mergeSchema", "true").save(path)


def gone(
    newest: DataFrame, current: DataFrame, key: Sequence[str], snapshot: Sequence[str]
) -> DataFrame:
    """Return the rows of ``current`` of which ``newest`` has the snapshot, but not the key."""
    return rows_of(newest, current, snapshot).join(newest.select(*key), list(key), "left_anti")


def replace(
    spark: SparkSession, rows: DataFrame, gone: DataFrame, path: str, key: Sequence[str]
) -> None:
    """Replace or insert ``rows`` by ``key`` and delete what is ``gone``, in one commit."""
    columns: dict[str, str | Column] = {name: f"new.{name}" for name in rows.columns}
    changes = rows.withColumn("_gone", F.lit(False)).unionByName(
        gone.select(*rows.columns, F.lit(True).alias("_gone"))
    )
    (
        DeltaTable.forPath(spark, path)
        .alias("old")
        .merge(changes.alias("new"), _same_key(key))
        .whenMatchedDelete("new._gone")
        .whenMatchedUpdate(set=columns)
        .whenNotMatchedInsert(values=columns)
        .execute()
    )


def _same_key(key: Sequence[str]) -> Column:
    return reduce(and_, (F.col(f"old.{name}") == F.col(f"new.{name}") for name in key))
