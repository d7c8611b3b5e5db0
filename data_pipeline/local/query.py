"""Athena's SQL over the local tables: DuckDB on Delta Lake, without Spark or the emulator.

The emulator keeps objects as plain files, so a query needs neither of them running. Athena's SQL
is Trino's; `athena.py` turns it into DuckDB's, or says that it can't.
"""

from __future__ import annotations

import difflib
import json
import math
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from data_pipeline.columns import Column
from data_pipeline.errors import QueryError
from data_pipeline.local.home import Home

if TYPE_CHECKING:
    from deltalake import DeltaTable
    from sqlglot import exp

    from data_pipeline.local.athena import Translated

DATABASES = ("silver", "gold")
SHOWN_ROWS = 1000
BATCH_ROWS = 10_000

TableName = tuple[str, str]

# Only what was registered can be read: no file of this machine, and no variable of this program.
_SETTINGS = (
    "SET TimeZone = 'UTC'",
    "SET python_enable_replacements = false",
    "SET enable_external_access = false",
    "SET lock_configuration = true",
)
_NO_COLUMN = re.compile(r'(?:Referenced column|.* does not have a column named) "([^"]+)"')
_MAINTENANCE = ("OPTIMIZE", "VACUUM")

_STATEMENT = re.compile(r"\s*(?:--[^\n]*\n\s*|/\*.*?\*/\s*)*([a-z]+|\()", re.I | re.S)
_SHOW = re.compile(
    r"""\s*(?:
        SHOW\s+(?P<databases>DATABASES|SCHEMAS)
        | SHOW\s+TABLES(?:\s+(?:IN|FROM)\s+(?P<database>\S+?))?
        | (?:SHOW\s+COLUMNS\s+(?:IN|FROM)|DESCRIBE|DESC)\s+(?P<table>\S+?)
    )\s*;?\s*""",
    re.I | re.X,
)


@dataclass(frozen=True)
class TableInfo:
    """What is known of a table without reading its data; types are Athena's."""

    database: str
    name: str
    rows: int
    columns: tuple[Column, ...]
    address: str
    last_load: datetime


@dataclass(frozen=True)
class Answer:
    """The columns of a result and its rows, which are computed as they are taken."""

    columns: tuple[str, ...]
    numeric: tuple[bool, ...]
    rows: Iterator[tuple[Any, ...]]


class LocalLake:
    """The Delta tables that a home's buckets hold."""

    def __init__(self, home: Home) -> None:
        self.home = home

    @cached_property
    def names(self) -> dict[str, list[str]]:
        """The names of the tables by database."""
        return {
            database: sorted(
                log.parent.name for log in self.home.bucket_path(database).glob("*/_delta_log")
            )
            for database in DATABASES
        }

    def folder(self, database: str, name: str) -> Path:
        """Return the folder of a table. Raises QueryError where there is no such table."""
        found = {table.lower(): table for table in self.names.get(database.lower(), ())}
        if name.lower() not in found:
            raise QueryError(self._missing(f"{database}.{name}"))
        return self.home.bucket_path(database.lower()) / found[name.lower()]

    def open(self, database: str, name: str) -> DeltaTable:
        """Return a table. Raises QueryError where there is none or its log can't be read."""
        from deltalake import DeltaTable
        from deltalake.exceptions import DeltaError

        folder = self.folder(database, name)
        try:
            return DeltaTable(str(folder))
        except DeltaError as error:
            raise QueryError(f"{database}.{name} in {folder} cannot be read: {error}") from error

    def tables(self) -> list[TableInfo]:
        """Return every table, from the tables' logs."""
        return [
            self.table(database, name) for database in DATABASES for name in self.names[database]
        ]

    def table(self, database: str, name: str) -> TableInfo:
        """Return one table. Raises QueryError where there is none."""
        table = self.open(database, name)
        return TableInfo(
            database=database,
            name=name,
            rows=_row_count(table),
            columns=_columns(table),
            address=f"{self.home.uri(database)}/{name}",
            last_load=_last_load(table),
        )

    def _missing(self, name: str) -> str:
        every = [f"{database}.{table}" for database in DATABASES for table in self.names[database]]
        if not every:
            return f"there is no table {name}: there are no tables yet. Run `lakehouse run` first"
        close = _closest(name.lower(), every)
        hint = f"did you mean {close}?" if close else f"there are {', '.join(every)}"
        return f"there is no table {name}; {hint}"


