"""The bronze bucket and the queues, as the Lambdas use them."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from data_pipeline.bronze.run import Unit, dataset_prefix, found_prefix, plan_key, units_of
from data_pipeline.errors import SettingsError

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client
    from mypy_boto3_sqs.client import SQSClient

SQS_BATCH = 10
SQS_MAX_DELAY = 900


class Bronze:
    """Write-once access to the bronze bucket: an object that is there is never replaced."""

    def __init__(self, client: S3Client, bucket: str) -> None:
        self._client = client
        self.bucket = bucket

    def put_once(self, key: str, body: bytes, metadata: Mapping[str, str] | None = None) -> bool:
        """Put ``body`` unless ``key`` is there; return whether this call was the one that wrote.

        Two writers at the same moment may get 409 (ConditionalRequestConflict), which S3 asks to
        be tried again; 412 says that the other one has won.
        https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
        """
        for attempt in range(5):
            try:
                self._client.put_object(
                    Bucket=self.bucket,
                    Key=key,
                    Body=body,
                    IfNoneMatch="*",
                    Metadata=dict(metadata or {}),
                )
                return True
            except ClientError as error:
                status = error.response["ResponseMetadata"]["HTTPStatusCode"]
                if status == 412:
                    return False
                if status != 409 or attempt == 4:
                    raise
                time.sleep(random.uniform(0, 0.1 * 2**attempt))
        raise AssertionError("unreachable")

    def put_json_once(self, key: str, document: Mapping[str, Any]) -> bool:
        return self.put_once(key, json.dumps(document, ensure_ascii=False).encode())

    def get_json(self, key: str) -> dict[str, Any] | None:
        """Return the JSON object at ``key``, or None where there is none."""
        try:
            answer = self._client.get_object(Bucket=self.bucket, Key=key)
        except self._client.exceptions.NoSuchKey:
            return None
        document: dict[str, Any] = json.loads(answer["Body"].read())
        return document

    def exists(self, key: str) -> bool:
        return self.metadata(key) is not None

    def metadata(self, key: str) -> dict[str, str] | None:
        """Return the metadata of the object at ``key``, or None where there is none."""
        try:
            return dict(self._client.head_object(Bucket=self.bucket, Key=key)["Metadata"])
        except ClientError as error:
            if error.response["ResponseMetadata"]["HTTPStatusCode"] == 404:
                return None
            raise

    def names(self, prefix: str, after: str = "") -> Iterator[str]:
        """Yield what follows ``prefix`` in the keys below it, in order, those past ``after``."""
        pages = self._client.get_paginator("list_objects_v2").paginate(
            Bucket=self.bucket, Prefix=prefix, StartAfter=prefix + after if after else ""
        )
        for page in pages:
            for entry in page.get("Contents", []):
                yield entry["Key"].removeprefix(prefix)

    def expected_units(self, source: str, run_id: str) -> list[Unit]:
        """Return the units of a run: the planned ones, and those that workers found.

        Raises SettingsError where no such run was planned.
        """
        plan = self.get_json(plan_key(source, run_id))
        if plan is None:
            raise SettingsError(f"{source} has no run {run_id}; `lakehouse status` lists the runs")
        units = {unit.name: unit for unit in units_of(plan)}
        prefix = found_prefix(source, run_id)
        for name in self.names(prefix):
            for unit in units_of(self.get_json(prefix + name) or {"units": []}):
                units[unit.name] = unit
        return list(units.values())

    def landed_units(self, source: str, run_id: str, expected: Iterable[Unit]) -> set[str]:
        """Return the names of the units whose objects are there."""
        return {
            name.removesuffix(".json.gz")
            for dataset in {unit.dataset for unit in expected}
            for name in self.names(dataset_prefix(source, run_id, dataset))
        }


class Queue:
    """The queue of one source."""

    def __init__(self, client: SQSClient, url: str) -> None:
        self._client = client
        self._url = url

    def send_units(self, source: str, run_id: str, units: Iterable[Unit]) -> int:
        """Send a message for each unit; return how many. Raises RuntimeError if SQS kept one."""
        bodies = [message(source, run_id, unit) for unit in units]
        for start in range(0, len(bodies), SQS_BATCH):
            batch = bodies[start : start + SQS_BATCH]
            answer = self._client.send_message_batch(
                QueueUrl=self._url,
                Entries=[{"Id": str(i), "MessageBody": body} for i, body in enumerate(batch)],
            )
            if answer.get("Failed"):
                raise RuntimeError(f"SQS refused {len(answer['Failed'])} messages of run {run_id}")
        return len(bodies)

    def send_later(self, body: Mapping[str, Any], not_before: float) -> None:
        """Send ``body`` as a new message that is to wait until ``not_before`` (epoch seconds).

        A new one, because a message that is merely returned counts as failed on each return,
        and because SQS delays by at most 900 s: who receives it too early sends it on.
        """
        delay = min(SQS_MAX_DELAY, max(0, int(not_before - time.time()) + 1))
        self._client.send_message(
            QueueUrl=self._url,
            MessageBody=json.dumps({**body, "not_before": not_before}),
            DelaySeconds=delay,
        )

    def send(self, body: Mapping[str, Any]) -> None:
        self._client.send_message(QueueUrl=self._url, MessageBody=json.dumps(body))

    def hide(self, receipt_handle: str, seconds: int) -> None:
        """Let a failed message come back after ``seconds``."""
        self._client.change_message_visibility(
            QueueUrl=self._url, ReceiptHandle=receipt_handle, VisibilityTimeout=seconds
        )


def message(source: str, run_id: str, unit: Unit) -> str:
    return json.dumps(
        {
            "source": source,
            "run_id": run_id,
            "unit": {"name": unit.name, "dataset": unit.dataset, "params": unit.params},
        }
    )
