"""Athena's SQL (Trino's) as DuckDB's: the same answer, or an error that says why not.

sqlglot translates names and syntax, but not every difference of meaning: Trino's date_diff counts
whole units, DuckDB's counts boundaries. So the functions that may be used are listed here, each
checked by a test; those that differ are rewritten, and any other is refused.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import sqlglot
from sqlglot import exp
from sqlglot.dialects.trino import Trino
from sqlglot.errors import ErrorLevel, ParseError, SqlglotError, UnsupportedError
from sqlglot.optimizer.annotate_types import annotate_types
from sqlglot.optimizer.qualify import qualify

from data_pipeline.errors import QueryError

DIALECT = "athena"
Schema = Mapping[str, Mapping[str, Mapping[str, str]]]
T = exp.DType

# What DuckDB has no function for.
_SCALE = "coalesce(try_cast(regexp_extract(typeof({}), ',([0-9]+)[)]', 1) AS INTEGER), 0)"
MACROS = {
    # The quotient of decimals has the greater of their numbers of decimal places.
    "athena_divide_decimal": f"""(a, b) AS CASE
        WHEN typeof(a) IN ('DOUBLE', 'FLOAT') OR typeof(b) IN ('DOUBLE', 'FLOAT')
            THEN CAST(a AS DOUBLE) / CAST(b AS DOUBLE)
        WHEN b = 0 THEN error('Division by zero')
        ELSE round(
            CAST(a AS DOUBLE) / CAST(b AS DOUBLE),
            greatest({_SCALE.format("a")}, {_SCALE.format("b")})
        ) END""",
    "athena_text": """(x) AS CASE
        WHEN regexp_matches(typeof(x), '^(DOUBLE|FLOAT|TIME|STRUCT|MAP)|]$')
            THEN error('CAST(... AS varchar) of a ' || typeof(x) || ' reads otherwise in Athena')
        ELSE CAST(x AS VARCHAR) END""",
    "athena_whole": """(x) AS CASE
        WHEN typeof(x) IN ('DOUBLE', 'FLOAT') THEN CAST(round(TRY_CAST(x AS DOUBLE)) AS BIGINT)
        WHEN typeof(x) = 'VARCHAR'
            AND NOT regexp_full_match(CAST(x AS VARCHAR), ' *[+-]?[0-9]+ *')
            THEN error('Cannot cast ''' || CAST(x AS VARCHAR) || ''' to a whole number')
        ELSE CAST(x AS BIGINT) END""",
    "athena_try_whole": """(x) AS CASE
        WHEN typeof(x) IN ('DOUBLE', 'FLOAT') THEN TRY_CAST(round(TRY_CAST(x AS DOUBLE)) AS BIGINT)
        WHEN typeof(x) = 'VARCHAR'
            AND NOT regexp_full_match(CAST(x AS VARCHAR), ' *[+-]?[0-9]+ *') THEN NULL
        ELSE TRY_CAST(x AS BIGINT) END""",
    "athena_regexp_extract": """(x, p, g) AS
        CASE WHEN regexp_matches(x, p) THEN regexp_extract(x, p, g) END""",
    "athena_split_part": """(x, s, i) AS
        CASE WHEN i <= len(string_split(x, s)) THEN split_part(x, s, i) END""",
    "athena_json_scalar": """(x, p) AS
        CASE WHEN json_type(x, p) NOT IN ('OBJECT', 'ARRAY') THEN x ->> p END""",
}

# Those that mean the same in both, or that sqlglot translates rightly.
_SAME = (
    *(exp.And, exp.Or, exp.Case, exp.If, exp.Coalesce, exp.Nullif, exp.Exists, exp.Unnest),
    *(exp.Concat, exp.ConcatWs, exp.Greatest, exp.Least, exp.Array, exp.ArraySize),
    *(exp.ApproxDistinct, exp.CountIf, exp.AnyValue, exp.ArrayAgg, exp.GroupConcat, exp.Grouping),
    *(exp.Count, exp.Avg, exp.Min, exp.Max, exp.LogicalAnd, exp.LogicalOr, exp.Corr),
    *(exp.Stddev, exp.StddevSamp, exp.StddevPop, exp.Variance, exp.VariancePop),
    *(exp.Rank, exp.DenseRank, exp.RowNumber, exp.PercentRank, exp.CumeDist, exp.Ntile),
    *(exp.Lag, exp.Lead, exp.FirstValue, exp.LastValue, exp.NthValue),
    *(exp.DayOfWeekIso, exp.DayOfYear, exp.WeekOfYear, exp.Year, exp.Month, exp.Quarter, exp.Day),
    *(exp.Hour, exp.Minute, exp.Second, exp.TimeToUnix, exp.UnixToTime, exp.LastDay),
    *(exp.CurrentDate, exp.CurrentTimestamp, exp.ArrayContains, exp.ArrayFilter, exp.Transform),
    *(exp.Lower, exp.Upper, exp.Length, exp.Trim, exp.Replace, exp.Reverse, exp.Substring),
    *(exp.StartsWith, exp.Split, exp.Pad, exp.StrPosition, exp.RegexpLike, exp.Try),
    *(exp.Round, exp.Trunc, exp.Abs, exp.Sign, exp.Ln, exp.Log, exp.Exp, exp.Pow, exp.Sqrt),
    exp.Rand,
)
_WHOLE = (T.TINYINT, T.SMALLINT, T.INT, T.BIGINT)
_CASTS = (*_WHOLE, T.BOOLEAN, T.DOUBLE, T.FLOAT, T.DECIMAL, T.DATE, T.TIMESTAMP, T.TIMESTAMPTZ)
_TEXTS = (T.VARCHAR, T.TEXT)
_EXTRACTS = ("YEAR", "QUARTER", "MONTH", "WEEK", "DAY", "DOY", "HOUR", "MINUTE", "SECOND")
# strftime's, by sqlglot, of MySQL's %Y %m %d %H %h %i %s %y %j %p %M %b %W %a.
_TIME_PARTS = re.compile(r"(?:[^%]|%[YmdHIMSyjpBbAa])*")


@dataclass(frozen=True)
class Translated:
    """A query in DuckDB's SQL, the macros that it uses and its columns' names, if all have one."""

    sql: str
    macros: tuple[str, ...]
    names: tuple[str, ...]


def parse(sql: str) -> exp.Query:
    """Return the one query that ``sql`` is. Raises QueryError if it is anything else."""
    try:
        trees = [tree for tree in sqlglot.parse(sql, read=DIALECT) if tree]
    except ParseError as error:
        raise QueryError(_where(error)) from error
    except SqlglotError as error:
        raise QueryError(f"the SQL cannot be read: {_plain(str(error))}") from error
    if len(trees) != 1:
        raise QueryError(f"one statement is expected, not {len(trees)}")
    if not isinstance(trees[0], exp.Query):
        raise QueryError("only SELECT, WITH, SHOW and DESCRIBE can be run here")
    return trees[0]


def translate(tree: exp.Query, schema: Schema) -> Translated:
    """Return ``tree`` in DuckDB's SQL; ``schema`` has types by database, table and column.

    Raises QueryError for what can't be answered as Athena would.
    """
    names = _names(tree)
    _refuse(tree)
    typed = _with_types(tree, schema)
    for node in reversed(list(typed.walk())):  # arguments first
        if rewrite := _REWRITES.get(type(node)):
            kind, parent, key, index = node.type, node.parent, node.arg_key, node.index
            new = rewrite(node)
            new.type = kind
            if new is not node and parent is not None and key is not None:
                parent.set(key, new, index)
    try:
        sql = typed.sql("duckdb", unsupported_level=ErrorLevel.RAISE)
    except UnsupportedError as error:
        raise QueryError(f"this cannot be run here, only in Athena: {error}") from error
    used = tuple(name for name in MACROS if f"{name.upper()}(" in sql.upper())
    return Translated(sql, tuple(f"CREATE MACRO {name}{MACROS[name]}" for name in used), names)


def _names(tree: exp.Query) -> tuple[str, ...]:
    """Return the columns' names as Athena gives them, none where a star leaves them open."""
    selects = tree.selects
    if any(select.is_star for select in selects):
        return ()
    return tuple(
        select.alias or (select.name if isinstance(select, exp.Column) else f"_col{position}")
        for position, select in enumerate(selects)
    )


def _refuse(tree: exp.Query) -> None:
    """Raise QueryError for a function or clause whose meaning here was not checked."""
    for node in tree.walk():
        if (
            isinstance(node, exp.Func)
            and not isinstance(node, _SAME)
            and type(node) not in _REWRITES
        ):
            name = node.name if isinstance(node, exp.Anonymous) else node.sql_name()
            raise QueryError(
                f"the function {name.lower()} is not known, or cannot be run here as Athena runs it"
            )
        if isinstance(node, exp.LimitOptions) and node.args.get("with_ties"):
            raise QueryError("WITH TIES cannot be run here, only in Athena")
        if isinstance(node, (exp.Placeholder, exp.Parameter)):
            raise QueryError("parameters (?) cannot be given here: write the value")


def _with_types(tree: exp.Query, schema: Schema) -> exp.Query:
    """Return a copy of ``tree`` whose nodes know their types, as far as they can be told.

    Where sqlglot cannot resolve a name, DuckDB will say so better.
    """
    given: Any = {database: dict(tables) for database, tables in schema.items()}
    try:
        resolved = qualify(
            tree.copy(),
            dialect=DIALECT,
            schema=given,
            expand_stars=False,
            expand_alias_refs=False,
            validate_qualify_columns=False,
            quote_identifiers=False,
            identify=False,
        )
    except SqlglotError:
        resolved = tree.copy()
    for alias in list(resolved.find_all(exp.Alias)):
        column = alias.this
        # An alias that repeats a column nobody knows would hide from DuckDB what is wrong.
        if isinstance(column, exp.Column) and not column.table and column.name == alias.alias:
            alias.replace(column)
    annotate_types(resolved, schema=given, expression_metadata=_TYPES, dialect=DIALECT)
    return resolved


def _literal_type(annotator: Any, literal: exp.Literal) -> exp.Literal:
    if literal.is_string or "e" in literal.name.lower():
        kind = T.VARCHAR if literal.is_string else T.DOUBLE
    else:
        kind = T.DECIMAL if "." in literal.name else T.BIGINT
    annotator._set_type(literal, kind)
    return literal


def _type_of_argument(annotator: Any, node: exp.Expr) -> exp.Expr:
    annotator._annotate_by_args(node, "this")
    return node


_TYPES: Any = {
    **Trino.EXPRESSION_METADATA,
    exp.Literal: {"annotator": _literal_type},
    **{
        kind: {"annotator": _type_of_argument}
        for kind in (exp.TimestampTrunc, exp.DateTrunc, exp.DateAdd, exp.Floor, exp.Ceil)
    },
}


def _is(node: Any, *kinds: exp.DType) -> bool:
    return bool(node is not None and node.type is not None and node.type.this in kinds)


def _only(node: exp.Expr, *arguments: str) -> None:
    """Raise QueryError if ``node`` has other than these arguments."""
    if others := [name for name, value in node.args.items() if value and name not in arguments]:
        raise QueryError(
            f"{node.sql('trino')} cannot be run here, only in Athena (its {', '.join(others)})"
        )


def _macro(name: str, *arguments: Any) -> exp.Anonymous:
    return exp.Anonymous(this=name, expressions=list(arguments))


def _div(node: exp.Div) -> exp.Expr:
    left, right = node.this, node.expression
    if _is(left, T.DOUBLE, T.FLOAT) or _is(right, T.DOUBLE, T.FLOAT):
        return exp.Div(this=left, expression=right, typed=False, safe=False)
    if _is(left, T.DECIMAL) or _is(right, T.DECIMAL):
        return _macro("athena_divide_decimal", left, right)
    # DuckDB's // is whole between whole numbers only, as Athena's /: the types need not be known.
    return exp.IntDiv(this=left, expression=right)


def _sum(node: exp.Sum) -> exp.Expr:
    # DuckDB's is of 128 bits, which with a decimal makes a double.
    window = node.find_ancestor(exp.Window, exp.Filter, exp.Select)
    if _is(node.this, *_WHOLE) and isinstance(window, exp.Select):
        return exp.cast(node, "bigint")
    return node


def _cast(node: exp.Cast) -> exp.Expr:
    kind = node.to.this
    value: exp.Expr = node.this
    sized = bool(node.to.expressions) and kind is not T.DECIMAL
    if isinstance(value, exp.Literal) and kind in (T.TIMESTAMP, T.TIMESTAMPTZ):
        node.set("to", exp.DataType(this=kind))
    elif kind in _TEXTS and not sized and _is(value, *_TEXTS):
        return value
    elif kind in _TEXTS and not sized:
        return _macro("athena_text", value)
    elif kind not in _CASTS or sized:
        raise QueryError(f"a cast to {node.to.sql('trino')} cannot be run here, only in Athena")
    elif kind in _WHOLE and not _is(value, *_WHOLE):
        safe = isinstance(node, exp.TryCast)
        node.set("this", _macro("athena_try_whole" if safe else "athena_whole", value))
    return node


def _as_date_if(date: bool, node: exp.Expr) -> exp.Expr:
    """DuckDB makes a timestamp of a date with which it counts; Athena leaves it a date."""
    return exp.Cast(this=node, to=exp.DataType(this=T.DATE)) if date else node


def _trunc(node: exp.TimestampTrunc | exp.DateTrunc) -> exp.Expr:
    return _as_date_if(_is(node.this, T.DATE), node)


def _date_add(node: exp.DateAdd) -> exp.Expr:
    number = exp.Paren(this=node.expression)
    later = exp.Add(this=node.this, expression=exp.Interval(this=number, unit=node.args["unit"]))
    return _as_date_if(_is(node.this, T.DATE), exp.Paren(this=later))


def _plus(node: exp.Add | exp.Sub) -> exp.Expr:
    left, right = node.this, node.expression
    if isinstance(node, exp.Sub) and _is(left, T.DATE) and _is(right, T.DATE):
        raise QueryError("the difference of two dates cannot be run here; use date_diff('day', …)")
    interval = isinstance(left, exp.Interval) or isinstance(right, exp.Interval)
    return _as_date_if(interval and (_is(left, T.DATE) or _is(right, T.DATE)), node)


def _date_diff(node: exp.DateDiff) -> exp.Expr:
    unit = exp.Literal.string(node.args["unit"].name.lower())
    return _macro("date_sub", unit, node.expression, node.this)


def _floor(node: exp.Floor | exp.Ceil) -> exp.Expr:
    _only(node, "this")
    return node.this if _is(node.this, *_WHOLE) else node


def _regexp_extract(node: exp.RegexpExtract) -> exp.Expr:
    _only(node, "this", "expression", "group", "null_if_pos_overflow")
    group = node.args.get("group") or exp.Literal.number(0)
    return _macro("athena_regexp_extract", node.this, node.expression, group)


def _regexp_replace(node: exp.RegexpReplace) -> exp.Expr:
    new = node.args.get("replacement")
    if new is not None and not (isinstance(new, exp.Literal) and not re.search(r"[$\\]", new.name)):
        raise QueryError(
            f"{node.sql('trino')} cannot be run here: its groups are written otherwise"
        )
    return node


def _split_part(node: exp.SplitPart) -> exp.Expr:
    return _macro("athena_split_part", node.this, node.args["delimiter"], node.args["part_index"])


def _arg_max(node: exp.ArgMax | exp.ArgMin) -> exp.Expr:
    _only(node, "this", "expression")
    name = "arg_max_null" if isinstance(node, exp.ArgMax) else "arg_min_null"
    return _macro(name, node.this, node.expression)


def _time_format(node: exp.TimeToStr | exp.StrToTime) -> exp.Expr:
    pattern = node.args["format"]
    if not (isinstance(pattern, exp.Literal) and _TIME_PARTS.fullmatch(pattern.name)):
        raise QueryError(f"the pattern in {node.sql('trino')} cannot be used here, only in Athena")
    return node


def _extract(node: exp.Extract) -> exp.Expr:
    if node.this.name.upper() not in _EXTRACTS:
        raise QueryError(
            f"{node.sql('trino')} cannot be run here; there are {', '.join(_EXTRACTS)}"
        )
    return node


def _json_scalar(node: exp.JSONExtractScalar) -> exp.Expr:
    return _macro("athena_json_scalar", node.this, node.expression)


def _at_time_zone(node: exp.AtTimeZone) -> exp.Expr:
    node.set("this", exp.Cast(this=node.this, to=exp.DataType(this=T.TIMESTAMPTZ)))
    return node


def _plain_arguments(*arguments: str) -> Callable[[Any], exp.Expr]:
    def check(node: exp.Expr) -> exp.Expr:
        _only(node, *arguments)
        return node

    return check


_REWRITES: dict[type[exp.Expr], Callable[[Any], exp.Expr]] = {
    exp.Div: _div,
    exp.Sum: _sum,
    exp.Cast: _cast,
    exp.TryCast: _cast,
    exp.Date: _plain_arguments("this"),
    exp.TimestampTrunc: _trunc,
    exp.DateTrunc: _trunc,
    exp.DateAdd: _date_add,
    exp.DateDiff: _date_diff,
    exp.Add: _plus,
    exp.Sub: _plus,
    exp.AtTimeZone: _at_time_zone,
    exp.Extract: _extract,
    exp.TimeToStr: _time_format,
    exp.StrToTime: _time_format,
    exp.Floor: _floor,
    exp.Ceil: _floor,
    exp.ArgMax: _arg_max,
    exp.ArgMin: _arg_max,
    exp.ApproxQuantile: _plain_arguments("this", "quantile"),
    exp.ArraySort: _plain_arguments("this", "nulls_first"),
    exp.ArrayToString: _plain_arguments("this", "expression"),
    exp.RegexpExtract: _regexp_extract,
    exp.RegexpReplace: _regexp_replace,
    exp.SplitPart: _split_part,
    exp.JSONExtractScalar: _json_scalar,
}


def _where(error: ParseError) -> str:
    found = error.errors[0]
    place = f"line {found['line']}, column {found['col']}"
    what = _plain(found["description"])
    return f"the SQL has an error at {place}, near {found['highlight']!r}: {what}"


def _plain(text: str) -> str:
    """Return ``text`` in one line, without sqlglot's underlining."""
    return " ".join(re.sub(r"\x1b\[\d+m", "", text).split()).rstrip(".")
