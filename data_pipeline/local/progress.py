"""Shows how far long work is: bars on a terminal, a line at each quarter elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)


class Bars:
    """A bar for each name; ``update`` may be called from any thread."""

    def __init__(self, console: Console, progress: Progress | None, unit: str) -> None:
        self._console = console
        self._progress = progress
        self._unit = unit
        self._tasks: dict[str, TaskID] = {}
        self._quarters: dict[str, int] = {}

    def update(self, name: str, done: int, total: int) -> None:
        """Say that ``done`` of ``total`` are done; a total of 0 is one not known yet."""
        if self._progress is None:
            quarter = 4 * done // total if total else 0
            if quarter > self._quarters.get(name, 0):
                self._quarters[name] = quarter
                self._console.print(f"{name}: {done} of {total} {self._unit}", highlight=False)
            return
        if name not in self._tasks:
            self._tasks[name] = self._progress.add_task(name, total=None)
        self._progress.update(self._tasks[name], completed=done, total=total or None)


@contextmanager
def bars(console: Console, unit: str) -> Iterator[Bars]:
    """Yield bars that count ``unit`` ("units", "tables") while the work goes on."""
    if not console.is_terminal:
        yield Bars(console, None, unit)
        return
    columns = (
        TextColumn("{task.description:<12}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn(unit),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console) as progress:
        yield Bars(console, progress, unit)
