"""check: looks at what a day's refresh left, and says what is wrong and what is to be crawled.

The state machine asks it twice: after the jobs, for the crawlers that are needed, and at its end
(``final``), for the summary that people get and for the metrics behind the alarms.

Event::

    {"started": ISO time of the execution's start,
     "final": bool,
     "whole": bool, whether all sources were asked,
     "runs": [{"source", "run_id", "state", "units", "landed", "failed", "notes"}],
     "jobs": [{"job": "silver", "layer": "silver", "error": ""}],
     "crawls": [{"layer": "silver", "error": ""}]}

Environment: SILVER_BUCKET, GOLD_BUCKET, SILVER_DATABASE, GOLD_DATABASE, QUARANTINE_PERCENT (above
which share of a table's records is a problem) and ENVIRONMENT_NAME (the metrics' dimension).
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any

import boto3
from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

LAYERS = ("silver", "gold")
REPORT = "_reports/tables.json"  # data_pipeline/job_report.py
# A share of fewer records says little.
LEAST_RECORDS = 100
# Amazon SNS takes subjects of 100 characters of ASCII.
SUBJECT_LENGTH = 100
# Step Functions takes answers of 256 KB.
MESSAGE_LENGTH = 60_000

logger = Logger(service="orchestration")
metrics = Metrics(namespace="Lakehouse")


@dataclass
class Findings:
    """What is wrong, and the figures behind the metrics."""

    problems: list[str] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    runs_incomplete: int = 0
    tables_failed: int = 0
    quarantine_percent: float = 0.0
    stale: dict[str, list[str]] = field(default_factory=dict)


@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Return {"crawl", "ok", "subject", "message"}.

    ``crawl`` holds, for each layer whose catalogue lacks a table or a column, {"layer", "tables":
    the addresses of all that it has}. ``message`` is for people: first the problems, then each
    source's run and each table.
    """
    found = Findings()
    _look_at_runs(event.get("runs", []), found)
    for step in (*event.get("jobs", []), *event.get("crawls", [])):
        if step.get("error"):
            name = step.get("job") or f"crawler of {step['layer']}"
            found.problems.append(f"{name} failed: {step['error']}")
    reports = {layer: _report(layer) for layer in LAYERS}
    ran = {step["layer"] for step in event.get("jobs", [])}
    for layer in LAYERS:
        if layer in ran and reports[layer].get("at", "") >= event["started"][:19]:
            _look_at_tables(layer, reports[layer]["tables"], found)
        found.stale[layer] = list(_stale(layer, reports[layer].get("columns", {})))
    if event.get("final"):
        for layer, tables in found.stale.items():
            if tables:
                found.problems.append(
                    f"Athena does not show these tables of {layer} as they are: {', '.join(tables)}"
                )
        _emit(found, event)
    for problem in found.problems:
        logger.warning(problem)
    return {
        "crawl": [
            {"layer": layer, "tables": _addresses(layer, reports[layer]["columns"])}
            for layer in LAYERS
            if found.stale[layer]
        ],
        "ok": not found.problems,
        "subject": _subject(found),
        "message": "\n".join([*_headed("Problems", found.problems), *found.lines])[:MESSAGE_LENGTH],
    }


def _look_at_runs(runs: Sequence[Mapping[str, Any]], found: Findings) -> None:
    lines = []
    for run in runs:
        what = f"{run['source']} {run.get('run_id') or ''}".strip()
        state, failed = run["state"], run.get("failed") or {}
        units = f"{run.get('landed', 0)} of {run.get('units', 0)} units"
        lines.append(f"{what}: {state}, {units}")
        lines += [f"  {note}" for note in run.get("notes") or []]
        if state == "complete":
            continue
        found.runs_incomplete += 1
        why = "; ".join(f"{unit}: {error}" if unit else error for unit, error in failed.items())
        found.problems.append(f"run {what} is {state}, {units}{f' ({why})' if why else ''}")
    found.lines += _headed("Runs", lines)


