"""The Lambdas' handlers, called in this process, on real (emulated) buckets and queues."""

from __future__ import annotations

import gzip
import itertools
import json
import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from data_pipeline.bronze import completion, planner, runtime, worker
from data_pipeline.local.emulator import Emulator
from data_pipeline.local.home import Home
from data_pipeline.settings import load_settings

ROOT = Path(__file__).parent.parent.parent
_names = itertools.count()


class Killed(BaseException):
    """Stands for SIGKILL: nothing but the test catches it."""


class Context:
    """What Lambda passes beside the event."""

    function_name = "test"
    memory_limit_in_mb = 128
    invoked_function_arn = "arn:aws:lambda:us-east-1:000000000000:function:test"
    aws_request_id = "1"

    def get_remaining_time_in_millis(self) -> int:
        return 180_000


@dataclass
class Extraction:
    """Buckets and a queue of their own, and the handlers on them."""

    emulator: Emulator
    landing: str
    bronze: str
    queue: str
    dead_letters: str

    def start(self, **event: Any) -> dict[str, Any]:
        return planner.handler(event, Context())

    def complete(self, source: str, run_id: str, **event: Any) -> dict[str, Any]:
        return completion.handler({"source": source, "run_id": run_id, **event}, Context())

    def receive(self) -> list[dict[str, Any]]:
        answer = self.emulator.client("sqs").receive_message(
            QueueUrl=self.queue, AttributeNames=["All"], MaxNumberOfMessages=1
        )
        return list(answer.get("Messages", []))

    def work(self, deliveries: int = 1) -> int:
        """Work the queue off as its event source mapping does; return how many messages."""
        done = 0
        while messages := self.receive():
            for message in messages:
                for _ in range(deliveries):
                    failed = self.deliver(message)
                if not failed:
                    self.emulator.client("sqs").delete_message(
                        QueueUrl=self.queue, ReceiptHandle=message["ReceiptHandle"]
                    )
                done += 1
        return done

    def deliver(self, message: dict[str, Any]) -> list[Any]:
        record = {
            "messageId": message["MessageId"],
            "receiptHandle": message["ReceiptHandle"],
            "body": message["Body"],
            "attributes": {
                "ApproximateReceiveCount": message["Attributes"]["ApproximateReceiveCount"]
            },
            "eventSource": "aws:sqs",
        }
        answer = worker.handler({"Records": [record]}, Context())
        return list(answer["batchItemFailures"])

    def drop(self, key: str, body: bytes) -> dict[str, Any]:
        """Put a file into the landing bucket; return the event that S3 sends for it."""
        self.emulator.s3.put_object(Bucket=self.landing, Key=key, Body=body)
        return {"Records": [{"eventSource": "aws:s3", "s3": {"object": {"key": key}}}]}

    def crawl(self, source: str, deliveries: int = 1, **event: Any) -> dict[str, Any]:
        """Run an API's run to its end; return what completion says, and the run's id."""
        (run,) = self.start(source=source, **event)["runs"]
        self.work(deliveries)
        return {**self.complete(source, run["run_id"]), "run_id": run["run_id"]}

    def land(self, source: str, name: str, body: bytes) -> dict[str, Any]:
        """Drop a file, run its run to the end; return what planner and completion say of it."""
        (run,) = self.start(**self.drop(f"{source}/{name}", body))["runs"]
        self.work()
        return {**run, **self.complete(source, run["run_id"])}

    def keys(self, prefix: str = "") -> list[str]:
        pages = self.emulator.s3.get_paginator("list_objects_v2").paginate(
            Bucket=self.bronze, Prefix=prefix
        )
        return [entry["Key"] for page in pages for entry in page.get("Contents", [])]

    def read(self, key: str) -> bytes:
        body: bytes = self.emulator.s3.get_object(Bucket=self.bronze, Key=key)["Body"].read()
        return gzip.decompress(body) if key.endswith(".gz") else body

    def lines(self, prefix: str) -> list[dict[str, Any]]:
        """Return the lines of all objects below ``prefix``, by unit and position."""
        lines = [
            json.loads(line) for key in self.keys(prefix) for line in self.read(key).splitlines()
        ]
        return sorted(lines, key=lambda line: (line["_unit"], line["_position"]))

    def content(self) -> dict[str, Any]:
        """Return all of bronze, without what differs between two runs at different times."""
        content = {}
        for key in self.keys():
            documents = [json.loads(line) for line in self.read(key).splitlines()]
            for document in documents:
                for name in ("_fetched_at", "planned_at", "fetched_from"):
                    document.pop(name, None)
                units = document.get("units")
                for unit in units if isinstance(units, list) else ():
                    # Of a dropped file: another bucket, and another moment.
                    unit["params"].pop("bucket", None)
                    unit["params"].pop("fetched_at", None)
            content[key] = documents
        return content

    def kill_at(self, call: int, after: bool) -> Callable[[], int]:
        """Kill the handlers at their ``call``-th request to AWS; return a counter of requests."""
        seen = itertools.count()
        last = [0]

        def before_call(**_: Any) -> None:
            last[0] = next(seen)
            if last[0] == call and not after:
                raise Killed

        def after_call(**_: Any) -> None:
            if last[0] == call and after:
                raise Killed

        for service in ("s3", "sqs", "secretsmanager"):
            events = runtime.client(service).meta.events
            events.register("before-call", before_call)
            events.register("after-call", after_call)
        return lambda: last[0] + 1

    def revive(self) -> None:
        """Begin with new clients, as a new process does."""
        forget_runtime()


