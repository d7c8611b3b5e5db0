"""Which tables the gold job builds, what it checks, and what it leaves alone."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from data_pipeline.columns import Column
from data_pipeline.errors import TableError
from data_pipeline.gold import job, registry
from data_pipeline.gold.build import build_tables, check
from data_pipeline.gold.registry import Registered
from data_pipeline.gold.table import GoldTable, Inputs
from tests.gold.frames import rated, silver

ROOT = Path(__file__).parents[2]

RATED = GoldTable(
    name="rated",
    key=("movie_id",),
    needs=(("movielens_ratings", "genome_ratings"),),
    columns=(
        Column("movie_id", "bigint", "The film"),
        Column("num_ratings", "bigint", "Its ratings"),
    ),
)
TAGGED = GoldTable(
    name="tagged",
    key=("tag",),
    needs=(("movielens_tags",),),
    uses=("genome_tags",),
    columns=(Column("tag", "string", "A tag"),),
)


def build_rated(inputs: Inputs) -> DataFrame:
    good = inputs.step("ratings above 1", inputs["movielens_ratings"].where("rating > 1"))
    return good.groupBy("movie_id").agg(F.count("*").alias("num_ratings"))


def build_tagged(inputs: Inputs) -> DataFrame:
    return inputs["movielens_tags"].select("tag").distinct()


TABLES = [Registered(RATED, build_rated, "code 1"), Registered(TAGGED, build_tagged, "code 1")]


class Lake:
    """Two layers in a folder."""

    def __init__(self, spark: SparkSession, folder: Path) -> None:
        self.spark = spark
        self.folder = folder
        self.silver = (folder / "silver").as_uri()
        self.gold = (folder / "gold").as_uri()

    def write(self, **tables: list[tuple[object, ...]]) -> None:
        for name, frame in silver(self.spark, **tables).items():
            frame.coalesce(1).write.format("delta").mode("overwrite").save(f"{self.silver}/{name}")

    def build(self, tables: list[Registered] = TABLES) -> dict[str, tuple[str, int | None, str]]:
        results = build_tables(self.spark, self.silver, self.gold, tables)
        return {result.table: (result.status, result.rows, result.message) for result in results}

    def statuses(self, tables: list[Registered] = TABLES) -> dict[str, str]:
        return {name: status for name, (status, _, _) in self.build(tables).items()}

    def commits(self, table: str) -> list[str]:
        return sorted(
            path.name for path in (self.folder / f"gold/{table}/_delta_log").glob("*.json")
        )

    def rows(self, table: str) -> list[tuple[object, ...]]:
        frame = self.spark.read.format("delta").load(f"{self.gold}/{table}")
        return sorted(tuple(row) for row in frame.collect())


@pytest.fixture(scope="module")
def built(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Path:
    lake = Lake(spark, tmp_path_factory.mktemp("lake"))
    lake.write(
        movielens_ratings=[*rated(1, 4, 4), *rated(2, 5)],
        movielens_tags=[(1, 1, "funny"), (2, 1, "funny"), (1, 2, "sad")],
    )
    assert lake.build() == {"rated": ("built", 2, ""), "tagged": ("built", 2, "")}
    assert lake.rows("rated") == [(1, 2), (2, 1)]
    return lake.folder


@pytest.fixture
def lake(spark: SparkSession, built: Path, tmp_path: Path) -> Lake:
    """Return a copy of a lake whose gold tables were built a moment ago."""
    shutil.copytree(built, tmp_path, dirs_exist_ok=True)
    return Lake(spark, tmp_path)


def test_a_table_is_built_again_only_for_a_reason(lake: Lake) -> None:
    # Nothing changed.
    assert lake.statuses() == {"rated": "unchanged", "tagged": "unchanged"}
    assert len(lake.commits("rated")) == len(lake.commits("tagged")) == 1

    # One input changed: only what is made of it.
    lake.write(movielens_ratings=rated(1, 4, 4, 5))
    assert lake.statuses() == {"rated": "built", "tagged": "unchanged"}
    assert lake.rows("rated") == [(1, 3)]

    # An input that may be read came into being.
    lake.write(genome_tags=[(1, "robot")])
    assert lake.statuses() == {"rated": "unchanged", "tagged": "built"}

    # The code changed, and with it the columns.
    table = replace(RATED, columns=(*RATED.columns[:1], Column("num_ratings", "int", "Count")))
    changed = [replace(TABLES[0], table=table, code="code 2"), TABLES[1]]
    assert lake.statuses(changed) == {"rated": "built", "tagged": "unchanged"}
    frame = lake.spark.read.format("delta").load(f"{lake.gold}/rated")
    assert [field.metadata.get("comment") for field in frame.schema] == ["The film", "Count"]
    assert frame.schema["num_ratings"].dataType.simpleString() == "int"


def test_optimize_of_an_input_is_no_change(lake: Lake) -> None:
    address = f"{lake.silver}/movielens_ratings"
    more = silver(lake.spark, movielens_ratings=rated(3, 2))["movielens_ratings"]
    more.write.format("delta").mode("append").save(address)
    assert lake.statuses() == {"rated": "built", "tagged": "unchanged"}
    compacted = lake.spark.sql(f"OPTIMIZE delta.`{address}`")
    metrics = compacted.select("metrics.numFilesAdded").first()
    assert metrics is not None
    assert metrics[0] == 1
    lake.spark.sql(f"VACUUM delta.`{address}`")
    assert lake.statuses() == {"rated": "unchanged", "tagged": "unchanged"}


def test_a_table_written_by_someone_else_is_built_again(lake: Lake) -> None:
    lake.spark.sql(f"DELETE FROM delta.`{lake.gold}/rated` WHERE movie_id = 1")
    assert lake.statuses() == {"rated": "built", "tagged": "unchanged"}
    assert lake.rows("rated") == [(1, 2), (2, 1)]


def test_an_input_made_anew_is_a_change(lake: Lake) -> None:
    """Also if the new table has the old one's version number."""
    shutil.rmtree(lake.folder / "silver/movielens_ratings")
    lake.write(movielens_ratings=rated(7, 3))
    assert lake.statuses() == {"rated": "built", "tagged": "unchanged"}
    assert lake.rows("rated") == [(7, 1)]


