"""template.yaml, what Terraform makes of it on AWS, and what `lakehouse` deploys are the same.

The template is written by `make config` and deployed as it is; Terraform says the same things in
another language. A value that is changed in one of them only is found here.
"""

from __future__ import annotations

import ast
import importlib.util
import json
import re
import zipfile
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from samtranslator.yaml_helper import yaml_parse

from data_pipeline.configure import parameter_name
from data_pipeline.gold import job as gold_job
from data_pipeline.local import package, spark
from data_pipeline.local.emulator import Emulator
from data_pipeline.local.home import ACCOUNT, Home
from data_pipeline.local.stack import Stack
from data_pipeline.settings import load_settings
from data_pipeline.silver import job as silver_job
from tests.bronze.conftest import free_port
from tests.terraform.conftest import TERRAFORM, Deployment, Terraform
from tests.terraform.plans import Plan, read_plans

ROOT = Path(__file__).parents[2]
SETTINGS = load_settings(ROOT / "configs.ini")


@dataclass
class Extraction:
    """Functions and queues, by the names they have in every environment."""

    functions: dict[str, dict[str, Any]] = field(default_factory=dict)
    queues: dict[str, dict[str, Any]] = field(default_factory=dict)


@dataclass(frozen=True)
class Names:
    """What the names of an environment begin with and hold."""

    project: str
    environment: str
    account: str

    def common(self, text: str) -> str:
        """Return ``text`` with what is the same in every environment."""
        prefix = "" if self.environment == "prod" else f"{self.environment.replace('-', '_')}_"
        for own, common in (
            (f"{self.project}-{self.environment}-", ""),
            (f"{self.project}-{self.environment}", "NAME"),
            (f"{self.project}/{self.environment}/", "NAME/"),
            (f"-{self.account}", ""),
        ):
            text = text.replace(own, common)
        return re.sub(rf"^{prefix}(?=(silver|gold)$)", "", text)

    def environ(self, variables: dict[str, str]) -> dict[str, str]:
        """Return a function's variables; of the address of a queue, its name."""
        return {
            name: self.common(value.rpartition("/")[2] if name.endswith("_URL") else value)
            for name, value in variables.items()
        }


def without_values(extraction: Extraction, ending: str) -> Extraction:
    """Return the same without the values of the variables whose names end so."""
    functions = {
        name: {
            **function,
            "environment": {
                variable: "" if variable.endswith(ending) else value
                for variable, value in function["environment"].items()
            },
        }
        for name, function in extraction.functions.items()
    }
    return Extraction(functions, extraction.queues)


# --- template.yaml ------------------------------------------------------------------------------


class Template:
    """What template.yaml says, with its references resolved."""

    def __init__(self, text: str) -> None:
        read = yaml_parse(text)
        self.resources = read["Resources"]
        self.defaults = {name: its["Default"] for name, its in read["Parameters"].items()}
        self.common = read["Globals"]["Function"]
        self.names = Names(self.defaults["Project"], self.defaults["Environment"], ACCOUNT)

    def extraction(self) -> Extraction:
        found = Extraction()
        for resource in self.resources.values():
            properties = resource.get("Properties", {})
            if resource["Type"] == "AWS::Serverless::Function":
                function = self._function({**self.common, **properties})
                found.functions[self._name(properties["FunctionName"])] = function
            elif resource["Type"] == "AWS::SQS::Queue" and "RedrivePolicy" in properties:
                found.queues[self._name(properties["QueueName"])] = self._queue(properties)
        return found

    def _function(self, its: dict[str, Any]) -> dict[str, Any]:
        variables = {
            name: self._resolve(value)
            for source in (self.common, its)
            for name, value in source.get("Environment", {}).get("Variables", {}).items()
        }
        events = [event for event in its.get("Events", {}).values() if event["Type"] == "SQS"]
        return {
            "description": its["Description"],
            "handler": its["Handler"],
            "runtime": its["Runtime"],
            "architectures": its["Architectures"],
            "timeout": its["Timeout"],
            "memory": its["MemorySize"],
            "tracing": its["Tracing"],
            "log format": its["LoggingConfig"]["LogFormat"],
            "layers": len(its["Layers"]),
            "environment": self.names.environ(variables),
            "queues": [
                {
                    "name": self._name(event["Properties"]["Queue"]),
                    "batch": event["Properties"]["BatchSize"],
                    "responses": event["Properties"]["FunctionResponseTypes"],
                    "concurrency": event["Properties"]["ScalingConfig"]["MaximumConcurrency"],
                }
                for event in events
            ],
        }

    def _queue(self, its: dict[str, Any]) -> dict[str, Any]:
        target = its["RedrivePolicy"]["deadLetterTargetArn"]["Fn::GetAtt"][0]
        dead = self.resources[target]["Properties"]
        return {
            "visibility": its["VisibilityTimeout"],
            "receives": its["RedrivePolicy"]["maxReceiveCount"],
            "dead letters": self._name(dead["QueueName"]),
            "dead letters kept": dead["MessageRetentionPeriod"],
        }

    def _name(self, value: Any) -> str:
        return self.names.common(self._resolve(value))

    def _resolve(self, value: Any) -> str:
        match value:
            case {"Ref": name} if name in self.defaults:
                return str(self.defaults[name])
            case {"Ref": name} | {"Fn::GetAtt": [name, "Arn"]}:
                return self._resolve(self.resources[name]["Properties"]["QueueName"])
            case {"Fn::Sub": text}:
                known = {**self.defaults, "AWS::AccountId": ACCOUNT}
                return re.sub(r"\$\{([\w:]+)\}", lambda found: known[found[1]], text)
            case _:
                return str(value)


