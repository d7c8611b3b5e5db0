"""The local tables in the Glue catalogue of a real emulator."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pyarrow as pa
import pytest
from botocore.config import Config
from botocore.exceptions import ConnectionError as NotThere

from data_pipeline.local.catalogue import register
from data_pipeline.local.query import LocalLake
from tests.local.delta_lake import small_lake, write


@pytest.fixture(scope="module")
def glue(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    folder = tmp_path_factory.mktemp("ministack")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, "-m", "ministack"],
        cwd=folder,
        env={
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "GATEWAY_PORT": str(port),
            "BIND_HOST": "127.0.0.1",
            "MINISTACK_HOST": "127.0.0.1",
            "IOT_MTLS_ENABLED": "0",
            "SFTP_ENABLED": "0",
            "STATE_DIR": str(folder / "state"),
            "S3_DATA_DIR": str(folder / "s3"),
            "LAMBDA_EXECUTOR": "local",
        },
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    client = boto3.client(
        "glue",
        endpoint_url=f"http://127.0.0.1:{port}",
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=Config(retries={"max_attempts": 0}, proxies={}),
    )
    try:
        _wait_for(client)
        yield client
    finally:
        process.terminate()
        process.wait(20)


def _wait_for(client: Any) -> None:
    deadline = time.monotonic() + 30
    while True:
        try:
            client.get_databases()
        except NotThere:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)
        else:
            return


@pytest.fixture
def lake(tmp_path: Path) -> LocalLake:
    return small_lake(tmp_path)


def test_tables_are_registered_as_the_delta_crawler_does(glue: Any, lake: LocalLake) -> None:
    everything = ["silver.movielens_movies", "gold.movies_analytics", "gold.ratings_by_month"]
    assert register(glue, lake) == everything
    assert [it["Name"] for it in glue.get_databases()["DatabaseList"]] == ["silver", "gold"]

    table = glue.get_table(DatabaseName="silver", Name="movielens_movies")["Table"]
    assert table["TableType"] == "EXTERNAL_TABLE"
    assert table["PartitionKeys"] == []
    assert table["Parameters"]["spark.sql.sources.provider"] == "delta"
    assert table["Parameters"]["classification"] == "delta"
    storage = table["StorageDescriptor"]
    assert storage["Location"] == (
        "s3://media-lakehouse-local-silver-000000000000/movielens_movies/"
    )
    assert storage["Columns"] == [
        {"Name": "movie_id", "Type": "bigint", "Comment": "The movie_id"},
        {"Name": "genres", "Type": "array<string>", "Comment": "The genres"},
        {"Name": "_fetched_at", "Type": "timestamp", "Comment": "The _fetched_at"},
        {"Name": "unreadable", "Type": "map<string,bigint>", "Comment": "The unreadable"},
    ]

    # The second time nothing is written; after a change of columns that table is.
    before = _versions(glue)
    assert register(glue, LocalLake(lake.home)) == []
    assert _versions(glue) == before
    write(lake.home, "gold", "ratings_by_month", {"month": (pa.string(), ["2020"])})
    write(lake.home, "gold", "fresh", {"n": (pa.int32(), [1])})
    assert register(glue, LocalLake(lake.home)) == ["gold.fresh", "gold.ratings_by_month"]
    changed = glue.get_table(DatabaseName="gold", Name="ratings_by_month")["Table"]
    assert changed["StorageDescriptor"]["Columns"] == [
        {"Name": "month", "Type": "string", "Comment": "The month"}
    ]


def _versions(glue: Any) -> dict[str, Any]:
    return {
        table["Name"]: (table.get("VersionId"), table["UpdateTime"])
        for database in ("silver", "gold")
        for table in glue.get_tables(DatabaseName=database)["TableList"]
    }
