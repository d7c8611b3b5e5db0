"""The commands as a person runs them, with a small root module in place of terraform/."""

from __future__ import annotations

import io
import json
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.console import Console

from data_pipeline import cli
from data_pipeline.aws import deploy, executions, jobs
from data_pipeline.aws.account import Account
from data_pipeline.aws.bootstrap import bootstrap
from data_pipeline.aws.terraform import Terraform
from data_pipeline.errors import AwsError
from data_pipeline.local import package
from data_pipeline.settings import Settings
from tests.aws.conftest import ROOT
from tests.aws.test_executions import deploy as deploy_machine

needs_terraform = pytest.mark.skipif(
    shutil.which("terraform") is None, reason="Terraform is not on the PATH"
)
MODULE = """
terraform {
  backend "s3" {
    use_lockfile                = true
    use_path_style              = true
    skip_credentials_validation = true
    skip_requesting_account_id  = true
  }
}
variable "credentials" {
  type      = map(map(string))
  default   = {}
  ephemeral = true
}
variable "environment" { type = string }
resource "terraform_data" "it" { input = var.environment }
"""

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(
    account: Account,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> Run:
    """Run `lakehouse …` in a folder of its own; return status, output and errors."""
    folder = tmp_path / "project"
    (folder / "terraform").mkdir(parents=True)
    (folder / "build").mkdir()
    (folder / "terraform" / "main.tf").write_text(MODULE, encoding="utf-8")
    config = (ROOT / "configs.ini").read_text(encoding="utf-8")
    config = config.replace("environment = dev", f"environment = {account.environment}")
    (folder / "configs.ini").write_text(config, encoding="utf-8")
    shutil.copy(ROOT / "template.yaml", folder)
    monkeypatch.chdir(folder)
    for name in ("TMDB_TOKEN", "SPOTIFY_CLIENT_ID", "SPOTIFY_CLIENT_SECRET"):
        monkeypatch.setenv(name, "s3cr3t")
    # What they build is tested elsewhere, and the layer takes a while.
    monkeypatch.setattr(package, "build", lambda out: None)
    monkeypatch.setattr(package, "build_glue", lambda out: None)

    def run(*arguments: str, answer: str = "") -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["lakehouse", *arguments])
        monkeypatch.setattr(sys, "stdin", io.StringIO(answer))
        capfd.readouterr()
        status = 0
        try:
            cli.main()
        except SystemExit as exit:
            status = int(exit.code or 0)
        out, err = capfd.readouterr()
        return status, out, err

    return run


def state(account: Account) -> dict[str, object]:
    """Return the state that Terraform keeps in the emulator's bucket."""
    body = account.client("s3").get_object(
        Bucket=account.state_bucket, Key=f"{account.environment}/terraform.tfstate"
    )["Body"]
    found: dict[str, object] = json.loads(body.read())
    return found


# --- plan, deploy, destroy ------------------------------------------------------------------


@needs_terraform
def test_plan_deploy_destroy(run: Run, account: Account) -> None:
    status, out, _ = run("bootstrap")
    assert (status, account.state_bucket in out) == (0, True)

    status, out, err = run("plan")
    assert status == 0, err
    assert "Plan: 1 to add" in out
    assert "`make deploy` does it" in out
    assert "Account 000000000000, us-east-1" in err
    assert Path("terraform/generated.auto.tfvars.json").exists()

    status, out, err = run("deploy", answer="no\n")
    assert (status, err.splitlines()[-1]) == (
        1,
        f"Change {account.name} in account 000000000000, us-east-1? (yes/no) Error: nothing was "
        "changed: the answer was not yes",
    )
    status, out, err = run("deploy")
    assert (status, "nobody answered; --yes (make: CONFIRM=1)" in err) == (1, True)

    status, out, err = run("deploy", answer="yes\n")
    assert status == 0, err
    assert f"{account.name} in account 000000000000, us-east-1 is deployed." in out
    assert state(account)["resources"]
    assert "s3cr3t" not in json.dumps(state(account))
    for command in ("plan", "deploy"):
        status, out, err = run(command)
        assert (status, "Nothing is to be changed." in out) == (0, True), err

    status, out, err = run("destroy", answer="prod\n")
    assert (status, "    1 terraform_data\n" in out) == (1, True)
    assert f"nothing was deleted: the answer was not {account.environment}" in err
    assert state(account)["resources"]
    status, out, err = run("destroy", answer=f"{account.environment}\n")
    assert (status, f"{account.name} is deleted." in out) == (0, True), err
    assert state(account)["resources"] == []
    assert run("destroy")[:2] == (0, "Nothing is deployed.\n")
    assert not list(Path("build").iterdir())


