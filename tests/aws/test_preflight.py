from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import pytest

from data_pipeline.aws.account import Account
from data_pipeline.aws.bootstrap import bootstrap
from data_pipeline.aws.preflight import check
from data_pipeline.errors import AwsError
from data_pipeline.settings import Settings

TERRAFORM = """echo '{"terraform_version": "1.11.4"}'"""
STATE = "for Terraform's state: `make bootstrap`"


@pytest.fixture
def keys(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMDB_TOKEN", "t0ken")
    monkeypatch.setenv("SPOTIFY_CLIENT_ID", "an id")
    monkeypatch.setenv("SPOTIFY_CLIENT_SECRET", "a secret")


@pytest.fixture
def terraform(executable: Callable[[str], Path]) -> None:
    executable(TERRAFORM)


def missing(settings: Settings, **options: bool) -> list[str]:
    with pytest.raises(AwsError) as raised:
        check(settings, **options)
    head, *lines = str(raised.value).splitlines()
    assert head == "nothing was changed, because this is missing:"
    return [line.removeprefix("  - ") for line in lines]


@pytest.fixture
def ready(account: Account, terraform: None, keys: None) -> Account:
    bootstrap(account)
    return account


def test_with_all_there_it_says_what_a_deployment_needs(ready: Account, settings: Settings) -> None:
    found = check(settings)
    assert found.account == ready
    assert found.credentials == {
        "tmdb": {"token": "t0ken"},
        "spotify": {"client_id": "an id", "client_secret": "a secret"},
    }
    assert found.backend == {
        "bucket": "media-lakehouse-terraform-state-000000000000",
        "key": f"{settings.project.environment}/terraform.tfstate",
        "region": "us-east-1",
    }


def test_without_terraform(
    ready: Account, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    (line,) = missing(settings)
    assert line.startswith("Terraform is not on the PATH: install 1.11 or newer (https://")


@pytest.mark.parametrize("version", ["1.10.5", "0.15.0"])
def test_with_an_old_terraform(
    version: str, ready: Account, settings: Settings, executable: Callable[[str], Path]
) -> None:
    executable(TERRAFORM.replace("1.11.4", version))
    (line,) = missing(settings)
    assert line.startswith(f"Terraform is {version}: install 1.11 or newer")


@pytest.mark.parametrize("version", ["1.12.0-beta1", "2.0.0"])
def test_with_a_newer_terraform(
    version: str, ready: Account, settings: Settings, executable: Callable[[str], Path]
) -> None:
    executable(TERRAFORM.replace("1.11.4", version))
    check(settings)


def test_without_credentials(
    terraform: None,
    keys: None,
    settings: Settings,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    no_credentials(tmp_path, monkeypatch)
    (line,) = missing(settings)
    assert line.startswith("there are no AWS credentials: set AWS_PROFILE")


def no_credentials(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "none"))


def test_with_a_profile_that_does_not_exist(
    terraform: None, keys: None, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    (line,) = missing(settings)
    assert "nobody" in line
    assert "set AWS_PROFILE" in line


def test_with_a_region_that_cannot_be_reached(
    ready: Account, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    (line,) = missing(settings)
    assert "[project] region = us-east-1" in line


def test_without_the_state_bucket(
    account: Account, terraform: None, keys: None, settings: Settings
) -> None:
    project = dataclasses.replace(settings.project, name="another")
    assert missing(dataclasses.replace(settings, project=project)) == [
        f"the bucket another-terraform-state-000000000000 {STATE}"
    ]


def test_without_keys_and_secrets(
    ready: Account, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TMDB_TOKEN")
    monkeypatch.setenv("SPOTIFY_CLIENT_SECRET", " ")
    assert missing(settings) == [
        "a part of the credentials of spotify: set SPOTIFY_CLIENT_SECRET in the environment, or "
        "enabled = false in [spotify]",
        "the credentials of tmdb: set TMDB_TOKEN in the environment, or enabled = false in [tmdb]",
    ]
    check(settings, with_secrets=False)


def test_a_source_that_is_not_enabled_needs_no_key(
    ready: Account, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TMDB_TOKEN")
    off = dataclasses.replace(settings.sources["tmdb"], enabled=False)
    check(dataclasses.replace(settings, sources={**settings.sources, "tmdb": off}))


def create_secret(account: Account, source: str, version: str | None) -> None:
    tags = [{"Key": "value_version", "Value": version}] if version else []
    account.client("secretsmanager").create_secret(
        Name=account.secret(source), SecretString="{}", Tags=tags
    )


def test_a_secret_that_is_there_in_the_right_version_needs_no_key(
    ready: Account, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TMDB_TOKEN")
    create_secret(ready, "tmdb", "1")
    assert set(check(settings).credentials) == {"spotify"}


@pytest.mark.parametrize(("version", "said"), [("1", "1"), (None, "none")])
def test_a_secret_of_another_version_needs_its_key(
    version: str | None,
    said: str,
    ready: Account,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("TMDB_TOKEN")
    create_secret(ready, "tmdb", version)
    raised = dataclasses.replace(settings.aws, secrets_version=2)
    (line,) = missing(dataclasses.replace(settings, aws=raised))
    assert line == (
        f"new credentials of tmdb: the secret {ready.secret('tmdb')} has version {said}, "
        "configs.ini has secrets_version = 2: set TMDB_TOKEN in the environment, or enabled = "
        "false in [tmdb]"
    )


@pytest.mark.parametrize("with_key", [True, False])
def test_a_secret_that_is_being_deleted_is_in_the_way(
    with_key: bool, ready: Account, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not with_key:
        monkeypatch.delenv("TMDB_TOKEN")
    create_secret(ready, "tmdb", "1")
    ready.client("secretsmanager").delete_secret(
        SecretId=ready.secret("tmdb"), RecoveryWindowInDays=7
    )
    (line,) = missing(settings)
    assert line.startswith(f"the name {ready.secret('tmdb')}: the secret of an earlier deployment")
    assert f"--secret-id {ready.secret('tmdb')}" in line


def test_all_that_is_missing_is_said_at_once(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    no_credentials(tmp_path, monkeypatch)
    monkeypatch.setenv("PATH", str(tmp_path))
    lines = missing(settings)
    assert [line.split(":")[0] for line in lines] == [
        "Terraform is not on the PATH",
        "there are no AWS credentials",
        "the credentials of spotify, unless its secret is in Secrets Manager, which cannot be "
        "seen without AWS credentials",
        "the credentials of tmdb, unless its secret is in Secrets Manager, which cannot be "
        "seen without AWS credentials",
    ]
