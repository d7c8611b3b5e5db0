"""Zips whose bytes depend on nothing but their content, as a publisher's ETag must."""

from __future__ import annotations

import io
import shutil
import stat
import zipfile
from collections.abc import Mapping
from pathlib import Path

from data_pipeline.errors import InputError

_EPOCH = (1980, 1, 1, 0, 0, 0)


def zip_bytes(members: Mapping[str, bytes]) -> bytes:
    """Return a compressed zip of ``members`` in their order; a name ending in / is a folder."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for name, content in members.items():
            archive.writestr(_info(name, zipfile.ZIP_DEFLATED), content)
    return target.getvalue()


def pack_folder(source: Path, target: Path) -> None:
    """Write the files under ``source`` as a zip to ``target``, by their paths within it.

    The same files give the same bytes everywhere, so nothing is compressed. Hidden files are
    left out. A ``source`` that is a zip already is copied as it is. Files are streamed.
    Raises InputError where ``source`` is neither a folder with files nor a zip.
    """
    if source.is_file():
        if not zipfile.is_zipfile(source):
            raise InputError(f"{source} is no zip: give a folder of files, or a zip of them")
        shutil.copyfile(source, target)
        return
    files = sorted(
        (path.relative_to(source).as_posix(), path)
        for path in source.rglob("*")
        if path.is_file() and not _hidden(path.relative_to(source))
    )
    if not files:
        found = "it is empty" if source.is_dir() else "there is no such folder"
        raise InputError(f"nothing to pack in {source}: {found}")
    with zipfile.ZipFile(target, "w") as archive:
        for name, path in files:
            info = _info(name, zipfile.ZIP_STORED)
            info.file_size = path.stat().st_size  # decides on zip64 before the first byte
            with path.open("rb") as content, archive.open(info, "w") as member:
                shutil.copyfileobj(content, member, 1024 * 1024)


def _hidden(path: Path) -> bool:
    return any(part.startswith(".") or part == "__MACOSX" for part in path.parts)


def _info(name: str, compression: int) -> zipfile.ZipInfo:
    """Return a member without the clock, the system or the user that made it."""
    info = zipfile.ZipInfo(name, _EPOCH)
    info.compress_type = compression
    info.create_system = 3
    kind = stat.S_IFDIR | 0o755 if name.endswith("/") else stat.S_IFREG | 0o644
    info.external_attr = kind << 16
    return info
