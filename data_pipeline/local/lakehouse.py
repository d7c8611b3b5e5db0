"""The whole pipeline on a laptop: the deployed stack, Spark on its buckets, the catalogue."""

from __future__ import annotations

import hashlib
import os
import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

import data_pipeline
from data_pipeline.configure import parameter_name
from data_pipeline.errors import SettingsError
from data_pipeline.local.emulator import Emulator
from data_pipeline.local.extraction import Outcome, Progress, Wanted, extract
from data_pipeline.local.home import Home, json_objects
from data_pipeline.local.package import build
from data_pipeline.local.publishers import Choice, Publisher, publishers
from data_pipeline.local.stack import Stack
from data_pipeline.settings import Settings

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from data_pipeline.gold.build import TableResult as GoldResult
    from data_pipeline.silver.job import TableResult as SilverResult

# called with (layer, tables done, tables in all)
TableProgress = Callable[[str, int, int], None]
BUILD = Path("build")


@dataclass
class Transformed:
    """What became of the tables; empty where nothing was pending."""

    silver: list[SilverResult] = field(default_factory=list)
    gold: list[GoldResult] = field(default_factory=list)


class Lakehouse:
    """A home, its running emulator with the stack deployed, and what can be done with them."""

    def __init__(self, settings: Settings, home: Home, stack: Stack) -> None:
        self.settings = settings
        self.home = home
        self.stack = stack
        self._interrupted = False

    def extract(
        self, sources: Sequence[str], choice: Choice, wanted: Wanted, progress: Progress
    ) -> list[Outcome]:
        """Extract from the publishers that ``choice`` names into bronze."""
        # Where no publisher's pace is to be kept, more workers than cores get in the way.
        paced = choice.real_limits or choice.live
        with self.publishers(sources, choice) as chosen:
            self.stack.open_queues(None if paced else os.cpu_count() or 2)
            try:
                return extract(self.stack, chosen, wanted, progress)
            finally:
                self.stack.close_queues()

    @contextmanager
    def publishers(self, sources: Sequence[str], choice: Choice) -> Iterator[dict[str, Publisher]]:
        """Let the deployed functions reach the publishers that ``choice`` names, for a while."""
        with publishers(self.settings, self.home, sources, choice) as chosen:
            deploy(self.settings, self.stack, chosen)
            secrets = {source: its.secret for source, its in chosen.items() if its.secret}
            for source, secret in secrets.items():
                self.stack.put_secret(source, secret)
            try:
                yield chosen
            finally:
                for source in secrets:
                    self.stack.forget_secret(source)

    def is_current(self) -> bool:
        """Whether silver has nothing to take and gold was built from it, by this code."""
        if any(json_objects(self.home.bucket_path("bronze") / "_pending", "*/*.json")):
            return False
        note = self.home.gold_is_current
        return note.exists() and note.read_text() == _code()

    def transform(self, progress: TableProgress) -> Transformed:
        """Load silver and build gold in one Spark session; register their tables."""
        done = Transformed()
        with self.spark() as spark:
            done.silver = self.load_silver(spark, progress)
            done.gold = self.build_gold(spark, progress)
        self.register_tables()
        return done

    def load_silver(
        self, spark: SparkSession, progress: TableProgress, **options: Any
    ) -> list[SilverResult]:
        from data_pipeline.silver import job

        # Until gold has been built from what comes now, it is not current.
        self.home.gold_is_current.unlink(missing_ok=True)
        total = len(job.chosen_tables(options.get("sources", ()), options.get("tables", ())))
        done: list[SilverResult] = []

        def on_result(result: SilverResult) -> None:
            self._next_table()
            done.append(result)
            progress("silver", len(done), total)

        return job.load(
            spark, self.home.uri("bronze"), self.home.uri("silver"), on_result=on_result, **options
        )

    def build_gold(
        self, spark: SparkSession, progress: TableProgress, tables: Sequence[str] | None = None
    ) -> list[GoldResult]:
        from data_pipeline.gold import job, registry

        total = len(registry.select(tables))
        done: list[GoldResult] = []

        def on_result(result: GoldResult) -> None:
            self._next_table()
            done.append(result)
            progress("gold", len(done), total)

        results = job.build(
            spark, self.home.uri("silver"), self.home.uri("gold"), tables, on_result
        )
        if not tables and all(result.status != "failed" for result in results):
            self.home.gold_is_current.write_text(_code())
        return results

    def maintain(self, spark: SparkSession, progress: TableProgress) -> Transformed:
        """Compact and vacuum all tables that exist. Their data stay, so gold stays current."""
        from data_pipeline.gold import job as gold
        from data_pipeline.silver import job as silver

        def counted(layer: str) -> Callable[[Any], None]:
            done = count(1)

            def on_result(_: Any) -> None:
                self._next_table()
                progress(layer, next(done), 0)

            return on_result

        return Transformed(
            silver.maintain(spark, self.home.uri("silver"), on_result=counted("silver")),
            [
                result
                for result in gold.maintain(spark, self.home.uri("gold"), on_result=counted("gold"))
                if result.status != "left out"
            ],
        )

    @contextmanager
    def spark(self) -> Iterator[SparkSession]:
        from data_pipeline.local.spark import local_session

        session = local_session(self.home.root, self.stack.emulator.endpoint)
        # PySpark's own handler talks to Java in the middle of another call.
        signal.signal(signal.SIGINT, self._interrupt)
        try:
            yield session
        finally:
            session.stop()

    def _interrupt(self, *_: object) -> None:
        """Stop at Ctrl-C, for good.

        The call to Java that it breaks may fail with an error of its own, which looks like one
        broken table: so the next table asks again.
        """
        self._interrupted = True
        raise KeyboardInterrupt

    def _next_table(self) -> None:
        if self._interrupted:
            raise KeyboardInterrupt

    def register_tables(self) -> None:
        """Write what the crawlers would find on AWS into the emulator's Glue catalogue."""
        from data_pipeline.local.catalogue import register
        from data_pipeline.local.query import LocalLake

        register(self.stack.emulator.client("glue"), LocalLake(self.home))


