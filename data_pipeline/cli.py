"""The `lakehouse` command. Each command only reads its arguments and prints what came of it.

Exit status: 0 done, 1 a failure with one clear message, 2 wrong usage, 130 stopped by Ctrl-C.
What a command needs is imported in it: `lakehouse query` has no time for Spark or the emulator.
"""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import click

from data_pipeline.errors import LakehouseError, SettingsError

SOURCES = click.argument("sources", nargs=-1)


class SourceFolder(click.ParamType[tuple[str, Path]]):
    """SOURCE=DIR"""

    name = "SOURCE=DIR"

    def convert(self, value: Any, param: Any, ctx: Any) -> tuple[str, Path]:
        source, equals, folder = str(value).partition("=")
        if not source or not equals or not folder:
            self.fail(f"{value!r} is not SOURCE=DIR", param, ctx)
        return source, Path(folder)


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
def cli(debug: bool) -> None:
    """Films, anime, music and books: from their publishers to SQL, on this machine or on AWS."""


def run_options(command: Any) -> Any:
    """Add the options that say what is extracted, and from whom."""
    options = [
        SOURCES,
        click.option(
            "--from",
            "recorded",
            type=SourceFolder(),
            multiple=True,
            help="Take a source from a folder: recorded answers, or the publisher's files.",
        ),
        click.option("--live", is_flag=True, help="Go to the real publishers."),
        click.option("--limit", type=click.IntRange(1), help="Take N pages or units a source."),
        click.option("--as-of", type=click.DateTime(["%Y-%m-%d"]), help="Logical date [today]."),
        click.option(
            "--again",
            type=click.IntRange(0),
            default=0,
            help="Make another run of the day.",
        ),
        click.option("--real-limits", is_flag=True, help="Keep the real rate limits."),
    ]
    for option in reversed(options):
        command = option(command)
    return command


@cli.command()
@run_options
def run(**options: Any) -> None:
    """Run the whole pipeline: extract, silver, gold, catalogue.

    By default all sources, from generated sandboxes. The same day again resumes a run, or has
    nothing to do.
    """
    _pipeline(transform=True, **options)


@cli.command()
@run_options
def extract(**options: Any) -> None:
    """Extract into bronze, and no further."""
    _pipeline(transform=False, **options)


@cli.command()
@click.option("--sources", default="", help="Only these, separated by commas.")
@click.option("--tables", default="", help="Only these, separated by commas.")
@click.option("--run-id", help="Load this run again.")
@click.option("--full-refresh", is_flag=True, help="Load all of bronze again.")
def silver(sources: str, tables: str, run_id: str | None, full_refresh: bool) -> None:
    """Load what is pending in bronze into the silver tables."""
    from data_pipeline.local import report
    from data_pipeline.local.lakehouse import lakehouse
    from data_pipeline.local.progress import bars

    with lakehouse(_settings()) as house:
        with bars(report.progress_console(), "tables") as shown, house.spark() as spark:
            results = house.load_silver(
                spark,
                shown.update,
                sources=_names(sources),
                tables=_names(tables),
                run_id=run_id,
                full_refresh=full_refresh,
            )
        house.register_tables()
    report.print_silver(results)
    _fail_if(_failures(results, []))


@cli.command()
@click.option("--tables", default="", help="Only these, separated by commas.")
def gold(tables: str) -> None:
    """Build the gold tables whose inputs or code changed."""
    from data_pipeline.local import report
    from data_pipeline.local.lakehouse import lakehouse
    from data_pipeline.local.progress import bars

    with lakehouse(_settings()) as house:
        with bars(report.progress_console(), "tables") as shown, house.spark() as spark:
            results = house.build_gold(spark, shown.update, _names(tables) or None)
        house.register_tables()
    report.print_gold(results)
    _fail_if(_failures([], results))


