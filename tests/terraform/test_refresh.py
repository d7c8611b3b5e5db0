"""A refresh through the applied resources: state machine, Lambdas in their roles, queues, buckets.

Extraction is real. The emulator runs neither Glue jobs nor crawlers: the states that ask for them
get made-up answers (conftest.MOCKS), and what jobs would leave (reports, tables of the catalogue)
is put there by the tests.
"""

from __future__ import annotations

import io
import json
import time
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.terraform.conftest import NAME, Deployment

pytestmark = pytest.mark.timeout(900)

API_SOURCES = ["jikan", "open_library", "spotify", "tmdb"]
FILE_SOURCES = ["kaggle_anime", "movielens", "tag_genome"]
COLUMNS = {"tmdb_id": "bigint"}


@dataclass
class Execution:
    """An execution that ended: its status, the states that it entered, and what people were told.

    The emulator's history has no states within a Map.
    """

    status: str
    states: list[str]
    told: list[dict[str, str]] = field(default_factory=list)
    output: dict[str, Any] = field(default_factory=dict)

    @property
    def message(self) -> str:
        (told,) = self.told
        return told["Message"]


class Machine:
    """The applied state machine, and a queue that hears what people are told."""

    def __init__(self, deployed: Deployment) -> None:
        self.deployed = deployed
        self.arn = deployed.outputs["state_machine_arn"]
        self.states = deployed.client("stepfunctions")
        self.sqs = deployed.client("sqs")
        anyone = {"Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage", "Resource": "*"}
        self.ear = self.sqs.create_queue(
            QueueName="ear", Attributes={"Policy": json.dumps({"Statement": [anyone]})}
        )["QueueUrl"]
        attributes = self.sqs.get_queue_attributes(QueueUrl=self.ear, AttributeNames=["QueueArn"])
        deployed.client("sns").subscribe(
            TopicArn=deployed.outputs["notifications_topic_arn"],
            Protocol="sqs",
            Endpoint=attributes["Attributes"]["QueueArn"],
        )

    def start(self, case: str = "Jobs", **event: Any) -> str:
        answer = self.states.start_execution(
            stateMachineArn=f"{self.arn}#{case}", input=json.dumps(event)
        )
        return str(answer["executionArn"])

    def run(self, case: str = "Jobs", **event: Any) -> Execution:
        return self.end(self.start(case, **event))

    def end(self, arn: str) -> Execution:
        """Wait for the end of an execution."""
        while (its := self.states.describe_execution(executionArn=arn))["status"] == "RUNNING":
            time.sleep(0.2)
        pages = self.states.get_paginator("get_execution_history").paginate(executionArn=arn)
        entered = [
            event["stateEnteredEventDetails"]["name"]
            for page in pages
            for event in page["events"]
            if "stateEnteredEventDetails" in event
        ]
        told = [told for told in self.heard() if arn in told["Message"]]
        return Execution(its["status"], entered, told, json.loads(its.get("output") or "{}"))

    def end_all(self) -> None:
        """Wait until no execution runs, also none that a landed file started."""
        quiet = 0
        while quiet < 15:
            running = self.states.list_executions(stateMachineArn=self.arn, statusFilter="RUNNING")[
                "executions"
            ]
            quiet = 0 if running else quiet + 1
            time.sleep(0.2)

    def heard(self) -> list[dict[str, str]]:
        """Return the notifications since the last time."""
        heard = []
        while messages := self.sqs.receive_message(QueueUrl=self.ear, MaxNumberOfMessages=10).get(
            "Messages"
        ):
            for message in messages:
                heard.append(json.loads(message["Body"]))
                self.sqs.delete_message(QueueUrl=self.ear, ReceiptHandle=message["ReceiptHandle"])
        return heard

    def workers(self, source: str, enabled: bool) -> None:
        """Let the functions of a source take from its queue, or not."""
        functions = self.deployed.client("lambda")
        name = self.deployed.outputs["functions"][f"extract-{source.replace('_', '-')}"]
        (mapping,) = functions.list_event_source_mappings(FunctionName=name)["EventSourceMappings"]
        functions.update_event_source_mapping(UUID=mapping["UUID"], Enabled=enabled)

    def secret(self, source: str, value: dict[str, str]) -> dict[str, str]:
        """Write a source's secret; return the one before."""
        secrets = self.deployed.client("secretsmanager")
        name = self.deployed.outputs["secrets"][source]
        before = json.loads(secrets.get_secret_value(SecretId=name)["SecretString"])
        secrets.put_secret_value(SecretId=name, SecretString=json.dumps(value))
        return dict(before)


