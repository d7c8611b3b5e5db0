"""Starts extractions on the local stack and waits until each run is with silver."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from data_pipeline.bronze.run import (
    file_key,
    file_trigger,
    iso,
    plan_key,
    rejected_key,
    utc_now,
)
from data_pipeline.bronze.source import FileSource
from data_pipeline.bronze.sources import source_class
from data_pipeline.bronze.store import Bronze
from data_pipeline.errors import LakehouseError
from data_pipeline.local.publishers import Publisher
from data_pipeline.local.stack import Stack

# The landing bucket's event starts the planner within moments; after this long it was lost.
EVENT_SECONDS = 15
POLL_SECONDS = 0.25

# called with (source, units landed, units known)
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Wanted:
    """What a command asks of each source."""

    as_of: date | None = None
    again: int = 0
    limit: int | None = None


@dataclass(frozen=True)
class Outcome:
    """How a run of a source ended.

    ``state`` is complete, partial, failed or rejected; "nothing new" where there was no run.
    """

    source: str
    run_id: str
    state: str
    units: int = 0
    landed: int = 0
    problems: Sequence[str] = field(default=())

    @property
    def ok(self) -> bool:
        return self.state in ("complete", "nothing new")


def extract(
    stack: Stack, publishers: Mapping[str, Publisher], wanted: Wanted, progress: Progress
) -> list[Outcome]:
    """Run every source to its end; one that fails does not stop the others."""
    since = iso(utc_now())

    def start(source: str) -> list[str] | LakehouseError:
        try:
            return _start(stack, source, publishers[source], wanted)
        except LakehouseError as error:
            return error

    with ThreadPoolExecutor(max_workers=len(publishers)) as pool:
        started = dict(zip(publishers, pool.map(start, publishers), strict=True))
    outcomes: list[Outcome] = []
    waiting: dict[str, list[str]] = {}
    for source, runs in started.items():
        if isinstance(runs, LakehouseError):
            outcomes.append(Outcome(source, "", "failed", problems=[str(runs)]))
        elif runs:
            waiting[source] = runs
        else:
            outcomes.append(Outcome(source, "", "nothing new"))
    outcomes += _wait(stack, waiting, since, progress)
    return sorted(outcomes, key=lambda outcome: (outcome.source, outcome.run_id))


def _start(stack: Stack, source: str, publisher: Publisher, wanted: Wanted) -> list[str]:
    """Return the runs that are to be waited for."""
    event: dict[str, Any] = {"source": source, "again": wanted.again, "limit": wanted.limit}
    if not issubclass(source_class(source), FileSource):
        as_of = {"as_of": wanted.as_of.isoformat()} if wanted.as_of else {}
        return _run_ids(stack.invoke("start-extraction", {**event, **as_of}))
    # What lies there first, so that it is not in the way of what the event starts.
    answer = stack.invoke("start-extraction", {**event, "fetch": not publisher.file})
    run_ids, landed = _run_ids(answer), answer["landed"]
    if publisher.file:
        landed = [_drop(stack, source, publisher.file, wanted.limit)]
    for file in landed:
        run_ids += _await_event(stack, source, file) or _run_ids(
            stack.invoke("start-extraction", {**event, "key": file["key"]})
        )
    return list(dict.fromkeys(run_ids))


def _run_ids(answer: Mapping[str, Any]) -> list[str]:
    return [run["run_id"] for run in answer["runs"]]


def _drop(stack: Stack, source: str, file: Path, limit: int | None) -> dict[str, Any]:
    """Put a file into the landing bucket, as a person would. Returns its key and ETag."""
    bucket, key = stack.emulator.home.bucket("landing"), f"{source}/{file.name}"
    metadata = {"limit": str(limit)} if limit else {}
    stack.emulator.s3.upload_file(str(file), bucket, key, ExtraArgs={"Metadata": metadata})
    head = stack.emulator.s3.head_object(Bucket=bucket, Key=key)
    return {"key": key, "etag": head["ETag"].strip('"'), "limit": limit}


def _await_event(stack: Stack, source: str, file: Mapping[str, Any]) -> list[str]:
    """Return the run that the landing bucket's event starts, or nothing if the event was lost."""
    trigger = file_trigger(file["key"], file["etag"], limit=file["limit"])
    bronze = Bronze(stack.emulator.s3, stack.emulator.home.bucket("bronze"))
    deadline = time.monotonic() + EVENT_SECONDS
    while time.monotonic() < deadline:
        if first_seen := bronze.get_json(file_key(source, trigger)):
            run_id: str = first_seen["run_id"]
            if any(bronze.exists(key(source, run_id)) for key in (plan_key, rejected_key)):
                return [run_id]
        time.sleep(0.05)
    return []


def _wait(
    stack: Stack, waiting: Mapping[str, list[str]], since: str, progress: Progress
) -> Iterator[Outcome]:
    """Yield each run's outcome; all are asked after in turn, again and again, until they end."""
    open_runs = [(source, run_id) for source, runs in waiting.items() for run_id in runs]
    units: dict[str, dict[str, int]] = {source: {} for source in waiting}
    landed: dict[str, dict[str, int]] = {source: {} for source in waiting}
    while open_runs:
        for source, run_id in list(open_runs):
            answer = stack.invoke(
                "completion", {"source": source, "run_id": run_id, "since": since}
            )
            units[source][run_id], landed[source][run_id] = answer["units"], answer["landed"]
            progress(source, sum(landed[source].values()), sum(units[source].values()))
            if answer["state"] != "running":
                open_runs.remove((source, run_id))
                yield _outcome(source, run_id, answer)
        if open_runs:
            time.sleep(POLL_SECONDS)


def _outcome(source: str, run_id: str, answer: Mapping[str, Any]) -> Outcome:
    reasons: dict[str, list[str]] = {}
    for unit, why in answer["failed"].items():
        reasons.setdefault(why, []).append(unit)
    problems = [
        why if units == [""] else f"{', '.join(units[:3])}{' …' if len(units) > 3 else ''}: {why}"
        for why, units in reasons.items()
    ]
    return Outcome(
        source,
        run_id,
        answer["state"],
        answer["units"],
        answer["landed"],
        [*problems, *answer["notes"]],
    )
