"""Registers the local tables in the emulator's Glue catalogue, as AWS's Delta crawler would.

The emulator's crawlers create no tables, so this does it: native Delta tables, which Athena reads
by their logs.
"""

from __future__ import annotations

from typing import Any

from data_pipeline.local.query import DATABASES, LocalLake, TableInfo

MAX_COMMENT = 255  # Glue takes no more


def register(glue: Any, lake: LocalLake) -> list[str]:
    """Write the databases and tables of ``lake`` by the boto3 client ``glue``.

    A table is written where it is new, or its columns, their comments or its address changed.
    Returns those, as ``gold.movies_analytics``.
    """
    written = []
    known = {database["Name"] for page in _pages(glue, "get_databases") for database in page}
    for database in DATABASES:
        if database not in known:
            glue.create_database(DatabaseInput={"Name": database})
        there = {
            table["Name"]: table
            for page in _pages(glue, "get_tables", DatabaseName=database)
            for table in page
        }
        for name in lake.names[database]:
            wanted = _table(lake.table(database, name))
            found = there.get(name)
            if found and _same(found, wanted):
                continue
            write = glue.update_table if found else glue.create_table
            write(DatabaseName=database, TableInput=wanted)
            written.append(f"{database}.{name}")
    return written


def _pages(glue: Any, operation: str, **arguments: str) -> Any:
    key = {"get_databases": "DatabaseList", "get_tables": "TableList"}[operation]
    return (page[key] for page in glue.get_paginator(operation).paginate(**arguments))


def _table(table: TableInfo) -> dict[str, Any]:
    location = f"{table.address}/"
    return {
        "Name": table.name,
        "TableType": "EXTERNAL_TABLE",
        "PartitionKeys": [],
        "Parameters": {
            "EXTERNAL": "TRUE",
            "classification": "delta",
            "spark.sql.sources.provider": "delta",
            "table_type": "delta",
        },
        "StorageDescriptor": {
            "Columns": [
                {"Name": column.name, "Type": column.type, "Comment": column.comment[:MAX_COMMENT]}
                for column in table.columns
            ],
            "Location": location,
            # Placeholders that Hive's model asks for: a native Delta table is read by its log.
            "InputFormat": "org.apache.hadoop.mapred.SequenceFileInputFormat",
            "OutputFormat": "org.apache.hadoop.hive.ql.io.HiveSequenceFileOutputFormat",
            "SerdeInfo": {
                "SerializationLibrary": "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe",
                "Parameters": {"serialization.format": "1", "path": location},
            },
        },
    }


def _same(found: dict[str, Any], wanted: dict[str, Any]) -> bool:
    before, after = found.get("StorageDescriptor", {}), wanted["StorageDescriptor"]
    return all(before.get(part) == after[part] for part in ("Columns", "Location"))
