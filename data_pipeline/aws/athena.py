"""Runs SQL in the environment's Athena workgroup."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from data_pipeline.aws.account import Account
from data_pipeline.errors import QueryError
from data_pipeline.local.query import DATABASES, Answer

POLL_SECONDS = 0.5
MEGABYTE = 1024**2
# In us-east-1, November 2026: https://aws.amazon.com/athena/pricing/
USD_PER_TERABYTE = 5
LEAST_BYTES = 10 * MEGABYTE

_NAMES = "|".join(DATABASES)
# A text or a comment, which stay as they are, or a database before a table, or at the end of
# SHOW TABLES IN …
_DATABASE = re.compile(
    rf"""
    '(?:[^']|'')*' | --[^\n]* | /\*.*?\*/
    | (?<![\w.$"`])(?P<catalog>(["`]?)awsdatacatalog\2\.)?
      (?P<quote>["`]?)(?P<name>{_NAMES})(?P=quote)(?=\s*(?:\.|;?\s*$))
    """,
    re.I | re.S | re.X,
)


@dataclass(frozen=True)
class Finished:
    """A query that succeeded: its rows, and what they cost."""

    answer: Answer
    scanned: int
    seconds: float
    usd: float

    @property
    def bill(self) -> str:
        """What it cost, in a line for people."""
        megabytes = self.scanned / MEGABYTE
        return (
            f"{megabytes:,.2f} MB scanned in {self.seconds:.1f} s: ${self.usd:.5f} "
            f"(${USD_PER_TERABYTE} a TB, at least {LEAST_BYTES // MEGABYTE} MB a query)"
        )


def query(account: Account, sql: str, poll_seconds: float = POLL_SECONDS) -> Finished:
    """Run ``sql``, with `silver.x` and `gold.y` meaning the environment's, and return its rows.

    Stopped by Ctrl-C, it stops the query too. Raises QueryError with Athena's reason.
    """
    athena = account.client("athena")
    try:
        query_id = athena.start_query_execution(
            QueryString=prefixed(sql, account.database_prefix), WorkGroup=account.name
        )["QueryExecutionId"]
    except athena.exceptions.InvalidRequestException as error:
        message = error.response["Error"]["Message"]
        if "workgroup" in message.lower() and "not found" in message.lower():
            raise account.missing(f"Athena workgroup {account.name}") from None
        raise QueryError(f"Athena refused the query: {message}") from None
    try:
        execution = _wait(athena, query_id, poll_seconds)
    except KeyboardInterrupt:
        athena.stop_query_execution(QueryExecutionId=query_id)
        raise
    statistics = execution.get("Statistics", {})
    scanned = statistics.get("DataScannedInBytes", 0)
    return Finished(
        _answer(athena, query_id),
        scanned,
        statistics.get("TotalExecutionTimeInMillis", 0) / 1000,
        cost(scanned) if execution.get("StatementType", "DML") == "DML" else 0.0,
    )


def cost(scanned: int) -> float:
    """Return what scanning so many bytes costs in dollars; statements other than DML are free."""
    megabytes = -(-scanned // MEGABYTE)
    return max(megabytes * MEGABYTE, LEAST_BYTES) / 1024**4 * USD_PER_TERABYTE


def prefixed(sql: str, prefix: str) -> str:
    """Return ``sql`` with ``prefix`` before each `silver` and `gold` that is a database.

    Nothing else in it changes: no text, comment, alias or column.
    """
    places = _parsed_places(sql)
    if places is None:
        found = (match for match in _DATABASE.finditer(sql) if match["name"])
        places = [match.start("name") for match in found]
    for place in sorted(places, reverse=True):
        sql = sql[:place] + prefix + sql[place:]
    return sql


def _parsed_places(sql: str) -> list[int] | None:
    """Return where databases stand in ``sql``, or None where sqlglot does not know a statement."""
    import sqlglot
    from sqlglot import exp
    from sqlglot.errors import SqlglotError

    try:
        trees = [tree for tree in sqlglot.parse(sql, read="athena") if tree]
    except SqlglotError:
        return None  # for Athena to say what is wrong
    places = set()
    for tree in trees:
        if tree.find(exp.Command):
            return None
        for node in tree.find_all(exp.Table, exp.Column):
            database = node.args.get("db")
            if database is None or database.name.lower() not in DATABASES:
                continue
            start = database.meta.get("start")
            if start is None:
                return None
            place = start + (sql[start] in '"`')
            if sql[place : place + len(database.name)] != database.name:
                return None
            places.add(place)
    return list(places)


def _wait(athena: Any, query_id: str, poll_seconds: float) -> Mapping[str, Any]:
    while True:
        execution: dict[str, Any] = athena.get_query_execution(QueryExecutionId=query_id)[
            "QueryExecution"
        ]
        status = execution["Status"]
        if status["State"] == "SUCCEEDED":
            return execution
        if status["State"] in ("FAILED", "CANCELLED"):
            reason = status.get("StateChangeReason") or "it gave no reason"
            raise QueryError(f"Athena {status['State'].lower()} the query: {reason}")
        time.sleep(poll_seconds)


def _answer(athena: Any, query_id: str) -> Answer:
    pages = iter(
        athena.get_paginator("get_query_results").paginate(
            QueryExecutionId=query_id, PaginationConfig={"PageSize": 1000}
        )
    )
    first = next(pages)
    columns = first["ResultSet"]["ResultSetMetadata"]["ColumnInfo"]
    names = tuple(column["Label"] if column.get("Label") else column["Name"] for column in columns)
    parsers = [_PARSERS.get(column["Type"].partition("(")[0].lower(), str) for column in columns]
    numeric = tuple(parse in (int, float, Decimal) for parse in parsers)
    return Answer(names, numeric, _rows(first, pages, names, parsers))


def _rows(
    first: Mapping[str, Any],
    pages: Iterator[Mapping[str, Any]],
    names: tuple[str, ...],
    parsers: list[Callable[[str], Any]],
) -> Iterator[tuple[Any, ...]]:
    rows = first["ResultSet"]["Rows"]
    # SELECT gives the columns' names as a first row, SHOW does not.
    if rows and tuple(_texts(rows[0], len(names))) == names:
        rows = rows[1:]
    while True:
        for row in rows:
            texts = _texts(row, len(names))
            yield tuple(
                None if text is None else parse(text)
                for text, parse in zip(texts, parsers, strict=True)
            )
        page = next(pages, None)
        if page is None:
            return
        rows = page["ResultSet"]["Rows"]


def _texts(row: Mapping[str, Any], count: int) -> list[str | None]:
    texts = [value.get("VarCharValue") for value in row.get("Data", [])]
    return (texts + [None] * count)[:count]


_PARSERS: dict[str, Callable[[str], Any]] = {
    **dict.fromkeys(("tinyint", "smallint", "integer", "int", "bigint"), int),
    **dict.fromkeys(("float", "real", "double"), float),
    "decimal": Decimal,
    "boolean": lambda text: text == "true",
}