@cli.command()
def maintain() -> None:
    """Compact the tables' files, and delete those that have been out of use for a week."""
    from data_pipeline.local import report
    from data_pipeline.local.lakehouse import lakehouse
    from data_pipeline.local.progress import bars

    with (
        lakehouse(_settings()) as house,
        bars(report.progress_console(), "tables") as shown,
        house.spark() as spark,
    ):
        done = house.maintain(spark, shown.update)
    report.print_silver(done.silver)
    report.print_gold(done.gold)
    _fail_if(_failures(done.silver, done.gold))


# SQL may begin with a comment, which looks like an option.
@cli.command(context_settings={"ignore_unknown_options": True})
@click.argument("sql")
@click.option("--format", "form", type=click.Choice(["table", "csv", "json"]), default="table")
def query(sql: str, form: str) -> None:
    """Query the tables, as silver.NAME and gold.NAME, in Athena's SQL."""
    from data_pipeline.local.query import LocalLake, render
    from data_pipeline.local.query import query as run_query

    render(run_query(sql, LocalLake(_home())), form)


@cli.command()
def tables() -> None:
    """List every table: rows, columns, address, last load."""
    from data_pipeline.local import report
    from data_pipeline.local.query import LocalLake

    report.print_tables(LocalLake(_home()).tables())


@cli.command()
def status() -> None:
    """List the runs, how far each is, and what silver has to take."""
    from data_pipeline.local import report
    from data_pipeline.local.status import run_statuses

    report.print_status(run_statuses(_home()))


@cli.command()
@click.argument("function")
@click.option(
    "--event", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="A JSON file."
)
def invoke(function: str, event: Path | None) -> None:
    """Run one Lambda (start-extraction, completion, extract-SOURCE) and print what it returns.

    Its publishers are the sandboxes.
    """
    from data_pipeline.local.lakehouse import chosen_sources, lakehouse
    from data_pipeline.local.publishers import Choice

    try:
        payload = json.loads(event.read_text(encoding="utf-8")) if event else {}
    except ValueError as error:
        raise SettingsError(f"{event} is not JSON: {error}") from None
    settings = _settings()
    with (
        lakehouse(settings) as house,
        house.publishers(chosen_sources(settings, ()), Choice({})),
    ):
        answer = house.stack.invoke(function, payload)
    click.echo(json.dumps(answer, indent=2, ensure_ascii=False))


@cli.command()
def config() -> None:
    """Write what follows from configs.ini into template.yaml and for Terraform."""
    from data_pipeline.configure import write_config

    changed = write_config(_settings())
    for path in changed:
        click.echo(f"{path} is brought up to date")
    if not changed:
        click.echo("everything was up to date")


@cli.command()
def bootstrap() -> None:
    """Make the S3 bucket for Terraform's state, or bring its settings up to date."""
    from data_pipeline.aws.account import open_account
    from data_pipeline.aws.bootstrap import bootstrap as make_bucket

    with open_account(_settings().project) as account:
        made = make_bucket(account)
        click.echo(f"{account.state_bucket} {'is made' if made else 'is brought up to date'}")


@cli.command()
def plan() -> None:
    """Show what `lakehouse deploy` would change on AWS."""
    from data_pipeline.aws import deploy as aws

    with aws.plan(_settings(), _say) as planned:
        click.echo("`make deploy` does it" if planned.changes else "Nothing is to be changed.")


@cli.command()
@click.option("--yes", is_flag=True, help="Do not ask.")
def deploy(yes: bool) -> None:
    """Show what would change on AWS, ask, and do it."""
    from data_pipeline.aws import deploy as aws

    with aws.plan(_settings(), _say) as planned:
        if not planned.changes:
            click.echo("Nothing is to be changed.")
            return
        account = planned.account
        where = f"{account.name} in account {account.number}, {account.region}"
        if not yes and _answer_to(f"Change {where}? (yes/no)") not in ("y", "yes"):
            raise LakehouseError("nothing was changed: the answer was not yes")
        planned.apply()
    click.echo(f"{where} is deployed. `make start` starts a refresh, and follows it.")


