from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from tests.silver.lake import Lake


@pytest.fixture
def lake(spark: SparkSession, tmp_path: Path) -> Lake:
    return Lake(spark, tmp_path)
