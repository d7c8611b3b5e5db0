"""What kind of thing an item of a Spotify playlist is."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from data_pipeline.silver.parse import Reader, Reading, readable

if TYPE_CHECKING:
    from pyspark.sql import Column


def kind() -> Reader:
    """Read what an item is: track, episode, or local file; NULL where there is none (any more)."""

    def read(raw: Callable[[str], Column]) -> Reading:
        is_local = F.coalesce(raw("is_local"), raw("/is_local")) == "true"
        return readable(F.when(is_local, "local file").otherwise(raw("type")))

    return Reader(("is_local", "/is_local", "type"), read)