@cli.command()
@click.option("--yes", is_flag=True, help="Do not ask.")
def destroy(yes: bool) -> None:
    """Say what would be deleted on AWS, ask for the environment's name, and delete it."""
    from data_pipeline.aws import deploy as aws
    from data_pipeline.local import report

    with aws.plan_destroy(_settings(), _say) as destruction:
        if not destruction.resources:
            click.echo("Nothing is deployed.")
            return
        destruction.print(report.console())
        aws.refuse_filled(destruction)
        account = destruction.planned.account
        asked = f"Its environment's name ({account.environment}) deletes it:"
        if not yes and _answer_to(asked) != account.environment:
            raise LakehouseError(f"nothing was deleted: the answer was not {account.environment}")
        destruction.planned.apply()
    click.echo(f"{account.name} is deleted.")


@cli.command()
@SOURCES
@click.option("--as-of", type=click.DateTime(["%Y-%m-%d"]), help="Logical date [today].")
@click.option("--again", type=click.IntRange(0), default=0, help="Make another run of the day.")
@click.option("--limit", type=click.IntRange(1), help="Take N pages or units a source.")
@click.option("--maintain", is_flag=True, help="Compact and vacuum the tables, too.")
@click.option("--no-extract", is_flag=True, help="Only load what has landed.")
@click.option("--follow", is_flag=True, help="Start nothing; follow what was started last.")
def start(
    sources: Sequence[str],
    as_of: datetime | None,
    again: int,
    limit: int | None,
    maintain: bool,
    no_extract: bool,
    follow: bool,
) -> None:
    """Start a refresh on AWS, and follow it to its end."""
    from data_pipeline.aws import executions
    from data_pipeline.aws.account import open_account
    from data_pipeline.local import report
    from data_pipeline.local.progress import bars

    settings, day = _settings(), _day(as_of)
    wanted = {
        "sources": [_enabled(settings, source) for source in sources],
        "as_of": day.isoformat() if day else None,
        "again": again,
        "limit": limit,
        "maintain": maintain,
    }
    payload = {key: value for key, value in wanted.items() if value}
    if no_extract:
        if payload.keys() - {"maintain"}:
            raise click.UsageError("--no-extract asks no source, so it takes nothing that says how")
        payload["extract"] = False
    if follow and payload:
        raise click.UsageError("--follow starts nothing, so it takes nothing that says what")
    console = report.progress_console()
    with open_account(settings.project) as account:
        arn = executions.latest(account) if follow else executions.start(account, payload)
        console.print(arn, highlight=False, soft_wrap=True)
        with (
            _goes_on(
                "The refresh goes on without us; `lakehouse start --follow` follows it again."
            ),
            bars(console, "units") as shown,
        ):
            watcher = executions.Watcher(
                lambda line: console.print(line, highlight=False), shown.update
            )
            outcome = executions.follow(account, arn, watcher)
    if outcome.summary:
        click.echo(outcome.summary)
    if not outcome.ok:
        raise LakehouseError(f"the refresh ended as {outcome.status}. {outcome.error}".strip())


