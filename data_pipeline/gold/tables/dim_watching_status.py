"""What the status of an anime in a user's list means."""

from __future__ import annotations

from pyspark.sql import DataFrame

from data_pipeline.columns import Column
from data_pipeline.gold.table import GoldTable, Inputs

TABLE = GoldTable(
    name="dim_watching_status",
    key=("status_id",),
    needs=(("kaggle_watching_status",),),
    columns=(
        Column("status_id", "int", "Number of the status, as in fact_anime_list"),
        Column("description", "string", "What it says, such as Currently Watching"),
    ),
)


def build(inputs: Inputs) -> DataFrame:
    """Return a row per status."""
    return inputs.step("watching statuses", inputs["kaggle_watching_status"])
