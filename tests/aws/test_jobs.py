"""Glue jobs: the emulator keeps them and their arguments, and runs nothing."""

from __future__ import annotations

import pytest
from botocore.stub import Stubber

from data_pipeline.aws import jobs
from data_pipeline.aws.account import Account
from data_pipeline.aws.jobs import JobRun
from data_pipeline.errors import AwsError
from data_pipeline.silver import job as silver_job


@pytest.fixture
def job(account: Account) -> str:
    name = account.job("silver")
    account.client("glue").create_job(
        Name=name,
        Role="arn:aws:iam::000000000000:role/test",
        Command={"Name": "glueetl", "ScriptLocation": "s3://none/job.py"},
        DefaultArguments={"--step": "load", "--bronze": "s3://b", "--silver": "s3://s"},
    )
    return name


def test_a_job_runs_again_with_other_arguments(account: Account, job: str) -> None:
    given = {"--run-id": "20261121-0a1b2c3d", "--full-refresh": "true", "--tables": "a,b"}
    run_id = jobs.start(account, "silver", given)
    seen: list[JobRun] = []
    done = jobs.follow(account, "silver", run_id, seen.append, poll_seconds=0.05)
    assert (done.job, done.state, done.ok) == (job, "SUCCEEDED", True)
    assert seen[-1] == done
    held = account.client("glue").get_job_run(JobName=job, RunId=run_id)["JobRun"]["Arguments"]
    assert held == {"--step": "load", "--bronze": "s3://b", "--silver": "s3://s", **given}


def test_the_job_understands_what_it_is_given() -> None:
    """Glue passes each argument with a value, also a flag."""
    arguments = silver_job._parse(
        ["--step", "load", "--bronze", "b", "--silver", "s", "--full-refresh", "true"]
    )
    assert arguments.full_refresh is True


def test_a_failed_run_says_why(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    """A mock of Glue: in the emulator every job succeeds."""
    glue = account.client("glue")
    run = {"Id": "jr_1", "JobName": account.job("gold")}
    ended = {"ExecutionTime": 75, "DPUSeconds": 1800.0, "ErrorMessage": "TableError: 1 of 20"}
    with Stubber(glue) as stub:
        stub.add_response("get_job_run", {"JobRun": {**run, "JobRunState": "RUNNING"}})
        stub.add_response("get_job_run", {"JobRun": {**run, "JobRunState": "FAILED", **ended}})
        monkeypatch.setattr(Account, "client", lambda *_: glue)
        seen: list[JobRun] = []
        done = jobs.follow(account, "gold", "jr_1", seen.append, poll_seconds=0)
    assert [its.state for its in seen] == ["RUNNING", "FAILED"]
    assert done == JobRun(account.job("gold"), "jr_1", "FAILED", 75, 0.5, "TableError: 1 of 20")
    assert not done.ok


def test_a_job_that_runs_is_not_started_again(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A mock of Glue: the emulator starts as many as it is asked to."""
    glue = account.client("glue")
    with Stubber(glue) as stub:
        stub.add_client_error("start_job_run", "ConcurrentRunsExceededException")
        monkeypatch.setattr(Account, "client", lambda *_: glue)
        with pytest.raises(AwsError, match="is running, and a layer has one writer at a time"):
            jobs.start(account, "gold", {})


def test_without_a_deployment(account: Account) -> None:
    with pytest.raises(AwsError, match=f"there is no Glue job {account.job('gold')} in account"):
        jobs.start(account, "gold", {})
