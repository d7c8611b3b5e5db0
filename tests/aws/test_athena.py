from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.stub import Stubber

from data_pipeline.aws import athena
from data_pipeline.aws.account import Account
from data_pipeline.aws.athena import MEGABYTE, cost, prefixed
from data_pipeline.errors import AwsError, QueryError
from data_pipeline.local.query import render

# --- which environment's tables -------------------------------------------------------------


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("SELECT * FROM gold.movies", "SELECT * FROM dev_gold.movies"),
        ('SELECT * FROM "gold"."movies"', 'SELECT * FROM "dev_gold"."movies"'),
        ("SELECT * FROM GOLD.movies g", "SELECT * FROM dev_GOLD.movies g"),
        ("SELECT silver.a.x FROM silver.a", "SELECT dev_silver.a.x FROM dev_silver.a"),
        ("SELECT 1 FROM AwsDataCatalog.gold.a", "SELECT 1 FROM AwsDataCatalog.dev_gold.a"),
        ("-- gold.a\nSELECT 'gold.a' FROM gold.a", "-- gold.a\nSELECT 'gold.a' FROM dev_gold.a"),
        ("SELECT 'é🎬' AS x FROM gold.a", "SELECT 'é🎬' AS x FROM dev_gold.a"),
        (
            "WITH gold AS (SELECT * FROM gold.a) SELECT gold.title FROM gold",
            "WITH gold AS (SELECT * FROM dev_gold.a) SELECT gold.title FROM gold",
        ),
        (
            "SELECT gold.title FROM silver.a AS gold JOIN gold.b ON b.x = gold.x",
            "SELECT gold.title FROM dev_silver.a AS gold JOIN dev_gold.b ON b.x = gold.x",
        ),
        ("SELECT gold, x.silver FROM other.gold", "SELECT gold, x.silver FROM other.gold"),
        ("DESCRIBE gold.a", "DESCRIBE dev_gold.a"),
        # What sqlglot does not know.
        ("SHOW TABLES IN silver", "SHOW TABLES IN dev_silver"),
        ("SHOW TABLES IN gold;", "SHOW TABLES IN dev_gold;"),
        ("SHOW COLUMNS IN `gold`.`a`", "SHOW COLUMNS IN `dev_gold`.`a`"),
        ("EXPLAIN SELECT 'gold.a' FROM gold.a", "EXPLAIN SELECT 'gold.a' FROM dev_gold.a"),
        ("EXPLAIN SELECT a.gold.x FROM b.gold", "EXPLAIN SELECT a.gold.x FROM b.gold"),
        (
            "UNLOAD (SELECT * FROM silver.a) TO 's3://silver.b/' WITH (format = 'PARQUET')",
            "UNLOAD (SELECT * FROM dev_silver.a) TO 's3://silver.b/' WITH (format = 'PARQUET')",
        ),
        ("SELEC * FROM gold.a", "SELEC * FROM dev_gold.a"),
    ],
)
def test_databases_and_nothing_else_get_the_prefix(sql: str, expected: str) -> None:
    assert prefixed(sql, "dev_") == expected
    assert prefixed(sql, "") == sql


@pytest.mark.parametrize(
    ("environment", "prefix"), [("dev", "dev_"), ("prod", ""), ("pull-12", "pull_12_")]
)
def test_production_has_the_plain_names(environment: str, prefix: str) -> None:
    account = Account("media-lakehouse", environment, "us-east-1", "1", "aws", "arn:aws:iam::1:x")
    assert account.database_prefix == prefix


# --- what it costs --------------------------------------------------------------------------


def test_a_query_costs_five_dollars_a_terabyte_and_ten_megabytes_at_least() -> None:
    assert cost(1024**4) == 5
    assert cost(0) == cost(10 * MEGABYTE) == pytest.approx(0.0000477, rel=0.01)
    assert cost(10 * MEGABYTE + 1) == cost(11 * MEGABYTE)


# --- on the emulator, which runs the SQL in DuckDB ------------------------------------------


@pytest.fixture
def workgroup(account: Account) -> str:
    bucket = f"results-{account.name}"
    account.client("s3").create_bucket(Bucket=bucket)
    account.client("athena").create_work_group(
        Name=account.name,
        Configuration={"ResultConfiguration": {"OutputLocation": f"s3://{bucket}/"}},
    )
    return account.name


def rendered(done: athena.Finished, form: str) -> str:
    out = io.StringIO()
    render(done.answer, form, out)
    return out.getvalue()


def test_rows_come_back(account: Account, workgroup: str) -> None:
    done = athena.query(account, "SELECT 1 AS n, 'a,b' AS t, NULL AS nothing", poll_seconds=0.05)
    assert rendered(done, "csv") == 'n,t,nothing\n1,"a,b",\n'
    assert done.bill.endswith("($5 a TB, at least 10 MB a query)")