# --- Terraform's plan ---------------------------------------------------------------------------


def planned_extraction(plan: Plan) -> Extraction:
    names = Names("media-lakehouse", "dev", "123456789012")  # terraform/tests/root.tftest.hcl
    found = Extraction()
    for address, its in plan.items():
        if its.type == "aws_lambda_function":
            module = address.removesuffix(".aws_lambda_function.this")
            mapping = plan.get(f"{module}.aws_lambda_event_source_mapping.this[0]")
            queues = []
            if mapping:
                # The mock's ARN says nothing; the module gets the queue of its own key.
                source = module.split('"')[1]
                queue = plan[f'module.queue["{source}"].aws_sqs_queue.this']
                queues = [
                    {
                        "name": names.common(queue["name"]),
                        "batch": mapping["batch_size"],
                        "responses": mapping["function_response_types"],
                        "concurrency": mapping["scaling_config"][0]["maximum_concurrency"],
                    }
                ]
            found.functions[names.common(its["function_name"])] = {
                "description": its["description"],
                "handler": its["handler"],
                "runtime": its["runtime"],
                "architectures": its["architectures"],
                "timeout": its["timeout"],
                "memory": its["memory_size"],
                "tracing": its["tracing_config"][0]["mode"],
                "log format": its["logging_config"][0]["log_format"],
                "layers": len(its["layers"]),
                "environment": names.environ(its["environment"][0]["variables"]),
                "queues": queues,
            }
        elif its.type == "aws_sqs_queue" and address.endswith(".this"):
            dead = plan[address.removesuffix(".this") + ".dlq"]
            found.queues[names.common(its["name"])] = {
                "visibility": its["visibility_timeout_seconds"],
                "receives": json.loads(its["redrive_policy"])["maxReceiveCount"],
                "dead letters": names.common(dead["name"]),
                "dead letters kept": dead["message_retention_seconds"],
            }
    return found


# --- What an emulator has -----------------------------------------------------------------------


def deployed_extraction(emulator: Emulator, names: Names) -> Extraction:
    found = Extraction()
    functions, queues = emulator.client("lambda"), emulator.client("sqs")
    mappings = functions.list_event_source_mappings()["EventSourceMappings"]
    for its in functions.list_functions()["Functions"]:
        found.functions[names.common(its["FunctionName"])] = {
            "description": its["Description"],
            "handler": its["Handler"],
            "runtime": its["Runtime"],
            "architectures": its["Architectures"],
            "timeout": its["Timeout"],
            "memory": its["MemorySize"],
            "tracing": its["TracingConfig"]["Mode"],
            "log format": its["LoggingConfig"]["LogFormat"],
            "layers": len(its["Layers"]),
            "environment": names.environ(its["Environment"]["Variables"]),
            "queues": [
                {
                    "name": names.common(mapping["EventSourceArn"].rpartition(":")[2]),
                    "batch": mapping["BatchSize"],
                    "responses": mapping["FunctionResponseTypes"],
                    "concurrency": mapping["ScalingConfig"]["MaximumConcurrency"],
                }
                for mapping in mappings
                if mapping["FunctionArn"].rpartition(":")[2] == its["FunctionName"]
            ],
        }
    for url in queues.list_queues()["QueueUrls"]:
        its = attributes(queues, url)
        if "RedrivePolicy" in its:
            redrive = json.loads(its["RedrivePolicy"])
            dead = redrive["deadLetterTargetArn"].rpartition(":")[2]
            dead_url = queues.get_queue_url(QueueName=dead)["QueueUrl"]
            found.queues[names.common(url.rpartition("/")[2])] = {
                "visibility": int(its["VisibilityTimeout"]),
                "receives": int(redrive["maxReceiveCount"]),
                "dead letters": names.common(dead),
                "dead letters kept": int(attributes(queues, dead_url)["MessageRetentionPeriod"]),
            }
    return found


