"""The gold tables there are, found by their modules, and a fingerprint of each one's code."""

from __future__ import annotations

import ast
import hashlib
import importlib
import importlib.util
import pkgutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from data_pipeline.errors import TableError
from data_pipeline.gold import tables
from data_pipeline.gold.table import Build, GoldTable

PACKAGE = "data_pipeline"


@dataclass(frozen=True)
class Registered:
    """A gold table, how it is built, and the fingerprint of the code that says so."""

    table: GoldTable
    build: Build
    code: str


def select(names: Sequence[str] | None = None) -> list[Registered]:
    """Return the tables called ``names``, or all, by name.

    Raises TableError for a name that is no gold table.
    """
    known = {module.name for module in pkgutil.iter_modules(tables.__path__)}
    if unknown := sorted(set(names or ()) - known):
        raise TableError(
            f"there is no gold table called {', '.join(unknown)}; "
            f"there are {', '.join(sorted(known))}"
        )
    return [_load(name) for name in sorted(names if names else known)]


def _load(name: str) -> Registered:
    module = importlib.import_module(f"{tables.__name__}.{name}")
    return Registered(module.TABLE, module.build, fingerprint(module.__name__))


def fingerprint(module: str) -> str:
    """Return a hash of the source of ``module`` and of all it imports from this project."""
    sources = {name: _source(name) for name in _reached(module)}
    text = "\0".join(f"{name}\0{sources[name]}" for name in sorted(sources))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _reached(module: str) -> set[str]:
    seen: set[str] = set()
    todo = [module]
    while todo:
        name = todo.pop()
        if name not in seen:
            seen.add(name)
            todo += _imports(_source(name))
    return seen


def _imports(source: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(f"{PACKAGE}."):
            yield str(node.module)


def _source(module: str) -> str:
    """Return a module's source, from a folder or from inside a zip (as on Glue)."""
    spec = importlib.util.find_spec(module)
    source = spec.loader.get_source(module) if spec and spec.loader else None  # type: ignore[attr-defined]
    if source is None:
        raise TableError(
            f"the source of {module} is not there; install the project with its .py files"
        )
    return str(source)
