"""Looks, before anything is changed, whether all that a deployment needs is there."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from botocore.exceptions import ClientError

from data_pipeline.aws import terraform
from data_pipeline.aws.account import Account, identify, refusals
from data_pipeline.aws.terraform import LEAST_VERSION, Credentials
from data_pipeline.bronze.sources import source_class
from data_pipeline.errors import AwsError
from data_pipeline.settings import Settings

VERSION_TAG = "value_version"
INSTALL = "https://developer.hashicorp.com/terraform/install"


@dataclass(frozen=True)
class Ready:
    """The account to deploy to, the secrets to write there, and where Terraform's state lies."""

    account: Account
    credentials: Credentials
    backend: Mapping[str, str]


def check(settings: Settings, with_secrets: bool = True) -> Ready:
    """Return what a deployment works with. Raises AwsError listing all that is missing."""
    problems = list(_terraform_problems())
    account, backend = None, {}
    try:
        account = identify(settings.project)
    except AwsError as error:
        problems.append(str(error))
    with refusals(settings.project.region):
        if account:
            try:
                backend = _backend(account)
            except AwsError as error:
                problems.append(str(error))
        credentials = {}
        for source, names in _asked_for(settings).items() if with_secrets else ():
            value = {field: os.environ.get(name, "").strip() for field, name in names.items()}
            if all(value.values()):
                credentials[source] = value
                problems += _deletion_problems(account, source) if account else ()
            else:
                problems += _secret_problems(settings, account, source, names)
    if problems or account is None:
        listed = "\n".join(f"  - {problem}" for problem in problems)
        raise AwsError(f"nothing was changed, because this is missing:\n{listed}")
    return Ready(account, credentials, backend)


def _asked_for(settings: Settings) -> dict[str, Mapping[str, str]]:
    """Return, by source, the secret's fields and the variables that hold them."""
    return {
        source: source_class(source).credentials
        for source, its in settings.sources.items()
        if its.enabled and source_class(source).credentials
    }


def _terraform_problems() -> Iterator[str]:
    found, least = terraform.version(), ".".join(map(str, LEAST_VERSION))
    if found is None:
        yield f"Terraform is not on the PATH: install {least} or newer ({INSTALL})"
    elif not _is_at_least(found):
        yield f"Terraform is {found}: install {least} or newer ({INSTALL})"


def _is_at_least(version: str) -> bool:
    try:
        major, minor = (int(number) for number in version.split(".")[:2])
    except ValueError:
        return False
    return (major, minor) >= LEAST_VERSION


def _backend(account: Account) -> dict[str, str]:
    """Return the settings of Terraform's S3 backend. Raises AwsError without its bucket."""
    try:
        head = account.client("s3").head_bucket(
            Bucket=account.state_bucket, ExpectedBucketOwner=account.number
        )
    except ClientError as error:
        status = error.response["ResponseMetadata"]["HTTPStatusCode"]
        if status == 404:
            raise AwsError(
                f"the bucket {account.state_bucket} for Terraform's state: `make bootstrap`"
            ) from None
        if status == 403:
            raise AwsError(
                f"access to the bucket {account.state_bucket} for Terraform's state: either "
                f"{account.caller} has no right to it, or it is another account's"
            ) from None
        raise
    return {
        "bucket": account.state_bucket,
        "key": f"{account.environment}/terraform.tfstate",
        # Of whichever environment was there first.
        "region": head.get("BucketRegion", account.region),
    }


def _secret_problems(
    settings: Settings, account: Account | None, source: str, names: Mapping[str, str]
) -> Iterator[str]:
    """Yield what is wrong where the environment does not hold the secret's whole value."""
    unset = [name for name in names.values() if not os.environ.get(name, "").strip()]
    remedy = f"set {', '.join(unset)} in the environment, or enabled = false in [{source}]"
    if len(unset) < len(names):
        yield f"a part of the credentials of {source}: {remedy}"
        return
    if account is None:
        yield (
            f"the credentials of {source}, unless its secret is in Secrets Manager, which cannot "
            f"be seen without AWS credentials: {remedy}"
        )
        return
    name, wanted = account.secret(source), str(settings.aws.secrets_version)
    secrets = account.client("secretsmanager")
    try:
        secret = secrets.describe_secret(SecretId=name)
    except secrets.exceptions.ResourceNotFoundException:
        yield f"the credentials of {source}: {remedy}"
        return
    if secret.get("DeletedDate"):
        yield _restore(name)
        return
    if not secret.get("VersionIdsToStages"):
        # An apply that broke off between the secret and its value.
        yield f"the credentials of {source}, whose secret {name} has no value yet: {remedy}"
        return
    held = {tag["Key"]: tag["Value"] for tag in secret.get("Tags", [])}.get(VERSION_TAG)
    if held != wanted:
        yield (
            f"new credentials of {source}: the secret {name} has version {held or 'none'}, "
            f"configs.ini has secrets_version = {wanted}: {remedy}"
        )


def _deletion_problems(account: Account, source: str) -> Iterator[str]:
    """Yield what is wrong where a secret to be written still has its name, but is being deleted."""
    secrets = account.client("secretsmanager")
    try:
        secret = secrets.describe_secret(SecretId=account.secret(source))
    except secrets.exceptions.ResourceNotFoundException:
        return
    if secret.get("DeletedDate"):
        yield _restore(account.secret(source))


def _restore(name: str) -> str:
    return (
        f"the name {name}: the secret of an earlier deployment is still being deleted; "
        f"`aws secretsmanager delete-secret --force-delete-without-recovery --secret-id {name}` "
        "deletes it at once"
    )
