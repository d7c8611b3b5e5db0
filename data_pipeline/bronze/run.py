"""Runs, their units of work, and where each of them stands in the bronze bucket.

Every key of bronze is built here and nowhere else. Objects are put once and never changed:
what happens later to a run (found units, failures, completion) is another object beside it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, date, datetime
from typing import Any

# A worker's life is 180 s; the rest is for starting, retrying and writing.
UNIT_SECONDS = 120
UNIT_BYTES = 64 * 1024 * 1024
# So often a queue gives a message out before it goes to the dead letters.
MAX_RECEIVES = 5


@dataclass(frozen=True)
class Unit:
    """What one message asks for and one bronze object holds.

    ``name`` sorts in the order of planning and is unique within its run; ``params`` is the
    source's own (pages, a date window, a byte range) and has to survive JSON.
    """

    name: str
    dataset: str
    params: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Run:
    """One extraction of one source: its id, and what was asked of it."""

    source: str
    run_id: str
    logical_date: date
    again: int = 0
    limit: int | None = None


@dataclass(frozen=True)
class Plan:
    """The units of a run as the planner saw them.

    ``milestone`` names what the source may count on once the run is complete (TMDB: a full
    crawl); ``notes`` are sentences for people, such as a day with more films than can be paged.
    """

    units: Sequence[Unit]
    milestone: str | None = None
    notes: Sequence[str] = ()


def utc_now() -> datetime:
    return datetime.now(UTC)


def iso(moment: datetime) -> str:
    """Return ``moment`` in UTC as bronze writes it: 2026-11-21T02:03:04.000005Z."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def run_id_of(logical_date: date, *trigger: object) -> str:
    """Return ``YYYYMMDD-<8 hex>``: the same trigger on the same date is the same run."""
    return f"{logical_date:%Y%m%d}-{_hash(*trigger)}"


def file_trigger(key: str, etag: str, again: int = 0, limit: int | None = None) -> str:
    """Return the 8 hex of a landed file's run: the same content at the same key is one run."""
    return _hash(key, etag, again, limit)


def _hash(*parts: object) -> str:
    return hashlib.sha256(json.dumps([str(part) for part in parts]).encode()).hexdigest()[:8]


def logical_date_of(run_id: str) -> date:
    return datetime.strptime(run_id[:8], "%Y%m%d").date()


def object_key(source: str, run_id: str, unit: Unit) -> str:
    return f"{dataset_prefix(source, run_id, unit.dataset)}{unit.name}.json.gz"


def dataset_prefix(source: str, run_id: str, dataset: str) -> str:
    return f"{source}/{dataset}/ingest_date={logical_date_of(run_id)}/run_id={run_id}/"


def run_prefix(source: str, run_id: str) -> str:
    return f"_runs/{source}/{run_id}/"


def plan_key(source: str, run_id: str) -> str:
    return f"{run_prefix(source, run_id)}plan.json"


def found_prefix(source: str, run_id: str) -> str:
    """Where workers note the units that they found beyond the plan, a key for each finder."""
    return f"{run_prefix(source, run_id)}plan/"


def notes_prefix(source: str, run_id: str) -> str:
    """Where workers put what people should know of a unit that landed."""
    return f"{run_prefix(source, run_id)}notes/"


def failed_prefix(source: str, run_id: str) -> str:
    return f"{run_prefix(source, run_id)}failed/"


def rejected_key(source: str, run_id: str) -> str:
    """Why a file could not be planned at all."""
    return f"{run_prefix(source, run_id)}rejected.json"


def complete_key(source: str, run_id: str) -> str:
    return f"{run_prefix(source, run_id)}complete.json"


def partial_key(source: str, run_id: str, landed: int) -> str:
    """Says that silver was given the run with only this many of its units."""
    return f"{run_prefix(source, run_id)}partial.{landed:06d}.json"


def pending_key(source: str, run_id: str, landed: int) -> str:
    """What silver takes; the count makes a redriven run another entry than the one taken."""
    return f"_pending/{source}/{run_id}.{landed:06d}.json"


def milestone_prefix(source: str, milestone: str) -> str:
    return f"_milestones/{source}/{milestone}/"


def file_key(source: str, trigger: str) -> str:
    """Which run a landed file became, by the hash of its key and ETag."""
    return f"_files/{source}/{trigger}.json"


def plan_document(run: Run, plan: Plan, fetched_from: datetime) -> dict[str, Any]:
    """Return plan.json; no record of the run has a ``_fetched_at`` before ``fetched_from``."""
    return {
        "source": run.source,
        "run_id": run.run_id,
        "logical_date": run.logical_date.isoformat(),
        "planned_at": iso(utc_now()),
        "fetched_from": iso(fetched_from),
        "milestone": plan.milestone,
        "notes": list(plan.notes),
        "units": units_document(plan.units),
    }


def units_document(units: Sequence[Unit]) -> list[dict[str, Any]]:
    return [asdict(unit) for unit in units]


def units_of(document: Mapping[str, Any]) -> list[Unit]:
    """Return the units of plan.json or of a plan/<unit>.json."""
    return [Unit(**unit) for unit in document["units"]]
