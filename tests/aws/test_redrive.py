"""Dead letters, on real queues and a real bronze; the planner and completion are called here.

The emulator would run them as Lambdas only after a whole deployment, which other tests make.
"""

from __future__ import annotations

import dataclasses
import itertools
import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from data_pipeline.aws import redrive
from data_pipeline.aws.account import Account
from data_pipeline.bronze import completion, planner
from data_pipeline.bronze.run import (
    Plan,
    Run,
    Unit,
    iso,
    object_key,
    pending_key,
    plan_document,
    plan_key,
    utc_now,
)
from data_pipeline.bronze.store import message
from data_pipeline.errors import AwsError, LakehouseError
from tests.bronze.conftest import Context, Extraction, new_extraction

__all__ = ["new_extraction"]

RUN = "20261121-0a1b2c3d"
UNITS = [Unit(f"genres-{i:05d}", "genres") for i in range(12)]


@dataclasses.dataclass
class Source:
    """jikan on AWS: its queues, its bronze, and a planned run."""

    account: Account
    extraction: Extraction
    dead_letters: str
    shown: list[tuple[str, int, int]] = dataclasses.field(default_factory=list)

    def plan(self, run_id: str = RUN) -> None:
        run = Run("jikan", run_id, datetime(2026, 11, 21).date())
        self._put(plan_key("jikan", run_id), plan_document(run, Plan(UNITS), utc_now()))

    def land(self, *units: Unit, run_id: str = RUN) -> None:
        for unit in units:
            self._put(object_key("jikan", run_id, unit), {})

    def fail(self, *units: Unit, run_id: str = RUN) -> None:
        for unit in units:
            self.bury(message("jikan", run_id, unit))

    def bury(self, body: str) -> None:
        self.account.client("sqs").send_message(QueueUrl=self.dead_letters, MessageBody=body)

    def queued(self) -> list[str]:
        """Take what is in the source's queue; return the units' names."""
        names = []
        while messages := self.extraction.receive():
            for each in messages:
                names.append(json.loads(each["Body"])["unit"]["name"])
                self.account.client("sqs").delete_message(
                    QueueUrl=self.extraction.queue, ReceiptHandle=each["ReceiptHandle"]
                )
        return sorted(names)

    def buried(self) -> int:
        counts = ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible")
        held = self.account.client("sqs").get_queue_attributes(
            QueueUrl=self.dead_letters, AttributeNames=list(counts)
        )["Attributes"]
        return sum(int(held[name]) for name in counts)

    def _put(self, key: str, document: Mapping[str, Any]) -> None:
        self.account.client("s3").put_object(
            Bucket=self.extraction.bronze, Key=key, Body=json.dumps(document).encode()
        )


@pytest.fixture
def source(
    account: Account, new_extraction: Callable[..., Extraction], monkeypatch: pytest.MonkeyPatch
) -> Source:
    url = account.client("sqs").create_queue(QueueName=account.dead_letters("jikan"))["QueueUrl"]
    source = Source(account, new_extraction("jikan"), url)
    handlers = {"start-extraction": planner.handler, "completion": completion.handler}

    def invoke(_: Account, function: str, event: dict[str, Any]) -> Any:
        try:
            return handlers[function](event, Context())
        except LakehouseError as error:
            raise AwsError(str(error)) from error

    monkeypatch.setattr(Account, "invoke", invoke)
    return source


def test_the_units_that_lack_are_sent_and_their_letters_deleted(source: Source) -> None:
    source.plan()
    source.land(UNITS[0], UNITS[1])
    # One of them has landed since, and one of those that lack has no letter any more.
    source.fail(UNITS[1], *UNITS[2:-1])
    letters = redrive.receive(source.account, "jikan")
    done = redrive.redrive(source.account, "jikan", RUN, letters)
    assert done == redrive.Redriven(RUN, letters=10, units=12, sent=10)
    assert source.queued() == [unit.name for unit in UNITS[2:]]
    assert source.buried() == 0


def test_a_run_that_was_never_planned_keeps_its_letters(source: Source) -> None:
    source.plan()
    source.fail(UNITS[0])
    source.fail(UNITS[0], run_id="20261121-ffffffff")
    source.bury("no JSON")
    letters = redrive.receive(source.account, "jikan")
    assert (sorted(letters.by_run), letters.unreadable) == ([RUN, "20261121-ffffffff"], 1)
    done = [redrive.redrive(source.account, "jikan", each, letters) for each in letters.by_run]
    errors = {run.run_id: run.error for run in done}
    assert errors[RUN] == ""
    assert errors["20261121-ffffffff"].startswith("jikan has no run 20261121-ffffffff")
    assert source.buried() == 2
    # At once: what was not redriven is seen by who looks next.
    assert list(redrive.receive(source.account, "jikan").by_run) == ["20261121-ffffffff"]


def test_a_run_is_redriven_without_letters_too(source: Source) -> None:
    source.plan()
    letters = redrive.receive(source.account, "jikan")
    assert letters.by_run == {}
    done = redrive.redrive(source.account, "jikan", RUN, letters)
    assert (done.letters, done.sent) == (0, 12)


def test_it_is_followed_until_silver_has_it(source: Source) -> None:
    source.plan()
    source.land(*UNITS[:-1])

    def land_the_rest(*progress: Any) -> None:
        source.shown.append(progress)
        source.land(UNITS[-1])

    answers = redrive.follow(
        source.account, "jikan", [RUN], datetime.now(UTC), land_the_rest, poll_seconds=0
    )
    assert source.shown == [(RUN, 11, 12), (RUN, 12, 12)]
    assert answers[RUN]["state"] == "complete"
    assert redrive.failures(answers) == []
    assert source.extraction.keys("_pending/") == [pending_key("jikan", RUN, 12)]


def test_what_fails_again_is_named(source: Source) -> None:
    source.plan()
    for unit in UNITS:
        key = f"_runs/jikan/{RUN}/failed/{unit.name}.1.json"
        source._put(key, {"unit": unit.name, "error": "404", "at": iso(utc_now())})
    early, late = datetime(2026, 1, 1, tzinfo=UTC), datetime(2999, 1, 1, tzinfo=UTC)
    answers = redrive.follow(source.account, "jikan", [RUN], early, lambda *_: None, 0)
    (line,) = redrive.failures(answers)
    assert line.startswith(f"run {RUN} is failed, 0 of 12 units (genres-00000: 404; ")

    # Failures from before the redrive are what it repairs: the run goes on.
    asked = itertools.count()

    def stop_at_the_second(*_: Any) -> None:
        if next(asked) == 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        redrive.follow(source.account, "jikan", [RUN], late, stop_at_the_second, 0)


def test_without_a_deployment(account: Account) -> None:
    with pytest.raises(AwsError, match=f"there is no queue {account.name}-tag-genome-dlq in"):
        redrive.receive(account, "tag_genome")
