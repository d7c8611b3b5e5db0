"""Counts per dataset and run, taken while Spark does the work instead of in a pass of their own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from pyspark import StorageLevel
from pyspark.sql import Observation
from pyspark.sql import functions as F

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame, SparkSession

# A dataset and a run.
Group = tuple[str, str]
# An observation evaluates each condition once per row and group; beyond this many (a full
# refresh, a new table over a long history) it is cheaper to keep the rows and group them.
MOST_OBSERVED_GROUPS = 8

_EXCLUDED_RULES = "spark.sql.adaptive.optimizer.excludedRules"
_EMPTY_PROPAGATION = "org.apache.spark.sql.execution.adaptive.AQEPropagateEmptyRelation"


@contextmanager
def complete_counts(spark: SparkSession) -> Iterator[None]:
    """Keep Spark from dropping the operators that count, once it sees that no row is left.

    Without this the counts of an input that is empty, or quarantined whole, would be missing.
    """
    before = spark.conf.get(_EXCLUDED_RULES, None)
    spark.conf.set(_EXCLUDED_RULES, ",".join(filter(None, [before, _EMPTY_PROPAGATION])))
    try:
        yield
    finally:
        if before is None:
            spark.conf.unset(_EXCLUDED_RULES)
        else:
            spark.conf.set(_EXCLUDED_RULES, before)


class Tally:
    """How many rows of each group meet which condition; see :meth:`watch` and :meth:`counts`."""

    def __init__(self, groups: Sequence[Group]) -> None:
        self.groups = tuple(groups)
        self._counts: dict[Group, Counter[str]] = {group: Counter() for group in self.groups}
        self._files: set[str] = set()
        self._pending: list[tuple[Observation, tuple[str, ...]]] = []
        self._kept: list[DataFrame] = []

    def watch(
        self,
        frame: DataFrame,
        conditions: Mapping[str, Column],
        files_where: Column | None = None,
    ) -> DataFrame:
        """Return ``frame``, which from now on counts the rows that meet each condition.

        Counting happens when the result is written or otherwise run through, once. With
        ``files_where`` the ``_path`` of the rows that meet it is gathered too.
        """
        files = F.array()
        if files_where is not None:
            files = F.collect_set(F.when(files_where, F.col("_path")))
        if len(self.groups) > MOST_OBSERVED_GROUPS:
            return self._count_kept(frame, conditions, files)
        observation = Observation()
        counts = [
            F.count_if(condition & in_group).alias(f"{dataset} {run} {name}")
            for (dataset, run), in_group in self._in_groups().items()
            for name, condition in conditions.items()
        ]
        self._pending.append((observation, tuple(conditions)))
        return frame.observe(observation, files.alias("files"), *counts)

    def _in_groups(self) -> dict[Group, Column]:
        if len(self.groups) == 1:
            return {self.groups[0]: F.lit(True)}
        return {
            group: (F.col("_dataset") == group[0]) & (F.col("_run_id") == group[1])
            for group in self.groups
        }

    def _count_kept(
        self, frame: DataFrame, conditions: Mapping[str, Column], files: Column
    ) -> DataFrame:
        kept = frame.persist(StorageLevel.DISK_ONLY)
        self._kept.append(kept)
        counts = [F.count_if(condition).alias(name) for name, condition in conditions.items()]
        grouped = kept.groupBy("_dataset", "_run_id")
        for row in grouped.agg(files.alias("files"), *counts).collect():
            found: dict[str, Any] = row.asDict()
            self._files.update(found.pop("files"))
            group = found.pop("_dataset"), found.pop("_run_id")
            self._counts.setdefault(group, Counter()).update(found)
        return kept

    def counts(self) -> dict[Group, Counter[str]]:
        """Return, by group, how many rows met each condition; to be called after the frames ran."""
        for observation, names in self._pending:
            observed = observation.get
            self._files.update(observed["files"])
            for group in self.groups:
                self._counts[group].update(
                    {name: observed[" ".join((*group, name))] for name in names}
                )
        self._pending.clear()
        return {group: self._counts[group] for group in self.groups}

    def files(self) -> list[str]:
        """Return the sorted paths gathered by ``files_where``; call it after :meth:`counts`."""
        return sorted(self._files)

    def close(self) -> None:
        """Free what was kept for counting."""
        for frame in self._kept:
            frame.unpersist()
