"""docs/aws.md says what a month on AWS costs: its arithmetic is done again here, line by line.

Every figure that follows from the settings, the state machine or the code is taken from there, so
that the page cannot go on saying what has ceased to be true.
"""

from __future__ import annotations

import ast
import json
import math
import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from data_pipeline.bronze.run import Run
from data_pipeline.bronze.source import ApiSource
from data_pipeline.bronze.sources import source_class
from data_pipeline.bronze.sources.open_library import OpenLibrary
from data_pipeline.bronze.sources.tmdb import LAST_PAGE, RECENT_DAYS
from data_pipeline.configure import API_MEMORY
from data_pipeline.settings import load_settings

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs/aws.md").read_text(encoding="utf-8")
MODULES = ROOT / "terraform/modules"
SETTINGS = load_settings(ROOT / "configs.ini")
SIZES = (1, 10, 100)
MOST_A_DAY = 0.15
UNITS = {"720", "1,000", "10,000", "100,000", "1,000,000"}

Row = dict[str, str]


# --- The page's tables --------------------------------------------------------------------------


def table(heading: str) -> list[Row]:
    """Return the rows of the first table below a heading, by column."""
    below = re.split(rf"^#+ {re.escape(heading)}$", PAGE, flags=re.MULTILINE)
    assert len(below) == 2, f"docs/aws.md has {len(below) - 1} headings {heading!r}; expected one"
    lines = re.split(r"^#", below[1], flags=re.MULTILINE)[0].splitlines()
    first = next(i for i, line in enumerate(lines) if line.startswith("|"))
    cells = []
    for line in lines[first:]:
        if not line.startswith("|"):
            break
        cells.append([cell.strip() for cell in line.strip("|").split("|")])
    head, _, *rows = cells
    assert all(len(row) == len(head) for row in rows), heading
    return [dict(zip(head, row, strict=True)) for row in rows]


def name_of(row: Row) -> str:
    """Return the name that other lines call a line by."""
    found = re.match(r"`(\w+)`", next(iter(row.values())))
    assert found, row
    return found[1]


def number(text: str) -> float:
    return float(re.sub(r"[\s,$*]", "", text))


def digits(text: str) -> int:
    """Return how many decimals a figure is given with."""
    return len(text.strip("$* ").partition(".")[2])


_OPERATORS: dict[type[ast.operator], Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}


def evaluate(arithmetic: str, names: Mapping[str, float]) -> float:
    """Return what a line's arithmetic comes to; it may name other lines."""
    text = arithmetic.strip("` ").replace("×", "*").replace("÷", "/").replace("−", "-")
    return _value(ast.parse(re.sub(r"(?<=\d),(?=\d{3})", "", text), mode="eval").body, names)


def _value(node: ast.expr, names: Mapping[str, float]) -> float:
    match node:
        case ast.Constant(value=int() | float() as value):
            return value
        case ast.Name(id=name):
            return names[name]
        case ast.BinOp(left=left, op=op, right=right):
            return _OPERATORS[type(op)](_value(left, names), _value(right, names))
        case ast.Call(func=ast.Name(id="ceil"), args=[argument]):
            return math.ceil(_value(argument, names))
        case ast.Call(func=ast.Name(id="min"), args=[one, other]):
            return min(_value(one, names), _value(other, names))
    raise AssertionError(f"docs/aws.md calculates with {ast.unparse(node)}")


def assert_is(shown: str, exact: float, what: str) -> None:
    """The figure shown is the exact one, rounded to the decimals it is shown with."""
    tolerance = 0.5 * 10 ** -digits(shown) + 1e-9
    assert abs(number(shown) - exact) <= tolerance, f"{what}: the page has {shown}, it is {exact}"


PRICES = {name_of(row): row for row in table("Prices")}
AMOUNTS = {name_of(row): row for row in table("What happens in a day")}
DAY = {name_of(row): row for row in table("A day's refresh") if row["What"] != "**Sum**"}
CRAWL = {name_of(row): row for row in table("The day of TMDB's full crawl")[:-1]}
MONTH = [row for row in table("A month") if not row["What"].startswith("**")]
FACTS = {name: number(row["Is"]) for name, row in AMOUNTS.items()}


def price(row: Row) -> float:
    return number(PRICES[row["Price of"].strip("`")]["USD"])


# --- Each line ----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", PRICES)
def test_a_price_has_a_month_or_says_that_it_has_none(name: str) -> None:
    month = PRICES[name]["As of"]
    assert month == "undated" or date.fromisoformat(f"{month}-01")


