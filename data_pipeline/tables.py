"""The names of all tables, by layer: what the crawlers go to and the catalogue shows."""

from __future__ import annotations


def tables_of_layers() -> dict[str, list[str]]:
    """Return {"silver": [table, …], "gold": [table, …]}, each sorted."""
    from data_pipeline.gold import registry
    from data_pipeline.silver.reports import LOAD_AUDIT, QUARANTINE
    from data_pipeline.silver.tables import all_tables

    return {
        "silver": sorted([*(table.name for table in all_tables()), LOAD_AUDIT, QUARANTINE]),
        "gold": sorted(registered.table.name for registered in registry.select(None)),
    }