@cli.command()
@click.argument("job", type=click.Choice(["silver", "gold"]))
@click.option("--tables", default="", help="Only these, separated by commas.")
@click.option("--run-id", help="Load this run again (silver).")
@click.option("--full-refresh", is_flag=True, help="Load all of bronze again (silver).")
def rerun(job: str, tables: str, run_id: str | None, full_refresh: bool) -> None:
    """Run a Glue job again on AWS, and follow it to its end."""
    from data_pipeline.aws import jobs
    from data_pipeline.aws.account import open_account
    from data_pipeline.aws.executions import duration
    from data_pipeline.local import report

    if job == "gold" and (run_id or full_refresh):
        raise click.UsageError("--run-id and --full-refresh are silver's; gold takes --tables")
    arguments = {
        "--tables": ",".join(_names(tables)),
        "--run-id": run_id,
        # A flag; but Glue gives every argument a value, which the job passes over.
        "--full-refresh": "true" if full_refresh else None,
    }
    console = report.progress_console()
    with open_account(_settings().project) as account:
        given = {key: value for key, value in arguments.items() if value}
        glue_run = jobs.start(account, job, given)
        console.print(f"{account.job(job)} runs as {glue_run}", highlight=False)
        with (
            _goes_on("The job goes on without us; the Glue console shows it."),
            console.status("") as status,
        ):
            done = jobs.follow(
                account,
                job,
                glue_run,
                lambda now: status.update(f"{now.state}, {duration(now.seconds)}"),
            )
    billed = f", {done.dpu_hours:.2f} DPU hours" if done.dpu_hours else ""
    click.echo(f"{done.job}: {done.state} after {duration(done.seconds)}{billed}")
    if not done.ok:
        raise LakehouseError(f"{done.job} ended as {done.state}. {done.error}".strip())


@cli.command(context_settings={"ignore_unknown_options": True})
@click.argument("sql")
@click.option("--format", "form", type=click.Choice(["table", "csv", "json"]), default="table")
def athena(sql: str, form: str) -> None:
    """Query the tables on AWS, as silver.NAME and gold.NAME, in Athena."""
    from data_pipeline.aws.account import open_account
    from data_pipeline.aws.athena import query as run_query
    from data_pipeline.local.query import render

    with open_account(_settings().project) as account:
        done = run_query(account, sql)
        render(done.answer, form)
    click.echo(done.bill, err=True)


@cli.command()
@click.argument("source")
@click.option("--run-id", help="This run, also if it has no dead letters.")
def redrive(source: str, run_id: str | None) -> None:
    """Send what failed for good on AWS again, and wait until it has landed."""
    from data_pipeline.aws import redrive as aws
    from data_pipeline.aws.account import open_account
    from data_pipeline.local import report
    from data_pipeline.local.progress import bars

    settings = _settings()
    _enabled(settings, source)
    since = datetime.now(UTC)
    with open_account(settings.project) as account:
        letters = aws.receive(account, source)
        run_ids = [run_id] if run_id else sorted(letters.by_run)
        runs = [aws.redrive(account, source, each, letters) for each in run_ids]
        for run in runs:
            if not run.error:
                click.echo(
                    f"{source} {run.run_id}: {run.sent} of {run.units} units sent again, "
                    f"for {run.letters} dead letters"
                )
        if not runs:
            click.echo(f"{source} has no dead letters")
        sent = [run.run_id for run in runs if not run.error]
        with (
            _goes_on(
                f"What was sent is worked off without us; `lakehouse redrive {source} "
                "--run-id …` waits for it again."
            ),
            bars(report.progress_console(), "units") as shown,
        ):
            answers = aws.follow(account, source, sent, since, shown.update) if sent else {}
    if answers:
        click.echo("`lakehouse start --no-extract` loads what has landed into the tables.")
    problems = [f"run {run.run_id}: {run.error}" for run in runs if run.error]
    if letters.unreadable:
        problems.append(f"{letters.unreadable} dead letters of {source} are of no run; they stay")
    _fail_if(problems + aws.failures(answers))