def query(sql: str, lake: LocalLake) -> Answer:
    """Return the answer to Athena SQL over the tables of ``lake``, as ``silver.x`` and ``gold.y``.

    Only the tables that the SQL names are opened. Raises QueryError, then or while the rows are
    taken, for SQL that is wrong, does more than read, or can't be answered here as by Athena.
    """
    statement = _STATEMENT.match(sql)
    word = statement[1].upper() if statement else ""
    if word in ("SHOW", "DESCRIBE", "DESC"):
        return _show(sql, lake)
    if word in (
        "CREATE",
        "DROP",
        "ALTER",
        "INSERT",
        "UPDATE",
        "DELETE",
        "MERGE",
        "VACUUM",
        "OPTIMIZE",
    ):
        raise QueryError(
            f"{word} cannot be run here: the tables are written by the pipeline alone. "
            "Use SELECT, WITH, SHOW or DESCRIBE"
        )
    from data_pipeline.local.athena import parse, translate

    tree = parse(sql)
    tables = {name: lake.open(*name) for name in _tables(tree, lake)}
    schema = _schema(tables)
    columns = [name for held in schema.values() for its in held.values() for name in its]
    return _run(translate(tree, schema), tables, list(dict.fromkeys(columns)))


def render(answer: Answer, form: str, out: TextIO | None = None) -> None:
    """Write ``answer`` to ``out`` (standard output) as a ``table``, ``csv`` or ``json``.

    The table is for reading: it shows the first 1,000 rows. The others hold all rows and
    nothing else.
    """
    {"table": _write_table, "csv": _write_csv, "json": _write_json}[form](answer, out or sys.stdout)


def _tables(tree: exp.Expr, lake: LocalLake) -> set[tuple[str, str]]:
    """Return database and name of every table that ``tree`` reads."""
    from sqlglot import exp

    temporary = {cte.alias_or_name.lower() for cte in tree.find_all(exp.CTE)}
    found = set()
    for table in tree.find_all(exp.Table):
        database, name = table.db.lower(), table.name.lower()
        if not isinstance(table.this, exp.Identifier):
            raise QueryError(
                f"{table.this.sql('trino').lower()} is no table; use silver.NAME or gold.NAME"
            )
        if not database and name in temporary:
            continue
        if table.catalog.lower() not in ("", "awsdatacatalog"):
            raise QueryError(f"there is no catalogue {table.catalog}; use silver.NAME or gold.NAME")
        if not database:
            homes = [there for there in DATABASES if name in lake.names[there]]
            hint = " or ".join(f"{there}.{name}" for there in homes) or "silver.NAME or gold.NAME"
            raise QueryError(f"{table.name} lacks its database; write {hint}")
        lake.folder(table.db, table.name)
        table.set("catalog", None)
        found.add((database, name))
    return found


def _schema(tables: Mapping[TableName, DeltaTable]) -> dict[str, dict[str, dict[str, str]]]:
    """Return the columns' types in Trino's words, by database, table and column."""
    found: dict[str, dict[str, dict[str, str]]] = {}
    for (database, name), table in tables.items():
        found.setdefault(database, {})[name] = {
            column.name: column.type.replace("string", "varchar").replace(
                "timestamp", "timestamp with time zone"
            )
            for column in _columns(table)
        }
    return found