@needs_terraform
def test_nothing_is_asked_with_yes(run: Run, account: Account) -> None:
    bootstrap(account)
    assert run("deploy", "--yes")[0] == 0
    assert run("destroy", "--yes")[0] == 0
    assert state(account)["resources"] == []


@needs_terraform
def test_two_environments_keep_states_of_their_own(run: Run, account: Account) -> None:
    bootstrap(account)
    assert run("deploy", "--yes")[0] == 0
    config = Path("configs.ini")
    text = config.read_text(encoding="utf-8")
    config.write_text(text.replace(account.environment, "another"), encoding="utf-8")
    status, out, _ = run("plan")
    assert (status, "Plan: 1 to add" in out) == (0, True)
    config.write_text(text, encoding="utf-8")
    assert "Nothing is to be changed." in run("plan")[1]


def test_what_is_missing_is_one_message_and_changes_nothing(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("TMDB_TOKEN")
    monkeypatch.setenv("PATH", str(tmp_path))
    for command in ("plan", "deploy"):
        status, out, err = run(command)
        assert (status, out) == (1, "")
        assert err.startswith("Error: nothing was changed, because this is missing:\n  - Terraform")
        assert "set TMDB_TOKEN in the environment" in err
        assert "Traceback" not in err
    assert not Path("terraform/generated.auto.tfvars.json").exists()


def test_a_bucket_that_holds_objects_is_not_deleted(account: Account, settings: Settings) -> None:
    s3 = account.client("s3")
    names = [f"{account.name}-{it}" for it in ("empty", "filled", "versions", "forced", "own")]
    for name in names:
        s3.create_bucket(Bucket=name)
    for name in names[1:]:
        s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
        s3.put_object(Bucket=name, Key="a", Body=b"a")
    s3.delete_object(Bucket=names[2], Key="a")
    resources = [
        {
            "type": "aws_s3_bucket",
            "change": {"before": {"bucket": name, "force_destroy": name == names[3]}},
        }
        for name in names
    ]
    # Terraform deletes what it has put itself.
    put = {"bucket": names[4], "key": "a"}
    resources.append({"type": "aws_s3_object", "change": {"before": put}})
    assert deploy.filled_buckets(account, resources) == names[1:3]


def test_what_destroy_deletes_is_named(account: Account) -> None:
    def resource(kind: str, **before: str) -> dict[str, object]:
        return {"type": kind, "change": {"before": before}}

    resources = [
        resource("aws_sqs_queue", name="q"),
        resource("aws_s3_bucket", bucket="lake-dev-gold-1"),
        resource("aws_s3_bucket", bucket="lake-dev-bronze-1"),
        resource("aws_secretsmanager_secret", name="lake/dev/tmdb", arn="arn:…"),
    ]
    planned = deploy.Planned(account, Terraform(), Path("plan"), True)
    destruction = deploy.Destruction(planned, resources, ["lake-dev-bronze-1"])
    out = io.StringIO()
    destruction.print(Console(file=out, width=60))
    assert out.getvalue().splitlines()[1:] == [
        "    2 aws_s3_bucket: lake-dev-gold-1, lake-dev-bronze-1",
        "    1 aws_secretsmanager_secret: lake/dev/tmdb",
        "    1 aws_sqs_queue",
    ]
    with pytest.raises(AwsError, match=r"hold objects.*lake-dev-bronze-1.*TF_VAR_force_destroy"):
        deploy.refuse_filled(destruction)


# --- operating ------------------------------------------------------------------------------


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (executions, jobs):
        follow = module.follow
        monkeypatch.setattr(
            module, "follow", lambda *its, follow=follow: follow(*its, poll_seconds=0.1)
        )


def inputs(account: Account) -> list[dict[str, object]]:
    machines = account.client("stepfunctions")
    listed = machines.list_executions(stateMachineArn=account.state_machine)["executions"]
    arns = [each["executionArn"] for each in listed]
    return [json.loads(machines.describe_execution(executionArn=arn)["input"]) for arn in arns]


def test_start_follows_and_prints_the_summary(run: Run, account: Account, quick: None) -> None:
    deploy_machine(account, {"Type": "Succeed"})
    status, out, err = run("start", "tmdb", "--as-of", "2026-11-20", "--limit", "2", "--maintain")
    assert status == 0, err
    assert out == "dev: refreshed\nRuns\n  tmdb: complete\n"
    assert f":execution:{account.name}:" in err
    assert "Extract begins" in err
    (given,) = inputs(account)
    assert given == {"sources": ["tmdb"], "as_of": "2026-11-20", "limit": 2, "maintain": True}
    assert run("start", "--follow")[:2] == (0, out)
    assert len(inputs(account)) == 1
    assert run("start", "--no-extract")[0] == 0
    assert {"extract": False} in inputs(account)


def test_start_fails_as_the_refresh_does(run: Run, account: Account, quick: None) -> None:
    deploy_machine(
        account, {"Type": "Fail", "Error": "Problems", "Cause": "Runs\n  tmdb: complete"}
    )
    status, out, err = run("start")
    assert (status, out) == (1, "dev: refreshed\nRuns\n  tmdb: complete\n")
    assert err.endswith("Error: the refresh ended as FAILED.\n")


def test_ctrl_c_leaves_the_refresh_running(
    run: Run, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(_: float) -> None:
        raise KeyboardInterrupt

    deploy_machine(account, {"Type": "Succeed"})
    monkeypatch.setattr("time.sleep", interrupt)
    status, _, err = run("start")
    assert status == 130
    assert "`lakehouse start --follow` follows it again" in err


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (("start", "imdb"), 1, "'imdb' is no enabled source; expected jikan, "),
        (("start", "--follow", "--limit", "1"), 2, "--follow starts nothing"),
        (("start", "--no-extract", "tmdb"), 2, "--no-extract asks no source"),
        (("start", "--as-of", "2999-01-01"), 1, "lies in the future"),
        (("rerun", "bronze"), 2, "'bronze' is not one of 'silver', 'gold'"),
        (("rerun", "gold", "--full-refresh"), 2, "gold takes --tables"),
        (("redrive", "imdb"), 1, "'imdb' is no enabled source"),
        (("redrive", "tmdb"), 1, "there is no queue"),
        (("rerun", "gold"), 1, "there is no Glue job"),
        (("start",), 1, "there is no state machine"),
    ],
)
def test_wrong_use_and_what_is_not_deployed(
    arguments: tuple[str, ...], status: int, said: str, run: Run
) -> None:
    done, out, err = run(*arguments)
    assert (done, out, said in err) == (status, "", True), err


