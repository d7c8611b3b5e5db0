"""What a gold table declares, and what its ``build`` is given."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from threading import RLock

from pyspark.sql import DataFrame

from data_pipeline.columns import Column


@dataclass(frozen=True)
class GoldTable:
    """A table of the gold layer.

    ``needs`` holds groups of silver tables: of each group at least one has to exist, otherwise
    the table is left out. ``uses`` are silver tables that are read where they exist.
    """

    name: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]
    needs: tuple[tuple[str, ...], ...]
    uses: tuple[str, ...] = ()

    @property
    def inputs(self) -> tuple[str, ...]:
        """Every silver table that the table may read."""
        return tuple(dict.fromkeys([name for group in self.needs for name in group] + [*self.uses]))


@dataclass(frozen=True)
class Step:
    """A frame on the way to a result, and the words for what it holds."""

    holds: str
    frame: DataFrame


Shared = dict[Callable[["Inputs"], DataFrame], tuple[DataFrame, list[Step]]]


@dataclass
class Inputs:
    """The silver tables that exist, by name, and the frames that several gold tables share.

    ``steps`` are those of one gold table, which builds from a ``copy`` of its own.
    """

    frames: Mapping[str, DataFrame]
    steps: list[Step] = field(default_factory=list)
    _shared: Shared = field(default_factory=dict)
    # Held while a shared frame is defined, which may ask for others.
    _lock: RLock = field(default_factory=RLock)

    def copy(self) -> Inputs:
        """Return inputs that share their frames with these, and have no steps yet."""
        return Inputs(self.frames, [], self._shared, self._lock)

    def __getitem__(self, name: str) -> DataFrame:
        return self.frames[name]

    def __contains__(self, name: str) -> bool:
        return name in self.frames

    def first_with_rows(self, names: tuple[str, ...]) -> str:
        """Return the first of ``names`` that has rows, or else the last that exists.

        Only where there is a choice does it run a (one row) query.
        """
        existing = [name for name in names if name in self]
        for name in existing[:-1]:
            if not self[name].isEmpty():
                return name
        return existing[-1]

    def step(self, holds: str, frame: DataFrame) -> DataFrame:
        """Return ``frame``, noting what it holds.

        Should the result turn out empty, the first empty step is the filter to be named.
        """
        self.steps.append(Step(holds, frame))
        return frame

    def shared(self, define: Callable[[Inputs], DataFrame]) -> DataFrame:
        """Return ``define(self)``, computed and persisted once, whoever asks for it."""
        with self._lock:
            if define not in self._shared:
                before = len(self.steps)
                frame = define(self).persist()
                self._shared[define] = (frame, self.steps[before:])
            else:
                self.steps += self._shared[define][1]
            return self._shared[define][0]

    def release(self) -> None:
        """Free what ``shared`` persisted."""
        for frame, _ in self._shared.values():
            frame.unpersist()
        self._shared.clear()


Build = Callable[[Inputs], DataFrame]