def test_a_table_without_its_inputs_is_left_out(spark: SparkSession, tmp_path: Path) -> None:
    lake = Lake(spark, tmp_path)
    lake.write(movielens_tags=[(1, 1, "funny")])
    (tmp_path / "silver/movielens_ratings").mkdir()  # what a load that was killed may leave
    assert lake.build() == {
        "rated": ("left out", None, "needs silver.movielens_ratings or silver.genome_ratings"),
        "tagged": ("built", 1, ""),
    }
    assert not (tmp_path / "gold/rated").exists()


def test_nothing_at_all(spark: SparkSession, tmp_path: Path) -> None:
    results = job.build(spark, (tmp_path / "silver").as_uri(), (tmp_path / "gold").as_uri())
    assert {result.status for result in results} == {"left out"}
    assert len(results) >= 5


def test_a_first_result_that_is_empty_names_the_filter(spark: SparkSession, tmp_path: Path) -> None:
    lake, tables = Lake(spark, tmp_path), TABLES[:1]
    lake.write(movielens_ratings=rated(1, 1, 0.5))
    assert lake.build(tables) == {"rated": ("built", 0, "empty: there are no ratings above 1")}
    assert lake.rows("rated") == []
    assert lake.statuses(tables) == {"rated": "unchanged"}
    lake.write(movielens_ratings=rated(1, 4))
    assert lake.build(tables) == {"rated": ("built", 1, "")}


def test_a_result_that_became_empty_fails_and_the_old_one_stays(lake: Lake) -> None:
    lake.write(movielens_ratings=rated(1, 1), movielens_tags=[(1, 1, "new")])
    expected = "no ratings above 1 are left: the result is empty, so the old rows stay"
    for _ in range(2):  # it is not taken for done
        assert lake.build()["rated"] == ("failed", None, expected)
    assert lake.rows("rated") == [(1, 2), (2, 1)]
    assert lake.rows("tagged") == [("new",)]  # the others go on


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("(1, 'a'), (1, 'b'), (2, 'a'), (1, 'a')", r'1 of its values repeat, such as .*"tag":"a"'),
        ("(1, 'a'), (1, NULL), (1, NULL), (NULL, 'a')", r"\(movie_id, tag\) is NULL in 3 rows"),
    ],
)
def test_keys_are_checked(spark: SparkSession, rows: str, message: str) -> None:
    table = replace(RATED, key=("movie_id", "tag"))
    frame = spark.sql(f"SELECT * FROM VALUES {rows} AS t(movie_id, tag)")
    with pytest.raises(TableError, match=message):
        check(table, frame)


def test_a_table_that_fails_keeps_its_rows_and_stops_no_other(lake: Lake) -> None:
    def twice(inputs: Inputs) -> DataFrame:
        frame = build_rated(inputs)
        return frame.union(frame)

    changed = [replace(TABLES[0], build=twice, code="code 2"), replace(TABLES[1], code="code 2")]
    result = lake.build(changed)
    assert result["rated"][0] == "failed"
    assert "the key (movie_id) has to be unique" in result["rated"][2]
    assert result["tagged"] == ("built", 2, "")
    assert lake.rows("rated") == [(1, 2), (2, 1)]


