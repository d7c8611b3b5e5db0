"""start_extraction: plans a run of a source and sends a message for each of its units.

Asked twice for the same thing it plans once: plan.json is put once, and where it is there, what
has not landed is sent again. That makes a retry, a redrive and a second start the same act.

Events:
  {"source": "tmdb", "as_of": "2026-11-21", "again": 0, "limit": null}   a run of an API
  {"source": "movielens", "again": 0}           a run of each file in the landing bucket that is
                                                not planned or not finished (an event was lost)
  {"source": "movielens", "fetch": true}        that, and the publisher's file, if it changed, put
                                                into the landing bucket, whose event starts its run
  {"source": "movielens", "key": "movielens/ml-latest.zip"}              a run of that file
  {"source": "tmdb", "run_id": "20261121-0a1b2c3d"}                      a redrive
  an S3 event of the landing bucket                                      a run of each file
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_plus

from data_pipeline.bronze import runtime
from data_pipeline.bronze.files import find_file
from data_pipeline.bronze.landing import fetch_by_url, plan_file
from data_pipeline.bronze.run import (
    Plan,
    Run,
    complete_key,
    file_key,
    file_trigger,
    logical_date_of,
    milestone_prefix,
    plan_document,
    plan_key,
    rejected_key,
    run_id_of,
    utc_now,
)
from data_pipeline.bronze.source import ApiSource, FileSource
from data_pipeline.errors import ApiError, InputError, SettingsError

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

logger = runtime.logger


@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Return {"runs": [what became of each run], "landed": [files fetched just now]}.

    A run is {"source", "run_id", "state", "units", "sent"}; its state is "planned", "resumed",
    "complete" or "rejected" (then with "error"). Raises LakehouseError for what the caller has
    to mend: an unknown source, a refused token.
    """
    if "Records" in event:
        return {"runs": list(_runs_of_event(event)), "landed": []}
    source = runtime.source(_text(event, "source"))
    if "run_id" in event:
        return {"runs": [_redrive(source.name, event["run_id"])], "landed": []}
    if isinstance(source, ApiSource):
        seconds_left = lambda: context.get_remaining_time_in_millis() / 1000 - 10  # noqa: E731
        return {"runs": [_start_api(source, event, seconds_left)], "landed": []}
    assert isinstance(source, FileSource)
    if "key" in event:
        return {"runs": [_start_file(source, event["key"], event)], "landed": []}
    runs = list(_resume_landed(source, event))
    return {
        "runs": runs,
        "landed": fetch_by_url(source, event.get("limit")) if event.get("fetch") else [],
    }


def _text(event: Mapping[str, Any], name: str) -> str:
    value = event.get(name)
    if not isinstance(value, str) or not value:
        raise SettingsError(f"the event lacks {name!r}: {dict(event)}; expected a text")
    return value


# --- an API ---------------------------------------------------------------------------------


def _start_api(
    source: ApiSource[Any], event: Mapping[str, Any], seconds_left: Callable[[], float]
) -> dict[str, Any]:
    try:
        day = date.fromisoformat(event["as_of"]) if event.get("as_of") else utc_now().date()
    except (TypeError, ValueError):
        raise SettingsError(
            f"as_of = {event['as_of']!r} is no date; expected one such as 2026-01-31"
        ) from None
    again, limit = int(event.get("again") or 0), event.get("limit")
    run = Run(source.name, run_id_of(day, source.name, day, again, limit), day, again, limit)
    if resumed := _resume(run.source, run.run_id):
        return resumed
    started = utc_now()
    try:
        # It may ask for a token already.
        api = runtime.api(source, source.requests_per_second, seconds_left)
        plan = source.plan(api, run, lambda name, days: _reached(run, name, days))
    except ApiError:
        runtime.forget_secrets()
        raise
    return _put_and_send(run, plan, started)


def _reached(run: Run, milestone: str, within_days: int) -> bool:
    """Return whether a run of the last days, up to the run's own, completed ``milestone``."""
    first = run.logical_date - timedelta(days=within_days - 1)
    days = runtime.bronze().names(
        milestone_prefix(run.source, milestone), after=f"{first - timedelta(days=1):%Y%m%d}~"
    )
    return any(logical_date_of(day) <= run.logical_date for day in days)


