"""completion: says how far a run is, and hands it to silver when it is complete.

Event: {"source", "run_id", "since": ISO time, "wait_seconds": number}. Failures noted before
``since`` are of an earlier try. ``wait_seconds`` after it (never, where it is left out) waiting is
over: a run with at least ``min_complete`` of its units is then handed over too.
"""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from itertools import islice
from typing import TYPE_CHECKING, Any

from data_pipeline.bronze import runtime
from data_pipeline.bronze.run import (
    Unit,
    complete_key,
    failed_prefix,
    milestone_prefix,
    notes_prefix,
    object_key,
    partial_key,
    pending_key,
    plan_key,
    rejected_key,
    utc_now,
)

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

logger = runtime.logger
# Step Functions takes answers of 256 KB.
MOST_NAMED = 50
MOST_SAID = 500


@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Return {"state", "units", "landed", "missing", "failed", "notes"}; of units, the first 50.

    ``state`` is "complete", "partial" (handed over without the missing units), "running",
    "failed" (each missing unit has failed for good, or time is over, and too few landed) or
    "rejected". ``failed`` maps units to why. Raises SettingsError for a run that was never
    planned.
    """
    source, run_id = event["source"], event["run_id"]
    bronze = runtime.bronze()
    if rejected := bronze.get_json(rejected_key(source, run_id)):
        return _answer("rejected", failed={"": rejected["error"]})
    plan = bronze.get_json(plan_key(source, run_id)) or {}
    if complete := bronze.get_json(complete_key(source, run_id)):
        units, notes = complete["units"], _notes(source, run_id, plan)
        return _answer("complete", units=units, landed=units, notes=notes)

    expected = bronze.expected_units(source, run_id)
    landed = bronze.landed_units(source, run_id, expected)
    missing = [unit.name for unit in expected if unit.name not in landed]
    failed = _failures(source, run_id, event.get("since", "")) if missing else {}
    counts = {
        "units": len(expected),
        "landed": len(expected) - len(missing),
        "missing": missing[:MOST_NAMED],
        "failed": dict(
            islice(((n, failed[n][:MOST_SAID]) for n in missing if n in failed), MOST_NAMED)
        ),
        "notes": plan.get("notes", []),
    }
    if missing and not _is_over(event) and not set(missing) <= set(failed):
        return _answer("running", **counts)
    counts["notes"] = _notes(source, run_id, plan)
    if missing and counts["landed"] < runtime.source(source).settings.min_complete * len(expected):
        return _answer("failed", **counts)
    _hand_over(source, run_id, plan, expected, missing)
    return _answer("partial" if missing else "complete", **counts)


def _is_over(event: dict[str, Any]) -> bool:
    if "wait_seconds" not in event:
        return False
    return utc_now() >= datetime.fromisoformat(event["since"]) + timedelta(
        seconds=event["wait_seconds"]
    )


def _failures(source: str, run_id: str, since: str) -> dict[str, str]:
    """Return why units failed for good since that time."""
    bronze, prefix = runtime.bronze(), failed_prefix(source, run_id)
    notes = [bronze.get_json(prefix + name) or {} for name in bronze.names(prefix)]
    return {note["unit"]: note["error"] for note in notes if note and note["at"] >= since}


def _notes(source: str, run_id: str, plan: dict[str, Any]) -> list[str]:
    """Return what people should know of the run, from its plan and from its units."""
    bronze, prefix = runtime.bronze(), notes_prefix(source, run_id)
    of_units = [bronze.get_json(prefix + name) or {} for name in bronze.names(prefix)]
    said = (text for its in (plan, *of_units) for text in its.get("notes", []))
    return list(islice(said, MOST_NAMED))


def _hand_over(
    source: str, run_id: str, plan: dict[str, Any], expected: list[Unit], missing: list[str]
) -> None:
    """Put the entry that silver takes, once for each number of units landed.

    Killed in between, it is done again: silver may then take the same run twice, which changes
    nothing.
    """
    bronze = runtime.bronze()
    landed = [unit for unit in expected if unit.name not in set(missing)]
    done = partial_key(source, run_id, len(landed)) if missing else complete_key(source, run_id)
    if bronze.exists(done):
        return
    entry = {
        "source": source,
        "run_id": run_id,
        "units": len(landed),
        "missing": missing,
        "fetched_from": plan["fetched_from"],
        "fields": _fields(source, run_id, landed),
    }
    bronze.put_json_once(pending_key(source, run_id, len(landed)), entry)
    if plan["milestone"] and not missing:
        bronze.put_json_once(
            f"{milestone_prefix(source, plan['milestone'])}{run_id}", {"run_id": run_id}
        )
    bronze.put_json_once(done, {"units": len(landed), "missing": missing})


def _fields(source: str, run_id: str, units: list[Unit]) -> dict[str, list[str]]:
    """Return the field names that each dataset's records had, from the objects' metadata."""
    bronze = runtime.bronze()
    with ThreadPoolExecutor(max_workers=8) as pool:
        found = pool.map(lambda unit: bronze.metadata(object_key(source, run_id, unit)), units)
    fields: dict[str, set[str]] = {}
    for unit, metadata in zip(units, found, strict=True):
        fields.setdefault(unit.dataset, set()).update(
            json.loads((metadata or {}).get("fields", "[]"))
        )
    return {dataset: sorted(names) for dataset, names in fields.items()}


def _answer(state: str, **more: Any) -> dict[str, Any]:
    return {
        "state": state,
        "units": 0,
        "landed": 0,
        "missing": [],
        "failed": {},
        "notes": [],
        **more,
    }