def attributes(queues: Any, url: str) -> dict[str, str]:
    answer = queues.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])
    return dict(answer["Attributes"])


# --- The three ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def template() -> Extraction:
    found = Template((ROOT / "template.yaml").read_text(encoding="utf-8")).extraction()
    enabled = [source for source, its in SETTINGS.sources.items() if its.enabled]
    assert len(found.functions) == 3 + len(enabled)
    assert len(found.queues) == len(enabled)
    return found


@pytest.fixture(scope="module")
def plan(new_terraform: Callable[[Path], Terraform]) -> Plan:
    return read_plans(new_terraform)["as_configured"]


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    """The emulator with what `lakehouse run` deploys to it."""
    home = Home(tmp_path_factory.mktemp("stack"), SETTINGS.project.name)
    artifacts = package.build(ROOT / "build")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LAKEHOUSE_PORT", str(free_port()))
        patch.chdir(ROOT)
        with Emulator(home, SETTINGS.project.region) as emulator:
            settings = {
                parameter_name(source): SETTINGS.source_json(source)
                for source, its in SETTINGS.sources.items()
                if its.enabled
            }
            Stack(emulator).deploy(artifacts, settings)
            yield emulator


def test_terraform_plans_what_the_template_says(template: Extraction, plan: Plan) -> None:
    # The plan's provider is made up, and knows no addresses of queues.
    planned, expected = (
        without_values(extraction, "_URL") for extraction in (planned_extraction(plan), template)
    )
    assert planned == expected


def test_lakehouse_deploys_what_the_template_says(template: Extraction, stack: Emulator) -> None:
    names = Names(SETTINGS.project.name, "local", ACCOUNT)
    assert deployed_extraction(stack, names) == template


@pytest.mark.timeout(1200)
def test_terraform_deploys_what_the_template_says(
    template: Extraction, deployed: Deployment
) -> None:
    names = Names(SETTINGS.project.name, "test", deployed.outputs["account"])
    # Its publishers are sandboxes.
    made, expected = (
        without_values(extraction, "_SETTINGS")
        for extraction in (deployed_extraction(deployed.emulator, names), template)
    )
    assert made == expected


# --- Jobs ---------------------------------------------------------------------------------------

JOBS = {"silver": silver_job, "gold": gold_job}
OF_GLUE = re.compile(
    r"--(conf|datalake-formats|enable-[a-z-]+|extra-py-files|job-language)$"
)  # https://docs.aws.amazon.com/glue/latest/dg/aws-glue-programming-etl-glue-arguments.html


def job_arguments(plan: Plan, layer: str) -> dict[str, str]:
    arguments = plan[f'module.glue.aws_glue_job.this["{layer}"]']["default_arguments"]
    return dict(arguments)