@pytest.fixture(scope="module")
def machine(deployed: Deployment) -> Machine:
    return Machine(deployed)


@pytest.fixture
def lake(deployed: Deployment) -> Iterator[Deployment]:
    """What silver would have taken and what jobs and crawlers would have left is put away."""
    yield deployed
    for key in deployed.keys("bronze", "_pending/"):
        deployed.emulator.s3.delete_object(Bucket=deployed.outputs["buckets"]["bronze"], Key=key)
    for layer in ("silver", "gold"):
        bucket = deployed.outputs["buckets"][layer]
        deployed.emulator.s3.delete_object(Bucket=bucket, Key="_reports/tables.json")
    glue = deployed.client("glue")
    for database in deployed.outputs["databases"].values():
        for table in glue.get_tables(DatabaseName=database)["TableList"]:
            glue.delete_table(DatabaseName=database, Name=table["Name"])


def report(lake: Deployment, layer: str, tables: dict[str, Any]) -> None:
    """Leave what a job would: it ended in the far future, so also in this execution."""
    body = {"at": "2999-01-01", "tables": tables, "columns": dict.fromkeys(tables, COLUMNS)}
    lake.emulator.s3.put_object(
        Bucket=lake.outputs["buckets"][layer],
        Key="_reports/tables.json",
        Body=json.dumps(body).encode(),
    )


def show(lake: Deployment, layer: str, table: str) -> None:
    """Leave what a crawler would."""
    listed = [{"Name": name, "Type": kind} for name, kind in COLUMNS.items()]
    lake.client("glue").create_table(
        DatabaseName=lake.outputs["databases"][layer],
        TableInput={"Name": table, "StorageDescriptor": {"Columns": listed}},
    )


def crawled(lake: Deployment) -> dict[str, bool]:
    """Return whether each layer's crawler was ever started."""
    glue = lake.client("glue")
    return {
        layer: "LastCrawl" in glue.get_crawler(Name=name)["Crawler"]
        for layer, name in lake.outputs["crawlers"].items()
    }


def units(lake: Deployment, source: str) -> tuple[set[str], set[str]]:
    """Return the names of the units that were planned or found, and of those that landed."""
    bronze = lake.outputs["buckets"]["bronze"]
    wanted = set()
    for key in lake.keys("bronze", f"_runs/{source}/"):
        if key.endswith("/plan.json") or "/plan/" in key:
            body = json.loads(lake.emulator.s3.get_object(Bucket=bronze, Key=key)["Body"].read())
            wanted |= {(key.split("/")[2], unit["name"]) for unit in body["units"]}
    landed = {
        (key.split("run_id=")[1].split("/")[0], key.rpartition("/")[2].removesuffix(".json.gz"))
        for key in lake.keys("bronze", f"{source}/")
    }
    return wanted, landed


def waiting(lake: Deployment, which: str) -> dict[str, int]:
    """Return how many messages there are in each source's queue, or DLQ."""
    sqs = lake.client("sqs")
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    return {
        source: sum(
            int(count)
            for count in sqs.get_queue_attributes(QueueUrl=urls[which], AttributeNames=names)[
                "Attributes"
            ].values()
        )
        for source, urls in lake.outputs["queues"].items()
    }


# --- A whole refresh --------------------------------------------------------------------------


