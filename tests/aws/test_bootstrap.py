from __future__ import annotations

import dataclasses
import json

import pytest

from data_pipeline.aws.account import Account, refusals
from data_pipeline.aws.bootstrap import bootstrap
from data_pipeline.errors import AwsError


@pytest.fixture
def fresh(account: Account) -> Account:
    """A project of its own: the bucket is one for all environments."""
    return dataclasses.replace(account, project=f"p-{account.environment}")


def test_the_bucket_is_versioned_encrypted_private_and_takes_tls_only(fresh: Account) -> None:
    assert bootstrap(fresh) is True
    s3, bucket = fresh.client("s3"), fresh.state_bucket
    assert bucket == f"p-{fresh.environment}-terraform-state-000000000000"
    assert s3.get_bucket_versioning(Bucket=bucket)["Status"] == "Enabled"
    (rule,) = s3.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]["Rules"]
    assert rule["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"] == "aws:kms"
    assert rule["BucketKeyEnabled"] is True
    block = s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"]
    assert block == dict.fromkeys(block, True)
    assert len(block) == 4
    (statement,) = json.loads(s3.get_bucket_policy(Bucket=bucket)["Policy"])["Statement"]
    assert statement["Effect"] == "Deny"
    assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    assert statement["Resource"] == [f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"]


def test_done_again_it_mends_and_keeps_what_is_there(fresh: Account) -> None:
    bootstrap(fresh)
    s3, bucket = fresh.client("s3"), fresh.state_bucket
    s3.put_object(Bucket=bucket, Key="dev/terraform.tfstate", Body=b"{}")
    s3.delete_bucket_policy(Bucket=bucket)
    s3.delete_public_access_block(Bucket=bucket)
    assert bootstrap(fresh) is False
    assert s3.get_bucket_policy(Bucket=bucket)["Policy"]
    assert s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"]
    assert s3.get_object(Bucket=bucket, Key="dev/terraform.tfstate")["Body"].read() == b"{}"


def test_in_another_region_the_bucket_is_made_there(fresh: Account) -> None:
    there = dataclasses.replace(fresh, region="eu-central-1")
    assert bootstrap(there) is True
    location = there.client("s3").get_bucket_location(Bucket=there.state_bucket)
    assert location["LocationConstraint"] == "eu-central-1"


def test_what_aws_refuses_is_one_sentence(fresh: Account) -> None:
    with (
        pytest.raises(AwsError, match=r"^AWS refused GetBucketPolicy: .* \(NoSuchBucket\)$"),
        refusals("us-east-1"),
    ):
        fresh.client("s3").get_bucket_policy(Bucket="no-such-bucket-here")
