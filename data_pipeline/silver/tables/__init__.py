"""The silver tables: every module of this package defines one as ``TABLE``.

Adding a table is adding a module; nothing else names it.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from pkgutil import iter_modules

from data_pipeline.silver.table import SilverTable


@cache
def all_tables() -> tuple[SilverTable, ...]:
    """Return every silver table, sorted by the name of its module."""
    names = sorted(module.name for module in iter_modules(__path__))
    return tuple(import_module(f"{__name__}.{name}").TABLE for name in names)
