"""The zips: the same bytes for the same inputs, and nothing missing in them."""

import ast
import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pyspark
import pytest

from data_pipeline.errors import LocalError
from data_pipeline.local import package

LAMBDAS = [
    file
    for folder in ("bronze", "orchestration")
    for file in (package.PACKAGE / folder).rglob("*.py")
]

# Imports every module named by the arguments after the first two, the folders of code and layer,
# and prints the modules that have a handler and the files that came from anywhere else.
IMPORT_ALL = """
import importlib, json, sys
own = sys.argv[1:3]
library = tuple(sys.path)
sys.path[:0] = own
modules = [importlib.import_module(name) for name in sys.argv[3:]]
print(json.dumps({
    "handlers": [module.__name__ for module in modules if hasattr(module, "handler")],
    "foreign": [
        file for module in list(sys.modules.values())
        if (file := getattr(module, "__file__", None))
        and ("site-packages" in file or not file.startswith((*own, *library)))
    ],
}))
"""


@pytest.fixture(scope="module")
def artifacts(tmp_path_factory: pytest.TempPathFactory) -> package.Artifacts:
    return package.build(tmp_path_factory.mktemp("build"))


@pytest.fixture(scope="module")
def unpacked(
    artifacts: package.Artifacts, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, Path]:
    """Code and layer as Lambda unpacks them."""
    code, layer = tmp_path_factory.mktemp("task"), tmp_path_factory.mktemp("opt")
    shutil.unpack_archive(artifacts.code, code)
    shutil.unpack_archive(artifacts.layer, layer)
    return code, layer / "python"


def lambda_python() -> str:
    """Lambda's Python where this machine has it, else the one that runs the tests."""
    command = ["python3.13", "-c", "import sys; print(sys.executable)"]
    try:
        # The variable makes pyenv's shim find a version that is not the active one.
        answer = subprocess.run(
            command,
            env={**os.environ, "PYENV_VERSION": "3.13"},
            capture_output=True,
            text=True,
            check=True,
        )
    except (OSError, subprocess.CalledProcessError):
        return sys.executable
    return answer.stdout.strip()


def test_two_builds_give_the_same_bytes(
    artifacts: package.Artifacts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    previous = os.umask(0o077)
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    try:
        again = package.build(tmp_path)
    finally:
        os.umask(previous)
    assert again.code.read_bytes() == artifacts.code.read_bytes()
    assert again.layer.read_bytes() == artifacts.layer.read_bytes()
    glue = [package.build_glue(tmp_path / folder).read_bytes() for folder in "ab"]
    assert glue[0] == glue[1]


def test_the_layer_is_built_again_only_when_its_inputs_change(
    artifacts: package.Artifacts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copy(artifacts.layer, tmp_path)
    monkeypatch.setattr(package, "_install_layer", lambda folder: pytest.fail("installed again"))
    package.build(tmp_path)
    lock = tmp_path / "requirements-layer.lock"
    lock.write_bytes(package.LAYER_LOCK.read_bytes() + b"# changed\n")
    monkeypatch.setattr(package, "LAYER_LOCK", lock)
    with pytest.raises(pytest.fail.Exception, match="installed again"):
        package.build(tmp_path)


def test_a_layer_cut_short_is_built_again(
    artifacts: package.Artifacts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "layer.zip").write_bytes(artifacts.layer.read_bytes()[:-100])
    installed: list[Path] = []
    monkeypatch.setattr(package, "_install_layer", installed.append)
    package.build(tmp_path)
    assert len(installed) == 1


def test_a_package_that_cannot_be_had_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock = tmp_path / "requirements-layer.lock"
    lock.write_text("no-such-package-anywhere==1.0 --hash=sha256:" + "0" * 64 + "\n")
    monkeypatch.setattr(package, "LAYER_LOCK", lock)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    with pytest.raises(LocalError, match="no-such-package-anywhere"):
        package.build(tmp_path)
    assert not (tmp_path / "layer.zip").exists()


def test_what_the_zips_hold(artifacts: package.Artifacts) -> None:
    assert artifacts.code.stat().st_size <= 2**20
    with zipfile.ZipFile(artifacts.code) as code:
        folders = {name.rpartition("/")[0] for name in code.namelist()}
        tops = {folder.split("/")[1] for folder in folders if "/" in folder}
        assert tops == {"bronze", "orchestration"}
        assert "data_pipeline/errors.py" in code.namelist()
    with zipfile.ZipFile(artifacts.layer) as layer:
        names = layer.namelist()
    assert all(name.startswith("python/") for name in names)
    compiled = (".so", ".pyd", ".dylib", ".pyc")
    assert [name for name in names if name.endswith(compiled)] == []


def test_every_handler_imports_with_only_code_and_layer(unpacked: tuple[Path, Path]) -> None:
    files = {
        ".".join(file.relative_to(package.PACKAGE.parent).with_suffix("").parts): file
        for file in sorted(LAMBDAS)
        if not file.name.startswith("_")
    }
    answer = subprocess.run(
        [lambda_python(), "-I", "-S", "-B", "-c", IMPORT_ALL, *map(str, unpacked), *files],
        env={"AWS_REGION": "eu-west-1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.returncode == 0, answer.stderr
    found = json.loads(answer.stdout)
    handlers = {name for name, file in files.items() if "\ndef handler(" in file.read_text()}
    assert handlers
    assert handlers <= set(found["handlers"])
    assert found["foreign"] == []


def test_the_layer_knows_every_service_that_the_lambdas_call() -> None:
    called = {
        node.args[0].value
        for file in LAMBDAS
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Call)
        and ast.unparse(node.func).rpartition(".")[2] in ("client", "resource")
        and node.args
        and isinstance(node.args[0], ast.Constant)
    }
    assert called
    assert called <= set(package.LAYER_SERVICES)


def test_the_glue_jobs_import_with_only_their_package(tmp_path: Path) -> None:
    script = (
        "import sys\n"
        "sys.path[:0] = sys.argv[1:]\n"
        "import data_pipeline.silver.job, data_pipeline.gold.job\n"
        "assert data_pipeline.__file__.startswith(sys.argv[1])\n"
        "assert not {'boto3', 'aws_lambda_powertools'} & set(sys.modules)\n"
    )
    zipped, packages = package.build_glue(tmp_path), Path(pyspark.__file__).parent.parent
    answer = subprocess.run(
        [sys.executable, "-I", "-S", "-c", script, str(zipped), str(packages)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.returncode == 0, answer.stderr