def test_many_rows_come_back_page_by_page(account: Account, workgroup: str) -> None:
    done = athena.query(account, "SELECT * FROM range(2500) AS t(n)", poll_seconds=0.05)
    assert [row[0] for row in done.answer.rows] == list(range(2500))


def test_sql_that_is_wrong(account: Account, workgroup: str) -> None:
    with pytest.raises(QueryError, match=r"Athena failed the query: .*nonsense"):
        athena.query(account, "SELECT nonsense", poll_seconds=0.05)


# --- with a mock of Athena, for what the emulator does not say -------------------------------


@pytest.fixture
def stub(account: Account, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stubber]:
    client = account.client("athena")
    monkeypatch.setattr(Account, "client", lambda *_: client)
    with Stubber(client) as stub:
        yield stub
        stub.assert_no_pending_responses()


def add_query(stub: Stubber, *executions: dict[str, Any]) -> None:
    stub.add_response("start_query_execution", {"QueryExecutionId": "q"})
    for execution in executions:
        stub.add_response("get_query_execution", {"QueryExecution": execution})


def page(types: dict[str, str], *rows: tuple[str | None, ...], **more: Any) -> dict[str, Any]:
    data = [
        {"Data": [{} if value is None else {"VarCharValue": value} for value in row]}
        for row in rows
    ]
    columns = [{"Name": name, "Type": kind} for name, kind in types.items()]
    return {"ResultSet": {"Rows": data, "ResultSetMetadata": {"ColumnInfo": columns}}, **more}


DONE = {
    "Status": {"State": "SUCCEEDED"},
    "StatementType": "DML",
    "Statistics": {"DataScannedInBytes": 3 * 1024**3, "TotalExecutionTimeInMillis": 1500},
}


def test_types_header_null_and_cost(account: Account, stub: Stubber) -> None:
    types = {"n": "bigint", "x": "double", "d": "decimal(5,2)", "b": "boolean", "t": "varchar"}
    header = tuple(types)
    add_query(stub, {"Status": {"State": "RUNNING"}}, DONE)
    first = page(types, header, ("1", "1.5E1", "1.10", "true", ""), NextToken="2")
    stub.add_response("get_query_results", first)
    stub.add_response("get_query_results", page(types, (None,) * 5))
    done = athena.query(account, "SELECT 1", poll_seconds=0)
    assert done.answer.numeric == (True, True, True, False, False)
    assert rendered(done, "json").splitlines()[1:-1] == [
        '{"n": 1, "x": 15.0, "d": 1.1, "b": true, "t": ""},',
        '{"n": null, "x": null, "d": null, "b": null, "t": null}',
    ]
    assert done.bill == "3,072.00 MB scanned in 1.5 s: $0.01465 ($5 a TB, at least 10 MB a query)"


def test_a_row_that_reads_like_the_header_is_a_row(account: Account, stub: Stubber) -> None:
    add_query(stub, DONE)
    rows = [("name",), ("name",)]
    stub.add_response("get_query_results", page({"name": "varchar"}, *rows, NextToken="2"))
    stub.add_response("get_query_results", page({"name": "varchar"}, ("name",)))
    done = athena.query(account, "SELECT 1")
    assert list(done.answer.rows) == [("name",), ("name",)]


def test_show_has_no_header_and_is_free(account: Account, stub: Stubber) -> None:
    add_query(stub, {**DONE, "StatementType": "DDL"})
    stub.add_response("get_query_results", page({"tab_name": "string"}, ("a",), ("b",)))
    done = athena.query(account, "SHOW TABLES IN gold")
    assert list(done.answer.rows) == [("a",), ("b",)]
    assert done.usd == 0


def test_a_query_over_the_limit_says_so(account: Account, stub: Stubber) -> None:
    reason = "Bytes scanned limit was exceeded"
    add_query(stub, {"Status": {"State": "CANCELLED", "StateChangeReason": reason}})
    with pytest.raises(QueryError, match=f"Athena cancelled the query: {reason}"):
        athena.query(account, "SELECT 1")


def test_ctrl_c_stops_the_query(
    account: Account, stub: Stubber, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(_: float) -> None:
        raise KeyboardInterrupt

    add_query(stub, {"Status": {"State": "RUNNING"}})
    stub.add_response("stop_query_execution", {}, {"QueryExecutionId": "q"})
    monkeypatch.setattr("time.sleep", interrupt)
    with pytest.raises(KeyboardInterrupt):
        athena.query(account, "SELECT 1")


def test_without_a_deployment(account: Account, stub: Stubber) -> None:
    message = f"WorkGroup {account.name} is not found."
    stub.add_client_error("start_query_execution", "InvalidRequestException", message)
    with pytest.raises(AwsError, match=f"there is no Athena workgroup {account.name} in account"):
        athena.query(account, "SELECT 1")
