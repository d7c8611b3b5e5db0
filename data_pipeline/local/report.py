"""What the commands print: tables on standard output, progress on standard error."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from data_pipeline.gold.build import TableResult as GoldResult
    from data_pipeline.local.extraction import Outcome
    from data_pipeline.local.lakehouse import Transformed
    from data_pipeline.local.status import RunStatus
    from data_pipeline.silver.job import TableResult as SilverResult

# A file or a pipe has no width; nothing is cut off in it.
PLAIN_WIDTH = 160


class Clock:
    """Tells what each part of a command took."""

    def __init__(self) -> None:
        self.laps: list[tuple[str, float]] = []
        self._begin = self._last = time.monotonic()

    def lap(self, name: str) -> None:
        now = time.monotonic()
        self.laps.append((name, now - self._last))
        self._last = now

    def __str__(self) -> str:
        parts = ", ".join(f"{name} {seconds:.1f} s" for name, seconds in self.laps)
        return f"{self._last - self._begin:.1f} s ({parts})"


def console() -> Console:
    terminal = Console()
    return terminal if terminal.is_terminal else Console(width=PLAIN_WIDTH)


def progress_console() -> Console:
    return Console(stderr=True)


def print_run(
    outcomes: Sequence[Outcome],
    done: Transformed | None,
    notes: Iterable[str],
    clock: Clock,
) -> None:
    """Print the summary of a run: what was extracted, read, kept, quarantined and written.

    ``done`` is None where the tables were not asked for.
    """
    out = console()
    table = _table("Extracted", "source", "run", "state", ">units")
    for outcome in outcomes:
        units = f"{outcome.landed} of {outcome.units}" if outcome.units else ""
        table.add_row(outcome.source, outcome.run_id, outcome.state, units)
    out.print(table)
    for note in (*notes, *(p for o in outcomes if o.ok for p in o.problems)):
        out.print(f"Note: {note}", highlight=False)
    if done and (done.silver or done.gold):
        print_silver(done.silver)
        print_gold(done.gold)
    elif done:
        out.print("Nothing is new: no table was opened.")
    out.print(f"Done in {clock}", highlight=False)


def print_silver(results: Sequence[SilverResult]) -> None:
    counts = {
        "records_read": ">read",
        "records_valid": ">valid",
        "records_quarantined": ">quarantined",
        "records_duplicate": ">duplicate",
        "rows_inserted": ">inserted",
        "rows_updated": ">updated",
        "rows_unchanged": ">unchanged",
    }
    table = _table("Silver", "table", "status", *counts.values(), ">seconds")
    for result in results:
        numbers = [f"{result.counts[name]:,}" if result.counts else "" for name in counts]
        table.add_row(result.table, result.status, *numbers, f"{result.seconds:.1f}")
    console().print(table)
    _print_messages("silver", results)


def print_gold(results: Sequence[GoldResult]) -> None:
    table = _table("Gold", "table", "status", ">rows", ">seconds")
    for result in results:
        rows = "" if result.rows is None else f"{result.rows:,}"
        table.add_row(result.table, result.status, rows, f"{result.seconds:.1f}")
    console().print(table)
    _print_messages("gold", results)


def _print_messages(layer: str, results: Sequence[Any]) -> None:
    for result in results:
        if result.message and result.status != "failed":
            console().print(f"Note: {layer}.{result.table}: {result.message}", highlight=False)


def print_tables(tables: Sequence[Any]) -> None:
    if not tables:
        console().print("There are no tables yet: `make run` makes them.")
        return
    shown = _table("Tables", "table", ">rows", ">columns", "address", "last load (UTC)")
    for table in tables:
        shown.add_row(
            f"{table.database}.{table.name}",
            f"{table.rows:,}",
            str(len(table.columns)),
            table.address,
            f"{table.last_load:%Y-%m-%d %H:%M:%S}",
        )
    console().print(shown)


def print_status(runs: Sequence[RunStatus]) -> None:
    if not runs:
        console().print("There are no runs yet: `make run` makes them.")
        return
    table = _table("Runs", "source", "run", "state", ">units", "for silver", "message")
    for run in runs:
        units = f"{run.landed} of {run.units}" if run.units else ""
        pending = "pending" if run.pending else ""
        table.add_row(run.source, run.run_id, run.state, units, pending, run.message)
    console().print(table)


def _table(title: str, *columns: str) -> Table:
    """Return an empty table; a column whose name begins with > is of numbers."""
    table = Table(title=title, title_justify="left", title_style="bold", box=None, pad_edge=False)
    for column in columns:
        table.add_column(
            column.removeprefix(">"),
            justify="right" if column.startswith(">") else "left",
            overflow="fold",
        )
    return table