@pytest.mark.parametrize("name", AMOUNTS)
def test_amounts(name: str) -> None:
    row = AMOUNTS[name]
    assert_is(row["Is"], evaluate(row["Arithmetic"], FACTS), name)


@pytest.mark.parametrize("name", DAY)
def test_lines_of_the_day(name: str) -> None:
    check_line(name, DAY[name])


@pytest.mark.parametrize("name", CRAWL)
def test_lines_of_the_full_crawl(name: str) -> None:
    check_line(name, CRAWL[name])


def check_line(name: str, row: Row) -> None:
    assert_is(row["Quantity"], evaluate(row["Arithmetic"], FACTS), name)
    # By other units than these the quantity might round to the same.
    assert set(re.findall(r"÷([\d,]{3,})", row["Arithmetic"])) <= UNITS
    assert number(row["Price"]) == price(row), f"{name} is not priced as {row['Price of']}"
    assert_is(row["USD"], number(row["Quantity"]) * number(row["Price"]), name)


@pytest.mark.parametrize("heading", ["A day's refresh", "The day of TMDB's full crawl"])
def test_sums(heading: str) -> None:
    *lines, last = table(heading)
    assert last["What"] == "**Sum**"
    assert_is(last["USD"], sum(number(row["USD"]) for row in lines), heading)


def test_a_days_refresh_costs_15_cents_at_most() -> None:
    day, crawl = (
        sum(number(row["Quantity"]) * price(row) for row in lines.values())
        for lines in (DAY, CRAWL)
    )
    assert day <= MOST_A_DAY
    # Also with the full crawl's share.
    assert day + crawl / 30 <= MOST_A_DAY


@pytest.mark.parametrize("row", table("What would change it"), ids=lambda row: row["If"][:30])
def test_what_would_change_it(row: Row) -> None:
    dollars = {name: number(its["USD"]) for name, its in (DAY | CRAWL).items()}
    dollars["day"] = number(table("A day's refresh")[-1]["USD"])
    dollars["crawl"] = number(table("The day of TMDB's full crawl")[-1]["USD"])
    assert_is(row["USD"], evaluate(row["Arithmetic"], dollars), row["If"])


# --- The month ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Line:
    """A line of the month, as it is by the arithmetic: what, and dollars by size."""

    row: Row
    dollars: dict[int, float]


def month_lines() -> list[Line]:
    quantities = {name: number(row["Quantity"]) for name, row in (DAY | CRAWL).items()}
    lines = []
    for row in MONTH:
        once = evaluate(row["Arithmetic"], FACTS | quantities) * price(row)
        grows = {n: evaluate(row["Grows"], {"n": n}) for n in SIZES}
        lines.append(Line(row, {n: once * grows[n] for n in SIZES}))
    return lines


@pytest.mark.parametrize("line", month_lines(), ids=lambda line: line.row["What"])
def test_lines_of_the_month(line: Line) -> None:
    assert evaluate(line.row["Grows"], {"n": 1}) == pytest.approx(1)
    for n in SIZES:
        assert_is(line.row[f"× {n}"], line.dollars[n], line.row["What"])


def test_sums_of_the_month() -> None:
    rows, parts, total = table("A month"), dict.fromkeys(SIZES, 0.0), dict.fromkeys(SIZES, 0.0)
    sums = 0
    for row in rows:
        for n in SIZES:
            shown = row[f"× {n}"]
            if row["What"] == "**All**":
                assert_is(shown, total[n], f"all, × {n}")
            elif row["What"].startswith("**"):
                assert_is(shown, parts[n], f"{row['What']} × {n}")
                total[n] += parts[n]
                parts[n] = 0
            else:
                parts[n] += number(shown)
        sums += row["What"].startswith("**")
    assert rows[-1]["What"] == "**All**"
    assert sums == 4, "refreshes, standing, use, all"


def test_each_line_of_a_day_is_in_the_month() -> None:
    refreshes = " ".join(row["Arithmetic"] for row in MONTH)
    for name in DAY | CRAWL:
        assert re.search(rf"\b{name}\b", refreshes), name
    for row in MONTH:
        times = set(re.findall(r"(\d+)×\(?(\w+)", row["Arithmetic"]))
        # A month has each day's line thirty times; a year's logs are twelve months'.
        assert {many for many, name in times if name in DAY} <= {"30"}, row["What"]


# --- What the figures follow from ---------------------------------------------------------------


