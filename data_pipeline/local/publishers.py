"""Who answers for a source on a laptop: the sandbox, recorded answers, or the publisher itself.

A source's stand-in is the module of its name under local/sandbox; a source without one can only
be run live or, if it ships files, from a folder.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from data_pipeline.bronze.source import FileSource
from data_pipeline.bronze.sources import source_class
from data_pipeline.errors import LocalError, SettingsError
from data_pipeline.local.home import Home
from data_pipeline.local.sandbox import RateLimit, Sandbox
from data_pipeline.local.sandbox.archive import pack_folder
from data_pipeline.settings import ApiSettings, Settings

# So fast that only the machine sets the pace.
UNLIMITED = {"requests_per_second": "1e6", "requests_per_minute": "6e7"}


@dataclass(frozen=True)
class Choice:
    """Which publishers a command wants: everything from sandboxes unless it says otherwise."""

    recorded: Mapping[str, Path]
    live: bool = False
    real_limits: bool = False


@dataclass(frozen=True)
class Publisher:
    """How a source's Lambdas reach their publisher, and a file to drop if that is how."""

    settings_json: str
    secret: Mapping[str, str] | None = None
    file: Path | None = None


def live_sources(sources: Sequence[str], named: bool) -> tuple[list[str], list[str]]:
    """Return (sources whose keys are there, why each of the others is left out).

    Raises SettingsError where a source that was asked for by name has no key, or none is left.
    """
    usable, left_out = [], []
    for source in sources:
        missing = [
            variable
            for variable in source_class(source).credentials.values()
            if not os.environ.get(variable)
        ]
        if not missing:
            usable.append(source)
        else:
            left_out.append(f"{source} is left out: {' and '.join(missing)} not set")
    if left_out and (named or not usable):
        raise SettingsError(
            f"{'; '.join(left_out)}. Set the publisher's key in the environment, or run without "
            "--live to use the sandbox."
        )
    return usable, left_out


@contextmanager
def publishers(
    settings: Settings, home: Home, sources: Sequence[str], choice: Choice
) -> Iterator[dict[str, Publisher]]:
    """Yield who answers for each of ``sources``, while the sandbox that serves them runs."""
    chosen: dict[str, Publisher] = {}
    stand_ins: dict[str, Any] = {}
    for source in sources:
        folder = choice.recorded.get(source)
        cls = source_class(source)
        if folder is not None and issubclass(cls, FileSource):
            chosen[source] = Publisher(
                settings.source_json(source, url=""), file=_packed(home, source, folder)
            )
        elif choice.live and folder is None:
            secret = {name: os.environ[variable] for name, variable in cls.credentials.items()}
            chosen[source] = Publisher(settings.source_json(source), secret or None)
        else:
            limit = _limit(settings, source) if choice.real_limits else RateLimit()
            stand_ins[source] = _module(source).stand_in(folder, limit)
    with Sandbox({source: its.app for source, its in stand_ins.items()}) as sandbox:
        for source, its in stand_ins.items():
            key = "url" if issubclass(source_class(source), FileSource) else "base_url"
            changes = {key: sandbox.url(source) + its.path}
            for name, value in its.settings.items():
                changes[name] = sandbox.url(source) + value if value.startswith("/") else value
            if key == "base_url" and not choice.real_limits:
                changes |= UNLIMITED
            chosen[source] = Publisher(settings.source_json(source, **changes), its.secret)
        yield chosen


def _packed(home: Home, source: str, folder: Path) -> Path:
    """Return the folder as one zip, so that it is one run."""
    name = folder.resolve().name.removesuffix(".zip") or source
    target = home.root / "tmp" / f"{name}.zip"
    target.parent.mkdir(parents=True, exist_ok=True)
    pack_folder(folder, target)
    return target


def _limit(settings: Settings, source: str) -> RateLimit:
    its = settings.sources[source]
    if not isinstance(its, ApiSettings):
        return RateLimit()
    return RateLimit(its.requests_per_second, its.requests_per_minute)


def _module(source: str) -> Any:
    name = f"data_pipeline.local.sandbox.{source}"
    if find_spec(name) is None:
        raise LocalError(
            f"{source} has no sandbox: run it with --live, or with --from {source}=DIR if it "
            "ships files"
        )
    return importlib.import_module(name)
