"""The declared columns of a table, shared by silver and gold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


@dataclass(frozen=True)
class Column:
    """A column of a published table: its name, Spark SQL type and the comment analysts read."""

    name: str
    type: str
    comment: str


def conform(frame: DataFrame, columns: Sequence[Column]) -> DataFrame:
    """Return exactly ``columns`` of ``frame``, in order, cast, with their comments.

    The comment travels as field metadata, which Delta stores in the table's schema.
    """
    from pyspark.sql import functions as F

    return frame.select(
        [
            F.col(column.name)
            .cast(column.type)
            .alias(column.name, metadata={"comment": column.comment})
            for column in columns
        ]
    )
