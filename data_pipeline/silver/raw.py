"""How bronze records are read: as text, exactly as the publisher wrote them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pyspark.sql import functions as F
from pyspark.sql.types import (
    ArrayType,
    DataType,
    LongType,
    StringType,
    StructField,
    StructType,
    TimestampType,
)

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame, SparkSession

_ENVELOPE = (
    StructField("_run_id", StringType()),
    StructField("_unit", StringType()),
    StructField("_position", LongType()),
    StructField("_fetched_at", TimestampType()),
)
_CORRUPT = "_corrupt_record"


@dataclass(frozen=True)
class Origin:
    """A dataset that feeds a table, and where in its records the table's rows are.

    Without more, a record is a row. ``at``: the row is the first of these objects that is
    there, and a record without one is still a row, of NULLs. ``each``: every element of these
    lists, and every one of these objects, is a row; a record without any has none.

    A reader's path is then within the row: ``a``, ``a.b`` for a member of an object, ``a[].b``
    for that of each object of a list, as an array. ``/a`` is that of the whole record, and
    ``_unit``, ``_run_id`` and ``_position`` are those of its line.

    ``having`` names a field without which a record is of another kind, and none of the table's.
    Of two versions of a row that of the higher ``precedence`` wins, whichever is newer.
    """

    dataset: str
    at: tuple[str, ...] = ()
    each: tuple[str, ...] = ()
    having: str | None = None
    precedence: int = 0

    def record_paths(self, paths: Iterable[str]) -> list[str]:
        """Return the paths that are needed of the record, for a table that reads ``paths``."""
        own = [path for path in paths if path not in _ENVELOPE_PATHS]
        prefixes = [f"{path}." for path in (*self.at, *self.each)] or [""]
        of_record = [path[1:] for path in own if path.startswith("/")]
        of_row = [path for path in own if not path.startswith("/")]
        return [
            *of_record,
            *([self.having] if self.having else []),
            *(prefix + path for path in of_row for prefix in prefixes),
        ]

    def fields(self, paths: Iterable[str]) -> set[str]:
        """Return the names of the record's own fields among them."""
        return {re.split(r"[.\[]", path)[0] for path in self.record_paths(paths)}


_ENVELOPE_PATHS = ("_unit", "_run_id", "_position")


def read_records(
    spark: SparkSession, folders: Sequence[str], origin: Origin, paths: Sequence[str]
) -> DataFrame:
    """Return a row for each row of a table that the bronze lines under ``folders`` hold.

    Columns: ``_run_id``, ``_unit`` (from the path where the line itself cannot be read),
    ``_position``, ``_element`` (its number within the record), ``_fetched_at``, ``record`` and
    ``row`` (structs of text; both NULL if malformed), ``_misshapen`` (the line, if something
    that is no object or list stands in it where one should), ``_path``.
    """
    wanted = origin.record_paths(paths)
    record = StructField("record", _schema(wanted))
    if not origin.having and not any(re.search(r"[.\[]", path) for path in wanted):
        return _read(spark, folders, record).select(
            "*",
            F.col("record").alias("row"),
            F.lit(0).alias("_element"),
            F.lit(None).cast("string").alias("_misshapen"),
        )
    lines = _read(spark, folders, record, StructField(_CORRUPT, StringType()))
    lines = lines.withColumnRenamed(_CORRUPT, "_misshapen")
    if origin.having:
        lines = lines.where(F.col("record").isNull() | F.col(f"record.{origin.having}").isNotNull())
    found = [F.col(f"record.{path.replace('[]', '')}") for path in (*origin.at, *origin.each)]
    if origin.at:
        return lines.select("*", F.coalesce(*found).alias("row"), F.lit(0).alias("_element"))
    if not origin.each:
        return lines.select("*", F.col("record").alias("row"), F.lit(0).alias("_element"))
    return _each(lines, origin, found)


def _each(lines: DataFrame, origin: Origin, found: Sequence[Column]) -> DataFrame:
    lists = []
    for path, column in zip(origin.each, found, strict=True):
        depth = path.count("[]")
        for _ in range(depth - 1):
            column = F.flatten(F.filter(column, F.isnotnull))
        lists.append(F.coalesce(column if depth else F.array(column), F.array()))
    rows = F.filter(F.concat(*lists), F.isnotnull)
    # A malformed line, or one with something else where a list should be, has a row for that.
    broken = F.col("record").isNull()
    for path, column in zip(origin.each, found, strict=True):
        broken = broken | (column.isNull() & stands_at(path.partition("[]")[0]))
    rows = F.when(broken, F.concat(rows, F.array(F.lit(None)))).otherwise(rows)
    exploded = lines.select("*", F.posexplode(rows).alias("_element", "row"))
    return exploded.withColumn("record", F.when(F.col("row").isNotNull(), F.col("record")))


def stands_at(path: str) -> Column:
    """Return whether a line of ``read_records`` is misshapen, and has anything at this place."""
    found = F.get_json_object("_misshapen", f"$.record.{path}")
    return F.coalesce(found.isNotNull(), F.lit(False))


def column_of(path: str) -> Column:
    """Return what ``read_records`` gives for ``path``: text, or an array of texts."""
    if path in _ENVELOPE_PATHS:
        return F.col(path).cast("string")
    start = "record." + path[1:] if path.startswith("/") else f"row.{path}"
    return F.col(start.replace("[]", ""))


def _schema(paths: Iterable[str]) -> StructType:
    """Return the struct of these paths: objects and lists as named, text at their ends."""
    members: dict[str, list[str]] = {}
    for path in paths:
        name, _, rest = path.partition(".")
        members.setdefault(name, []).append(rest)
    fields = []
    for name, below in sorted(members.items()):
        kind: DataType = _schema(filter(None, below)) if any(below) else StringType()
        for _ in range(name.count("[]")):
            kind = ArrayType(kind)
        fields.append(StructField(name.replace("[]", ""), kind))
    return StructType(fields)


def read_texts(spark: SparkSession, paths: Sequence[str]) -> DataFrame:
    """Return the same lines with ``record`` as one text: JSON, or what could not be split."""
    lines = _read(
        spark,
        paths,
        StructField("record", StringType()),
        StructField("malformed", StringType()),
        StructField(_CORRUPT, StringType()),
    )
    text = F.coalesce("record", "malformed", _CORRUPT)
    return lines.withColumn("record", text).drop("malformed", _CORRUPT)


def _read(spark: SparkSession, paths: Sequence[str], *content: StructField) -> DataFrame:
    lines = (
        spark.read.schema(StructType([*_ENVELOPE, *content]))
        .option("recursiveFileLookup", "true")
        .option("allowSingleQuotes", "false")
        .option("allowNonNumericNumbers", "false")
        .json(list(paths))
    )
    path = F.col("_metadata.file_path")
    return lines.select(
        F.coalesce("_run_id", F.regexp_extract(path, "run_id=([^/]+)/", 1)).alias("_run_id"),
        F.coalesce("_unit", F.regexp_extract(path, r"([^/]+)\.json\.gz$", 1)).alias("_unit"),
        "_position",
        "_fetched_at",
        *(column.name for column in content),
        path.alias("_path"),
    )