@contextmanager
def lakehouse(settings: Settings) -> Iterator[Lakehouse]:
    """Start the emulator of the home, with the stack that it kept or a new one.

    Raises LocalError where another command uses the home, or the port is taken.
    """
    home = Home.of(settings.project.name)
    with home.lock():
        emulator = Emulator(home, settings.project.region)
        if not emulator.has_state:
            _first_deploy(settings, emulator)
        with emulator:
            yield Lakehouse(settings, home, Stack(emulator))


def _first_deploy(settings: Settings, emulator: Emulator) -> None:
    """Deploy, and stop cleanly, before there is any data.

    The emulator writes its state at a clean stop only; after this, even one that is killed
    finds the stack that owns its buckets.
    """
    with emulator:
        live = {source: Publisher(settings.source_json(source)) for source in _enabled(settings)}
        stack = Stack(emulator)
        deploy(settings, stack, live)
        stack.close_queues()


def deploy(settings: Settings, stack: Stack, chosen: Mapping[str, Publisher]) -> None:
    """Deploy template.yaml with the settings that ``chosen`` have for their sources."""
    parameters = {source: settings.source_json(source) for source in _enabled(settings)}
    parameters |= {source: publisher.settings_json for source, publisher in chosen.items()}
    stack.deploy(
        build(BUILD), {parameter_name(source): text for source, text in parameters.items()}
    )


def chosen_sources(settings: Settings, names: Sequence[str]) -> list[str]:
    """Return ``names``, or all enabled sources. Raises SettingsError for one that can't be run."""
    enabled = _enabled(settings)
    for name in names:
        if name not in settings.sources:
            raise SettingsError(f"unknown source {name!r}; expected {', '.join(settings.sources)}")
        if name not in enabled:
            raise SettingsError(f"{name} is switched off: configs.ini, [{name}] enabled")
    return list(dict.fromkeys(names)) or enabled


def _enabled(settings: Settings) -> list[str]:
    return [name for name, its in settings.sources.items() if its.enabled]


def _code() -> str:
    """Return a fingerprint of the code that makes the tables."""
    root = Path(data_pipeline.__file__).parent
    digest = hashlib.sha256()
    for layer in ("silver", "gold"):
        for path in sorted((root / layer).rglob("*.py")):
            digest.update(path.read_bytes())
    return digest.hexdigest()