def test_a_refresh_of_everything(machine: Machine, lake: Deployment) -> None:
    report(lake, "silver", {"tmdb_movies": {"status": "loaded", "records_read": 5}})
    report(lake, "gold", {"movie_scores": {"status": "built", "rows": 7}})
    show(lake, "silver", "tmdb_movies")
    show(lake, "gold", "movie_scores")
    done = machine.run()
    assert done.status == "SUCCEEDED", done
    assert [state for state in done.states if not state.endswith("?")] == [
        "Begin",
        "Extract",
        "FindPending",
        "Silver",
        "Gold",
        "FirstCheck",
        "Crawl",
        "Check",
        "Notify",
        "Refreshed",
    ]
    assert not any(crawled(lake).values())
    assert done.told[0]["Subject"] == f"{NAME}: refreshed"
    for line in (
        *(f"  {source} 20" for source in API_SOURCES),
        "  silver.tmdb_movies: loaded, 5 read",
        "  gold.movie_scores: built, 7 rows",
    ):
        assert line in done.message

    # The publishers' files, which the planner fetched, started refreshes of their own.
    machine.end_all()
    for source in (*API_SOURCES, *FILE_SOURCES):
        wanted, landed = units(lake, source)
        assert wanted == landed, source
        assert wanted, source
        assert any(
            key.endswith("/complete.json") for key in lake.keys("bronze", f"_runs/{source}/")
        )
    assert set(waiting(lake, "dlq").values()) == {0}
    assert set(waiting(lake, "queue").values()) == {0}
    pending = {key.split("/")[1] for key in lake.keys("bronze", "_pending/")}
    assert pending == {*API_SOURCES, *FILE_SOURCES}


def test_the_same_day_again_has_nothing_to_do(machine: Machine, lake: Deployment) -> None:
    machine.end_all()
    done = machine.run()
    assert done.status == "SUCCEEDED"
    assert "Gold" in done.states
    assert "Silver" not in done.states
    assert "Runs" not in done.message


def test_a_landed_file_starts_a_refresh_of_its_source(machine: Machine, lake: Deployment) -> None:
    machine.heard()
    lake.emulator.s3.put_object(
        Bucket=lake.outputs["buckets"]["landing"],
        Key="movielens/a day in may/movies.csv",
        Body=b"movieId,title,genres\n1,Toy Story (1995),Comedy\n",
    )
    for _ in range(200):
        if told := machine.heard():
            break
        time.sleep(0.2)
    (only,) = told
    assert "  movielens 20" in only["Message"]
    assert not any(source in only["Message"] for source in API_SOURCES)
    wanted, landed = units(lake, "movielens")
    assert wanted == landed


# --- What goes wrong --------------------------------------------------------------------------


def test_one_source_fails_and_the_others_are_refreshed(machine: Machine, lake: Deployment) -> None:
    token = machine.secret("tmdb", {"token": "wrong"})
    try:
        done = machine.run(sources=["tmdb", "open_library"], again=1)
    finally:
        machine.secret("tmdb", token)
    assert done.status == "FAILED"
    for state in ("Silver", "Gold", "Check", "Notify", "RefreshedWithProblems"):
        assert state in done.states
    assert done.told[0]["Subject"] == f"{NAME}: 1 problem"
    problem = done.message.splitlines()[1]
    assert problem.startswith("  run tmdb is failed, 0 of 0 units (")
    assert "401" in problem
    assert "wrong" not in done.message
    (line,) = [line for line in done.message.splitlines() if line.startswith("  open_library 20")]
    assert ": complete, " in line


