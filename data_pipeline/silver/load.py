"""The incremental load of one silver table from a set of bronze runs."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import reduce
from time import monotonic
from typing import TYPE_CHECKING
from urllib.parse import unquote

from pyspark import StorageLevel
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from data_pipeline.columns import conform
from data_pipeline.silver import merge
from data_pipeline.silver.quality import any_broken, broken_names
from data_pipeline.silver.raw import Origin, column_of, read_records, read_texts, stands_at
from data_pipeline.silver.reports import Audit
from data_pipeline.silver.table import Field, SilverTable
from data_pipeline.silver.tally import Tally

if TYPE_CHECKING:
    from pyspark.sql import Column, SparkSession

    from data_pipeline.silver.parse import Reading

_UNREADABLE = "unreadable "


@dataclass(frozen=True)
class Load:
    """What a load did.

    An audit row for each dataset and run, the records that it refused, and whether the table is
    another than before.
    """

    audits: tuple[Audit, ...]
    refused: tuple[DataFrame, ...]
    changed: bool


def read_typed(raw: DataFrame, table: SilverTable, origin: Origin) -> DataFrame:
    """Return ``raw``, read from ``origin``, as typed rows of ``table``.

    Beside the business columns and the checked ones: ``_malformed``; ``_refused``, where that
    or a rule fails; for each column a flag ``_unreadable_<column>``; ``_path``, ``_dataset``
    and what orders versions.
    """
    fields = (*table.fields, *table.checked)
    readings = {field: field.reader.read(column_of) for field in fields}
    typed = raw.select(
        *merge.VERSION,
        F.lit(origin.precedence).alias("_precedence"),
        "_path",
        F.lit(origin.dataset).alias("_dataset"),
        _is_malformed().alias("_malformed"),
        *(reading.value.cast(field.type).alias(field.name) for field, reading in readings.items()),
        *(
            _unreadable(field, reading, origin).alias(f"_unreadable_{field.name}")
            for field, reading in readings.items()
        ),
    )
    return typed.withColumn("_refused", any_broken(table.all_rules, F.col("_malformed")))


def _unreadable(field: Field, reading: Reading, origin: Origin) -> Column:
    """Whether there is something that could not be read.

    An object or a list that is something else is NULL before a reader sees it.
    """
    nested = [path for path in field.reader.fields if "." in path]
    lost = F.lit(False)
    for path in origin.record_paths(nested):
        # Of a row in a list only that the list is there.
        lost = lost | stands_at(
            re.split(r"\.|\[", path)[0] if origin.each else _outer(path, origin)
        )
    return reading.unreadable | (reading.value.isNull() & lost) if nested else reading.unreadable


def _outer(path: str, origin: Origin) -> str:
    """Return the path of the outermost object or list on the way that is not the row itself."""
    depth = 1 + max((place.count(".") + 1 for place in origin.at), default=0)
    return ".".join(path.replace("[]", "").split(".")[:depth])


def _is_malformed() -> Column:
    """Whether there is no record, or no place for it in the order of versions."""
    missing = F.col("record").isNull()
    for name in merge.VERSION:
        missing = missing | F.col(name).isNull()
    return missing


def load_table(
    spark: SparkSession,
    table: SilverTable,
    runs: Mapping[str, Mapping[str, str]],
    path: str,
    exists: bool,
    new_fields: Mapping[str, Mapping[str, Sequence[str]]],
) -> Load:
    """Bring the records of ``runs`` (by dataset: folders by run id) into the table at ``path``.

    ``new_fields`` are by dataset and run, too.

    One pass over the records cleans, checks, counts and deduplicates them. A new table is
    written in that pass; else the pass compares with the table and keeps the rows that differ,
    and only if there are any is there a commit.
    """
    started, now = monotonic(), datetime.now(UTC)
    groups = [(dataset, run) for dataset, of_dataset in runs.items() for run in of_dataset]
    tally = Tally(groups)
    records = {
        origin: read_records(spark, list(runs[origin.dataset].values()), origin, table.paths)
        for origin in table.origins
        if runs.get(origin.dataset)
    }
    typed = reduce(
        DataFrame.unionByName, [read_typed(raw, table, origin) for origin, raw in records.items()]
    )
    try:
        newest = _newest_rows(typed, table, tally, now, is_new=not exists)
        if exists:
            current = spark.read.format("delta").load(path)
            is_small = merge.is_much_larger(current, list(records.values()))
            changed = _merge(spark, table, newest, current, path, tally, is_small)
        else:
            merge.create(conform(newest, table.columns), path, table.sorted_by)
            changed = True
        counts = tally.counts()
    finally:
        tally.close()
    seconds = monotonic() - started
    audits = tuple(
        _audit(
            table,
            group,
            counts[group],
            new_fields.get(group[0], {}).get(group[1], ()),
            now,
            seconds,
        )
        for group in groups
    )
    refused = [
        _refused(spark, table, origin, files, now)
        for origin in table.origins
        if (files := [its for its in tally.files() if f"/{origin.dataset}/ingest_date=" in its])
    ]
    return Load(audits, tuple(refused), changed)


def _newest_rows(
    typed: DataFrame, table: SilverTable, tally: Tally, now: datetime, is_new: bool
) -> DataFrame:
    is_valid = ~F.col("_refused")
    conditions = {"read": F.lit(True), "valid": is_valid}
    for field in table.fields:
        conditions[_UNREADABLE + field.name] = is_valid & F.col(f"_unreadable_{field.name}")
    watched = tally.watch(typed, conditions, files_where=F.col("_refused"))

    names = [field.name for field in table.fields]
    valid = watched.filter(is_valid).select(*names, *merge.VERSION, "_precedence", "_dataset")
    row_hash = merge.row_hash(valid, names)
    if _has_precedence(table):
        row_hash = merge.with_precedence(row_hash, F.col("_precedence"))
    hashed = valid.withColumns({"_row_hash": row_hash, "_updated_at": F.lit(now)})
    if table.snapshot:
        hashed = merge.newest_snapshots(hashed, table.snapshot)
    ranked = merge.rank_versions(hashed, table.key, several_groups=len(tally.groups) > 1)
    is_newest = F.col("_is_newest")
    if table.snapshot:
        is_newest = is_newest & (F.col("_precedence") == 1)
    conditions = {"distinct": F.col("_is_newest_of_run")}
    if is_new:
        conditions["inserted"] = is_newest
    return tally.watch(ranked, conditions).filter(is_newest)


def _merge(
    spark: SparkSession,
    table: SilverTable,
    newest: DataFrame,
    current: DataFrame,
    path: str,
    tally: Tally,
    is_small: bool,
) -> bool:
    """Bring ``newest`` into the table; return whether there was anything to change."""
    kept, whole = [], current
    if is_small:
        newest = newest.persist(StorageLevel.MEMORY_AND_DISK)
        kept.append(newest)
        current = merge.rows_of(newest, current, table.snapshot or table.key)
    compared = tally.watch(
        merge.differences(newest, current, table.key, _order(table)),
        {change: F.col("_change") == change for change in ("inserted", "updated")},
    )
    changed = conform(compared.filter(F.col("_change").isNotNull()), table.columns)
    changed = changed.persist(StorageLevel.MEMORY_AND_DISK)
    kept.append(changed)
    try:
        changed.write.format("noop").mode("overwrite").save()  # fills the cache, and counts
        counts = tally.counts().values()
        if table.snapshot:
            gone = merge.gone(newest, current, table.key, table.snapshot)
            any_changed = any(group["updated"] or group["inserted"] for group in counts)
            if not any_changed and gone.isEmpty():
                return False
            merge.replace(spark, changed, gone, path, table.key)
        elif any(group["updated"] for group in counts):
            if table.sorted_by:
                merge.rewrite(changed, whole, path, table.key, table.sorted_by)
            else:
                merge.upsert(spark, changed, path, table.key)
        elif any(group["inserted"] for group in counts):
            merge.append(changed, path, table.sorted_by)
        else:
            return False
        return True
    finally:
        for frame in kept:
            frame.unpersist()


def _order(table: SilverTable) -> tuple[str, ...]:
    """Return what of a version is compared with that of the table's row."""
    if table.snapshot:
        return ()  # whole snapshots were compared already, with all runs that have them
    if _has_precedence(table):
        return ("_precedence", "_fetched_at", "_run_id")
    return ("_fetched_at", "_run_id")


def _has_precedence(table: SilverTable) -> bool:
    return len({origin.precedence for origin in table.origins}) > 1


def _refused(
    spark: SparkSession,
    table: SilverTable,
    origin: Origin,
    paths: Sequence[str],
    now: datetime,
) -> DataFrame:
    """Return the refused records of these files with their text, for silver.quarantine.

    Only files with such records are read again. Lines that cannot be read at all have no
    position; all of a file's are refused, so they need not be told apart.
    """
    paths = [unquote(path) for path in paths]
    typed = read_typed(read_records(spark, paths, origin, table.paths), table, origin)
    rules = broken_names(table.all_rules, F.col("_malformed"))
    place = ("_path", "_position")
    refused = (
        typed.filter("_refused").select(*place, "_element", rules.alias("failed_rules")).distinct()
    )
    texts = read_texts(spark, paths)
    same_place = [refused[name].eqNullSafe(texts[name]) for name in place]
    return texts.join(F.broadcast(refused), same_place).select(
        F.lit(table.source).alias("source"),
        F.lit(origin.dataset).alias("dataset"),
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
    group: tuple[str, str],
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
        dataset=group[0],
        table=table.name,
        run_id=group[1],
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