def _run(
    translated: Translated, tables: Mapping[TableName, DeltaTable], columns: Sequence[str]
) -> Answer:
    import duckdb

    connection = duckdb.connect()
    for (database, name), table in tables.items():
        connection.register(f"{database}.{name}", table.to_pyarrow_dataset())
        connection.execute(f"CREATE SCHEMA IF NOT EXISTS {database}")
        connection.execute(f'CREATE VIEW {database}."{name}" AS FROM "{database}.{name}"')
    for statement in (*translated.macros, *_SETTINGS):
        connection.execute(statement)
    try:
        relation = connection.sql(translated.sql)
        batches = relation.to_arrow_reader(BATCH_ROWS)
    except duckdb.Error as error:
        raise _as_query_error(error, columns) from error
    kinds = [str(kind) for kind in relation.types]
    names = translated.names or tuple(
        f"_col{i}" if name.startswith("_col_") else name for i, name in enumerate(relation.columns)
    )
    return Answer(names, tuple(map(_is_number, kinds)), _rows(batches, kinds, connection))


def _rows(batches: Any, kinds: Sequence[str], connection: Any) -> Iterator[tuple[Any, ...]]:
    """Yield the rows; ``connection`` is held so long, for it owns what they are computed from."""
    import duckdb
    import pyarrow as pa

    # What Arrow does not know as what it is: sums are decimals to it, maps lists of pairs.
    makers = [int if kind == "HUGEINT" else dict if kind[:4] == "MAP(" else None for kind in kinds]
    try:
        for batch in batches:
            columns = [column.to_pylist() for column in batch.columns]
            for i, make in enumerate(makers):
                if make:
                    columns[i] = [None if value is None else make(value) for value in columns[i]]
            yield from zip(*columns, strict=True)
    except (duckdb.Error, pa.ArrowException) as error:
        raise _as_query_error(error, ()) from error


def _as_query_error(error: Exception, columns: Sequence[str]) -> QueryError:
    """Return DuckDB's message without its class, its quotation of the SQL and its settings."""
    text = re.split(r"\n\s*\n|Use TRY\(|\nLINE |Candidate functions", str(error), maxsplit=1)[0]
    text = " ".join(re.sub(r"^(?:[A-Z][A-Za-z]* )*Error: ", "", text).split())
    if (found := _NO_COLUMN.match(text)) and columns:
        close = _closest(found[1], columns)
        hint = f"did you mean {close}?" if close else f"there are {', '.join(columns)}"
        return QueryError(f"there is no column {found[1]}; {hint}")
    return QueryError(text)


def _is_number(kind: str) -> bool:
    return (
        re.match(r"(U?(TINY|SMALL|BIG|HUGE)?INT(EGER)?|DOUBLE|FLOAT|DECIMAL.*)$", kind) is not None
    )


def _show(sql: str, lake: LocalLake) -> Answer:
    """Answer SHOW DATABASES, SHOW TABLES, SHOW COLUMNS and DESCRIBE."""
    asked = _SHOW.fullmatch(sql)
    if not asked:
        raise QueryError(
            "this SHOW is not known here; there are SHOW DATABASES, SHOW TABLES [IN database], "
            "SHOW COLUMNS IN table and DESCRIBE table"
        )
    if asked["databases"]:
        return _answer(("database",), [(name,) for name in DATABASES])
    if not asked["table"]:
        database = (asked["database"] or "").strip('"`').lower()
        if database and database not in DATABASES:
            raise QueryError(f"there is no database {database}; there are {', '.join(DATABASES)}")
        chosen = [database] if database else DATABASES
        return _answer(
            ("database", "table"), [(there, name) for there in chosen for name in lake.names[there]]
        )
    database, _, name = re.sub(r'["`]', "", asked["table"]).rpartition(".")
    columns = _columns(lake.open(database.rpartition(".")[2], name))
    return _answer(
        ("column", "type", "comment"), [(each.name, each.type, each.comment) for each in columns]
    )


def _answer(columns: tuple[str, ...], rows: Iterable[tuple[Any, ...]]) -> Answer:
    return Answer(columns, (False,) * len(columns), iter(rows))


def _columns(table: DeltaTable) -> tuple[Column, ...]:
    fields = json.loads(table.schema().to_json())["fields"]
    return tuple(
        Column(field["name"], _type(field["type"]), field["metadata"].get("comment", ""))
        for field in fields
    )


