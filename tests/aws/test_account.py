from __future__ import annotations

import io
import zipfile

import pytest
from botocore.exceptions import ClientError, NoCredentialsError

from data_pipeline.aws.account import Account, explain
from data_pipeline.errors import AwsError

CODE = """
def handler(event, context):
    if event.get("fail"):
        raise ValueError("it is broken")
    return {"got": event}
"""


def test_names_follow_from_project_environment_region_and_account() -> None:
    arn = "arn:aws-cn:iam::123456789012:user/x"
    account = Account("lake", "pull-12", "cn-north-1", "123456789012", "aws-cn", arn)
    assert account.name == "lake-pull-12"
    assert account.state_bucket == "lake-terraform-state-123456789012"
    assert account.state_machine == (
        "arn:aws-cn:states:cn-north-1:123456789012:stateMachine:lake-pull-12"
    )
    assert account.dead_letters("tag_genome") == "lake-pull-12-tag-genome-dlq"
    assert account.secret("tmdb") == "lake/pull-12/tmdb"
    assert account.job("gold") == "lake-pull-12-gold"


@pytest.fixture
def function(account: Account) -> str:
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w") as archive:
        archive.writestr("it.py", CODE)
    account.client("lambda").create_function(
        FunctionName=f"{account.name}-completion",
        Runtime="python3.13",
        Role="arn:aws:iam::000000000000:role/test",
        Handler="it.handler",
        Code={"ZipFile": body.getvalue()},
    )
    return "completion"


def test_a_function_answers(account: Account, function: str) -> None:
    assert account.invoke(function, {"a": 1}) == {"got": {"a": 1}}


def test_what_a_function_raises_is_its_message(account: Account, function: str) -> None:
    with pytest.raises(AwsError, match=r"^it is broken \(from .*-completion; its log is /aws/"):
        account.invoke(function, {"fail": True})


def test_a_function_that_is_not_there(account: Account) -> None:
    message = f"there is no function {account.name}-check in account 000000000000, us-east-1"
    with pytest.raises(AwsError, match=message):
        account.invoke("check", {})


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("ExpiredToken", "the AWS credentials have expired: set AWS_PROFILE"),
        ("InvalidClientTokenId", "AWS does not take these credentials in us-east-1 (Invalid"),
        ("AccessDenied", "AWS refused StartJobRun: no right (AccessDenied)"),
    ],
)
def test_refusals_say_what_to_do(code: str, said: str) -> None:
    error = ClientError({"Error": {"Code": code, "Message": "no right"}}, "StartJobRun")
    assert explain(error, "us-east-1").startswith(said)
    assert explain(NoCredentialsError(), "us-east-1").startswith("there are no AWS credentials")
