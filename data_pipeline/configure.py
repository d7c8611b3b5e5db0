"""`make config`: writes what follows from configs.ini into template.yaml.

The template is text with marked parts, because its tags (!Sub, !Ref) and comments would not
survive being parsed and written again.
"""

from __future__ import annotations

import re
from pathlib import Path

from data_pipeline.bronze.run import MAX_RECEIVES
from data_pipeline.bronze.source import FileSource
from data_pipeline.bronze.sources import source_class
from data_pipeline.errors import SettingsError
from data_pipeline.settings import Settings

TEMPLATE = Path("template.yaml")
API_SECONDS = 180
# A file or a zip's member is one unit, however large.
FILE_SECONDS = 900
# A Lambda has a whole core from here on; unpacking is bound by it.
FILE_MEMORY = 1769
API_MEMORY = 256


def write_template(settings: Settings, path: Path = TEMPLATE) -> bool:
    """Bring the sources' parts of the template up to date; return whether anything changed."""
    before = path.read_text(encoding="utf-8")
    after = render_template(settings, before)
    if after != before:
        path.write_text(after, encoding="utf-8")
    return after != before


def render_template(settings: Settings, text: str) -> str:
    """Return ``text`` with its marked parts as ``settings`` say.

    Raises SettingsError where a part's markers are not there.
    """
    parts = {"parameters": _parameters, "environment": _environment, "resources": _resources}
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


def _environment(settings: Settings, source: str) -> str:
    name, env = _camel(source), source.upper()
    secret = ""
    if source_class(source).credentials:
        secret = f"        {env}_SECRET: !Sub ${{Project}}/${{Environment}}/{source}\n"
    return f"""\
        {env}_SETTINGS: !Ref {parameter_name(source)}
        {env}_QUEUE_URL: !Ref {name}Queue
        {env}_DLQ_URL: !Ref {name}DeadLetters
{secret}"""


def _resources(settings: Settings, source: str) -> str:
    name = _camel(source)
    is_file = issubclass(source_class(source), FileSource)
    seconds, memory = (FILE_SECONDS, FILE_MEMORY) if is_file else (API_SECONDS, API_MEMORY)
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
      MessageRetentionPeriod: 1209600

  {name}Queue:
    Type: AWS::SQS::Queue
    Properties:
      QueueName: !Sub {it}-{dashed}
      # Six times the function's timeout, as Lambda asks for.
      VisibilityTimeout: {6 * seconds}
      RedrivePolicy:
        deadLetterTargetArn: !GetAtt {name}DeadLetters.Arn
        maxReceiveCount: {MAX_RECEIVES}

  {name}Extract:
    Type: AWS::Serverless::Function
    Properties:
      FunctionName: !Sub {it}-extract-{dashed}
      Description: Works the units of {source} off its queue.
      Handler: data_pipeline.bronze.worker.handler
      Timeout: {seconds}
      MemorySize: {memory}
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