def _type(delta: Any) -> str:
    """Return a type of Delta's as Athena and Glue write it."""
    if isinstance(delta, str):
        names = {"long": "bigint", "integer": "int", "short": "smallint", "byte": "tinyint"}
        return names.get(delta, delta)
    if delta["type"] == "array":
        return f"array<{_type(delta['elementType'])}>"
    if delta["type"] == "map":
        return f"map<{_type(delta['keyType'])},{_type(delta['valueType'])}>"
    fields = ",".join(f"{field['name']}:{_type(field['type'])}" for field in delta["fields"])
    return f"struct<{fields}>"


def _row_count(table: DeltaTable) -> int:
    """Return the number of rows, from the statistics in the log where every file has them."""
    import pyarrow as pa

    counts = pa.table(table.get_add_actions(flatten=True))["num_records"].to_pylist()
    if None in counts:
        return int(table.to_pyarrow_dataset().count_rows())
    return sum(counts)


def _last_load(table: DeltaTable) -> datetime:
    """Return the moment of the last commit that was no maintenance."""
    commits = table.history()
    loads = (it for it in commits if not str(it.get("operation")).startswith(_MAINTENANCE))
    last = next(loads, commits[0])
    return datetime.fromtimestamp(last["timestamp"] / 1000, tz=UTC)


def _closest(name: str, names: Sequence[str]) -> str:
    return next(iter(difflib.get_close_matches(name, names, n=1, cutoff=0.5)), "")


def _write_table(answer: Answer, out: TextIO) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table

    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for name, numeric in zip(answer.columns, answer.numeric, strict=True):
        table.add_column(name, justify="right" if numeric else "left", overflow="fold")
    for row in islice(answer.rows, SHOWN_ROWS):
        table.add_row(*("NULL" if value is None else _text(value) for value in row))
    # Where it is no terminal that has a width, no line is broken.
    width = None if out.isatty() else 1_000_000
    console = Console(file=out, width=width, markup=False, highlight=False, emoji=False)
    console.print(table)
    more = next(answer.rows, None) is not None
    count = f"{table.row_count:,} row{'' if table.row_count == 1 else 's'}"
    console.print(f"The first {count}; --format csv prints all" if more else count)


def _write_csv(answer: Answer, out: TextIO) -> None:
    out.write(_csv_line(answer.columns))
    for row in answer.rows:
        out.write(_csv_line(row))


def _csv_line(row: Iterable[Any]) -> str:
    # The csv module cannot tell NULL, which is nothing, from an empty text, which is "".
    return ",".join("" if value is None else _csv_field(_text(value)) for value in row) + "\n"


def _csv_field(text: str) -> str:
    quoted = text == "" or any(sign in text for sign in ',"\r\n')
    return '"' + text.replace('"', '""') + '"' if quoted else text


def _write_json(answer: Answer, out: TextIO) -> None:
    if repeated := {name for name in answer.columns if answer.columns.count(name) > 1}:
        raise QueryError(f"two columns are called {', '.join(sorted(repeated))}; give one an alias")
    before = "["
    for row in answer.rows:
        record = {name: _json(value) for name, value in zip(answer.columns, row, strict=True)}
        out.write(f"{before}\n{json.dumps(record, ensure_ascii=False)}")
        before = ","
    out.write("[]\n" if before == "[" else "\n]\n")


def _text(value: Any) -> str:
    """Return a value as text: moments in ISO 8601, arrays and maps as JSON."""
    plain = _json(value)
    if isinstance(plain, str):
        return plain
    if isinstance(value, float):
        return repr(value)
    if isinstance(value, Decimal):
        return f"{value:f}"
    return json.dumps(plain, ensure_ascii=False)


def _json(value: Any) -> Any:
    if isinstance(value, bool) or value is None or isinstance(value, (int, str)):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else repr(value)
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, datetime):
        return value.isoformat(sep=" ")
    if isinstance(value, dict):
        return {_text(key): _json(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_json(item) for item in value]
    return value.isoformat() if isinstance(value, date) else str(value)
