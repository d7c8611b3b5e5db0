"""Gives the units in a source's dead letters another chance.

The planner is asked to redrive the runs that they belong to: it sends each unit that has not
landed, and none that has. SQS itself could move messages back, but would also move those whose
units have landed since, and would forget units whose messages are gone.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from data_pipeline.aws.account import Account
from data_pipeline.bronze.run import iso
from data_pipeline.errors import LakehouseError

POLL_SECONDS = 10.0
# Long enough for the planner to answer; what is not deleted by then is a dead letter again.
HIDDEN_SECONDS = 900
BATCH = 10


@dataclass
class Redriven:
    """What became of a run: messages taken from the dead letters, units sent, or an error."""

    run_id: str
    letters: int
    units: int = 0
    sent: int = 0
    error: str = ""


@dataclass
class Letters:
    """The dead letters of a source: receipts by run, and how many belong to none."""

    url: str
    by_run: dict[str, list[str]] = field(default_factory=dict)
    unreadable: int = 0


def receive(account: Account, source: str) -> Letters:
    """Take all dead letters of a source into sight. Raises AwsError if it has no such queue."""
    sqs, name = account.client("sqs"), account.dead_letters(source)
    try:
        letters = Letters(sqs.get_queue_url(QueueName=name)["QueueUrl"])
    except sqs.exceptions.QueueDoesNotExist:
        raise account.missing(f"queue {name}") from None
    while messages := sqs.receive_message(
        QueueUrl=letters.url,
        MaxNumberOfMessages=BATCH,
        VisibilityTimeout=HIDDEN_SECONDS,
        # Without waiting, SQS looks into some of its servers only.
        WaitTimeSeconds=1,
    ).get("Messages"):
        for message in messages:
            try:
                run_id = str(json.loads(message["Body"])["run_id"])
            except (ValueError, KeyError, TypeError):
                letters.unreadable += 1
                continue
            letters.by_run.setdefault(run_id, []).append(message["ReceiptHandle"])
    return letters


def redrive(account: Account, source: str, run_id: str, letters: Letters) -> Redriven:
    """Have the planner send what a run lacks, and then delete the run's dead letters.

    A run that the planner refuses keeps them.
    """
    receipts = letters.by_run.get(run_id, [])
    done = Redriven(run_id, len(receipts))
    sqs = account.client("sqs")
    try:
        (run,) = account.invoke("start-extraction", {"source": source, "run_id": run_id})["runs"]
    except LakehouseError as error:
        done.error = str(error)
        for entries in _batches(receipts):
            sqs.change_message_visibility_batch(
                QueueUrl=letters.url, Entries=[{**its, "VisibilityTimeout": 0} for its in entries]
            )
        return done
    done.units, done.sent = run["units"], run["sent"]
    for entries in _batches(receipts):
        answer = sqs.delete_message_batch(QueueUrl=letters.url, Entries=entries)
        if answer.get("Failed"):
            done.error = f"SQS did not delete {len(answer['Failed'])} of its dead letters"
    return done


def follow(
    account: Account,
    source: str,
    runs: list[str],
    since: datetime,
    show: Callable[[str, int, int], None],
    poll_seconds: float = POLL_SECONDS,
) -> dict[str, dict[str, Any]]:
    """Ask `completion` for the runs until none is running; it hands them to silver.

    ``since`` is when the redrive began: failures before it are what is being repaired. Returns
    completion's last answer by run.
    """
    answers: dict[str, dict[str, Any]] = {}
    while True:
        for run_id in runs:
            if answers.get(run_id, {}).get("state", "running") == "running":
                event = {"source": source, "run_id": run_id, "since": iso(since)}
                answers[run_id] = account.invoke("completion", event)
                show(run_id, answers[run_id]["landed"], answers[run_id]["units"])
        if all(answer["state"] != "running" for answer in answers.values()):
            return answers
        time.sleep(poll_seconds)


def failures(answers: dict[str, dict[str, Any]]) -> list[str]:
    """Return a line for each run that is not whole, with its units and why."""
    lines = []
    for run_id, answer in answers.items():
        if answer["state"] == "complete":
            continue
        reasons = "; ".join(f"{unit}: {why}" for unit, why in answer["failed"].items())
        lines.append(
            f"run {run_id} is {answer['state']}, {answer['landed']} of {answer['units']} units"
            + (f" ({reasons})" if reasons else "")
        )
    return lines


def _batches(receipts: list[str]) -> Iterator[list[dict[str, Any]]]:
    for start in range(0, len(receipts), BATCH):
        yield [
            {"Id": str(i), "ReceiptHandle": receipt}
            for i, receipt in enumerate(receipts[start : start + BATCH])
        ]
