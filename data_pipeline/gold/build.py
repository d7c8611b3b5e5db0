"""Building gold tables: which have to be, the checks, and the one atomic overwrite."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from py4j.protocol import Py4JJavaError
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from data_pipeline.at_once import two_at_once
from data_pipeline.columns import conform
from data_pipeline.errors import TableError
from data_pipeline.gold.registry import Registered
from data_pipeline.gold.table import GoldTable, Inputs
from data_pipeline.gold.versions import Layer
from data_pipeline.job_report import write_report
from data_pipeline.storage import Storage

ROWS_PER_FILE = 2_000_000

Status = Literal["built", "unchanged", "left out", "failed", "maintained"]

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class TableResult:
    """What became of a gold table; ``rows`` is known of a built one only."""

    table: str
    status: Status
    rows: int | None = None
    seconds: float = 0.0
    message: str = ""


class SilverTables(Mapping[str, DataFrame]):
    """The silver tables that exist, each opened when it is first asked for, and only once."""

    def __init__(self, spark: SparkSession, root: str) -> None:
        self._spark = spark
        self._layer = Layer(spark, root)
        self._folders = set(self._layer.names())
        self._frames: dict[str, DataFrame] = {}
        self._versions: dict[str, str | None] = {}

    def __contains__(self, name: object) -> bool:
        return self.version(str(name)) is not None

    def __iter__(self) -> Iterator[str]:
        return (name for name in sorted(self._folders) if name in self)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __getitem__(self, name: str) -> DataFrame:
        if name not in self._frames:
            address = self._layer.address(name)
            self._frames[name] = self._spark.read.format("delta").load(address)
        return self._frames[name]

    def version(self, name: str) -> str | None:
        """Return what identifies the data of ``name`` now, None if there is no such table."""
        if name not in self._versions:
            there = name in self._folders
            self._versions[name] = self._layer.data_version(name) if there else None
        return self._versions[name]


def build_tables(
    spark: SparkSession,
    silver: str,
    gold: str,
    tables: Sequence[Registered],
    on_result: Callable[[TableResult], None] = lambda result: None,
) -> list[TableResult]:
    """Build those of ``tables`` whose inputs or code changed; one that fails stops no other.

    ``silver`` and ``gold`` are the layers' addresses. ``on_result`` is called with each result
    as it is there; all are returned.
    """
    spark.conf.set("spark.sql.session.timeZone", "UTC")  # what day a moment falls on
    builder = _Builder(spark, silver, gold)
    try:
        results = two_at_once(builder.result, tables, on_result)
    finally:
        builder.inputs.release()
    _write_report(spark, gold, tables, results)
    return results


def _write_report(
    spark: SparkSession, gold: str, tables: Sequence[Registered], results: Sequence[TableResult]
) -> None:
    there = {result.table for result in results if result.status in ("built", "unchanged")}
    write_report(
        Storage(spark),
        gold,
        {
            result.table: {"status": result.status, "message": result.message, "rows": result.rows}
            for result in results
        },
        {its.table.name: its.table.columns for its in tables if its.table.name in there},
    )


class _Builder:
    def __init__(self, spark: SparkSession, silver: str, gold: str) -> None:
        self._spark = spark
        self._silver = SilverTables(spark, silver)
        self._gold = Layer(spark, gold)
        self._existing = set(self._gold.names())
        self.inputs = Inputs(self._silver)

    def result(self, registered: Registered) -> TableResult:
        """Return what became of one table, a failure included."""
        started = time.perf_counter()
        table = registered.table

        def result(status: Status, rows: int | None = None, message: str = "") -> TableResult:
            return TableResult(table.name, status, rows, time.perf_counter() - started, message)

        try:
            if lacking := self._lacking(table):
                return result("left out", message=lacking)
            origin = self._origin(registered)
            built_from = self._built_from(table.name)
            if built_from == origin:
                return result("unchanged")
            same_code = (built_from or {}).get("code") == registered.code
            rows, warning = self._rebuild(registered, origin, same_code=same_code)
            return result("built", rows, warning)
        except TableError as error:
            return result("failed", message=str(error))
        except Exception as error:  # isolated: whatever it is, the other tables are built
            log.exception("gold.%s failed", table.name)
            return result("failed", message=in_short(error))

    def _lacking(self, table: GoldTable) -> str:
        missing = [
            " or ".join(f"silver.{name}" for name in group)
            for group in table.needs
            if not any(name in self._silver for name in group)
        ]
        return f"needs {'; '.join(missing)}" if missing else ""

    def _origin(self, registered: Registered) -> dict[str, Any]:
        versions = {name: self._silver.version(name) for name in registered.table.inputs}
        return {
            "code": registered.code,
            "inputs": {name: version for name, version in sorted(versions.items()) if version},
        }

    def _built_from(self, name: str) -> dict[str, Any] | None:
        """Return what the table's data was built from, None if that is not known."""
        if name not in self._existing:
            return None
        for commit in self._gold.commits(name):
            if commit.user_metadata.startswith('{"code"'):
                return dict(json.loads(commit.user_metadata))
            if commit.changes_data:
                return None  # someone else wrote
        return None

    def _rebuild(
        self, registered: Registered, origin: dict[str, Any], *, same_code: bool
    ) -> tuple[int, str]:
        table = registered.table
        inputs = self.inputs.copy()
        frame = conform(registered.build(inputs), table.columns).persist()
        try:
            rows = check(table, frame)
            warning = self._on_empty(table.name, inputs) if rows == 0 else ""
            (
                frame.coalesce(1 + rows // ROWS_PER_FILE)
                .write.format("delta")
                .mode("overwrite")
                # Columns change with the code only. The frame carries the comments.
                .option("overwriteSchema", not same_code)
                .option("userMetadata", json.dumps(origin))
                .save(self._gold.address(table.name))
            )
        finally:
            frame.unpersist()
        return rows, warning

    def _on_empty(self, name: str, inputs: Inputs) -> str:
        """Return the warning that a first result is empty.

        Raises TableError if the table had rows: they are worth more than none.
        """
        emptied = next((step.holds for step in inputs.steps if step.frame.isEmpty()), "rows")
        if name in self._existing and self._gold.data_version(name) is not None:
            old = self._spark.read.format("delta").load(self._gold.address(name))
            if not old.isEmpty():
                raise TableError(
                    f"no {emptied} are left: the result is empty, so the old rows stay"
                )
        return f"empty: there are no {emptied}"


def check(table: GoldTable, frame: DataFrame) -> int:
    """Return the number of rows of ``frame``, whose key has to be unique and never NULL.

    Raises TableError naming the key and, if it is not, such a value.
    """
    key = F.struct(*table.key)
    is_null = F.greatest(*[F.col(name).isNull() for name in table.key], F.lit(False))
    per_key = frame.groupBy(*table.key).agg(F.count("*").alias("n"))
    found = per_key.agg(
        F.coalesce(F.sum("n"), F.lit(0)).alias("rows"),
        F.coalesce(F.sum(F.when(is_null, F.col("n"))), F.lit(0)).alias("nulls"),
        F.count_if(F.col("n") > 1).alias("repeated"),
        F.to_json(F.max(F.when(F.col("n") > 1, key))).alias("example"),
    ).first()
    assert found is not None  # an aggregate without groups has one row
    named = ", ".join(table.key)
    if found["nulls"]:
        raise TableError(f"the key ({named}) is NULL in {found['nulls']} rows")
    if found["repeated"]:
        raise TableError(
            f"the key ({named}) has to be unique, but {found['repeated']} of its values repeat, "
            f"such as {found['example']}"
        )
    return int(found["rows"])


def in_short(error: Exception) -> str:
    """Return an error in one line: Spark's go on with a plan and a stack trace."""
    if isinstance(error, Py4JJavaError):  # its own first line names a Python object only
        return _first_line(error.java_exception.toString())
    return f"{type(error).__name__}: {_first_line(str(error))}"


def _first_line(text: str) -> str:
    return text.strip().split("\n", 1)[0][:500]
