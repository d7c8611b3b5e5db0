"""Starts the state machine and follows an execution to its end."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from data_pipeline.aws.account import Account
from data_pipeline.errors import AwsError

POLL_SECONDS = 5.0
RUNNING = ("RUNNING", "PENDING_REDRIVE")
# States that do something; the others are passed through in no time.
WORK = ("Task", "Map", "Parallel")


@dataclass
class Outcome:
    """How an execution ended, and the summary for people that it left."""

    arn: str
    status: str
    summary: str
    error: str

    @property
    def ok(self) -> bool:
        return self.status == "SUCCEEDED"


@dataclass
class Watcher:
    """What is told while an execution goes on.

    ``say`` gets a line when a state begins or ends; ``units`` gets a source, how many of its
    units have landed, and of how many.
    """

    say: Callable[[str], None]
    units: Callable[[str, int, int], None]


def start(account: Account, payload: Mapping[str, Any]) -> str:
    """Start the state machine and return the execution's ARN. Raises AwsError without one."""
    machines = account.client("stepfunctions")
    try:
        answer = machines.start_execution(
            stateMachineArn=account.state_machine, input=json.dumps(payload)
        )
    except machines.exceptions.StateMachineDoesNotExist:
        raise account.missing(f"state machine {account.name}") from None
    return str(answer["executionArn"])


def latest(account: Account) -> str:
    """Return the ARN of the execution that was started last. Raises AwsError without one."""
    machines = account.client("stepfunctions")
    try:
        executions = machines.list_executions(stateMachineArn=account.state_machine, maxResults=1)
    except machines.exceptions.StateMachineDoesNotExist:
        raise account.missing(f"state machine {account.name}") from None
    if not executions["executions"]:
        raise AwsError(f"{account.name} was never started: `make start` does")
    return str(executions["executions"][0]["executionArn"])


def follow(
    account: Account, arn: str, watcher: Watcher, poll_seconds: float = POLL_SECONDS
) -> Outcome:
    """Tell ``watcher`` of an execution until it ends, and return how it ended."""
    machines = account.client("stepfunctions")
    definition = machines.describe_state_machine(stateMachineArn=account.state_machine)
    states = json.loads(definition["definition"])["States"]
    history = _History([name for name, its in states.items() if its["Type"] in WORK], watcher)
    while True:
        # Asked before the history is read, which then is whole.
        execution = machines.describe_execution(executionArn=arn)
        for event in _events_after(machines, arn, history.last):
            history.take(event)
        if execution["status"] not in RUNNING:
            break
        time.sleep(poll_seconds)
    history.look_for_summary(execution.get("output") or "")
    # A refresh with problems fails with its summary as the cause.
    told = history.summary and execution.get("cause", "").strip() in history.summary
    parts = () if told else (execution.get("error"), execution.get("cause"))
    return Outcome(arn, execution["status"], history.summary, ": ".join(filter(None, parts)))


def _events_after(machines: Any, arn: str, last: int) -> list[dict[str, Any]]:
    """Return the events after the one numbered ``last``, in order."""
    found: list[dict[str, Any]] = []
    pages = machines.get_paginator("get_execution_history").paginate(
        executionArn=arn, reverseOrder=True
    )
    for page in pages:
        for event in page["events"]:
            if event["id"] <= last:
                return found[::-1]
            found.append(event)
    return found[::-1]


@dataclass
class _History:
    """What the events of an execution say so far."""

    names: Sequence[str]
    watcher: Watcher
    last: int = 0
    summary: str = ""
    # Whether the last task did.
    _failed: bool = False
    _began: dict[str, datetime] = field(default_factory=dict)
    # By source and run: of files, each has one.
    _runs: dict[str, dict[str, tuple[int, int]]] = field(default_factory=dict)

    def take(self, event: Mapping[str, Any]) -> None:
        self.last = event["id"]
        if event["type"] in ("TaskSucceeded", "TaskFailed", "TaskTimedOut"):
            self._failed = event["type"] != "TaskSucceeded"
        entered = event.get("stateEnteredEventDetails")
        exited = event.get("stateExitedEventDetails")
        if entered and entered["name"] in self.names:
            self._began[entered["name"]] = event["timestamp"]
            self.watcher.say(f"{entered['name']} begins")
        if exited:
            output = exited.get("output") or ""
            for run in _objects_with(output, "source", "run_id", "landed", "units"):
                self._tell_units(run)
            self.look_for_summary(output)
            if began := self._began.pop(exited["name"], None):
                seconds = (event["timestamp"] - began).total_seconds()
                # It was caught, and is told of in the summary.
                failed = self._failed and event["type"] == "TaskStateExited"
                how = "fails" if failed else "ends"
                self.watcher.say(f"{exited['name']} {how} after {duration(seconds)}")

    def _tell_units(self, run: Mapping[str, Any]) -> None:
        runs = self._runs.setdefault(run["source"], {})
        runs[run["run_id"]] = run["landed"], run["units"]
        landed, units = map(sum, zip(*runs.values(), strict=True))
        self.watcher.units(run["source"], landed, units)

    def look_for_summary(self, output: str) -> None:
        """Keep the last summary: of the function `check`, which goes through the later states."""
        for answer in _objects_with(output, "subject", "message"):
            self.summary = f"{answer['subject']}\n{answer['message']}".strip()


def _objects_with(text: str, *keys: str) -> Iterator[dict[str, Any]]:
    """Yield the objects that have all ``keys``, however deep they lie in a JSON text."""
    if not all(f'"{key}"' in text for key in keys):
        return
    left = [json.loads(text)]
    while left:
        value = left.pop(0)
        if isinstance(value, dict):
            if all(key in value for key in keys):
                yield value
            left += value.values()
        elif isinstance(value, list):
            left += value


def duration(seconds: float) -> str:
    """Return seconds as people say them: 3 min 12 s."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    parts = [(hours, "h"), (minutes, "min"), (rest, "s")]
    return " ".join(f"{count} {unit}" for count, unit in parts if count) or "0 s"
