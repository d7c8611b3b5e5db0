"""Reading what publishers ship as files: zips, their members, and CSV as it really is."""

from __future__ import annotations

import csv
import io
import json
import zipfile
import zlib
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import IO, TYPE_CHECKING, Any, cast

import smart_open
from botocore.exceptions import ClientError

from data_pipeline.bronze.json_text import on_one_line
from data_pipeline.errors import InputError

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client

# A quoted field that has not ended after this much is a stray quotation mark.
MAX_ROW_LINES = 1000
READ_BYTES = 1024 * 1024
# A header longer than this is no header.
MAX_HEADER_BYTES = 64 * 1024

_encode = json.encoder.encode_basestring


@dataclass(frozen=True)
class LandedFile:
    """A version of an object in the landing bucket."""

    bucket: str
    key: str
    etag: str
    size: int
    modified: datetime
    # How many units are wanted of it, from its metadata; None is all.
    limit: int | None

    @property
    def name(self) -> str:
        return self.key.rpartition("/")[2]

    @property
    def is_zip(self) -> bool:
        return self.name.lower().endswith(".zip")


def find_file(client: S3Client, bucket: str, key: str) -> LandedFile:
    """Return the present version of ``key``. Raises InputError where there is none."""
    try:
        head = client.head_object(Bucket=bucket, Key=key)
    except ClientError as error:
        if error.response["ResponseMetadata"]["HTTPStatusCode"] == 404:
            raise InputError(f"s3://{bucket}/{key} is not there (any more)") from None
        raise
    etag = head["ETag"].strip('"')
    limit = head["Metadata"].get("limit")
    return LandedFile(
        bucket,
        key,
        etag,
        head["ContentLength"],
        head["LastModified"],
        int(limit) if limit else None,
    )


@contextmanager
def open_landed(client: S3Client, bucket: str, key: str, etag: str) -> Iterator[IO[bytes]]:
    """Open exactly that version of a landed file as a seekable stream of range requests.

    Raises InputError where it has been replaced since; its new version is a run of its own.
    """
    params = {
        "client": client,
        "client_kwargs": {"S3.Client.get_object": {"IfMatch": f'"{etag}"'}},
    }
    try:
        with smart_open.open(
            f"s3://{bucket}/{key}", "rb", transport_params=params, compression="disable"
        ) as raw:
            yield io.BufferedReader(cast("Any", raw), READ_BYTES)
    except (ClientError, OSError) as error:
        if "PreconditionFailed" in str(error) or "NoSuchKey" in str(error):
            raise InputError(
                f"s3://{bucket}/{key} has been replaced or removed since this run was planned; "
                "what is there now is another run"
            ) from None
        raise


@contextmanager
def open_member(archive: IO[bytes], name: str, member: str) -> Iterator[IO[bytes]]:
    """Open a member of a zip as a stream. Raises InputError where the zip is broken."""
    with zip_errors(name), zipfile.ZipFile(archive) as opened, opened.open(member) as stream:
        yield io.BufferedReader(cast("Any", stream), READ_BYTES)


@contextmanager
def zip_errors(name: str) -> Iterator[None]:
    try:
        yield
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as error:
        raise InputError(
            f"{name} is not a whole zip: {error}. Download it again and drop the new file."
        ) from None
    except RuntimeError as error:
        if "password" not in str(error):
            raise
        raise InputError(f"{name} is encrypted; expected a zip without a password") from None


def csv_header(stream: IO[bytes], name: str) -> tuple[list[str], int]:
    """Return the column names of a CSV and the length of the header line in bytes.

    Blanks around a name and a byte order mark are not part of it. Raises InputError where the
    first line is not text.
    """
    line = stream.readline(MAX_HEADER_BYTES)
    try:
        cells = next(csv.reader([line.decode("utf-8-sig")]), [])
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{name} does not begin with a header line: {error}") from None
    return [cell.strip() for cell in cells], len(line)


def csv_records(lines: Iterator[bytes], header: Sequence[str]) -> Iterator[tuple[str, bool]]:
    """Yield (record as JSON text, False), or (the text as it is, True) for what can't be split.

    Values are strings exactly as written. A row that has not as many fields as the header is
    malformed, a blank line is nothing. A quotation mark that is never closed costs its own line
    only: the lines behind it are read again as rows.
    """
    names = [_encode(name) + ":" for name in header]
    width = len(names)
    again: deque[bytes] = deque()

    def next_line() -> bytes | None:
        return again.popleft() if again else next(lines, None)

    while (line := next_line()) is not None:
        if not line.strip():
            continue
        row = [line]
        if line.count(b'"') % 2:
            while len(row) < MAX_ROW_LINES and (more := next_line()) is not None:
                row.append(more)
                if more.count(b'"') % 2:
                    break
            else:
                again.extendleft(reversed(row[1:]))
                row = [line]
        raw = b"".join(row)
        try:
            text = raw.decode("utf-8").rstrip("\r\n")
            fields = _split(text)
        except (UnicodeDecodeError, csv.Error):
            yield raw.decode("utf-8", "backslashreplace").rstrip("\r\n"), True
            continue
        if len(fields) != width:
            yield text, True
        else:
            yield "{" + ",".join(map(str.__add__, names, map(_encode, fields))) + "}", False


def _split(text: str) -> list[str]:
    """Return the fields of one row. Raises csv.Error where its quotation marks don't match."""
    if '"' not in text:
        return text.split(",")
    rows = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    if len(rows) != 1:
        raise csv.Error("not one row")
    return rows[0]


def json_records(lines: Iterator[bytes], fields: dict[str, None]) -> Iterator[tuple[str, bool]]:
    """Yield (the line's JSON object verbatim, False), or (its text, True) where there is none.

    White space around a line is not part of it. A blank line is nothing. The objects' field
    names are added to ``fields``.
    """
    for line in lines:
        bare = line.strip()
        if not bare:
            continue
        try:
            text = bare.decode("utf-8-sig")
            record = _parse(text)
        except (ValueError, RecursionError):
            record = None
        if isinstance(record, dict):
            fields.update(dict.fromkeys(record))
            yield on_one_line(text), False
        else:
            yield bare.decode("utf-8", "backslashreplace"), True


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")


_parse = json.JSONDecoder(parse_constant=_no_constant).decode


def lines_of_range(stream: IO[bytes], start: int, end: int) -> Iterator[bytes]:
    """Yield the lines that begin in [start, end); neighbouring ranges share none and lose none."""
    if start:
        stream.seek(start - 1)
        position = start - 1 + len(stream.readline())
    else:
        position = 0
    while position < end and (line := stream.readline()):
        position += len(line)
        yield line


def byte_ranges(start: int, size: int, length: int) -> list[tuple[int, int]]:
    """Return [start, size) cut into ranges of ``length`` bytes."""
    return [(low, min(low + length, size)) for low in range(start, size, length)]
