"""configs.ini as typed settings.

A section is a frozen dataclass; a key is a field. The same reader serves the whole file and the
one section that a Lambda gets in its environment, so a value is checked in one place.
Standard library only: the Lambdas import it.
"""

from __future__ import annotations

import configparser
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from datetime import date
from pathlib import Path
from typing import Annotated, Any, TypeVar, get_args, get_origin, get_type_hints
from urllib.parse import urlsplit
from zoneinfo import available_timezones

from data_pipeline.errors import SettingsError

CONFIG_FILE = "configs.ini"

T = TypeVar("T")


@dataclass(frozen=True)
class Allowed:
    """Which values of a key are taken, and the words that say so in an error."""

    words: str
    check: Callable[[Any], bool]


def _is_http_url(value: str) -> bool:
    parts = urlsplit(value)
    return parts.scheme in ("http", "https") and bool(parts.hostname)


Fraction = Annotated[float, Allowed("a number from 0 to 1", lambda v: 0 <= v <= 1)]
Positive = Annotated[float, Allowed("a number above 0", lambda v: 0 < v < float("inf"))]
Days = Annotated[int, Allowed("a whole number of days from 1", lambda v: v >= 1)]
Url = Annotated[str, Allowed("an http or https address", _is_http_url)]
OptionalUrl = Annotated[
    str, Allowed("an http or https address, or nothing", lambda v: not v or _is_http_url(v))
]
# The event source mapping of SQS takes no less than 2.
Concurrency = Annotated[int, Allowed("a whole number from 2 to 1000", lambda v: 2 <= v <= 1000)]
Slug = Annotated[
    str,
    Allowed(
        "lower-case letters, digits and hyphens, beginning with a letter",
        lambda v: re.fullmatch(r"[a-z][a-z0-9-]{1,30}", v) is not None,
    ),
]


Region = Annotated[
    str,
    Allowed(
        "an AWS region such as us-east-1",
        lambda v: re.fullmatch(r"[a-z]{2}(-[a-z]+)+-\d", v) is not None,
    ),
]
PythonVersion = Annotated[
    str, Allowed("a version such as 3.11", lambda v: re.fullmatch(r"3\.\d+", v) is not None)
]
Cron = Annotated[
    str, Allowed("the six fields of EventBridge Scheduler's cron", lambda v: len(v.split()) == 6)
]
TimeZone = Annotated[
    str, Allowed("an IANA time zone such as Europe/Berlin", lambda v: v in available_timezones())
]
GlueVersion = Annotated[str, Allowed("6.0", lambda v: v == "6.0")]
WorkerType = Annotated[
    str, Allowed("G.1X, G.2X, G.4X or G.8X", lambda v: v in ("G.1X", "G.2X", "G.4X", "G.8X"))
]
Version = Annotated[int, Allowed("a whole number from 1", lambda v: v >= 1)]
Workers = Annotated[int, Allowed("a whole number from 2 to 100", lambda v: 2 <= v <= 100)]


@dataclass(frozen=True)
class ProjectSettings:
    """[project]"""

    name: Slug
    environment: Slug
    region: Region
    required_python: PythonVersion


@dataclass(frozen=True)
class ScheduleSettings:
    """[schedule]"""

    cron: Cron
    timezone: TimeZone


@dataclass(frozen=True)
class GlueSettings:
    """[glue]"""

    version: GlueVersion
    worker_type: WorkerType
    workers: Workers
    flex: bool


@dataclass(frozen=True)
class AwsSettings:
    """[aws]"""

    notification_emails: tuple[str, ...]
    maintenance_cron: Cron
    # Raised by one, the keys in the environment are written to Secrets Manager again.
    secrets_version: Version
    athena_budget_usd: Positive
    vpc: bool


@dataclass(frozen=True)
class SourceSettings:
    """What every source's section has."""

    enabled: bool
    max_concurrency: Concurrency
    # The share of a run's units with which silver may go on once no more can be had.
    min_complete: Fraction


@dataclass(frozen=True)
class ApiSettings(SourceSettings):
    """The section of a source that is asked page by page."""

    base_url: Url
    requests_per_second: Positive
    requests_per_minute: Positive


@dataclass(frozen=True)
class FileSettings(SourceSettings):
    """The section of a source whose publisher ships files; ``url`` is fetched where it is set."""

    url: OptionalUrl


