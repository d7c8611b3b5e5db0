"""The runs of a home and how far each is, read from the bronze bucket's files."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from data_pipeline.bronze.run import (
    complete_key,
    dataset_prefix,
    found_prefix,
    plan_key,
    rejected_key,
    run_prefix,
    units_of,
)
from data_pipeline.local.home import Home, json_objects


@dataclass(frozen=True)
class RunStatus:
    """A run; ``state`` is complete, unfinished or rejected, ``pending`` what silver has to take."""

    source: str
    run_id: str
    state: str
    units: int
    landed: int
    planned_at: str
    pending: bool
    message: str


def run_statuses(home: Home) -> list[RunStatus]:
    """Return all runs, by source and the time of planning."""
    bronze = home.bucket_path("bronze")
    folders = [path for path in (bronze / "_runs").glob("*/*") if path.is_dir()]
    statuses = [_status(bronze, path.parent.name, path.name) for path in folders]
    return sorted(statuses, key=lambda status: (status.source, status.planned_at, status.run_id))


def _status(bronze: Path, source: str, run_id: str) -> RunStatus:
    plan = _read(bronze / plan_key(source, run_id))
    rejected = _read(bronze / rejected_key(source, run_id))
    units = {unit.name: unit for unit in units_of(plan)} if plan else {}
    for path in json_objects(bronze / found_prefix(source, run_id)):
        units.update({unit.name: unit for unit in units_of(_read(path))})
    landed = {
        path.name.removesuffix(".json.gz")
        for dataset in {unit.dataset for unit in units.values()}
        for path in (bronze / dataset_prefix(source, run_id, dataset)).glob("*.json.gz")
    }
    complete = (bronze / complete_key(source, run_id)).exists()
    return RunStatus(
        source=source,
        run_id=run_id,
        state="rejected" if rejected else "complete" if complete else "unfinished",
        units=len(units),
        landed=len(landed & set(units)),
        planned_at=plan.get("planned_at", ""),
        pending=any(json_objects(bronze / "_pending" / source, f"{run_id}.*.json")),
        message=rejected.get("error", "") or _last_failure(bronze, source, run_id),
    )


def _last_failure(bronze: Path, source: str, run_id: str) -> str:
    notes = [_read(path) for path in json_objects(bronze / f"{run_prefix(source, run_id)}failed")]
    return max(notes, key=lambda note: note["at"])["error"] if notes else ""


def _read(path: Path) -> dict[str, Any]:
    if not path.exists():
        return {}
    document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return document