def api_sources() -> dict[str, ApiSource[Any]]:
    return {
        name: source
        for name, its in SETTINGS.sources.items()
        if its.enabled and isinstance(source := source_class(name)(its), ApiSource)
    }


def file_text(path: str) -> str:
    return (ROOT / "terraform" / path).read_text(encoding="utf-8")


def default_of(variable: str) -> float:
    found = re.search(
        rf'variable "{variable}" {{.*?default\s*= (\d+)',
        file_text("modules/orchestration/variables.tf"),
        re.DOTALL,
    )
    assert found
    return float(found[1])


def states_of_every_refresh() -> int:
    """Return how many states a refresh enters that has something to load and nothing to crawl."""
    text = file_text("modules/orchestration/state_machine.asl.json.tftpl")
    machine = json.loads(re.sub(r"\$\{[^}]*\}", "0", text))
    states, name, count = machine["States"], machine["StartAt"], 0
    ways = {"Pending?": 0, "Maintain?": None, "Ok?": 0}
    while True:
        count += 1
        state = states[name]
        if state["Type"] == "Succeed":
            return count
        if state["Type"] == "Choice":
            way = ways[name]
            name = state["Default"] if way is None else state["Choices"][way]["Next"]
        else:
            name = state["Next"]


def test_sources() -> None:
    enabled = [name for name, its in SETTINGS.sources.items() if its.enabled]
    assert FACTS["sources"] == len(enabled)
    assert FACTS["api_sources"] == len(api_sources())
    secrets = [name for name in enabled if source_class(name).credentials]
    assert FACTS["secrets"] == len(secrets)


def test_units_are_those_that_the_sources_plan() -> None:
    sources = api_sources()
    tmdb, books = sources["tmdb"], sources["open_library"]
    assert isinstance(books, OpenLibrary)
    recent = FACTS["tmdb_pages"] - LAST_PAGE
    windows = math.ceil(recent / 480)
    of_all = int(FACTS["tmdb_pages"])
    subjects, per_subject = AMOUNTS["books_pages"]["Arithmetic"].strip("`").split("×")
    assert int(subjects) == len(books.settings.subjects)
    tracks = sources["spotify"].plan(None, Run("spotify", "1", date(2026, 11, 21)), None)  # type: ignore[arg-type]
    units = (
        windows * len(tmdb.page_ranges(round(recent / windows), of_all))
        + len(tmdb.page_ranges(LAST_PAGE, of_all))
        + 1  # the genres
        + len(sources["jikan"].page_ranges(int(FACTS["jikan_pages"])))
        + len(books.settings.subjects) * len(books.page_ranges(int(per_subject)))
        + len(tracks.units)
    )
    assert FACTS["units"] == units
    assert FACTS["spotify_pages"] == len(tracks.units)
    assert f"last {RECENT_DAYS} days" in AMOUNTS["tmdb_pages"]["Amount"]


def test_seconds_follow_from_rates_and_workers() -> None:
    pages = {
        "tmdb": FACTS["tmdb_pages"] + 1,
        "jikan": FACTS["jikan_pages"],
        "open_library": FACTS["books_pages"],
        "spotify": FACTS["spotify_pages"],
    }
    short = {"open_library": "books"}
    waits, worker = 0, 2 * FACTS["units"]
    for name, source in api_sources().items():
        seconds = FACTS[f"{short.get(name, name)}_seconds"]
        assert seconds == pytest.approx(pages[name] / source.requests_per_second, abs=0.06), name
        worker += seconds * source.settings.max_concurrency
        waits += math.ceil(seconds / default_of("poll_seconds")) + 1
    assert FACTS["worker_seconds"] == pytest.approx(worker, abs=0.6)
    assert FACTS["waits"] == waits
    assert API_MEMORY / 1024 == 0.25
    assert DAY["lambda_time"]["Arithmetic"].endswith("×0.25`")


def test_transitions_are_those_of_the_state_machine() -> None:
    # A start, the states on the way, Plan and Runs of a source, Run, Landed, RunEnded? and
    # RunEnded of a run, and Wait, Landed and RunEnded? for each time that it is not ready.
    expected = (
        f"`1+{states_of_every_refresh()}+2×sources+4×api_sources+3×waits`"  # read by people too
    )
    assert AMOUNTS["transitions"]["Arithmetic"] == expected