@pytest.fixture
def strict(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let jobs refuse arguments that they do not know; on Glue they pass them over."""
    lenient = ArgumentParser.parse_known_args

    def parse(self: ArgumentParser, *given: Any) -> tuple[Namespace, list[str]]:
        known, unknown = lenient(self, *given)
        assert unknown == []
        assert known is not None
        return known, unknown

    monkeypatch.setattr(ArgumentParser, "parse_known_args", parse)


def parse(layer: str, arguments: dict[str, str]) -> Namespace:
    own = [(name, value) for name, value in arguments.items() if not OF_GLUE.match(name)]
    parsed: Namespace = JOBS[layer]._parse([word for pair in own for word in pair])
    return parsed


@pytest.mark.usefixtures("strict")
@pytest.mark.parametrize("layer", JOBS)
def test_a_job_knows_the_arguments_that_it_gets(plan: Plan, layer: str) -> None:
    options = parse(layer, job_arguments(plan, layer))
    bucket = "s3://media-lakehouse-dev-{}-123456789012"
    assert options.step == {"silver": "load", "gold": "build"}[layer]
    assert options.silver == bucket.format("silver")
    if layer == "silver":
        assert options.bronze == bucket.format("bronze")
    else:
        assert options.gold == bucket.format("gold")


@pytest.mark.usefixtures("strict")
def test_jobs_know_the_arguments_that_the_state_machine_gives(plan: Plan) -> None:
    machine = plan["module.orchestration.aws_sfn_state_machine.this"]
    names = {plan[f'module.glue.aws_glue_job.this["{layer}"]']["name"]: layer for layer in JOBS}
    runs = [
        state["Arguments"]
        for state in states(json.loads(machine["definition"]))
        if state.get("Resource", "").endswith(":glue:startJobRun.sync")
    ]
    assert {names[run["JobName"]] for run in runs} == set(JOBS)
    steps = set()
    for run in runs:
        layer = names[run["JobName"]]
        # As Glue does: those of the run win over those of the job.
        options = parse(layer, {**job_arguments(plan, layer), **run.get("Arguments", {})})
        steps.add((layer, options.step))
    assert steps == {
        *(("silver", "load"), ("gold", "build")),
        *(("silver", "maintain"), ("gold", "maintain")),
    }


def states(definition: Any) -> Iterator[dict[str, Any]]:
    """Return all states of a state machine, those within others too."""
    for state in definition["States"].values():
        yield state
        for inner in (state.get("ItemProcessor"), *state.get("Branches", [])):
            if inner:
                yield from states(inner)


@pytest.mark.parametrize("layer", JOBS)
def test_spark_is_set_up_as_on_a_laptop(plan: Plan, layer: str, tmp_path: Path) -> None:
    arguments = job_arguments(plan, layer)
    assert arguments["--datalake-formats"] == "delta"
    on_glue = dict(setting.split("=", 1) for setting in arguments["--conf"].split(" --conf "))
    local = spark._settings(tmp_path, [])
    assert set(on_glue) >= {
        "spark.sql.extensions",
        "spark.sql.catalog.spark_catalog",
        "spark.sql.session.timeZone",
    }
    assert on_glue == {name: local[name] for name in on_glue}


@pytest.mark.parametrize("layer", JOBS)
def test_a_job_runs_the_script_and_gets_the_package(plan: Plan, layer: str, tmp_path: Path) -> None:
    job = plan[f'module.glue.aws_glue_job.this["{layer}"]']
    script = plan[f'aws_s3_object.job["{layer}"]']
    assert job["command"][0]["script_location"] == f"s3://{script['bucket']}/{script['key']}"
    assert (TERRAFORM / script["source"]).resolve() == Path(str(JOBS[layer].__file__)).resolve()
    zipped = plan["aws_s3_object.package"]
    assert (
        job["default_arguments"]["--extra-py-files"] == f"s3://{zipped['bucket']}/{zipped['key']}"
    )
    # Python imports it by this name.
    assert Path(zipped["source"]).name == package.build_glue(tmp_path).name


def imported(module: str, seen: set[str]) -> set[str]:
    """Return ``module`` and all of the project's that it imports, also inside functions."""
    spec = importlib.util.find_spec(module)
    if module in seen or spec is None or spec.origin is None:
        return seen
    seen.add(module)
    if "." in module:
        imported(module.rpartition(".")[0], seen)
    for node in ast.walk(ast.parse(Path(spec.origin).read_text(encoding="utf-8"))):
        named = []
        if isinstance(node, ast.Import):
            named = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            # What is imported from a package may be a module or a name.
            named = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        for name in named:
            if name.startswith("data_pipeline") and is_module(name):
                imported(name, seen)
    return seen


def is_module(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except ModuleNotFoundError:  # what it should be in is a module, not a package
        return False


def files_of(modules: set[str]) -> set[str]:
    found = set()
    for module in modules:
        spec = importlib.util.find_spec(module)
        assert spec is not None
        assert spec.origin is not None
        found.add(Path(spec.origin).relative_to(ROOT).as_posix())
    return found


def test_the_jobs_package_holds_all_that_they_import(tmp_path: Path) -> None:
    needed: set[str] = set()
    for job in JOBS.values():
        imported(job.__name__, needed)
    assert {"data_pipeline.errors", "data_pipeline.storage"} <= needed
    with zipfile.ZipFile(package.build_glue(tmp_path)) as zipped:
        assert files_of(needed) <= set(zipped.namelist())


def test_the_functions_zip_holds_all_that_they_import(template: Extraction) -> None:
    needed: set[str] = set()
    for function in template.functions.values():
        imported(function["handler"].rpartition(".")[0], needed)
    with zipfile.ZipFile(package.build(ROOT / "build").code) as zipped:
        assert files_of(needed) <= set(zipped.namelist())
