"""The AWS account that the commands work on: its names, its clients, and its refusals in words.

Every name follows from project, environment, region and account, so operating needs no Terraform.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    NoCredentialsError,
    ProfileNotFound,
)

from data_pipeline.errors import AwsError
from data_pipeline.settings import ProjectSettings

LOG_IN = "set AWS_PROFILE to a profile of ~/.aws/config, or log in (`aws sso login`, `aws login`)"
# A Lambda that is waited for may take its 15 minutes.
_CONFIG = Config(
    read_timeout=905, retries={"mode": "standard", "max_attempts": 3}, tcp_keepalive=True
)
_EXPIRED = ("ExpiredToken", "ExpiredTokenException", "RequestExpired")
_WRONG_KEYS = ("InvalidClientTokenId", "UnrecognizedClientException", "SignatureDoesNotMatch")


@dataclass(frozen=True)
class Account:
    """Where an environment of the project lives, and how each thing of it is called."""

    project: str
    environment: str
    region: str
    number: str
    partition: str
    caller: str

    @property
    def name(self) -> str:
        """The first part of most names; also the workgroup's and the state machine's name."""
        return f"{self.project}-{self.environment}"

    @property
    def state_bucket(self) -> str:
        """Where Terraform keeps its state; one for all environments of the project."""
        return f"{self.project}-terraform-state-{self.number}"

    @property
    def state_machine(self) -> str:
        return f"arn:{self.partition}:states:{self.region}:{self.number}:stateMachine:{self.name}"

    @property
    def database_prefix(self) -> str:
        """What stands before `silver` and `gold` in the Data Catalog."""
        if self.environment == "prod":
            return ""
        return f"{self.environment.replace('-', '_')}_"

    def dead_letters(self, source: str) -> str:
        return f"{self.name}-{source.replace('_', '-')}-dlq"

    def secret(self, source: str) -> str:
        return f"{self.project}/{self.environment}/{source}"

    def job(self, layer: str) -> str:
        return f"{self.name}-{layer}"

    def client(self, service: str) -> Any:
        return boto3.client(  # type: ignore[call-overload]
            service, region_name=self.region, config=_CONFIG
        )

    def invoke(self, function: str, event: Mapping[str, Any]) -> Any:
        """Return what the Lambda called ``function`` ("start-extraction") returns.

        Raises AwsError where it is not there, or with the message of what it raised.
        """
        lambdas, name = self.client("lambda"), f"{self.name}-{function}"
        try:
            answer = lambdas.invoke(FunctionName=name, Payload=json.dumps(event).encode())
        except lambdas.exceptions.ResourceNotFoundException:
            raise self.missing(f"function {name}") from None
        body = json.loads(answer["Payload"].read() or b"null")
        if "FunctionError" not in answer:
            return body
        message = body.get("errorMessage", str(body)) if isinstance(body, dict) else str(body)
        raise AwsError(f"{message} (from {name}; its log is /aws/lambda/{name})")

    def missing(self, what: str) -> AwsError:
        """Return the error for something that a deployment would have made."""
        return AwsError(
            f"there is no {what} in account {self.number}, {self.region}. `make deploy` makes it; "
            "environment and region are those in configs.ini, the account is your credentials'."
        )


def identify(project: ProjectSettings) -> Account:
    """Return the account that the credentials in the environment are for.

    Raises AwsError where there are none, they do not work, or the region cannot be reached.
    """
    try:
        identity = boto3.client(
            "sts",
            region_name=project.region,
            config=Config(connect_timeout=10, retries={"total_max_attempts": 2}),
        ).get_caller_identity()
    except (BotoCoreError, ClientError) as error:
        raise AwsError(explain(error, project.region)) from error
    return Account(
        project=project.name,
        environment=project.environment,
        region=project.region,
        number=identity["Account"],
        partition=identity["Arn"].split(":")[1],
        caller=identity["Arn"],
    )


@contextmanager
def open_account(project: ProjectSettings) -> Iterator[Account]:
    """Yield the account; what AWS refuses in the context is raised as an AwsError."""
    account = identify(project)
    with refusals(project.region):
        yield account


@contextmanager
def refusals(region: str) -> Iterator[None]:
    """Raise an AwsError for what AWS refuses in the context."""
    try:
        yield
    except (BotoCoreError, ClientError) as error:
        raise AwsError(explain(error, region)) from error


def explain(error: Exception, region: str) -> str:
    """Return what an error of botocore means, and what to do about it."""
    if isinstance(error, ClientError):
        code = error.response["Error"].get("Code", "")
        message = error.response["Error"].get("Message", "")
        if code in _EXPIRED:
            return f"the AWS credentials have expired: {LOG_IN}"
        if code in _WRONG_KEYS:
            return (
                f"AWS does not take these credentials in {region} ({code}): {LOG_IN}; "
                "a region other than the default ones has to be enabled for the account first"
            )
        return f"AWS refused {error.operation_name}: {message} ({code})"
    if isinstance(error, NoCredentialsError):
        return f"there are no AWS credentials: {LOG_IN}"
    if isinstance(error, ProfileNotFound):
        return f"{error}: {LOG_IN}"
    if isinstance(error, (EndpointConnectionError, ConnectTimeoutError)):
        return (
            f"{error}. Is [project] region = {region} in configs.ini a region of AWS, "
            "and is there a network?"
        )
    # Those of SSO and of credential processes, among others: they say what to do.
    return f"{error} ({type(error).__name__})"
