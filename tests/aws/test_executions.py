"""Starting the state machine and following it, on machines that are made here."""

from __future__ import annotations

import json
from typing import Any

import pytest

from data_pipeline.aws import executions
from data_pipeline.aws.account import Account
from data_pipeline.aws.executions import Outcome, Watcher, duration
from data_pipeline.errors import AwsError

SUMMARY = {"ok": True, "subject": "dev: refreshed", "message": "Runs\n  tmdb: complete\n"}
CHECK = {"Type": "Pass", "Output": SUMMARY, "Next": "Wait"}
# As terraform/modules/orchestration has it: a state inside Extract tells how far a run is.
EXTRACT = {
    "Type": "Map",
    "Items": [3, 5],
    "ItemProcessor": {
        "StartAt": "Landed",
        "States": {
            "Landed": {
                "Type": "Pass",
                "Output": {
                    "source": "tmdb",
                    "run_id": "20261121-0a1b2c3d",
                    "landed": "{% $states.input %}",
                    "units": 5,
                },
                "End": True,
            }
        },
    },
    "Next": "Check",
}
WAIT = {"Type": "Wait", "Seconds": 1, "Next": "End"}


def deploy(account: Account, end: dict[str, Any], check: dict[str, Any] = CHECK) -> None:
    states = {"Extract": EXTRACT, "Check": check, "Wait": WAIT, "End": end}
    account.client("stepfunctions").create_state_machine(
        name=account.name,
        roleArn="arn:aws:iam::000000000000:role/test",
        definition=json.dumps({"QueryLanguage": "JSONata", "StartAt": "Extract", "States": states}),
    )


def follow(account: Account, arn: str) -> tuple[Outcome, list[str], list[tuple[str, int, int]]]:
    lines: list[str] = []
    units: list[tuple[str, int, int]] = []
    watcher = Watcher(lines.append, lambda *its: units.append(its))
    return executions.follow(account, arn, watcher, poll_seconds=0.1), lines, units


def test_it_is_followed_to_its_end(account: Account) -> None:
    deploy(account, {"Type": "Succeed"})
    arn = executions.start(account, {"sources": ["tmdb"], "limit": 3})
    given = account.client("stepfunctions").describe_execution(executionArn=arn)["input"]
    assert json.loads(given) == {"sources": ["tmdb"], "limit": 3}
    outcome, lines, units = follow(account, arn)
    assert outcome.ok
    assert outcome.summary == "dev: refreshed\nRuns\n  tmdb: complete"
    assert outcome.error == ""
    # Only what does something, each once: a Pass, a Wait or a state inside is no step.
    assert [line.partition(" after")[0] for line in lines] == ["Extract begins", "Extract ends"]
    assert sorted(units) == [("tmdb", 3, 5), ("tmdb", 5, 5)]


def test_an_end_with_problems_fails_with_the_summary_told_once(account: Account) -> None:
    cause = SUMMARY["message"]
    deploy(account, {"Type": "Fail", "Error": "Problems", "Cause": cause})
    outcome, _, _ = follow(account, executions.start(account, {}))
    assert (outcome.status, outcome.ok) == ("FAILED", False)
    assert outcome.summary.endswith("Runs\n  tmdb: complete")
    assert outcome.error == ""


def test_a_step_that_fails_and_is_caught_is_seen(account: Account) -> None:
    task = {
        "Type": "Task",
        "Resource": "arn:aws:states:::lambda:invoke",
        "Arguments": {"FunctionName": "there-is-none", "Payload": {}},
        "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "Wait"}],
        "Next": "Wait",
    }
    deploy(account, {"Type": "Succeed"}, check=task)
    _, lines, _ = follow(account, executions.start(account, {}))
    ends = [line.partition(" after")[0] for line in lines if "after" in line]
    assert ends == ["Extract ends", "Check fails"]


def test_a_failure_before_the_summary_says_why(account: Account) -> None:
    deploy(
        account,
        {"Type": "Succeed"},
        check={"Type": "Fail", "Error": "Broken", "Cause": "the check is not there"},
    )
    outcome, _, _ = follow(account, executions.start(account, {}))
    assert (outcome.status, outcome.summary) == ("FAILED", "")
    assert outcome.error == "Broken: the check is not there"


def test_the_latest_one_can_be_followed_again(account: Account) -> None:
    deploy(account, {"Type": "Succeed"})
    with pytest.raises(AwsError, match="was never started: `make start` does"):
        executions.latest(account)
    arn = executions.start(account, {})
    assert executions.latest(account) == arn
    outcome, lines, _ = follow(account, arn)
    # All that happened is told again, however late one looks.
    assert follow(account, arn)[:2] == (outcome, lines)


def test_events_are_read_once_and_in_order(account: Account) -> None:
    deploy(account, {"Type": "Succeed"})
    arn = executions.start(account, {})
    follow(account, arn)
    machines = account.client("stepfunctions")
    every = [event["id"] for event in executions._events_after(machines, arn, 0)]
    assert every == list(range(1, len(every) + 1))
    assert [event["id"] for event in executions._events_after(machines, arn, 3)] == every[3:]
    assert executions._events_after(machines, arn, every[-1]) == []


def test_without_a_deployment(account: Account) -> None:
    message = f"there is no state machine {account.name} in account .* `make deploy` makes it"
    with pytest.raises(AwsError, match=message):
        executions.start(account, {})


def test_units_of_a_source_are_those_of_all_its_runs() -> None:
    """Of files, each is a run, and all go on at once."""
    told: list[tuple[str, int, int]] = []
    history = executions._History([], Watcher(lambda _: None, lambda *its: told.append(its)))
    for number, (run_id, landed) in enumerate([("a", 1), ("b", 2), ("a", 3)], 1):
        run = {"source": "movielens", "run_id": run_id, "landed": landed, "units": 4}
        exited = {"name": "Landed", "output": json.dumps({"Payload": [run]})}
        history.take({"id": number, "type": "PassStateExited", "stateExitedEventDetails": exited})
    assert told == [("movielens", 1, 4), ("movielens", 3, 8), ("movielens", 5, 8)]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 s"), (59.6, "1 min"), (61, "1 min 1 s"), (3600, "1 h"), (7384, "2 h 3 min 4 s")],
)
def test_duration(seconds: float, text: str) -> None:
    assert duration(seconds) == text
