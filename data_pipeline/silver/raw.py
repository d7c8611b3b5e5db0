"""Where bronze records are, and how they are read: as text, exactly as the publisher wrote them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
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

from data_pipeline.errors import TableError
from data_pipeline.storage import Storage

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame, SparkSession

_PENDING_NAME = re.compile(r"(?P<run_id>(?P<day>\d{8})-[0-9a-f]{8})\.(?P<units>\d+)\.json")

# Beyond so many days, one listing of all dates is cheaper than a listing for each.
_MOST_LISTED_DAYS = 31

# How much later than the object's time in the store a record in it may claim to have been
# fetched: S3 keeps whole seconds, and two clocks differ a little.
_CLOCK_SLACK = timedelta(seconds=5)


@dataclass(frozen=True)
class PendingRun:
    """A run that bronze has completed and silver has not taken yet.

    No record of it has a ``_fetched_at`` before ``fetched_from``. ``fields`` are the names of
    the fields seen in its records, by dataset. ``entries`` are its files under ``_pending/``.
    """

    run_id: str
    fetched_from: datetime
    fields: Mapping[str, Sequence[str]] = field(default_factory=dict)
    entries: tuple[str, ...] = ()

    @property
    def day(self) -> date:
        """The run's logical date."""
        return _day(self.run_id)


def _day(run_id: str) -> date:
    return datetime.strptime(run_id[:8], "%Y%m%d").date()


class Bronze:
    """The bronze layer at ``root``, seen through Spark's file system."""

    def __init__(self, storage: Storage, root: str) -> None:
        self._storage = storage
        self._root = root.rstrip("/")

    def sources(self) -> set[str]:
        """Return the sources that have records, or runs."""
        return set(self._storage.folders(self._root))

    def pending(self, source: str) -> list[PendingRun]:
        """Return the runs of ``source`` that wait for silver, oldest logical date first.

        A run that landed more units after it was pending first has several entries; they are
        taken together.

        Raises:
            TableError: An entry is not what completion writes.
        """
        folder = f"{self._root}/_pending/{source}"
        runs: dict[str, PendingRun] = {}
        for entry in sorted(self._storage.entries(folder), key=lambda entry: entry.name):
            if entry.is_folder:
                continue
            path = f"{folder}/{entry.name}"
            name = _PENDING_NAME.fullmatch(entry.name)
            if name is None:
                raise TableError(
                    f"{path}: expected <run_id>.<units>.json, as completion writes it; "
                    "delete the file if it does not belong there"
                )
            run = self._described(name["run_id"], path)
            if run is None:  # deleted since it was listed
                continue
            known = runs.get(run.run_id, run)
            runs[run.run_id] = PendingRun(
                run.run_id,
                min(known.fetched_from, run.fetched_from),
                run.fields,
                (*known.entries, path) if known is not run else (path,),
            )
        return list(runs.values())

    def planned(self, source: str, run_id: str) -> PendingRun | None:
        """Return the run as its plan describes it, or None where ``source`` has no such run."""
        return self._described(run_id, f"{self._root}/_runs/{source}/{run_id}/plan.json")

    def _described(self, run_id: str, path: str) -> PendingRun | None:
        text = self._storage.read_text(path)
        if text is None:
            return None
        try:
            found = json.loads(text)
            fetched_from = datetime.fromisoformat(found["fetched_from"])
            return PendingRun(run_id, fetched_from.astimezone(UTC), found.get("fields", {}))
        except (ValueError, KeyError, TypeError) as error:
            raise TableError(
                f"{path}: expected a JSON object with fetched_from as an ISO 8601 time, "
                f"got {text[:80]!r} ({error})"
            ) from error

    def delete(self, run: PendingRun) -> None:
        """Delete the run's entries under ``_pending/``, after its tables are committed."""
        for path in run.entries:
            self._storage.delete(path)

    def all_runs(self, source: str, dataset: str) -> dict[str, str]:
        """Return the folder of every run that has records of the dataset, by run id."""
        root = f"{self._root}/{source}/{dataset}"
        return dict(self._runs(root, self._storage.folders(root)))

    def runs_to_load(
        self, source: str, dataset: str, pending: Iterable[PendingRun], today: date
    ) -> dict[str, str]:
        """Return the folders of the pending runs and of those to load with them, by run id.

        A run that comes late must not overwrite what a newer one said, also where the newer one
        found the row as it was and so left no trace in the table. So each is loaded together
        with the runs of its day and later ones that hold anything written since it began.
        """
        root = f"{self._root}/{source}/{dataset}"
        landed = [run for run in pending if self._has_objects(self._folder(root, run.run_id))]
        runs = {run.run_id: self._folder(root, run.run_id) for run in landed}
        if not landed:
            return runs
        for run_id, folder in self._runs(root, self._days_from(root, landed, today)):
            older = [run.fetched_from for run in landed if run.day <= _day(run_id)]
            if run_id not in runs and older:
                since = min(older) - _CLOCK_SLACK
                if self._has_objects(folder, since):
                    runs[run_id] = folder
        return dict(sorted(runs.items()))

    def _days_from(self, root: str, landed: Sequence[PendingRun], today: date) -> list[str]:
        first = min(run.day for run in landed)
        last = max(today, *(run.day for run in landed))
        days = (last - first).days + 1
        if days > _MOST_LISTED_DAYS:
            return [name for name in self._storage.folders(root) if name >= _date_folder(first)]
        return [_date_folder(first + timedelta(days=offset)) for offset in range(days)]

    def _runs(self, root: str, date_folders: Iterable[str]) -> Iterator[tuple[str, str]]:
        for day in date_folders:
            for name in self._storage.folders(f"{root}/{day}"):
                yield name.removeprefix("run_id="), f"{root}/{day}/{name}"

    @staticmethod
    def _folder(root: str, run_id: str) -> str:
        return f"{root}/{_date_folder(_day(run_id))}/run_id={run_id}"

    def _has_objects(self, folder: str, since: datetime | None = None) -> bool:
        """Whether ``folder`` holds an object (written at or after ``since``); asks no further."""
        least = since.timestamp() * 1000 if since else 0
        return any(
            not entry.is_folder and entry.modified >= least
            for entry in self._storage.entries(folder)
        )


def _date_folder(day: date) -> str:
    return f"ingest_date={day.isoformat()}"


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
