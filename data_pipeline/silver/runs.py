"""Which runs bronze has, which of them wait for silver, and where their records are."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

from data_pipeline.errors import TableError
from data_pipeline.storage import Storage

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
