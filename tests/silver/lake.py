"""A bronze and a silver layer in a folder, written by hand as the contracts say."""

from __future__ import annotations

import gzip
import json
import os
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from pyspark.sql import SparkSession

from data_pipeline.silver import job

NOW = datetime.now(UTC)
TODAY = NOW.date()


def run_id(number: int, day: date = TODAY) -> str:
    return f"{day:%Y%m%d}-{number:08x}"


def moment(hours_ago: float) -> str:
    """A time before now, as bronze writes it."""
    return f"{NOW - timedelta(hours=hours_ago):%Y-%m-%dT%H:%M:%S.%fZ}"


class Lake:
    def __init__(self, spark: SparkSession, root: Path) -> None:
        self.spark = spark
        self.root = root
        self.bronze = root / "bronze layer"  # a blank, which Spark's paths have to survive
        self.silver = root / "silver"

    def put(
        self,
        source: str,
        dataset: str,
        run: str,
        records: Iterable[Mapping[str, Any] | str],
        *,
        fetched_at: str | None = None,
        unit: str = "00000",
    ) -> Path:
        """Write one bronze object, as if when it was fetched; a text is a malformed record."""
        fetched_at = fetched_at or moment(1)
        lines = []
        for position, record in enumerate(records):
            line = {
                "_run_id": run,
                "_unit": unit,
                "_position": position,
                "_fetched_at": fetched_at,
                "malformed" if isinstance(record, str) else "record": record,
            }
            lines.append(json.dumps(line, ensure_ascii=False))
        path = self.put_lines(source, dataset, run, lines, unit=unit)
        landed = datetime.fromisoformat(fetched_at).timestamp() + 1
        os.utime(path, (landed, landed))
        return path

    def put_lines(
        self, source: str, dataset: str, run: str, lines: Iterable[str], *, unit: str = "00000"
    ) -> Path:
        day = f"{run[:4]}-{run[4:6]}-{run[6:8]}"
        folder = self.bronze / source / dataset / f"ingest_date={day}" / f"run_id={run}"
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{unit}.json.gz"
        with gzip.open(path, "wt", encoding="utf-8") as file:
            file.writelines(f"{line}\n" for line in lines)
        return path

    def complete(
        self,
        source: str,
        run: str,
        *,
        units: int = 1,
        fetched_from: str | None = None,
        fields: Mapping[str, list[str]] | None = None,
    ) -> Path:
        """Write the plan and the pending entry of a run."""
        entry = {
            "source": source,
            "run_id": run,
            "units": units,
            "missing": [],
            "fetched_from": fetched_from or moment(1),
        }
        if fields is not None:
            entry["fields"] = fields
        plan = self.bronze / "_runs" / source / run / "plan.json"
        plan.parent.mkdir(parents=True, exist_ok=True)
        plan.write_text(json.dumps(entry))
        path = self.bronze / "_pending" / source / f"{run}.{units}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(entry))
        return path

    def ratings(
        self, run: str, rows: Iterable[tuple[Any, ...]], *, hours_ago: float = 1, unit: str = "0"
    ) -> None:
        """Write and complete a run of ratings: (user, film, stars[, seconds])."""
        names = ("userId", "movieId", "rating", "timestamp")
        records = [dict(zip(names, map(str, row), strict=False)) for row in rows]
        when = moment(hours_ago)
        self.put("movielens", "ratings", run, records, fetched_at=when, unit=unit)
        self.complete("movielens", run, fetched_from=when)

    def load(self, **arguments: Any) -> dict[str, job.TableResult]:
        arguments.setdefault("sources", ["movielens"])
        results = job.load(
            self.spark, f"file://{self.bronze}", f"file://{self.silver}", **arguments
        )
        return {result.table: result for result in results}

    def pending(self) -> list[str]:
        return sorted(path.name for path in self.bronze.glob("_pending/*/*.json"))

    def table(self, name: str) -> Any:
        return self.spark.read.format("delta").load(f"{self.silver}/{name}")

    def rows(self, name: str, *columns: str) -> list[tuple[Any, ...]]:
        return sorted(map(tuple, self.table(name).select(*columns or "*").collect()), key=repr)

    def version(self, name: str) -> int:
        log = self.silver / name / "_delta_log"
        return max(int(path.stem) for path in log.glob("*.json"))

    def audit(self, table: str) -> dict[str, dict[str, Any]]:
        found = self.table("load_audit").where(f"table = '{table}'").collect()
        assert len({row.run_id for row in found}) == len(found)
        return {row.run_id: row.asDict() for row in found}

    def tables(self) -> list[str]:
        return sorted(log.parent.name for log in self.silver.glob("*/_delta_log"))

    def state(self) -> dict[str, list[tuple[Any, ...]]]:
        """Everything that must not depend on how often or in which order runs were loaded."""
        technical = {"_updated_at", "_fetched_at", "_run_id", "quarantined_at"}
        state = {}
        for name in self.tables():
            if name != "load_audit":
                columns = (c for c in self.table(name).columns if c not in technical)
                state[name] = self.rows(name, *columns)
        return state
