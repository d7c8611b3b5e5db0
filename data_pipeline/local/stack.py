"""Deploys template.yaml, as it is, to the emulator, and calls what it made."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from data_pipeline.configure import TEMPLATE
from data_pipeline.errors import LakehouseError, LocalError
from data_pipeline.local.emulator import Emulator
from data_pipeline.local.home import ENVIRONMENT
from data_pipeline.local.package import Artifacts

STACK = "lakehouse"


@dataclass(frozen=True)
class Stack:
    """The deployed stack: its functions by their short names, its buckets by their layers."""

    emulator: Emulator

    def deploy(self, artifacts: Artifacts, parameters: Mapping[str, str]) -> None:
        """Create or update the stack; code goes in under its hash, so what changed is replaced."""
        template = TEMPLATE.read_text(encoding="utf-8")
        bucket = self.emulator.home.bucket("artifacts")
        self.emulator.s3.create_bucket(Bucket=bucket)
        for path in (artifacts.code, artifacts.layer):
            template = template.replace(f"build/{path.name}", self._upload(bucket, path))
        self._apply(
            template,
            {
                "Project": self.emulator.home.project,
                "Environment": ENVIRONMENT,
                **parameters,
            },
        )

    def invoke(self, function: str, event: Mapping[str, Any]) -> Any:
        """Return what the function called ``function`` ("start-extraction") returns.

        Raises LakehouseError with the message of what it raised: the emulator keeps no more.
        """
        prefix = f"{self.emulator.home.project}-{ENVIRONMENT}-"
        functions = self.emulator.client("lambda")
        try:
            answer = functions.invoke(
                FunctionName=prefix + function, Payload=json.dumps(event).encode()
            )
        except functions.exceptions.ResourceNotFoundException:
            deployed = [its["FunctionName"] for its in functions.list_functions()["Functions"]]
            names = sorted(name.removeprefix(prefix) for name in deployed)
            raise LakehouseError(
                f"there is no function {function!r}; expected {', '.join(names)}"
            ) from None
        body = json.loads(answer["Payload"].read() or b"null")
        if "FunctionError" not in answer:
            return body
        message = body.get("errorMessage", str(body))
        raise LakehouseError(f"{message} (from {function}; its log is {self.emulator.home.log})")

    def open_queues(self, most: int | None = None) -> None:
        """Let the functions take from their queues, with at most ``most`` (2 or more) workers."""
        for mapping in self._mappings():
            workers = mapping["ScalingConfig"]["MaximumConcurrency"]
            if most is not None:
                workers = min(workers, max(2, most))
            self._update(mapping, Enabled=True, ScalingConfig={"MaximumConcurrency": workers})

    def close_queues(self) -> None:
        """Let nothing be taken any more.

        What is left in a queue would else start workers as soon as the emulator is there again,
        while the next deployment takes their code away.
        """
        for mapping in self._mappings():
            self._update(mapping, Enabled=False)

    def _mappings(self) -> list[Any]:
        listed = self.emulator.client("lambda").list_event_source_mappings()
        return list(listed["EventSourceMappings"])

    def _update(self, mapping: Mapping[str, Any], **changes: Any) -> None:
        functions = self.emulator.client("lambda")
        functions.update_event_source_mapping(UUID=mapping["UUID"], **changes)

    def put_secret(self, source: str, value: Mapping[str, str]) -> None:
        secrets = self.emulator.client("secretsmanager")
        name = f"{self.emulator.home.project}/{ENVIRONMENT}/{source}"
        try:
            secrets.put_secret_value(SecretId=name, SecretString=json.dumps(value))
        except secrets.exceptions.ResourceNotFoundException:
            secrets.create_secret(Name=name, SecretString=json.dumps(value))

    def forget_secret(self, source: str) -> None:
        """Delete the secret, so that it does not lie in the emulator's files."""
        self.emulator.client("secretsmanager").delete_secret(
            SecretId=f"{self.emulator.home.project}/{ENVIRONMENT}/{source}",
            ForceDeleteWithoutRecovery=True,
        )

    def _upload(self, bucket: str, path: Path) -> str:
        body = path.read_bytes()
        key = f"{hashlib.sha256(body).hexdigest()}.zip"
        self.emulator.s3.put_object(Bucket=bucket, Key=key, Body=body)
        return f"s3://{bucket}/{key}"

    def _apply(self, template: str, parameters: Mapping[str, str]) -> None:
        formation = self.emulator.client("cloudformation")
        request = {
            "StackName": STACK,
            "TemplateBody": template,
            "Parameters": [
                {"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()
            ],
            "Capabilities": ["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
        }
        try:
            formation.describe_stacks(StackName=STACK)
        except ClientError:
            formation.create_stack(**request)
            done = "CREATE_COMPLETE"
        else:
            try:
                formation.update_stack(**request)
            except ClientError as error:
                if "No updates" in str(error):
                    return
                raise
            done = "UPDATE_COMPLETE"
        self._wait(formation, done)

    def _wait(self, formation: Any, done: str) -> None:
        while True:
            stack = formation.describe_stacks(StackName=STACK)["Stacks"][0]
            if stack["StackStatus"] == done:
                return
            if not stack["StackStatus"].endswith("_IN_PROGRESS"):
                raise LocalError(
                    f"the emulator could not deploy template.yaml: {stack['StackStatus']} "
                    f"{stack.get('StackStatusReason', '')}. See {self.emulator.home.log}."
                )
            time.sleep(0.02)