def test_rerun(run: Run, account: Account, quick: None) -> None:
    account.client("glue").create_job(
        Name=account.job("silver"),
        Role="arn:aws:iam::000000000000:role/test",
        Command={"Name": "glueetl", "ScriptLocation": "s3://none/job.py"},
    )
    status, out, err = run("rerun", "silver", "--run-id", "20261121-0a1b2c3d", "--full-refresh")
    assert status == 0, err
    assert out.startswith(f"{account.job('silver')}: SUCCEEDED after ")
    (held,) = account.client("glue").get_job_runs(JobName=account.job("silver"))["JobRuns"]
    assert held["Arguments"] == {"--run-id": "20261121-0a1b2c3d", "--full-refresh": "true"}


def test_athena(run: Run, account: Account) -> None:
    bucket = f"results-{account.name}"
    account.client("s3").create_bucket(Bucket=bucket)
    account.client("athena").create_work_group(
        Name=account.name,
        Configuration={"ResultConfiguration": {"OutputLocation": f"s3://{bucket}/"}},
    )
    status, out, err = run("athena", "-- how many\nSELECT 1 AS n", "--format", "csv")
    assert (status, out) == (0, "n\n1\n")
    assert "MB scanned in" in err


def test_redrive_of_nothing(run: Run, account: Account) -> None:
    account.client("sqs").create_queue(QueueName=account.dead_letters("tmdb"))
    assert run("redrive", "tmdb")[:2] == (0, "tmdb has no dead letters\n")


@pytest.mark.parametrize(
    ("target", "command"),
    [
        ("bootstrap", "lakehouse bootstrap"),
        ("plan", "lakehouse plan"),
        ("deploy CONFIRM=1", "lakehouse deploy --yes"),
        ("destroy", "lakehouse destroy"),
        ("start SOURCES='tmdb jikan' LIMIT=2", "lakehouse start tmdb jikan --limit 2"),
        ("start MAINTAIN=1", "lakehouse start --maintain"),
        (
            "rerun JOB=silver RUN_ID=r TABLES=a,b FULL_REFRESH=1",
            "lakehouse rerun silver --run-id r --tables a,b --full-refresh",
        ),
        ("redrive SOURCE=tmdb RUN_ID=r", "lakehouse redrive tmdb --run-id r"),
        ("athena SQL='SELECT $1' FORMAT=csv", 'lakehouse athena "$LAKEHOUSE_SQL" --format csv'),
    ],
)
def test_make_calls_the_commands(target: str, command: str) -> None:
    made = subprocess.run(
        # What `make` would do about .venv is not asked here.
        ["make", "--dry-run", "--assume-old=.venv/.installed", *shlex.split(target)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert " ".join(made.stdout.replace("\\\n", " ").split()).endswith(f"bin/{command}")
