"""The landing bucket: what a dropped file is, and fetching it where its publisher serves it."""

from __future__ import annotations

import zipfile
from typing import IO, Any, cast
from urllib.parse import urlsplit

import requests
from botocore.exceptions import ClientError
from urllib3.exceptions import HTTPError

from data_pipeline.bronze import runtime
from data_pipeline.bronze.files import (
    LandedFile,
    byte_ranges,
    csv_header,
    find_file,
    open_landed,
    open_member,
    zip_errors,
)
from data_pipeline.bronze.http import TIMEOUT, USER_AGENT
from data_pipeline.bronze.run import UNIT_BYTES, Plan, Run, Unit, iso
from data_pipeline.bronze.source import FileDataset, FileSource
from data_pipeline.errors import ApiError, InputError

# A CSV row grows up to eightfold as a JSON line: this much of it fills one object.
RANGE_BYTES = UNIT_BYTES // 8


def plan_file(source: FileSource, landed: LandedFile, run: Run) -> Plan:
    """Return a unit for each wanted member, or for each byte range of an unpacked file.

    Raises InputError for a broken zip, a file without its columns, and for what is not the
    publisher's.
    """
    units: list[Unit] = []
    with open_landed(runtime.s3(), landed.bucket, landed.key, landed.etag) as raw:
        if landed.is_zip:
            names = []
            with zip_errors(landed.name), zipfile.ZipFile(raw) as archive:
                names = [info.filename for info in archive.infolist() if not info.is_dir()]
            for member in sorted(names):
                wanted = source.recognise(member.rpartition("/")[2])
                if wanted is None:
                    continue
                with open_member(raw, landed.name, member) as stream:
                    header, _ = _checked_header(stream, f"{member} in {landed.name}", wanted)
                units.append(_file_unit(wanted, landed, len(units), header, member=member))
            found = f"{landed.name} with {', '.join(names[:10]) or 'nothing in it'}"
        else:
            found = landed.name
            wanted = source.recognise(landed.name)
            if wanted:
                header, begin = _checked_header(raw, landed.name, wanted)
                ranges: list[tuple[int, int] | None] = [None]
                if wanted.splittable:
                    ranges = [*byte_ranges(begin, landed.size, RANGE_BYTES)] or [None]
                units = [
                    _file_unit(wanted, landed, i, header, range=span)
                    for i, span in enumerate(ranges)
                ]
    if not units:
        raise InputError(
            f"{source.name} does not know what to do with {found}; expected a zip with, or one of, "
            f"{', '.join(source.files)}"
        )
    return Plan(units=units[: run.limit])


def _checked_header(stream: IO[bytes], name: str, wanted: FileDataset) -> tuple[list[str], int]:
    header, length = csv_header(stream, name)
    missing = sorted(wanted.required - set(header))
    if missing:
        raise InputError(
            f"{name} has no column {', '.join(missing)}; expected at least "
            f"{', '.join(sorted(wanted.required))}, got {', '.join(header) or 'an empty file'}"
        )
    return header, length


def _file_unit(
    wanted: FileDataset, landed: LandedFile, index: int, header: list[str], **where: Any
) -> Unit:
    return Unit(
        f"{wanted.dataset}-{index + 1:06d}",
        wanted.dataset,
        {
            "bucket": landed.bucket,
            "key": landed.key,
            "etag": landed.etag,
            "fetched_at": iso(landed.modified),
            "header": header,
            **where,
        },
    )


def fetch_by_url(source: FileSource, limit: int | None) -> list[dict[str, Any]]:
    """Copy the publisher's file into the landing bucket if its ETag changed.

    Its arrival there is what starts a run, of at most ``limit`` units. Returns the key, the new
    ETag and the limit, or nothing.
    Only the host that the settings name is asked, also after a redirect.
    """
    url = source.settings.url
    if not url:
        return []
    bucket = runtime.landing_bucket()
    key = f"{source.name}/{urlsplit(url).path.rpartition('/')[2]}"
    wanted = {"limit": str(limit)} if limit else {}
    known = _etag_of_copy(bucket, key, wanted)
    try:
        with requests.Session() as session:
            session.trust_env = False
            response = session.get(
                url,
                headers={"User-Agent": USER_AGENT, **({"If-None-Match": known} if known else {})},
                stream=True,
                timeout=TIMEOUT,
                allow_redirects=False,
            )
            if response.status_code == 304:
                return []
            if response.status_code != 200:
                raise ApiError(
                    f"{source.name}: {url} answered {response.status_code}, expected 200"
                )
            etag = response.headers.get("ETag", "")
            response.raw.decode_content = False
            runtime.s3().upload_fileobj(
                cast("IO[bytes]", response.raw),
                bucket,
                key,
                ExtraArgs={"Metadata": {**wanted, "publisher-etag": etag}},
            )
    except (requests.RequestException, HTTPError) as error:
        raise ApiError(
            f"{source.name}: {url} cannot be reached ({type(error).__name__}). "
            "Check the network, or drop the file into the landing bucket."
        ) from None
    landed = find_file(runtime.s3(), bucket, key)
    return [{"key": key, "etag": landed.etag, "limit": limit}]


def _etag_of_copy(bucket: str, key: str, wanted: dict[str, str]) -> str | None:
    """Return the publisher's ETag of what lies there, if that was fetched with the same limit."""
    try:
        metadata = runtime.s3().head_object(Bucket=bucket, Key=key)["Metadata"]
    except ClientError:
        return None
    etag = metadata.pop("publisher-etag", None)
    return etag if metadata == wanted else None
