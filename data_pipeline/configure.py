"""`make config`: writes what follows from configs.ini into template.yaml and for Terraform.

The template is text with marked parts, because its tags (!Sub, !Ref) and comments would not
survive being parsed and written again.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from data_pipeline.bronze.run import MAX_RECEIVES
from data_pipeline.bronze.source import FileSource
from data_pipeline.bronze.sources import source_class
from data_pipeline.errors import SettingsError
from data_pipeline.settings import Settings

TEMPLATE = Path("template.yaml")
TFVARS = Path("terraform/generated.auto.tfvars.json")
API_SECONDS = 180
# A file or a zip's member is one unit, however large.
FILE_SECONDS = 900
# A Lambda has a whole core from here on; unpacking is bound by it.
FILE_MEMORY = 1769
API_MEMORY = 256
# What a policy checker asks of functions that these have no use for.
SKIPS = """\
    # checkov:skip=CKV_AWS_115: MaximumConcurrency bounds the extractors, others are called rarely.
    # checkov:skip=CKV_AWS_116: Messages that fail go to the queue's dead letters.
    # checkov:skip=CKV_AWS_117: They call public APIs; in a VPC that would need a NAT.
    # checkov:skip=CKV_AWS_173: Nothing secret is in the variables; keys are in Secrets Manager.
"""


def write_config(settings: Settings, folder: Path = Path()) -> list[Path]:
    """Bring both files up to date; return those that changed."""
    template = folder / TEMPLATE
    wanted = {
        template: render_template(settings, template.read_text(encoding="utf-8")),
        folder / TFVARS: render_tfvars(settings),
    }
    changed = []
    for path, text in wanted.items():
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8")
            changed.append(path)
    return changed


def render_tfvars(settings: Settings) -> str:
    """Return the variables of terraform/ that follow from ``settings``, as JSON."""
    from data_pipeline.tables import tables_of_layers

    project, aws = settings.project, settings.aws
    variables = {
        "project": project.name,
        "environment": project.environment,
        "region": project.region,
        "schedule": {
            "cron": settings.schedule.cron,
            "maintenance_cron": aws.maintenance_cron,
            "timezone": settings.schedule.timezone,
        },
        "glue": vars(settings.glue),
        "notification_emails": aws.notification_emails,
        "secrets_version": aws.secrets_version,
        "athena_budget_usd": aws.athena_budget_usd,
        "vpc": aws.vpc,
        "sources": {
            source: _source_variables(settings, source)
            for source, its in settings.sources.items()
            if its.enabled
        },
        "tables": tables_of_layers(),
    }
    return json.dumps(variables, indent=2) + "\n"


def _source_variables(settings: Settings, source: str) -> dict[str, Any]:
    cls = source_class(source)
    seconds, memory = _size(source)
    return {
        "kind": "files" if issubclass(cls, FileSource) else "api",
        "settings": settings.source_json(source),
        "credentials": list(cls.credentials),
        "max_concurrency": settings.sources[source].max_concurrency,
        "timeout": seconds,
        "memory": memory,
    }


def _size(source: str) -> tuple[int, int]:
    """Return the seconds and megabytes of a source's extract function."""
    is_file = issubclass(source_class(source), FileSource)
    return (FILE_SECONDS, FILE_MEMORY) if is_file else (API_SECONDS, API_MEMORY)


def render_template(settings: Settings, text: str) -> str:
    """Return ``text`` with its marked parts as ``settings`` say.

    Raises SettingsError where a part's markers are not there.
    """
    parts = {
        "parameters": _parameters,
        "planner's environment": _planner_environment,
        "completion's environment": _setting,
        "resources": _resources,
    }
    for name, render in parts.items():
        content = "".join(
            render(settings, source) for source, its in settings.sources.items() if its.enabled
        )
        pattern = rf"(?P<begin>( *)# <sources: {name}>\n).*?(?P<end> *# </sources>\n)"
        match = re.search(pattern, text, re.DOTALL)
        if match is None:
            raise SettingsError(
                f"the template has no part '# <sources: {name}>' … '# </sources>'; put it back"
            )
        text = text[: match.start()] + match["begin"] + content + match["end"] + text[match.end() :]
    return text