def test_an_error_of_spark_is_told_in_one_line(lake: Lake) -> None:
    def wrong(inputs: Inputs) -> DataFrame:
        return build_rated(inputs).withColumn("num_ratings", F.expr("1 / (num_ratings - 1)"))

    status, _, message = lake.build([replace(TABLES[0], build=wrong, code="code 2")])["rated"]
    assert status == "failed"
    assert "DIVIDE_BY_ZERO" in message
    assert "\n" not in message


def test_shared_frames_are_computed_once(spark: SparkSession) -> None:
    inputs = Inputs(silver(spark, movielens_ratings=rated(1, 4)))
    calls = []

    def define(given: Inputs) -> DataFrame:
        calls.append(given)
        return given.step("ratings", given["movielens_ratings"])

    assert inputs.shared(define) is inputs.shared(define)
    assert len(calls) == 1
    assert [step.holds for step in inputs.steps] == ["ratings", "ratings"]
    inputs.release()


@pytest.fixture
def films(spark: SparkSession, tmp_path: Path) -> Lake:
    lake = Lake(spark, tmp_path)
    lake.write(
        movielens_movies=[(1, "One", 1994, ["Comedy"])],
        movielens_ratings=rated(1, 4, 4, 4, 4, 4),
    )
    return lake


def test_main_builds_maintains_and_fails_at_its_end(
    films: Lake, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    layers = ["--silver", films.silver, "--gold", films.gold]
    tables = ["--tables", "genre_popularity", "--JOB_ID", "j_1"]
    with caplog.at_level("INFO"):
        job.main(["--step", "build", *layers, *tables])
    assert "gold.genre_popularity built, 1 rows" in caplog.text
    assert json.loads(_metadata(films, "genre_popularity"))["inputs"].keys() == {
        "movielens_movies",
        "movielens_ratings",
    }

    with caplog.at_level("INFO"):
        job.main(["--step", "maintain", "--gold", films.gold, *tables])
    assert "gold.genre_popularity maintained" in caplog.text
    assert films.rows("genre_popularity") == [("Comedy", 1990, 1, 5, 4.0)]

    films.write(movielens_ratings=[])
    with pytest.raises(TableError, match="1 of 1 gold tables failed: genre_popularity: no rat"):
        job.main(["--step", "build", *layers, *tables])


def _metadata(lake: Lake, table: str) -> str:
    text = (lake.folder / f"gold/{table}/_delta_log" / lake.commits(table)[-1]).read_text()
    return str(json.loads(text.splitlines()[0])["commitInfo"]["userMetadata"])


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--step", "build", "--gold", "s3://g"], "--step build needs --silver"),
        (["--step", "make", "--gold", "s3://g"], "invalid choice: 'make'"),
        (["--ste", "build", "--gold", "s3://g"], "required: --step"),
    ],
)
def test_wrong_arguments(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        job.main(arguments)
    assert said in capsys.readouterr().err


def test_an_unknown_table_is_named() -> None:
    with pytest.raises(TableError, match="gold table called nope; there are anime_genre_by_year, "):
        registry.select(["nope"])


def test_the_fingerprint_covers_what_the_table_imports(monkeypatch: pytest.MonkeyPatch) -> None:
    read = registry._source
    before = {registered.table.name: registered.code for registered in registry.select()}

    def edited(changed: str) -> Callable[[str], str]:
        return lambda module: read(module) + ("# edited" if module.endswith(changed) else "")

    for changed, expected in [
        ("gold.table", set(before)),
        ("gold.books", {"average_books_per_year", "books_per_year"}),
        (".movie_scores", {"movie_scores"}),
    ]:
        monkeypatch.setattr(registry, "_source", edited(changed))
        after = {registered.table.name: registered.code for registered in registry.select()}
        assert {name for name in before if before[name] != after[name]} == expected


def test_the_tables_are_found_inside_a_zip(tmp_path: Path) -> None:
    """As on Glue: by the module's loader, with the same fingerprints."""
    package = tmp_path / "code.zip"
    with zipfile.ZipFile(package, "w") as file:
        for module in (ROOT / "data_pipeline" / "gold").rglob("*.py"):
            file.write(module, module.relative_to(ROOT))
        for name in ("__init__", "columns", "errors"):
            file.write(ROOT / f"data_pipeline/{name}.py", f"data_pipeline/{name}.py")
    code = (
        "import json, sys; from data_pipeline.gold import registry;"
        "print(json.dumps({it.table.name: it.code for it in registry.select()}));"
        "assert '.zip' in registry.__file__"
    )
    answer = subprocess.run(
        [sys.executable, "-c", code],
        env={"PYTHONPATH": str(package), "PATH": ""},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.returncode == 0, answer.stderr
    assert json.loads(answer.stdout) == {it.table.name: it.code for it in registry.select()}
