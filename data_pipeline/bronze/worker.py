"""extract: works units off its source's queue, one bronze object for each.

Everything it does can be done again: the object is looked for first and put last, once; units
found on the way are noted before they are sent. So a message that comes twice, or a worker that
dies anywhere, changes nothing.
"""

from __future__ import annotations

import json
import random
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import datetime
from typing import IO, TYPE_CHECKING, Any

from aws_lambda_powertools.utilities.batch import (
    BatchProcessor,
    EventType,
    process_partial_response,
)

from data_pipeline.bronze import runtime
from data_pipeline.bronze.files import (
    csv_records,
    json_records,
    lines_of_range,
    open_landed,
    open_member,
)
from data_pipeline.bronze.run import (
    MAX_RECEIVES,
    UNIT_BYTES,
    Unit,
    failed_prefix,
    found_prefix,
    iso,
    notes_prefix,
    object_key,
    units_document,
    units_of,
    utc_now,
)
from data_pipeline.bronze.source import ApiSource, Note, Page
from data_pipeline.bronze.writer import JsonLines
from data_pipeline.errors import ApiBusyError, ApiRefusedError, InputError, SettingsError

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
    from aws_lambda_powertools.utilities.typing import LambdaContext

logger = runtime.logger
processor = BatchProcessor(event_type=EventType.SQS, raise_on_entire_batch_failure=False)
LONGEST_RETRY = 900
# Time kept for writing what was fetched.
RESERVE_SECONDS = 15


@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], context: LambdaContext) -> Any:
    """Return the messages that failed, so that only those come back (ReportBatchItemFailures)."""
    return process_partial_response(
        event=event, record_handler=_receive, processor=processor, context=context
    )


def _receive(record: SQSRecord, lambda_context: LambdaContext) -> None:
    """Land the unit of one message, or decide what happens to the message instead."""
    body = json.loads(record.body)
    source, run_id, unit = body["source"], body["run_id"], Unit(**body["unit"])
    logger.append_keys(source=source, run_id=run_id, unit=unit.name)
    if body.get("not_before", 0) > time.time():
        runtime.queue(source).send_later(body, body["not_before"])
        return
    receives = int(record.attributes.approximate_receive_count)
    try:
        land(source, run_id, unit, lambda_context)
    except ApiBusyError as busy:
        logger.warning("waiting as the publisher asks: %s", busy)
        runtime.queue(source).send_later(body, time.time() + busy.retry_after)
    except (ApiRefusedError, InputError, SettingsError) as error:
        # Trying again would not help: to the dead letters at once, with the reason beside the run.
        logger.error("failed for good: %s", error)
        runtime.forget_secrets()
        _note_failure(source, run_id, unit, str(error))
        runtime.dead_letters(source).send(body)
    except Exception as error:
        if receives >= MAX_RECEIVES:  # the last chance to say why
            _note_failure(source, run_id, unit, f"{type(error).__name__}: {error}")
        pause = min(LONGEST_RETRY, 10 * 2**receives) * random.uniform(0.5, 1.0)
        runtime.queue(source).hide(record.receipt_handle, int(pause))
        raise


def _note_failure(source: str, run_id: str, unit: Unit, error: str) -> None:
    now = utc_now()
    key = f"{failed_prefix(source, run_id)}{unit.name}.{int(now.timestamp() * 1000)}.json"
    runtime.bronze().put_json_once(key, {"unit": unit.name, "error": error, "at": iso(now)})


def land(source: str, run_id: str, unit: Unit, context: LambdaContext) -> None:
    """Put the unit's object unless it is there, and whatever was found on the way."""
    if runtime.bronze().exists(object_key(source, run_id, unit)):
        return
    of = runtime.source(source)
    if isinstance(of, ApiSource):
        _land_pages(of, run_id, unit, context)
    else:
        _land_file(source, run_id, unit)