def test_an_extraction_that_stays_incomplete(machine: Machine, lake: Deployment) -> None:
    """What the planner plans, the worker asks for where there is nothing: each unit fails."""
    functions = lake.client("lambda")
    name = lake.outputs["functions"]["extract-open-library"]
    before = functions.get_function_configuration(FunctionName=name)["Environment"]["Variables"]
    settings = json.loads(before["OPEN_LIBRARY_SETTINGS"])
    settings["base_url"] += "/nowhere"
    changed = {**before, "OPEN_LIBRARY_SETTINGS": json.dumps(settings)}
    functions.update_function_configuration(FunctionName=name, Environment={"Variables": changed})
    try:
        done = machine.run(sources=["open_library"], again=2)
    finally:
        functions.update_function_configuration(
            FunctionName=name, Environment={"Variables": before}
        )
    assert done.status == "FAILED"
    assert "Silver" not in done.states
    problem = done.message.splitlines()[1]
    assert "is failed, 0 of " in problem
    assert "404" in problem
    wanted, landed = units(lake, "open_library")
    assert waiting(lake, "dlq")["open_library"] == len(wanted - landed) > 0
    lake.client("sqs").purge_queue(QueueUrl=lake.outputs["queues"]["open_library"]["dlq"])


def test_an_extraction_that_takes_too_long(machine: Machine, lake: Deployment) -> None:
    machine.workers("jikan", False)
    try:
        done = machine.run(sources=["jikan"], again=3, wait_seconds=2)
    finally:
        machine.workers("jikan", True)
    assert done.status == "FAILED"
    assert "Silver" not in done.states
    assert "is failed, 0 of " in done.message.splitlines()[1]
    # Re-running is safe: what was planned then lands now.
    again = machine.run(sources=["jikan"], again=3)
    assert again.status == "SUCCEEDED"
    wanted, landed = units(lake, "jikan")
    assert wanted == landed


@pytest.mark.parametrize("job", ["Silver", "Gold"])
def test_a_job_fails(machine: Machine, lake: Deployment, job: str) -> None:
    again = {"Silver": 4, "Gold": 5}[job]
    done = machine.run(f"{job}Fails", sources=["spotify"], again=again)
    assert done.status == "FAILED"
    # Gold is built from what there is.
    assert {"Silver", "Gold", "Check", "RefreshedWithProblems"} <= set(done.states)
    assert f"  {job.lower()} failed: 1 of 23 tables failed: no luck" in done.message.splitlines()


def test_silver_at_work_is_waited_for(machine: Machine, lake: Deployment) -> None:
    done = machine.run("SilverBusy", sources=["spotify"], again=6)
    assert done.status == "SUCCEEDED"
    assert done.states.count("Silver") == 3
    assert done.states.count("WaitForSilver") == 2


def test_a_new_table_is_crawled(machine: Machine, lake: Deployment) -> None:
    report(lake, "gold", {"movie_scores": {"status": "built", "rows": 7}})
    done = machine.run(sources=["spotify"], again=7)
    assert crawled(lake) == {"silver": False, "gold": True}
    crawler = lake.client("glue").get_crawler(Name=lake.outputs["crawlers"]["gold"])["Crawler"]
    (target,) = crawler["Targets"]["DeltaTargets"]
    assert target == {
        "DeltaTables": [f"s3://{lake.outputs['buckets']['gold']}/movie_scores"],
        "CreateNativeDeltaTable": True,
        "WriteManifest": False,
    }
    # The emulator's crawler makes no table, which the last check tells.
    assert done.status == "FAILED"
    assert done.message.splitlines()[1] == (
        "  Athena does not show these tables of gold as they are: movie_scores"
    )


def test_a_crawler_fails(machine: Machine, lake: Deployment) -> None:
    report(lake, "gold", {"movie_scores": {"status": "built", "rows": 7}})
    done = machine.run("CrawlerFails", sources=["spotify"], again=8)
    assert "  crawler of gold failed: FAILED no access" in done.message.splitlines()


def test_maintenance_extracts_nothing(machine: Machine, lake: Deployment) -> None:
    done = machine.run(extract=False, maintain=True)
    assert done.status == "SUCCEEDED"
    assert {"MaintainSilver", "MaintainGold"} <= set(done.states)
    assert not {"Silver", "Gold"} & set(done.states)
    assert done.told[0]["Message"].startswith("\nExecution: ")