def killed_everywhere(
    begin: Callable[[], Extraction], crawl: Callable[[Extraction], Any], after: bool
) -> tuple[dict[str, Any], int]:
    """Crawl, killed before (or after) each request to AWS in turn, and then once more.

    Asserts that the bronze is always the same; returns it, and how many requests there are.
    """

    def attempt(call: int) -> tuple[dict[str, Any], int]:
        extraction = begin()
        count = extraction.kill_at(call, after)
        try:
            crawl(extraction)
        except Killed:
            extraction.revive()
            crawl(extraction)
        return extraction.content(), count()

    expected, calls = attempt(-1)
    for call in range(calls):
        content, _ = attempt(call)
        assert content == expected, f"killed {'after' if after else 'before'} request {call}"
    return expected, calls


def forget_runtime() -> None:
    for name in ("client", "bronze", "queue", "dead_letters", "source", "_pace", "_secret_value"):
        getattr(runtime, name).cache_clear()
    runtime.forget_secrets()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture(scope="session")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LAKEHOUSE_PORT", str(free_port()))
        emulator = Emulator(Home(tmp_path_factory.mktemp("home"), "test"), "us-east-1")
        with emulator:
            yield emulator


@pytest.fixture
def new_extraction(
    emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., Extraction]]:
    """Make an extraction of one source; a second one takes the first one's place."""
    settings = load_settings(ROOT / "configs.ini")

    def make(source: str, secret: dict[str, str] | None = None, **changes: str) -> Extraction:
        number = f"{next(_names)}-{time.time_ns()}"
        sqs = emulator.client("sqs")
        extraction = Extraction(
            emulator,
            f"landing-{number}",
            f"bronze-{number}",
            sqs.create_queue(QueueName=f"queue-{number}")["QueueUrl"],
            sqs.create_queue(QueueName=f"dlq-{number}")["QueueUrl"],
        )
        for bucket in (extraction.landing, extraction.bronze):
            emulator.s3.create_bucket(Bucket=bucket)
        name = source.upper()
        environment = {
            "AWS_ENDPOINT_URL": emulator.endpoint,
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "LANDING_BUCKET": extraction.landing,
            "BRONZE_BUCKET": extraction.bronze,
            f"{name}_SETTINGS": settings.source_json(source, **changes),
            f"{name}_QUEUE_URL": extraction.queue,
            f"{name}_DLQ_URL": extraction.dead_letters,
            f"{name}_SECRET": f"secret-{number}",
        }
        for variable, value in environment.items():
            monkeypatch.setenv(variable, value)
        if secret is not None:
            emulator.client("secretsmanager").create_secret(
                Name=f"secret-{number}", SecretString=json.dumps(secret)
            )
        forget_runtime()
        return extraction

    yield make
    forget_runtime()