@dataclass(frozen=True)
class Settings:
    """The whole of configs.ini; ``sources`` by name, and each one's section as it was written."""

    project: ProjectSettings
    schedule: ScheduleSettings
    glue: GlueSettings
    aws: AwsSettings
    sources: Mapping[str, SourceSettings]
    raw: Mapping[str, Mapping[str, str]]

    def source_json(self, source: str, **changes: str) -> str:
        """Return a source's section as JSON, for its Lambdas' environment."""
        return json.dumps({**self.raw[source], **changes}, separators=(",", ":"))


def load_settings(path: Path | None = None) -> Settings:
    """Return the settings in ``path`` (default: configs.ini in the current folder).

    Raises SettingsError, naming file, section, key, value and what is allowed.
    """
    from data_pipeline.bronze.sources import source_class, source_names

    path = path or Path(CONFIG_FILE)
    parser = configparser.ConfigParser(interpolation=None, strict=True)
    try:
        with path.open(encoding="utf-8") as file:
            parser.read_file(file)
    except FileNotFoundError:
        raise SettingsError(
            f"{path} does not exist. Run the command in the project's folder, where it lies."
        ) from None
    except (configparser.Error, UnicodeDecodeError) as error:
        reason = " ".join(str(error).split())
        raise SettingsError(f"{path} is not an INI file: {reason}") from None

    raw = {name: dict(parser[name]) for name in parser.sections()}
    fixed = {
        "project": ProjectSettings,
        "schedule": ScheduleSettings,
        "glue": GlueSettings,
        "aws": AwsSettings,
    }
    known = [*fixed, *source_names()]
    for name in raw:
        if name not in known:
            raise SettingsError(f"{path}: unknown section [{name}]; expected {', '.join(known)}")
    for name in known:
        if name not in raw:
            raise SettingsError(f"{path}: section [{name}] is missing")
    return Settings(
        project=read_section(str(path), "project", raw["project"], ProjectSettings),
        schedule=read_section(str(path), "schedule", raw["schedule"], ScheduleSettings),
        glue=read_section(str(path), "glue", raw["glue"], GlueSettings),
        aws=read_section(str(path), "aws", raw["aws"], AwsSettings),
        sources={
            name: read_section(str(path), name, raw[name], source_class(name).settings_type)
            for name in source_names()
        },
        raw=raw,
    )


def read_section(origin: str, section: str, raw: Mapping[str, str], cls: type[T]) -> T:
    """Return ``raw`` as an instance of the dataclass ``cls``.

    Raises SettingsError for a key that is unknown or missing and for a value that is not
    allowed; ``origin`` is the file, or whatever else the values come from.
    """
    hints = get_type_hints(cls, include_extras=True)
    names = [f.name for f in fields(cls)]  # type: ignore[arg-type]
    for key in raw:
        if key not in names:
            raise SettingsError(
                f"{origin}: [{section}] has an unknown key {key!r}; expected {', '.join(names)}"
            )
    values: dict[str, Any] = {}
    for name in names:
        if name not in raw:
            raise SettingsError(f"{origin}: [{section}] lacks the key {name!r}")
        try:
            values[name] = _parse(raw[name].strip(), hints[name])
        except ValueError as error:
            raise SettingsError(
                f"{origin}: [{section}] {name} = {raw[name]!r} is not allowed; expected {error}"
            ) from None
    return cls(**values)


_BOOLEANS = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}


def _parse(text: str, hint: Any) -> Any:
    """Return ``text`` as ``hint`` says; raises ValueError with the words for what is allowed."""
    allowed = None
    if get_origin(hint) is Annotated:
        hint, allowed = get_args(hint)
    words, parse = _KINDS[hint]
    try:
        value = parse(text)
    except (ValueError, KeyError):
        raise ValueError(allowed.words if allowed else words) from None
    if allowed and not allowed.check(value):
        raise ValueError(allowed.words)
    return value


_KINDS: dict[Any, tuple[str, Callable[[str], Any]]] = {
    str: ("text", str),
    bool: ("true or false", lambda text: _BOOLEANS[text.lower()]),
    int: ("a whole number", int),
    float: ("a number", float),
    date: ("a date such as 1900-01-31", date.fromisoformat),
    tuple[str, ...]: (
        "a list with commas",
        lambda text: tuple(part.strip() for part in text.split(",") if part.strip()),
    ),
}