def test_schedules_and_the_rule_start_this_machine(deployed: Deployment) -> None:
    scheduler = deployed.client("scheduler")
    inputs = {}
    for name in ("daily", "weekly-maintenance"):
        target = scheduler.get_schedule(GroupName=NAME, Name=f"{NAME}-{name}")["Target"]
        assert target["Arn"] == deployed.outputs["state_machine_arn"]
        inputs[name] = json.loads(target["Input"])
    # Those that the tests above start it with.
    assert inputs == {"daily": {}, "weekly-maintenance": {"extract": False, "maintain": True}}


# --- What a function may not do ---------------------------------------------------------------


PROBE = """
import boto3, botocore.exceptions
def handler(event, context):
    client = boto3.client(event["service"])
    try:
        getattr(client, event["call"])(**event["arguments"])
    except botocore.exceptions.ClientError as error:
        return error.response["Error"]["Code"]
    return "done"
"""


@pytest.fixture(scope="module")
def as_tmdb(deployed: Deployment) -> Iterator[Callable[..., str]]:
    """Call AWS by a function of the test's own that has the role of TMDB's extractor."""
    functions = deployed.client("lambda")
    its = functions.get_function_configuration(
        FunctionName=deployed.outputs["functions"]["extract-tmdb"]
    )
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.writestr("probe.py", PROBE)
    functions.create_function(
        FunctionName="probe",
        Runtime=its["Runtime"],
        Role=its["Role"],
        Handler="probe.handler",
        Layers=[layer["Arn"] for layer in its["Layers"]],
        Code={"ZipFile": code.getvalue()},
    )

    def call(service: str, call: str, arguments: dict[str, Any]) -> str:
        event = {"service": service, "call": call, "arguments": arguments}
        answer = functions.invoke(FunctionName="probe", Payload=json.dumps(event).encode())
        return str(json.loads(answer["Payload"].read()))

    yield call
    functions.delete_function(FunctionName="probe")


@pytest.mark.parametrize(
    ("service", "call", "allowed", "refused"),
    [
        (
            "secretsmanager",
            "get_secret_value",
            {"SecretId": "media-lakehouse/test/tmdb"},
            {"SecretId": "media-lakehouse/test/spotify"},
        ),
        (
            "s3",
            "list_objects_v2",
            {"Bucket": "{bronze}", "MaxKeys": 1},
            {"Bucket": "{gold}", "MaxKeys": 1},
        ),
        (
            "s3",
            "put_object",
            {"Bucket": "{bronze}", "Key": "tmdb/x", "IfNoneMatch": "*"},
            {"Bucket": "{gold}", "Key": "tmdb/x", "IfNoneMatch": "*"},
        ),
        (
            "s3",
            "put_object",
            {"Bucket": "{bronze}", "Key": "_runs/tmdb/x", "IfNoneMatch": "*"},
            {"Bucket": "{bronze}", "Key": "jikan/x", "IfNoneMatch": "*"},
        ),
        (
            "sqs",
            "send_message",
            {"QueueUrl": "{tmdb}", "MessageBody": "{}"},
            {"QueueUrl": "{jikan}", "MessageBody": "{}"},
        ),
    ],
    ids=["secret", "list", "layer", "source", "queue"],
)
def test_an_extractor_reaches_no_further_than_its_source(
    deployed: Deployment,
    as_tmdb: Callable[..., str],
    service: str,
    call: str,
    allowed: dict[str, Any],
    refused: dict[str, Any],
) -> None:
    outputs = deployed.outputs
    names = {**outputs["buckets"], **{s: urls["dlq"] for s, urls in outputs["queues"].items()}}

    def filled(arguments: dict[str, Any]) -> dict[str, Any]:
        return {
            key: names[value[1:-1]] if str(value)[1:-1] in names else value
            for key, value in arguments.items()
        }

    assert as_tmdb(service, call, filled(allowed)) == "done"
    assert "AccessDenied" in as_tmdb(service, call, filled(refused))
