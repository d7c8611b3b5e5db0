"""Runs a Glue job again, outside the state machine."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from data_pipeline.aws.account import Account
from data_pipeline.errors import AwsError

POLL_SECONDS = 10.0
ENDED = ("SUCCEEDED", "FAILED", "STOPPED", "TIMEOUT", "ERROR", "EXPIRED")


@dataclass(frozen=True)
class JobRun:
    """A run of a job, as far as it is; ``dpu_hours`` is what Glue bills, once it says so."""

    job: str
    run_id: str
    state: str
    seconds: int
    dpu_hours: float | None
    error: str

    @property
    def ok(self) -> bool:
        return self.state == "SUCCEEDED"


def start(account: Account, layer: str, arguments: Mapping[str, str]) -> str:
    """Start the job of a layer with ``arguments`` in place of its own; return the run's id.

    Raises AwsError where there is no such job, or it is running: a layer has one writer.
    """
    glue, job = account.client("glue"), account.job(layer)
    try:
        run_id: str = glue.start_job_run(JobName=job, Arguments=dict(arguments))["JobRunId"]
    except glue.exceptions.EntityNotFoundException:
        raise account.missing(f"Glue job {job}") from None
    except glue.exceptions.ConcurrentRunsExceededException:
        raise AwsError(
            f"{job} is running, and a layer has one writer at a time. Wait for it to end "
            "(`lakehouse start --follow` shows the refresh that it belongs to)."
        ) from None
    return run_id


def follow(
    account: Account,
    layer: str,
    run_id: str,
    show: Callable[[JobRun], None],
    poll_seconds: float = POLL_SECONDS,
) -> JobRun:
    """Show how a run goes on, until it ends, and return how it ended."""
    glue, job = account.client("glue"), account.job(layer)
    began = time.monotonic()
    while True:
        its = glue.get_job_run(JobName=job, RunId=run_id)["JobRun"]
        dpu_seconds = its.get("DPUSeconds")
        run = JobRun(
            job,
            run_id,
            its["JobRunState"],
            # Glue says how long only at the end.
            its.get("ExecutionTime") or round(time.monotonic() - began),
            dpu_seconds / 3600 if dpu_seconds else None,
            its.get("ErrorMessage") or "",
        )
        show(run)
        if run.state in ENDED:
            return run
        time.sleep(poll_seconds)
