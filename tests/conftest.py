"""Fixtures that every part of the project's tests may use."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


@pytest.fixture(scope="session")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkSession]:
    """The one Spark session of all tests."""
    from data_pipeline.local.spark import local_session

    session = local_session(tmp_path_factory.mktemp("spark"), app_name="tests")
    yield session
    session.stop()