def _camel(source: str) -> str:
    return "".join(word.title() for word in source.split("_"))


def parameter_name(source: str) -> str:
    """Return the template's parameter that holds a source's settings."""
    return f"{_camel(source)}Settings"


def _parameters(settings: Settings, source: str) -> str:
    return f"""\
  {parameter_name(source)}:
    Type: String
    Default: '{settings.source_json(source).replace("'", "''")}'
"""


def _setting(settings: Settings, source: str) -> str:
    return f"          {source.upper()}_SETTINGS: !Ref {parameter_name(source)}\n"


def _planner_environment(settings: Settings, source: str) -> str:
    return (
        _setting(settings, source)
        + f"          {source.upper()}_QUEUE_URL: !Ref {_camel(source)}Queue\n"
        + _secret(source)
    )


def _secret(source: str) -> str:
    if not source_class(source).credentials:
        return ""
    return f"          {source.upper()}_SECRET: !Sub ${{Project}}/${{Environment}}/{source}\n"


def _resources(settings: Settings, source: str) -> str:
    name = _camel(source)
    is_file = issubclass(source_class(source), FileSource)
    seconds, memory = _size(source)
    dashed = source.replace("_", "-")
    where = "${AWS::Region}:${AWS::AccountId}"
    path = "${Project}/${Environment}"
    arn, it = "arn:${AWS::Partition}", "${Project}-${Environment}"
    landing = f"""\
            - Effect: Allow
              Action: s3:GetObject
              Resource: !Sub {arn}:s3:::{it}-landing-${{AWS::AccountId}}/{source}/*
"""
    secret = f"""\
            - Effect: Allow
              Action: secretsmanager:GetSecretValue
              Resource: !Sub {arn}:secretsmanager:{where}:secret:{path}/{source}-*
"""
    more = landing if is_file else secret if source_class(source).credentials else ""
    return f"""\
  {name}DeadLetters:
    Type: AWS::SQS::Queue
    Properties:
      QueueName: !Sub {it}-{dashed}-dlq
      KmsMasterKeyId: alias/aws/sqs
      MessageRetentionPeriod: 1209600

  {name}Queue:
    Type: AWS::SQS::Queue
    Properties:
      QueueName: !Sub {it}-{dashed}
      KmsMasterKeyId: alias/aws/sqs
      # Six times the function's timeout, as Lambda asks for.
      VisibilityTimeout: {6 * seconds}
      RedrivePolicy:
        deadLetterTargetArn: !GetAtt {name}DeadLetters.Arn
        maxReceiveCount: {MAX_RECEIVES}

  {name}Extract:
    Type: AWS::Serverless::Function
{SKIPS}\
    Properties:
      FunctionName: !Sub {it}-extract-{dashed}
      Description: Works the units of {source} off its queue.
      Handler: data_pipeline.bronze.worker.handler
      Timeout: {seconds}
      MemorySize: {memory}
      Environment:
        Variables:
{_setting(settings, source)}\
          {source.upper()}_QUEUE_URL: !Ref {name}Queue
          {source.upper()}_DLQ_URL: !Ref {name}DeadLetters
{_secret(source)}\
      Policies:
        - Statement:
            - Effect: Allow
              Action: [s3:GetObject, s3:PutObject]
              Resource: !Sub {arn}:s3:::{it}-bronze-${{AWS::AccountId}}/*
            - Effect: Allow
              Action: s3:ListBucket
              Resource: !Sub {arn}:s3:::{it}-bronze-${{AWS::AccountId}}
            - Effect: Allow
              Action: [sqs:SendMessage, sqs:ChangeMessageVisibility]
              Resource: [!GetAtt {name}Queue.Arn, !GetAtt {name}DeadLetters.Arn]
{more}\
      Events:
        Units:
          Type: SQS
          Properties:
            Queue: !GetAtt {name}Queue.Arn
            BatchSize: 1
            FunctionResponseTypes: [ReportBatchItemFailures]
            ScalingConfig:
              MaximumConcurrency: {settings.sources[source].max_concurrency}

"""
