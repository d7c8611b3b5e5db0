"""What a deployment uploads: the Lambdas' code, their layer, and the Glue jobs' package.

The same inputs give the same bytes, so a hash of a zip says whether anything changed.
"""

import argparse
import hashlib
import io
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import data_pipeline
from data_pipeline.errors import LocalError

PACKAGE = Path(data_pipeline.__file__).parent
LAYER_LOCK = PACKAGE.parent / "requirements-layer.lock"
LAYER_SERVICES = ("glue", "s3", "secretsmanager", "sqs", "sts")
"""The AWS services that the layer's boto3 knows: the descriptions of all are 27 of its 38 MB."""

_LAMBDA_PYTHON = "3.13"
_LAMBDA_MODULES = (
    "__init__.py",
    "errors.py",
    "settings.py",
    "bronze/**/*.py",
    "orchestration/**/*.py",
)
_GLUE_MODULES = (
    "__init__.py",
    "at_once.py",
    "errors.py",
    "columns.py",
    "job_report.py",
    "maintenance.py",
    "storage.py",
    "silver/**/*.py",
    "gold/**/*.py",
)
# Read by nothing, and some of it depends on the machine that installed.
_NOT_IN_LAYER = ("bin/", ".dist-info/RECORD", ".dist-info/INSTALLER", ".dist-info/REQUESTED")


@dataclass(frozen=True)
class Artifacts:
    """The zips that template.yaml names."""

    code: Path
    layer: Path


def build(out: Path) -> Artifacts:
    """Write the Lambdas' zips into ``out``; the layer only if what it is made from changed.

    Raises:
        LocalError: the layer's packages could not be downloaded.
    """
    return Artifacts(code=_zip_modules(out / "lambda.zip", _LAMBDA_MODULES), layer=_layer(out))


def build_glue(out: Path) -> Path:
    """Write the zip for the Glue jobs' ``--extra-py-files`` into ``out`` and return its path."""
    return _zip_modules(out / "data_pipeline.zip", _GLUE_MODULES)


def _zip_modules(path: Path, patterns: Iterable[str]) -> Path:
    modules = {file for pattern in patterns for file in PACKAGE.glob(pattern)}
    entries = ((file.relative_to(PACKAGE.parent).as_posix(), file) for file in modules)
    return _write_zip(path, entries)


def _layer(out: Path) -> Path:
    path = out / "layer.zip"
    inputs = LAYER_LOCK.read_bytes() + Path(__file__).read_bytes()
    made_from = hashlib.sha256(inputs).hexdigest().encode()
    if not _has_comment(path, made_from):
        with tempfile.TemporaryDirectory() as folder:
            _install_layer(Path(folder))
            _write_zip(path, _layer_entries(Path(folder)), comment=made_from)
    return path


def _install_layer(folder: Path) -> None:
    answer = subprocess.run(
        [
            *(sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"),
            *("--require-hashes", "--no-deps", "--requirement", str(LAYER_LOCK)),
            # Wheels without compiled parts: the same for the arm64 of Lambda and for this machine.
            *("--platform=any", "--implementation=py", "--abi=none", "--only-binary=:all:"),
            *("--python-version", _LAMBDA_PYTHON, "--no-compile", "--target", str(folder)),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    if answer.returncode != 0:
        raise LocalError(
            f"pip could not install {LAYER_LOCK.name} for the Lambda layer; it needs the package "
            f"index, and wheels without compiled parts. It said:\n{answer.stderr.strip()}"
        )


def _layer_entries(folder: Path) -> Iterator[tuple[str, Path]]:
    for file in folder.rglob("*"):
        name = file.relative_to(folder).as_posix()
        if file.is_file() and not name.startswith(_NOT_IN_LAYER) and _is_kept(name):
            yield f"python/{name}", file


def _is_kept(name: str) -> bool:
    if name.endswith(_NOT_IN_LAYER):
        return False
    match name.split("/"):
        case ["botocore", "data", service, _, *_]:
            return service in LAYER_SERVICES
        case _:
            return True


def _has_comment(path: Path, comment: bytes) -> bool:
    try:
        with zipfile.ZipFile(path) as archive:
            return archive.comment == comment
    except (OSError, zipfile.BadZipFile):
        return False


def _write_zip(path: Path, entries: Iterable[tuple[str, Path]], comment: bytes = b"") -> Path:
    """Write files under their names, in order and without dates, owners or rights."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.comment = comment
        for name, file in sorted(entries):
            entry = zipfile.ZipInfo(name)  # dated 1980-01-01
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.create_system = 3  # Unix, whatever this machine is
            entry.external_attr = 0o100644 << 16
            archive.writestr(entry, file.read_bytes())
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as unfinished:
        unfinished.write(content.getvalue())
    Path(unfinished.name).chmod(0o644)
    Path(unfinished.name).replace(path)
    return path


def main() -> None:
    """Build into ``build/`` and print a line for each zip; `make build` calls it."""
    parser = argparse.ArgumentParser(prog="package", description=main.__doc__)
    parser.add_argument("--glue", action="store_true", help="also the package for the Glue jobs")
    options = parser.parse_args()
    out = Path("build")
    try:
        artifacts = build(out)
        zips = [artifacts.code, artifacts.layer, *([build_glue(out)] if options.glue else [])]
    except LocalError as error:
        sys.exit(str(error))
    for path in zips:
        body = path.read_bytes()
        print(f"{path}  {len(body) / 1024:.0f} KiB  sha256 {hashlib.sha256(body).hexdigest()}")


if __name__ == "__main__":
    main()
