"""The commands on AWS, against the emulator: what it holds is real, what it computes is not."""

from __future__ import annotations

import dataclasses
import itertools
import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import boto3
import pytest

from data_pipeline.aws.account import Account, identify
from data_pipeline.local.emulator import Emulator
from data_pipeline.local.home import Home
from data_pipeline.settings import Settings, load_settings
from tests.bronze.conftest import free_port

ROOT = Path(__file__).parent.parent.parent
KEYS = ("TMDB_TOKEN", "SPOTIFY_CLIENT_ID", "SPOTIFY_CLIENT_SECRET")
_environments = itertools.count()


@pytest.fixture(scope="session")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LAKEHOUSE_PORT", str(free_port()))
        emulator = Emulator(Home(tmp_path_factory.mktemp("home"), "test"), "us-east-1")
        with emulator:
            yield emulator


@pytest.fixture
def settings(monkeypatch: pytest.MonkeyPatch) -> Settings:
    """The settings of an environment that no other test has, and no keys in the environment."""
    for name in [*KEYS, *(name for name in os.environ if name.startswith("AWS_"))]:
        monkeypatch.delenv(name, raising=False)
    # It remembers the credentials that it found first.
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    settings = load_settings(ROOT / "configs.ini")
    project = dataclasses.replace(settings.project, environment=f"test{next(_environments)}")
    return dataclasses.replace(settings, project=project)


@pytest.fixture
def account(emulator: Emulator, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Account:
    monkeypatch.setenv("AWS_ENDPOINT_URL", emulator.endpoint)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    return identify(settings.project)


@pytest.fixture
def executable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    """Put a script called terraform on the PATH, in front of the real one."""

    def make(script: str) -> Path:
        folder = tmp_path / "bin"
        folder.mkdir(exist_ok=True)
        path = folder / "terraform"
        path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
        monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
        return path

    return make