def _pipeline(
    transform: bool,
    sources: Sequence[str],
    recorded: Sequence[tuple[str, Path]],
    live: bool,
    limit: int | None,
    as_of: datetime | None,
    again: int,
    real_limits: bool,
) -> None:
    from data_pipeline.local import report
    from data_pipeline.local.extraction import Wanted
    from data_pipeline.local.lakehouse import Transformed, chosen_sources, lakehouse
    from data_pipeline.local.progress import bars
    from data_pipeline.local.publishers import Choice, live_sources

    settings = _settings()
    chosen = chosen_sources(settings, sources)
    choice = Choice(dict(recorded), live, real_limits)
    for source in choice.recorded:
        if source not in chosen:
            raise SettingsError(
                f"--from {source}=… names a source that is not run; run are {', '.join(chosen)}"
            )
    notes: list[str] = []
    if live:
        keyless = [source for source in chosen if source not in choice.recorded]
        usable, notes = live_sources(keyless, bool(sources))
        chosen = [source for source in chosen if source in choice.recorded or source in usable]
    console, clock = report.progress_console(), report.Clock()
    done = None
    with lakehouse(settings) as house:
        clock.lap("start")
        with bars(console, "units") as shown:
            wanted = Wanted(_day(as_of), again, limit)
            outcomes = house.extract(chosen, choice, wanted, shown.update)
        clock.lap("extract")
        if transform:
            done = Transformed()
            if not house.is_current():
                with bars(console, "tables") as shown:
                    done = house.transform(shown.update)
            clock.lap("silver and gold")
    clock.lap("stop")
    report.print_run(outcomes, done, notes, clock)
    _fail_if(
        [f"{o.source}: {p}" for o in outcomes if not o.ok for p in o.problems or [o.state]]
        + (_failures(done.silver, done.gold) if done else [])
    )


def _say(text: str) -> None:
    click.echo(text, err=True)


def _answer_to(question: str) -> str:
    """Return what a person answers. Raises LakehouseError where there is nobody to ask."""
    click.echo(f"{question} ", err=True, nl=False)
    answer = sys.stdin.readline()
    if not answer:
        raise LakehouseError("nobody answered; --yes (make: CONFIRM=1) does it without asking")
    return answer.strip()


@contextmanager
def _goes_on(how: str) -> Iterator[None]:
    """Let Ctrl-C end the command, and say that what it watched does not end with it."""
    try:
        yield
    except KeyboardInterrupt:
        click.echo(how, err=True)
        sys.exit(130)


def _enabled(settings: Any, source: str) -> str:
    names = [name for name, its in settings.sources.items() if its.enabled]
    if source not in names:
        raise SettingsError(f"{source!r} is no enabled source; expected {', '.join(names)}")
    return source


def _day(as_of: datetime | None) -> date | None:
    day = as_of.date() if as_of else None
    if day and day > datetime.now(UTC).date():
        raise SettingsError(f"--as-of {day} lies in the future; expected today (UTC) or before")
    return day


def _settings() -> Any:
    from data_pipeline.settings import load_settings

    return load_settings()


def _home() -> Any:
    from data_pipeline.local.home import Home

    return Home.of(_settings().project.name)


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


def _failures(silver: Sequence[Any], gold: Sequence[Any]) -> list[str]:
    return [
        f"{layer}.{result.table}: {result.message}"
        for layer, results in (("silver", silver), ("gold", gold))
        for result in results
        if result.status == "failed"
    ]


def _fail_if(problems: list[str]) -> None:
    if problems:
        raise LakehouseError("\n".join(problems))


def main() -> None:
    """Run the command, with errors as one message and Ctrl-C as a plain stop."""
    debug = "--debug" in sys.argv[1:]
    # Libraries log errors with tracebacks, which are then raised and told in one line.
    logging.basicConfig(handlers=None if debug else [logging.NullHandler()])
    try:
        cli.main(prog_name="lakehouse", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        click.echo("Stopped. Nothing is left running; the next run goes on from here.", err=True)
        sys.exit(130)
    except BrokenPipeError:
        # The reader of our output has seen enough.
        sys.stderr.close()
        sys.exit(0)
    except LakehouseError as error:
        if debug:
            raise
        click.echo(f"Error: {error}", err=True)
        sys.exit(1)
    except Exception as error:
        if debug:
            raise
        click.echo(
            f"Error: {type(error).__name__}: {error}\nThis should not happen: "
            "`lakehouse --debug …` shows where it comes from.",
            err=True,
        )
        sys.exit(1)


if __name__ == "__main__":
    main()