def test_tables_are_those_of_the_sources_that_change_daily() -> None:
    from data_pipeline.gold import registry
    from data_pipeline.silver.tables import all_tables

    silver = {its.name for its in all_tables() if its.source in api_sources()}
    assert FACTS["silver_tables"] == len(silver) + 2  # load_audit and quarantine
    gold = [its for its in registry.select() if silver & set(its.table.inputs)]
    assert FACTS["gold_tables"] == len(gold)


def test_glue_is_priced_as_it_is_set_up() -> None:
    assert SETTINGS.glue.version == "6.0"
    assert SETTINGS.glue.worker_type == "G.1X", "a worker is one DPU"
    wanted = "glue_flex" if SETTINGS.glue.flex else "glue_standard"
    for row in (DAY["glue_silver"], DAY["glue_gold"], CRAWL["crawl_glue"]):
        assert row["Price of"] == f"`{wanted}`"
    standard, flex = (PRICES[f"glue_{its}"]["USD"] for its in ("standard", "flex"))
    by_case = {row["If"]: row["Arithmetic"] for row in table("What would change it")}
    assert f"({standard}÷{flex}−1)" in by_case["`flex = false`"]
    all_the_time = by_case["auto scaling takes all of `workers`, all the time"]
    assert f"({SETTINGS.glue.workers}÷3−1)" in all_the_time


def test_metrics_are_those_that_are_sent() -> None:
    check = (ROOT / "data_pipeline/orchestration/check.py").read_text(encoding="utf-8")
    emitted = re.findall(r'"([A-Z][A-Za-z]+)"(?::|, MetricUnit)', check)
    assert DAY["metrics"]["Arithmetic"] == f"`{len(set(emitted))}÷720`"
    # Glue's own would be custom metrics, and cost as much again as the jobs.
    assert "--enable-metrics" not in file_text("modules/glue/main.tf")


def alarm_metrics() -> int:
    """Return how many metrics the alarms watch: each is billed, not each alarm."""
    alarms = file_text("modules/alarms/main.tf")
    sources = int(FACTS["sources"])
    handlers = re.search(r"handlers = {(.*?)\n  }\n", file_text("extraction.tf"), re.DOTALL)
    assert handlers
    functions = sources + len(re.findall(r"^    [\w-]+ = {$", handlers[1], re.MULTILINE))
    of_functions = len(re.findall(r"^      (?:Errors|Throttles) = {$", alarms, re.MULTILINE))
    return (
        sources  # dead letters
        + alarms.count("merge(local.of_refresh, {")
        + alarms.count('metric = "Executions')
        + 1  # schedule-dropped
        + 1  # gold-old
        + of_functions * functions
    )


def test_what_stands_follows_from_terraform() -> None:
    of = {row["What"]: row for row in MONTH}
    assert FACTS["alarm_metrics"] == alarm_metrics()
    # Five pollers a queue, each of which asks every 20 seconds, all month.
    assert of["SQS: Lambda asks idle queues"]["Arithmetic"] == ("`sources×5×3×60×24×30÷1,000,000`")
    assert of["Secrets"]["Arithmetic"] == "`secrets`"
    assert of["Alarms"]["Arithmetic"] == "`alarm_metrics`"
    assert file_text("modules/kms/main.tf").count('resource "aws_kms_key"') == 1
    assert of["KMS key"]["Arithmetic"] == "`1`"


def test_a_month_has_thirty_refreshes_and_weekly_maintenance() -> None:
    minute, hour, day, month, weekday, year = SETTINGS.schedule.cron.split()
    assert (day, month, weekday, year) == ("*", "*", "?", "*"), "once each day"
    assert minute.isdigit()
    assert hour.isdigit()
    assert SETTINGS.aws.maintenance_cron.split()[4] == "SUN"
    assert SETTINGS.sources["tmdb"].full_crawl_days == 30  # type: ignore[attr-defined]


def test_workers_that_may_be_at_work_at_once() -> None:
    together = sum(its.max_concurrency for its in SETTINGS.sources.values() if its.enabled)
    assert f"`max_concurrency` add up to {together}" in PAGE


def test_every_module_is_on_the_page() -> None:
    there = {path.name for path in MODULES.iterdir() if path.is_dir()}
    named = {
        name for row in table("What is made") for name in re.findall(r"`([\w]+)`", row["Module"])
    }
    assert named == there


def test_commands_on_the_page_are_in_the_makefile() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    named = set(re.findall(r"(?:`|^)(?:[A-Z_a-z]+=\S+ )?make ([a-z]+)", PAGE, re.MULTILINE))
    assert {"bootstrap", "plan", "deploy", "start", "athena", "destroy"} <= named <= targets