def _land_pages(source: ApiSource[Any], run_id: str, unit: Unit, context: LambdaContext) -> None:
    api = runtime.api(
        source,
        source.worker_rate,
        lambda: context.get_remaining_time_in_millis() / 1000 - RESERVE_SECONDS,
    )
    lines = JsonLines(run_id, unit.name)
    found: list[Unit] = []
    notes: list[str] = []
    for item in source.fetch(api, unit):
        if isinstance(item, Page):
            head = lines.context(item.answer.fetched_at, item.number)
            for text, value in item.answer.records(item.member):
                lines.add(head, text)
                if isinstance(value, dict):
                    lines.saw(value)
        elif isinstance(item, Note):
            logger.warning(item.text)
            notes.append(item.text)
        else:
            found.append(item)
    if found:
        _note_found(source.name, run_id, unit, found)
    if notes:
        key = f"{notes_prefix(source.name, run_id)}{unit.name}.json"
        runtime.bronze().put_json_once(key, {"unit": unit.name, "notes": notes})
    _put(source.name, run_id, unit, lines, api.requests)


def _note_found(source: str, run_id: str, unit: Unit, found: list[Unit]) -> None:
    """Note the units beyond the plan under the finder's own key, then send them.

    If an earlier try got that far, its note is what counts.
    """
    bronze, key = runtime.bronze(), f"{found_prefix(source, run_id)}{unit.name}.json"
    if not bronze.put_json_once(key, {"units": units_document(found)}):
        found = units_of(bronze.get_json(key) or {"units": []})
    runtime.queue(source).send_units(source, run_id, found)


def _put(source: str, run_id: str, unit: Unit, lines: JsonLines, requests: int = 0) -> None:
    body = lines.body()
    metadata = lines.metadata(requests)
    runtime.bronze().put_once(object_key(source, run_id, unit), body, metadata)
    logger.info("landed %s records with %s requests", metadata["records"], metadata["requests"])


def _land_file(source: str, run_id: str, unit: Unit) -> None:
    """Stream a file, a member or a byte range into objects of at most 64 MB of lines.

    The first object is the unit's own and is put last, after the note of the others: until it is
    there, the unit counts as missing and is done again.
    """
    params = unit.params
    fetched_at = datetime.fromisoformat(params["fetched_at"])
    with ExitStack() as stack, tempfile.TemporaryFile() as first_body:
        raw = stack.enter_context(
            open_landed(runtime.s3(), params["bucket"], params["key"], params["etag"])
        )
        header, fields = params["header"], dict.fromkeys(params["header"] or ())
        rows = _lines(stack, raw, params)
        records = json_records(rows, fields) if header is None else csv_records(rows, header)
        first: JsonLines | None = None
        parts: list[Unit] = []
        part = unit
        while part:
            lines = JsonLines(run_id, part.name)
            head = lines.context(fetched_at)
            full = False
            for text, malformed in records:
                lines.add(head, text, malformed)
                if lines.size >= UNIT_BYTES:
                    full = True
                    break
            lines.saw(fields)
            if first is None:
                first = lines
                first_body.write(lines.body())
            elif lines.records:
                parts.append(part)
                _put(source, run_id, part, lines)
            part = Unit(f"{unit.name}.{len(parts) + 1:05d}", unit.dataset) if full else None  # type: ignore[assignment]
        if parts:
            key = f"{found_prefix(source, run_id)}{unit.name}.json"
            runtime.bronze().put_json_once(key, {"units": units_document(parts)})
        first_body.seek(0)
        assert first is not None
        runtime.bronze().put_once(
            object_key(source, run_id, unit), first_body.read(), first.metadata()
        )
        logger.info("landed %s and %d more objects", unit.name, len(parts))


def _lines(stack: ExitStack, raw: IO[bytes], params: dict[str, Any]) -> Iterator[bytes]:
    """Return the unit's lines, without the header if it has one."""
    if params.get("range"):
        return lines_of_range(raw, *params["range"])
    name = params["key"].rpartition("/")[2]
    stream = raw
    if params.get("member"):
        stream = stack.enter_context(open_member(raw, name, params["member"]))
    if params["header"] is not None:
        stream.readline()
    return iter(stream)
