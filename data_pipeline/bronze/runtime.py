"""What a Lambda finds around it: AWS clients, buckets, and each source's settings and secret.

Made once for each process and kept between invocations. The variables are declared in
template.yaml: BRONZE_BUCKET, LANDING_BUCKET, and for each source that the function serves
<SOURCE>_SETTINGS (its section of configs.ini as JSON), <SOURCE>_QUEUE_URL, <SOURCE>_DLQ_URL and
<SOURCE>_SECRET (the name of its secret).
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

import boto3
from aws_lambda_powertools import Logger
from botocore.config import Config

from data_pipeline.bronze.http import Api, Pace
from data_pipeline.bronze.source import ApiSource, Source
from data_pipeline.bronze.sources import source_class, source_names
from data_pipeline.bronze.store import Bronze, Queue
from data_pipeline.errors import SettingsError
from data_pipeline.settings import read_section

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client

logger = Logger(service="extraction")
_CONFIG = Config(retries={"mode": "standard", "max_attempts": 5})


@cache
def client(service: str) -> Any:
    return boto3.client(service, config=_CONFIG)  # type: ignore[call-overload]


def s3() -> S3Client:
    s3_client: S3Client = client("s3")
    return s3_client


@cache
def bronze() -> Bronze:
    return Bronze(s3(), _variable("BRONZE_BUCKET"))


def landing_bucket() -> str:
    return _variable("LANDING_BUCKET")


@cache
def queue(source: str) -> Queue:
    return Queue(client("sqs"), _variable(f"{source.upper()}_QUEUE_URL"))


@cache
def dead_letters(source: str) -> Queue:
    return Queue(client("sqs"), _variable(f"{source.upper()}_DLQ_URL"))


def served_sources() -> list[str]:
    """Return the sources that this function has settings for."""
    return [name for name in source_names() if f"{name.upper()}_SETTINGS" in os.environ]


@cache
def source(name: str) -> Source[Any]:
    """Return the source called ``name`` with this function's settings. Raises SettingsError."""
    cls = source_class(name)
    raw: Mapping[str, str] = json.loads(_variable(f"{name.upper()}_SETTINGS"))
    return cls(read_section("the function's environment", name, raw, cls.settings_type))


def api(of: ApiSource[Any], per_second: float, seconds_left: Callable[[], float]) -> Api:
    """Return the source's API at ``per_second``; its pace is kept between invocations."""
    return Api(
        of.name,
        of.settings.base_url,
        _pace(of.name, per_second),
        _headers(of),
        seconds_left,
        renew=lambda: _headers(of, anew=True),
    )


def forget_secrets() -> None:
    """Read secrets again at the next use: the publisher refused what was kept."""
    _secret_value.cache_clear()
    _kept_headers.clear()


_kept_headers: dict[str, tuple[dict[str, str], float]] = {}


def _headers(of: ApiSource[Any], anew: bool = False) -> dict[str, str]:
    """Return the source's headers, kept for as long as they hold; ``anew`` with a fresh secret."""
    if anew:
        forget_secrets()
    headers, until = _kept_headers.get(of.name, ({}, 0.0))
    if time.monotonic() >= until:
        headers = of.headers(_secret(of) if of.credentials else {})
        _kept_headers[of.name] = headers, time.monotonic() + of.headers_last
    return headers


@cache
def _pace(source: str, per_second: float) -> Pace:
    return Pace(per_second, rested=False)


def _secret(of: ApiSource[Any]) -> dict[str, str]:
    name = _variable(f"{of.name.upper()}_SECRET")
    value = _secret_value(name)
    missing = [key for key in of.credentials if not value.get(key)]
    if missing:
        raise SettingsError(
            f"the secret {name} lacks {', '.join(missing)}; expected a JSON object with "
            f"{', '.join(of.credentials)}"
        )
    return value


@cache
def _secret_value(name: str) -> dict[str, str]:
    secrets = client("secretsmanager")
    try:
        text = secrets.get_secret_value(SecretId=name)["SecretString"]
    except secrets.exceptions.ResourceNotFoundException:
        raise SettingsError(f"there is no secret {name} in Secrets Manager") from None
    try:
        value: dict[str, str] = json.loads(text)
        return dict(value)
    except (ValueError, TypeError):
        # Without the text: it is a secret, even where it is not what it should be.
        raise SettingsError(f"the secret {name} is not a JSON object of strings") from None


def _variable(name: str) -> str:
    try:
        return os.environ[name]
    except KeyError:
        raise SettingsError(
            f"the environment variable {name} is not set; see template.yaml"
        ) from None
