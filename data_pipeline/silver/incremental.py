"""One load of the layer: which runs wait, which tables they belong to, and in what order."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from time import monotonic
from typing import TYPE_CHECKING

from data_pipeline.at_once import two_at_once
from data_pipeline.columns import Column
from data_pipeline.errors import LakehouseError, TableError
from data_pipeline.job_report import write_report
from data_pipeline.silver.load import Load, load_table
from data_pipeline.silver.reports import (
    LOAD_AUDIT,
    LOAD_AUDIT_COLUMNS,
    QUARANTINE,
    QUARANTINE_COLUMNS,
    Audit,
    Reports,
)
from data_pipeline.silver.runs import Bronze, PendingRun
from data_pipeline.silver.table import SilverTable
from data_pipeline.silver.tables import all_tables
from data_pipeline.silver.tally import complete_counts
from data_pipeline.storage import Storage

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class TableResult:
    """What became of one table.

    ``status`` is loaded (the table changed), unchanged, left out (bronze has no records for
    it), maintained or failed; ``counts`` sums the table's rows of load_audit by column;
    ``message`` says why it failed or was left out.
    """

    table: str
    status: str
    counts: Mapping[str, int] = field(default_factory=dict)
    seconds: float = 0.0
    message: str = ""


COUNTS = (
    "records_read",
    "records_valid",
    "records_quarantined",
    "records_duplicate",
    "rows_inserted",
    "rows_updated",
    "rows_unchanged",
)


def load(
    spark: SparkSession,
    bronze: str,
    silver: str,
    *,
    sources: Sequence[str] = (),
    tables: Sequence[str] = (),
    run_id: str | None = None,
    full_refresh: bool = False,
    on_result: Callable[[TableResult], None] = lambda result: None,
) -> list[TableResult]:
    """Load the runs that bronze completed into their silver tables; return what became of each.

    ``bronze`` and ``silver`` are the roots of the layers. ``sources`` and ``tables`` limit what
    is loaded (all by default). ``run_id`` takes that run again, ``full_refresh`` all of bronze;
    a table that does not exist yet is built from all of bronze. ``on_result`` is called as each
    table is done. A table that fails does not stop the others: see its result.

    The order makes a repetition after a crash harmless: tables, then load_audit and quarantine,
    and at last the entries under ``_pending/`` of those sources of which every table succeeded.

    Raises:
        TableError: An unknown source, table or run; a broken entry under ``_pending/``.
    """
    return _LoadJob(spark, bronze, silver, full_refresh).run(
        chosen_tables(sources, tables), run_id, on_result
    )


def chosen_tables(sources: Sequence[str] = (), tables: Sequence[str] = ()) -> list[SilverTable]:
    """Return the tables of ``sources`` and named ``tables``; an empty list of names means all.

    Raises:
        TableError: A name that is none of them.
    """
    known = all_tables()
    check_known("source", sources, {table.source for table in known})
    check_known("silver table", tables, {table.name for table in known})
    return [
        table
        for table in known
        if (not sources or table.source in sources) and (not tables or table.name in tables)
    ]


def check_known(kind: str, names: Iterable[str], known: set[str]) -> None:
    """Raise TableError, which says what there is, where one of ``names`` is not ``known``."""
    unknown = sorted(set(names) - known)
    if unknown:
        raise TableError(
            f"unknown {kind} {', '.join(unknown)}; there are {', '.join(sorted(known))}"
        )


class _LoadJob:
    """One load: what it found out about the lake at its start, and what it has done so far."""

    def __init__(self, spark: SparkSession, bronze: str, silver: str, full_refresh: bool) -> None:
        self._spark = spark
        self._storage = Storage(spark)
        self._bronze = Bronze(self._storage, bronze)
        self._silver = silver.rstrip("/")
        self._full_refresh = full_refresh
        self._today = datetime.now(UTC).date()
        self._folders = set(self._storage.folders(self._silver))
        self._sources = self._bronze.sources()
        self._audits: list[Audit] = []
        self._refused: list[DataFrame] = []

    def run(
        self,
        tables: Sequence[SilverTable],
        run_id: str | None,
        on_result: Callable[[TableResult], None],
    ) -> list[TableResult]:
        pending = self._runs_by_source({table.source for table in tables}, run_id)
        results: list[TableResult] = []

        def keep(done: tuple[TableResult | None, Load | None]) -> None:
            result, load = done
            if load:
                self._audits += load.audits
                self._refused += load.refused
            if result:
                results.append(result)
                on_result(result)

        with complete_counts(self._spark):
            two_at_once(lambda table: self._load(table, pending[table.source]), tables, keep)
        self._write_audit()
        self._write_report(results)
        failed = {result.table for result in results if result.status == "failed"}
        loaded = {table.name for table in tables} - failed
        for source, runs in pending.items():
            if loaded.issuperset(table.name for table in all_tables() if table.source == source):
                for run in runs:
                    self._bronze.delete(run)
        return results

    def _runs_by_source(
        self, sources: Iterable[str], run_id: str | None
    ) -> dict[str, list[PendingRun]]:
        runs = {source: self._bronze.pending(source) for source in sorted(sources)}
        if run_id is None:
            return runs
        chosen = {}
        for source, pending in runs.items():
            planned = self._bronze.planned(source, run_id)
            waiting = [run for run in pending if run.run_id == run_id]
            chosen[source] = waiting or ([planned] if planned else [])
        if not any(chosen.values()):
            raise TableError(
                f"no run {run_id} of {', '.join(runs)} in bronze; its plan would be "
                f"_runs/<source>/{run_id}/plan.json"
            )
        return chosen

    def _load(
        self, table: SilverTable, pending: Sequence[PendingRun]
    ) -> tuple[TableResult | None, Load | None]:
        """Load one table; return what became of it, None where nothing waits for it, and the load.

        Two tables are loaded at once: this reads what is common to them, and changes none of it.
        """
        if table.source not in self._sources:
            return None, None
        started = monotonic()
        try:
            exists = self._is_table(table.name)
            everything = not exists or self._full_refresh
            if not everything and not pending:
                return None, None
            datasets = [origin.dataset for origin in table.origins]
            runs = {name: self._runs(table, name, pending, everything) for name in datasets}
            if not any(runs.values()):
                left_out = TableResult(table.name, "left out", message="no records of it in bronze")
                return None if exists else left_out, None
            new_fields = {name: _new_fields(table.source, name, pending) for name in datasets}
            path = f"{self._silver}/{table.name}"
            done = load_table(self._spark, table, runs, path, exists, new_fields)
        except Exception as error:
            logger.exception("table %s failed", table.name)
            seconds = monotonic() - started
            return TableResult(table.name, "failed", seconds=seconds, message=reason(error)), None
        return _result(table, done, monotonic() - started), done

    def _runs(
        self, table: SilverTable, dataset: str, pending: Sequence[PendingRun], everything: bool
    ) -> dict[str, str]:
        if everything:
            return self._bronze.all_runs(table.source, dataset)
        return self._bronze.runs_to_load(table.source, dataset, pending, self._today)

    def _is_table(self, name: str) -> bool:
        """Whether the table has a commit; a first write that was cut short leaves none."""
        log = f"{self._silver}/{name}/_delta_log"
        return name in self._folders and any(
            entry.name.endswith((".json", ".parquet")) for entry in self._storage.entries(log)
        )

    def _write_report(self, results: Iterable[TableResult]) -> None:
        columns: dict[str, Sequence[Column]] = {
            table.name: table.columns
            for table in all_tables()
            for result in results
            if result.table == table.name and result.status in ("loaded", "unchanged")
        }
        if self._audits:
            columns |= {LOAD_AUDIT: LOAD_AUDIT_COLUMNS, QUARANTINE: QUARANTINE_COLUMNS}
        tables = {
            result.table: {"status": result.status, "message": result.message, **result.counts}
            for result in results
        }
        write_report(self._storage, self._silver, tables, columns)

    def _write_audit(self) -> None:
        if self._audits:
            reports = Reports(
                self._spark, self._silver, self._is_table(LOAD_AUDIT), self._is_table(QUARANTINE)
            )
            reports.write(self._audits, self._refused)


def _result(table: SilverTable, done: Load, seconds: float) -> TableResult:
    counts = {name: sum(getattr(audit, name) for audit in done.audits) for name in COUNTS}
    return TableResult(table.name, "loaded" if done.changed else "unchanged", counts, seconds)


def _new_fields(source: str, dataset: str, pending: Iterable[PendingRun]) -> dict[str, list[str]]:
    """Return, by run, the fields of the dataset's records that no table knows."""
    known = {
        name
        for table in all_tables()
        for origin in table.origins
        if (table.source, origin.dataset) == (source, dataset)
        for name in origin.fields(table.paths)
    }
    return {run.run_id: sorted(set(run.fields.get(dataset, ())) - known) for run in pending}


def reason(error: Exception) -> str:
    """What a person needs of an error: ours whole, of others the kind and the first line."""
    if isinstance(error, LakehouseError):
        return str(error)
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0] if lines else ''}"
