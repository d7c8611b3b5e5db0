"""The example of docs/adding-a-source.md, built in a copy of the project and run."""

from __future__ import annotations

import csv
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from data_pipeline.local.sandbox import Call, Response, Sandbox
from tests.bronze.conftest import free_port
from tests.end_to_end.conftest import ROOT

BOOKS = [
    {
        "id": number,
        "title": f"Book  {number}",
        "authors": [{"name": "Shelley, Mary", "birth_year": 1797}][: number % 2],
        "download_count": 10 * number,
    }
    for number in range(1, 71)
]


class Gutendex:
    """Serves BOOKS, 32 a page."""

    def handle(self, call: Call) -> Response:
        first = 32 * (int(call.query.get("page", "1")) - 1)
        return Response.json(200, {"count": len(BOOKS), "results": BOOKS[first : first + 32]})


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Return a copy of the project with the example written into it."""
    shutil.copytree(
        ROOT / "data_pipeline",
        tmp_path / "data_pipeline",
        ignore=shutil.ignore_patterns("__pycache__"),
    )
    for name in ("configs.ini", "template.yaml", "requirements-layer.lock"):
        shutil.copy(ROOT / name, tmp_path)
    (tmp_path / "build").mkdir()
    if (ROOT / "build" / "layer.zip").exists():
        shutil.copy(ROOT / "build" / "layer.zip", tmp_path / "build")
    text = (ROOT / "docs" / "adding-a-source.md").read_text(encoding="utf-8")
    modules = re.findall(r"`(data_pipeline/\S+\.py)`\n\n```python\n(.*?)```", text, re.DOTALL)
    assert len(modules) == 2
    for name, source in modules:
        assert not (tmp_path / name).exists()
        (tmp_path / name).write_text(source, encoding="utf-8")
    (section,) = re.findall(r"```ini\n(.*?)```", text, re.DOTALL)
    with (tmp_path / "configs.ini").open("a", encoding="utf-8") as file:
        file.write(f"\n{section}")
    return tmp_path


def test_the_example_runs(project: Path) -> None:
    environment = {
        **os.environ,
        "PYTHONPATH": str(project),
        "LAKEHOUSE_HOME": str(project / "home"),
        "LAKEHOUSE_PORT": str(free_port()),
    }

    def lakehouse(*arguments: str) -> str:
        command = [sys.executable, "-m", "data_pipeline.cli", *arguments]
        done = subprocess.run(
            command, cwd=project, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    lakehouse("config")
    assert "extract-gutendex" in (project / "template.yaml").read_text(encoding="utf-8")
    with Sandbox({"gutendex": Gutendex()}) as sandbox:
        config = project / "configs.ini"
        address = sandbox.url("gutendex")
        config.write_text(config.read_text("utf-8").replace("https://gutendex.com", address))
        lakehouse("run", "gutendex", "--live")
        asked = [request.query["page"] for request in sandbox.log]
    assert sorted(asked) == ["1", "1", "2", "3"]  # the planner asks for the first, too
    answer = lakehouse(
        "query",
        "SELECT book_id, title, array_join(authors, '|'), downloads "
        "FROM silver.gutendex_books ORDER BY book_id",
        "--format=csv",
    )
    assert list(csv.reader(answer.splitlines()))[1:] == [
        [str(n), f"Book {n}", "Shelley, Mary" if n % 2 else "", str(10 * n)] for n in range(1, 71)
    ]
