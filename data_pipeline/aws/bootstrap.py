"""Makes the bucket for Terraform's state, which Terraform cannot make for itself."""

from __future__ import annotations

import json

from botocore.exceptions import ClientError

from data_pipeline.aws.account import Account
from data_pipeline.errors import AwsError

# So long an earlier state can be had back.
EARLIER_STATES_DAYS = 90


def bootstrap(account: Account) -> bool:
    """Make the bucket, or bring its settings up to date; return whether it was made.

    Raises AwsError where the name is taken by another account.
    """
    s3, bucket = account.client("s3"), account.state_bucket
    made = not _exists(account)
    if made:
        # us-east-1 is where a bucket goes that says nothing, and may not be named.
        location = (
            {"CreateBucketConfiguration": {"LocationConstraint": account.region}}
            if account.region != "us-east-1"
            else {}
        )
        s3.create_bucket(Bucket=bucket, **location)
    s3.put_public_access_block(
        Bucket=bucket,
        PublicAccessBlockConfiguration={
            "BlockPublicAcls": True,
            "IgnorePublicAcls": True,
            "BlockPublicPolicy": True,
            "RestrictPublicBuckets": True,
        },
    )
    s3.put_bucket_ownership_controls(
        Bucket=bucket, OwnershipControls={"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}
    )
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    s3.put_bucket_encryption(
        Bucket=bucket,
        ServerSideEncryptionConfiguration={
            "Rules": [
                {
                    # Amazon's own key: the project's is made by Terraform, which reads this first.
                    "ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms"},
                    "BucketKeyEnabled": True,
                }
            ]
        },
    )
    s3.put_bucket_lifecycle_configuration(
        Bucket=bucket,
        LifecycleConfiguration={
            "Rules": [
                {
                    "ID": "earlier-states",
                    "Status": "Enabled",
                    "Filter": {"Prefix": ""},
                    "NoncurrentVersionExpiration": {"NoncurrentDays": EARLIER_STATES_DAYS},
                    "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7},
                }
            ]
        },
    )
    s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps(_policy(account)))
    s3.put_bucket_tagging(
        Bucket=bucket,
        Tagging={
            "TagSet": [
                {"Key": "project", "Value": account.project},
                {"Key": "managed_by", "Value": "make bootstrap"},
            ]
        },
    )
    return made


def _exists(account: Account) -> bool:
    bucket = account.state_bucket
    try:
        account.client("s3").head_bucket(Bucket=bucket, ExpectedBucketOwner=account.number)
    except ClientError as error:
        status = error.response["ResponseMetadata"]["HTTPStatusCode"]
        if status == 404:
            return False
        if status == 403:
            raise AwsError(
                f"the bucket {bucket} exists, but {account.caller} has no right to it, or it is "
                "another account's. Get the right, or choose another [project] name in configs.ini."
            ) from None
        raise
    return True


def _policy(account: Account) -> dict[str, object]:
    arn = f"arn:{account.partition}:s3:::{account.state_bucket}"
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "TlsOnly",
                "Effect": "Deny",
                "Principal": "*",
                "Action": "s3:*",
                "Resource": [arn, f"{arn}/*"],
                "Condition": {"Bool": {"aws:SecureTransport": "false"}},
            }
        ],
    }
