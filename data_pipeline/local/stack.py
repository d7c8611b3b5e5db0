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
# So often a worker that could not be started is started again.
STARTS = 10


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
            body, failed = self._answer(functions, prefix + function, event)
        except functions.exceptions.ResourceNotFoundException:
            deployed = [its["FunctionName"] for its in functions.list_functions()["Functions"]]
            names = sorted(name.removeprefix(prefix) for name in deployed)
            raise LakehouseError(
                f"there is no function {function!r}; expected {', '.join(names)}"
            ) from None
        if not failed:
            return body
        message = body.get("errorMessage", str(body))
        raise LakehouseError(f"{message} (from {function}; its log is {self.emulator.home.log})")

    @staticmethod
    def _answer(functions: Any, name: str, event: Mapping[str, Any]) -> tuple[Any, bool]:
        """Return what the function answers, and whether that is an error.

        A deployment takes away the code of workers that the emulator is about to start for what
        still is in the queue; nothing ran then, so it is asked again.
        """
        for _ in range(STARTS):
            answer = functions.invoke(FunctionName=name, Payload=json.dumps(event).encode())
            body = json.loads(answer["Payload"].read() or b"null")
            failed = "FunctionError" in answer
            if not failed or not all(words in str(body) for words in ("No such file", "/code'")):
                break
            time.sleep(0.2)
        return body, failed

    def limit_concurrency(self, most: int) -> None:
        """Let no queue have more than ``most`` (2 or more) workers until the next deployment."""
        functions = self.emulator.client("lambda")
        for mapping in functions.list_event_source_mappings()["EventSourceMappings"]:
            if mapping["ScalingConfig"]["MaximumConcurrency"] > most:
                functions.update_event_source_mapping(
                    UUID=mapping["UUID"], ScalingConfig={"MaximumConcurrency": max(2, most)}
                )

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
