"""The queries of sql/ on Trino, the engine inside Athena: they run, and answer as locally."""

from __future__ import annotations

import math
import shutil
import subprocess
from collections.abc import Callable, Iterator
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
import requests

from data_pipeline.local.emulator import Emulator
from data_pipeline.local.home import Home
from data_pipeline.local.query import LocalLake, query
from tests.bronze.conftest import free_port
from tests.end_to_end.conftest import ROOT, Lake

TOOL = ROOT.parent / "shared" / "tools" / "trino"
# Unpacked once: over a gigabyte, which `make clean` removes.
INSTALLED = ROOT / "build" / "trino"
NAMES = sorted(path.stem for path in (ROOT / "sql").glob("*.sql"))

Row = tuple[Any, ...]


class Trino:
    """Trino by its own protocol: one answer leads to the next, and each may hold some rows."""

    def __init__(self, port: int) -> None:
        self.address = f"http://127.0.0.1:{port}/v1/statement"
        self.session = requests.Session()
        self.session.headers.update({"X-Trino-User": "test", "X-Trino-Catalog": "lake"})

    def execute(self, sql: str) -> list[Row]:
        answer = self.session.post(self.address, sql.encode(), timeout=60).json()
        rows: list[Row] = []
        while True:
            if error := answer.get("error"):
                raise AssertionError(f"Trino: {error['message']}\n{sql}")
            types = [column["type"] for column in answer.get("columns", ())]
            for row in answer.get("data", ()):
                rows.append(tuple(map(typed, types, row)))
            if "nextUri" not in answer:
                return rows
            answer = self.session.get(answer["nextUri"], timeout=60).json()


def typed(kind: str, value: Any) -> Any:
    """Return a value of Trino's JSON as Python's of that type."""
    if value is None or kind in ("boolean", "tinyint", "smallint", "integer", "bigint"):
        return value
    if kind.startswith("varchar"):
        return value
    if kind == "double":
        return float(value)  # NaN and infinity are texts
    if kind == "date":
        return date.fromisoformat(value)
    if kind.startswith("decimal("):
        return Decimal(value)
    if kind.startswith("array("):
        return [typed(kind.removeprefix("array(").removesuffix(")"), item) for item in value]
    raise AssertionError(f"Trino answers a {kind}, which is not read here: say how")


def same(ours: Any, theirs: Any) -> bool:
    """Whether two values are one; sums of doubles depend on the order in which they were added."""
    if isinstance(ours, float) and isinstance(theirs, float):
        both_nan = math.isnan(ours) and math.isnan(theirs)
        return both_nan or math.isclose(ours, theirs, rel_tol=1e-12)
    if isinstance(ours, list) and isinstance(theirs, list):
        return len(ours) == len(theirs) and all(map(same, ours, theirs))
    return type(ours) is type(theirs) and ours == theirs


def tool(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(TOOL), *arguments, "--home", str(INSTALLED)],
        capture_output=True,
        text=True,
        timeout=400,
        check=False,
    )


@pytest.fixture(scope="module")
def installed() -> None:
    """Skip before the lake is made, where Trino cannot be had."""
    if not TOOL.exists():
        pytest.skip("only for ../shared, whose tools/trino starts Trino")
    if not shutil.which("mvn"):
        pytest.skip("only for ../shared, where Maven is there to fetch Trino")
    # One that a killed run of the tests left is stopped here.
    if "no JDK" in (stopped := tool("stop")).stderr:
        pytest.skip(f"only for ../shared, where a JDK that runs Trino is: {stopped.stderr.strip()}")


@pytest.fixture(scope="module")
def lake(installed: None, new_lake: Callable[[], Lake]) -> LocalLake:
    lake = new_lake()
    # The sandboxes are made for a day: a fixed one gives the same tables whenever this runs.
    lake.run("run", "--as-of", "2026-11-21")
    return LocalLake(Home(lake.home, "media-lakehouse"))


@pytest.fixture(scope="module")
def trino(lake: LocalLake) -> Iterator[Trino]:
    """Trino over the lake's buckets, with every table registered."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LAKEHOUSE_PORT", str(free_port()))
        emulator = Emulator(lake.home, "us-east-1")
    with emulator:
        try:
            port = free_port()
            started = tool("start", "--port", str(port), "--s3", emulator.endpoint)
            assert started.returncode == 0, started.stdout + started.stderr
            trino = Trino(port)
            register(lake, trino)
            yield trino
        finally:
            tool("stop")


def register(lake: LocalLake, trino: Trino) -> None:
    for database, names in lake.names.items():
        trino.execute(f"CREATE SCHEMA lake.{database}")
        for name in names:
            address = f"{lake.home.uri(database)}/{name}"
            trino.execute(f"CALL lake.system.register_table('{database}', '{name}', '{address}')")


@pytest.mark.parametrize("name", NAMES)
def test_a_named_query_answers_on_trino_as_locally(
    name: str, lake: LocalLake, trino: Trino
) -> None:
    sql = (ROOT / "sql" / f"{name}.sql").read_text(encoding="utf-8")
    ours, theirs = list(query(sql, lake).rows), trino.execute(sql)
    assert ours
    # In their order, too: each query orders its rows so that no two of them are equal in it.
    for number, (row, other) in enumerate(zip(ours, theirs, strict=False), 1):
        assert all(map(same, row, other)), f"row {number}: {row} locally, {other} on Trino"
    assert len(ours) == len(theirs)