# --- files ----------------------------------------------------------------------------------


def _runs_of_event(event: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for record in event["Records"]:
        key = unquote_plus(record["s3"]["object"]["key"])
        name = key.partition("/")[0]
        if name not in runtime.served_sources():
            logger.error(
                "a file for no source: %s; expected a folder of %s", key, runtime.served_sources()
            )
            continue
        source = runtime.source(name)
        if isinstance(source, FileSource):
            yield _start_file(source, key, {})


def _resume_landed(source: FileSource, event: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Plan what lies there unplanned (an event was lost) and resume what is unfinished."""
    pages = (
        runtime.s3()
        .get_paginator("list_objects_v2")
        .paginate(Bucket=runtime.landing_bucket(), Prefix=f"{source.name}/")
    )
    for page in pages:
        for entry in page.get("Contents", []):
            if entry["Size"]:
                yield _start_file(source, entry["Key"], event)


def _start_file(source: FileSource, key: str, event: Mapping[str, Any]) -> dict[str, Any]:
    """Return the run that this version of a file is, planned now or before."""
    landed = find_file(runtime.s3(), runtime.landing_bucket(), key)
    again = int(event.get("again") or 0)
    trigger = file_trigger(landed.key, landed.etag, again, landed.limit)
    run_id = f"{landed.modified:%Y%m%d}-{trigger}"
    # The same file put again is the same run, though it has a later date.
    first_seen = file_key(source.name, trigger)
    bronze = runtime.bronze()
    if not bronze.put_json_once(first_seen, {"run_id": run_id, "key": key, "etag": landed.etag}):
        run_id = (bronze.get_json(first_seen) or {})["run_id"]
    run = Run(source.name, run_id, logical_date_of(run_id), again, landed.limit)
    if rejected := bronze.get_json(rejected_key(run.source, run.run_id)):
        return _state(run.source, run.run_id, "rejected", error=rejected["error"])
    if resumed := _resume(run.source, run.run_id):
        return resumed
    try:
        plan = plan_file(source, landed, run)
    except InputError as error:
        logger.error("rejected: %s", error)
        bronze.put_json_once(
            rejected_key(run.source, run.run_id), {"error": str(error), "key": key}
        )
        return _state(run.source, run.run_id, "rejected", error=str(error))
    return _put_and_send(run, plan, landed.modified)


# --- both -----------------------------------------------------------------------------------


def _put_and_send(run: Run, plan: Plan, fetched_from: datetime) -> dict[str, Any]:
    document = plan_document(run, plan, fetched_from)
    if not runtime.bronze().put_json_once(plan_key(run.source, run.run_id), document):
        # Another planner was faster; what counts is its plan.
        return _redrive(run.source, run.run_id)
    for note in plan.notes:
        logger.warning(note)
    sent = runtime.queue(run.source).send_units(run.source, run.run_id, plan.units)
    return _state(run.source, run.run_id, "planned", units=len(plan.units), sent=sent)


def _resume(source: str, run_id: str) -> dict[str, Any] | None:
    """Return the state of a run that is planned already, or None."""
    bronze = runtime.bronze()
    if complete := bronze.get_json(complete_key(source, run_id)):
        return _state(source, run_id, "complete", units=complete["units"])
    return _redrive(source, run_id) if bronze.exists(plan_key(source, run_id)) else None


def _redrive(source: str, run_id: str) -> dict[str, Any]:
    """Send again each unit of a planned run that has no object."""
    bronze = runtime.bronze()
    expected = bronze.expected_units(source, run_id)
    landed = bronze.landed_units(source, run_id, expected)
    missing = [unit for unit in expected if unit.name not in landed]
    sent = runtime.queue(source).send_units(source, run_id, missing)
    return _state(source, run_id, "resumed", units=len(expected), sent=sent)


def _state(source: str, run_id: str, state: str, **more: Any) -> dict[str, Any]:
    logger.info("run %s of %s: %s %s", run_id, source, state, more)
    return {"source": source, "run_id": run_id, "state": state, **more}