def _look_at_tables(layer: str, tables: Mapping[str, Any], found: Findings) -> None:
    lines = []
    for name, its in sorted(tables.items()):
        counts = ", ".join(
            f"{its[key]} {key.partition('_')[2] or key}"
            for key in (
                "records_read",
                "rows_inserted",
                "rows_updated",
                "records_quarantined",
                "rows",
            )
            if its.get(key)
        )
        lines.append(f"{layer}.{name}: {its['status']}{f', {counts}' if counts else ''}")
        if its["status"] == "failed":
            found.tables_failed += 1
            found.problems.append(f"{layer}.{name} failed: {its['message']}")
        read = its.get("records_read") or 0
        share = 100 * (its.get("records_quarantined") or 0) / read if read >= LEAST_RECORDS else 0
        found.quarantine_percent = max(found.quarantine_percent, share)
        if share > float(os.environ["QUARANTINE_PERCENT"]):
            found.problems.append(
                f"{layer}.{name} refused {share:.1f}% of {read} records: see silver.quarantine"
            )
    found.lines += _headed(layer.title(), lines)


def _report(layer: str) -> dict[str, Any]:
    s3 = client("s3")
    try:
        answer = s3.get_object(Bucket=os.environ[f"{layer.upper()}_BUCKET"], Key=REPORT)
    except s3.exceptions.NoSuchKey:
        return {}  # no job of the layer has ended yet
    report: dict[str, Any] = json.loads(answer["Body"].read())
    return report


def _addresses(layer: str, tables: Iterable[str]) -> list[str]:
    return [f"s3://{os.environ[f'{layer.upper()}_BUCKET']}/{name}" for name in sorted(tables)]


def _stale(layer: str, tables: Mapping[str, Mapping[str, str]]) -> Iterator[str]:
    """Yield the tables that the catalogue lacks, or has with other columns.

    By name: Athena reads types from Delta's log, and a crawler may spell them differently.
    https://docs.aws.amazon.com/athena/latest/ug/delta-lake-tables.html
    """
    if not tables:
        return
    pages = client("glue").get_paginator("get_tables")
    known = {
        table["Name"]: {
            column["Name"].lower()
            for column in (
                *table.get("StorageDescriptor", {}).get("Columns", []),
                *table.get("PartitionKeys", []),
            )
        }
        for page in pages.paginate(DatabaseName=os.environ[f"{layer.upper()}_DATABASE"])
        for table in page["TableList"]
    }
    for name, columns in sorted(tables.items()):
        if known.get(name) != {column.lower() for column in columns}:
            yield name


def _emit(found: Findings, event: Mapping[str, Any]) -> None:
    """Write the metrics of what this execution did; of the rest, an earlier one's hold."""
    metrics.add_dimension("environment", os.environ["ENVIRONMENT_NAME"])
    stale = sum(len(tables) for tables in found.stale.values())
    metrics.add_metric("CatalogueDrift", MetricUnit.Count, stale)
    if event.get("whole"):
        metrics.add_metric("RunsIncomplete", MetricUnit.Count, found.runs_incomplete)
    jobs = [step for step in event.get("jobs", []) if step["layer"]]
    if jobs:
        metrics.add_metric("TablesFailed", MetricUnit.Count, found.tables_failed)
        metrics.add_metric("QuarantineShare", MetricUnit.Percent, found.quarantine_percent)
    gold = [step for step in jobs if step["layer"] == "gold"]
    is_current = bool(gold) and not any(step.get("error") for step in gold)
    metrics.add_metric("GoldBuilt", MetricUnit.Count, int(is_current))
    metrics.flush_metrics()


def _subject(found: Findings) -> str:
    count = len(found.problems)
    outcome = f"{count} problem{'s' if count > 1 else ''}" if count else "refreshed"
    return f"{os.environ['ENVIRONMENT_NAME']}: {outcome}"[:SUBJECT_LENGTH]


def _headed(title: str, lines: Sequence[str]) -> list[str]:
    return [title, *(f"  {line}" for line in lines), ""] if lines else []


@cache
def client(service: str) -> Any:
    return boto3.client(service)  # type: ignore[call-overload]
