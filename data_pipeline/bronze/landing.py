"""The landing bucket: what a dropped file is, and fetching it where its publisher serves it."""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
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
                with open_member(raw, landed.name, member) as stream:
                    file = _recognise(source, stream, member.rpartition("/")[2], landed.name)
                if file:
                    units.append(_file_unit(file, landed, len(units), member=member))
            found = f"{landed.name} with {', '.join(names[:10]) or 'nothing in it'}"
        else:
            found = landed.name
            file = _recognise(source, raw, landed.name)
            if file:
                ranges: list[tuple[int, int] | None] = [None]
                if file.dataset.splittable:
                    ranges = [*byte_ranges(file.begin, landed.size, RANGE_BYTES)] or [None]
                units = [_file_unit(file, landed, i, range=span) for i, span in enumerate(ranges)]
    if not units:
        raise InputError(
            f"{source.name} does not know what to do with {found}; expected a zip with, or one of, "
            f"{', '.join(source.files)}"
        )
    return Plan(units=units[: run.limit])


@dataclass(frozen=True)
class _File:
    """What a file is: its dataset, its columns (None: it has no header), where its rows begin."""

    dataset: FileDataset
    header: list[str] | None = None
    begin: int = 0


def _recognise(source: FileSource, stream: IO[bytes], name: str, archive: str = "") -> _File | None:
    """Return what the file called ``name`` is, or None if it is not wanted.

    Raises InputError where a file known by its name lacks columns.
    """
    if source.by_header:
        return _recognise_header(source, stream, name)
    wanted = source.files.get(name.lower())
    if wanted is None:
        return None
    if wanted.json_lines:
        return _File(wanted)
    name = f"{name} in {archive}" if archive else name
    header, length = csv_header(stream, name)
    missing = sorted(wanted.required - set(header))
    if missing:
        raise InputError(
            f"{name} has no column {', '.join(missing)}; expected at least "
            f"{', '.join(sorted(wanted.required))}, got {', '.join(header) or 'an empty file'}"
        )
    return _File(wanted, header, length)


def _recognise_header(source: FileSource, stream: IO[bytes], name: str) -> _File | None:
    try:
        header, length = csv_header(stream, name)
    except InputError:
        return None  # no text: not one of them
    found = [its for its in source.files.values() if its.required <= set(header)]
    # Of several the one that asks for most: a list of synopses has some columns of the anime.
    return _File(max(found, key=lambda its: len(its.required)), header, length) if found else None


def _file_unit(file: _File, landed: LandedFile, index: int, **where: Any) -> Unit:
    return Unit(
        f"{file.dataset.dataset}-{index + 1:06d}",
        file.dataset.dataset,
        {
            "bucket": landed.bucket,
            "key": landed.key,
            "etag": landed.etag,
            "fetched_at": iso(landed.modified),
            "header": file.header,
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
