"""The incremental load of one silver table from a set of bronze runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from time import monotonic
from typing import TYPE_CHECKING
from urllib.parse import unquote

from pyspark import StorageLevel
from pyspark.sql import functions as F

from data_pipeline.columns import conform
from data_pipeline.silver import merge
from data_pipeline.silver.quality import any_broken, broken_names
from data_pipeline.silver.raw import read_records, read_texts
from data_pipeline.silver.reports import Audit
from data_pipeline.silver.table import SilverTable
from data_pipeline.silver.tally import Tally, complete_counts

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame, SparkSession

_UNREADABLE = "unreadable "


@dataclass(frozen=True)
class Load:
    """What a load did: an audit row for each run, and the records it refused, if any."""

    audits: tuple[Audit, ...]
    refused: DataFrame | None


def read_typed(raw: DataFrame, table: SilverTable) -> DataFrame:
    """Return ``raw`` with the table's business columns, typed, and these beside them.

    ``_malformed``; ``_refused``, where that or a rule fails; for each column a flag
    ``_unreadable_<column>``; and the bronze envelope.
    """
    record = F.col("record")
    readings = {field: field.reader.read(record.getField) for field in table.fields}
    typed = raw.select(
        *merge.NEWEST_FIRST,
        "_path",
        _is_malformed().alias("_malformed"),
        *(reading.value.cast(field.type).alias(field.name) for field, reading in readings.items()),
        *(
            reading.unreadable.alias(f"_unreadable_{field.name}")
            for field, reading in readings.items()
        ),
    )
    return typed.withColumn("_refused", any_broken(table.all_rules, F.col("_malformed")))


def _is_malformed() -> Column:
    """Whether there is no record, or no place for it in the order of versions."""
    missing = F.col("record").isNull()
    for name in merge.NEWEST_FIRST:
        missing = missing | F.col(name).isNull()
    return missing


def load_table(
    spark: SparkSession,
    table: SilverTable,
    runs: Mapping[str, str],
    path: str,
    exists: bool,
    new_fields: Mapping[str, Sequence[str]],
) -> Load:
    """Bring the records of ``runs`` (folders by run id) into the Delta table at ``path``.

    One pass over the records cleans, checks, counts and deduplicates them. A new table is
    written in that pass; else the pass compares with the table and keeps the rows that differ,
    and only if there are any is there a commit.
    """
    started, now = monotonic(), datetime.now(UTC)
    tally = Tally(tuple(runs))
    records = read_records(spark, list(runs.values()), table.raw_fields)
    try:
        with complete_counts(spark):
            newest = _newest_rows(records, table, tally, now, is_new=not exists)
            if exists:
                current = spark.read.format("delta").load(path)
                is_small = merge.is_much_larger(current, records)
                _merge(spark, table, newest, current, path, tally, is_small)
            else:
                merge.create(conform(newest, table.columns), path)
        counts = tally.counts()
    finally:
        tally.close()
    seconds = monotonic() - started
    audits = tuple(
        _audit(table, run, counts[run], new_fields.get(run, ()), now, seconds) for run in runs
    )
    refused = _refused(spark, table, tally.files(), now) if tally.files() else None
    return Load(audits, refused)


def _newest_rows(
    records: DataFrame, table: SilverTable, tally: Tally, now: datetime, is_new: bool
) -> DataFrame:
    typed = read_typed(records, table)
    is_valid = ~F.col("_refused")
    conditions = {"read": F.lit(True), "valid": is_valid}
    for field in table.fields:
        conditions[_UNREADABLE + field.name] = is_valid & F.col(f"_unreadable_{field.name}")
    watched = tally.watch(typed, conditions, files_where=F.col("_refused"))

    names = [field.name for field in table.fields]
    valid = watched.filter(is_valid).select(*names, *merge.NEWEST_FIRST)
    hashed = valid.withColumns(
        {"_row_hash": merge.row_hash(valid, names), "_updated_at": F.lit(now)}
    )
    ranked = merge.rank_versions(hashed, table.key, several_runs=len(tally.runs) > 1)
    conditions = {"distinct": F.col("_is_newest_of_run")}
    if is_new:
        conditions["inserted"] = F.col("_is_newest")
    return tally.watch(ranked, conditions).filter("_is_newest")


def _merge(
    spark: SparkSession,
    table: SilverTable,
    newest: DataFrame,
    current: DataFrame,
    path: str,
    tally: Tally,
    is_small: bool,
) -> None:
    kept = []
    if is_small:
        newest = newest.persist(StorageLevel.MEMORY_AND_DISK)
        kept.append(newest)
        current = merge.rows_of(newest, current, table.key)
    compared = tally.watch(
        merge.differences(newest, current, table.key),
        {change: F.col("_change") == change for change in ("inserted", "updated")},
    )
    changed = conform(compared.filter(F.col("_change").isNotNull()), table.columns)
    changed = changed.persist(StorageLevel.MEMORY_AND_DISK)
    kept.append(changed)
    try:
        changed.write.format("noop").mode("overwrite").save()  # fills the cache, and counts
        counts = tally.counts().values()
        if any(run["updated"] for run in counts):
            merge.upsert(spark, changed, path, table.key)
        elif any(run["inserted"] for run in counts):
            merge.append(changed, path)
    finally:
        for frame in kept:
            frame.unpersist()


def _refused(
    spark: SparkSession, table: SilverTable, paths: Sequence[str], now: datetime
) -> DataFrame:
    """Return the refused records of these files with their text, for silver.quarantine.

    Only files with such records are read again. Lines that cannot be read at all have no
    position; all of a file's are refused, so they need not be told apart.
    """
    paths = [unquote(path) for path in paths]
    typed = read_typed(read_records(spark, paths, table.raw_fields), table)
    rules = broken_names(table.all_rules, F.col("_malformed"))
    place = ("_path", "_position")
    refused = typed.filter("_refused").select(*place, rules.alias("failed_rules")).distinct()
    texts = read_texts(spark, paths)
    same_place = [refused[name].eqNullSafe(texts[name]) for name in place]
    return texts.join(F.broadcast(refused), same_place).select(
        F.lit(table.source).alias("source"),
        F.lit(table.dataset).alias("dataset"),
        F.lit(table.name).alias("table"),
        F.col("_run_id").alias("run_id"),
        F.col("_unit").alias("unit"),
        texts["_position"].alias("position"),
        "record",
        "failed_rules",
        F.lit(now).alias("quarantined_at"),
    )


def _audit(
    table: SilverTable,
    run_id: str,
    counts: Mapping[str, int],
    new_fields: Sequence[str],
    now: datetime,
    seconds: float,
) -> Audit:
    inserted, updated = counts.get("inserted", 0), counts.get("updated", 0)
    distinct = counts.get("distinct", 0)
    read, valid = counts.get("read", 0), counts.get("valid", 0)
    return Audit(
        source=table.source,
        dataset=table.dataset,
        table=table.name,
        run_id=run_id,
        records_read=read,
        records_valid=valid,
        records_quarantined=read - valid,
        records_duplicate=valid - distinct,
        unreadable={
            name.removeprefix(_UNREADABLE): count
            for name, count in counts.items()
            if name.startswith(_UNREADABLE) and count
        },
        new_fields=sorted(new_fields),
        rows_inserted=inserted,
        rows_updated=updated,
        rows_unchanged=distinct - inserted - updated,
        loaded_at=now,
        duration_seconds=round(seconds, 3),
    )
