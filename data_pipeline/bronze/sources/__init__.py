"""The publishers, a module each. A module's ``SOURCE`` is its class; its name is the source's."""

from __future__ import annotations

import importlib
import pkgutil
from typing import TYPE_CHECKING, Any

from data_pipeline.errors import SettingsError

if TYPE_CHECKING:
    from data_pipeline.bronze.source import Source


def source_names() -> list[str]:
    """Return the names of all sources, in alphabetical order."""
    return sorted(module.name for module in pkgutil.iter_modules(__path__))


def source_class(name: str) -> type[Source[Any]]:
    """Return the class of the source called ``name``. Raises SettingsError for an unknown one."""
    if name not in source_names():
        raise SettingsError(f"unknown source {name!r}; expected {', '.join(source_names())}")
    source: type[Source[Any]] = importlib.import_module(f"{__name__}.{name}").SOURCE
    return source
