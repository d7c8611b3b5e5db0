"""template.yaml is what `sam validate` and `sam local invoke` take, and docs/local-lambda.md true.

The SAM CLI is not among the dependencies; its validation is the SAM translator's, which is.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from samtranslator.model.exceptions import InvalidDocumentException
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator
from samtranslator.yaml_helper import yaml_parse

ROOT = Path(__file__).parents[2]
DOCUMENT = ROOT / "docs" / "local-lambda.md"
FUNCTION = "AWS::Serverless::Function"


@pytest.fixture
def template() -> dict[str, Any]:
    read: dict[str, Any] = yaml_parse((ROOT / "template.yaml").read_text(encoding="utf-8"))
    return read


def transform(template: dict[str, Any]) -> dict[str, Any]:
    """Return the CloudFormation that AWS makes of a SAM template.

    As the SAM CLI does, it puts an address where a file is named: a deployment uploads files.
    """
    resources = template["Resources"].values()
    owners = [template.get("Globals", {}).get("Function", {})]
    owners += [resource.get("Properties", {}) for resource in resources]
    for properties in owners:
        for name in ("CodeUri", "ContentUri"):
            if name in properties:
                assert Path(properties[name]).parent == Path("build")
                properties[name] = "s3://bucket/key"
    made: dict[str, Any] = Translator({}, Parser()).translate(template, {})
    return made


def test_it_transforms(template: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    functions = [
        name for name, resource in template["Resources"].items() if resource["Type"] == FUNCTION
    ]
    made = transform(template)["Resources"]
    for name in functions:
        assert made[name]["Type"] == "AWS::Lambda::Function"
        assert made[name]["Properties"]["Runtime"] == "python3.13"
        assert made[f"{name}Role"]["Type"] == "AWS::IAM::Role"
    mappings = [one for one in made.values() if one["Type"] == "AWS::Lambda::EventSourceMapping"]
    assert len(mappings) == sum(name.endswith("Extract") for name in functions)


def test_a_template_that_sam_refuses_is_noticed(
    template: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    del template["Resources"]["TmdbExtract"]["Properties"]["Handler"]
    with pytest.raises(InvalidDocumentException):
        transform(template)


def invocations() -> list[tuple[str, str]]:
    """Return function and event file of each `sam local invoke` that the document shows."""
    text = DOCUMENT.read_text(encoding="utf-8")
    return re.findall(r"sam local invoke (\w+) .*?--event (\S+)", text)


def test_the_document_shows_every_kind_of_function() -> None:
    kinds = {re.sub(r"^.*Extract$", "Extract", name) for name, _ in invocations()}
    assert kinds >= {"StartExtraction", "Completion", "Extract"}


@pytest.mark.parametrize(("function", "event"), invocations())
def test_a_function_of_the_document_exists(
    function: str, event: str, template: dict[str, Any]
) -> None:
    assert template["Resources"][function]["Type"] == FUNCTION
    assert json.loads((ROOT / event).read_text(encoding="utf-8"))


def test_variables_that_the_document_sets_are_the_functions(template: dict[str, Any]) -> None:
    shown = re.search(r"```json\n(.*?)```", DOCUMENT.read_text(encoding="utf-8"), re.DOTALL)
    assert shown
    common = set(template["Globals"]["Function"]["Environment"]["Variables"])
    for owner, variables in json.loads(shown[1]).items():
        # SAM passes over what the template does not declare.
        if owner == "Parameters":
            assert set(variables) <= common
        else:
            own = template["Resources"][owner]["Properties"]["Environment"]["Variables"]
            assert set(variables) <= common | set(own)


def test_files_and_targets_that_the_document_names_exist() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    for name in re.findall(r"\]\((?:\.\./)([^)#]+)\)", text):
        assert (ROOT / name).exists(), name
    targets = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M)
    for target in re.findall(r"`?make ([a-z]+)", text):
        assert target in targets, target
