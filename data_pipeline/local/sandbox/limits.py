"""The rate limits that publishers enforce.

Publishers state an average over a window ("3 a second and 60 a minute"), and count in buckets
that refill evenly: a bucket holds one window's worth, so a client that was idle may send that
much at once, and after it only the average. A client that paces itself evenly at the stated
rate is never refused.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Refusal:
    """Why a request is refused: ``count`` requests came where ``allowed`` are allowed."""

    retry_after: int
    """Whole seconds until a request would be accepted, at least 1."""
    count: int
    allowed: int


class _Bucket:
    """Tokens for the requests of one window, refilled evenly."""

    def __init__(self, allowed: float, window: float) -> None:
        self.capacity = max(allowed, 1.0)
        self.rate = allowed / window
        self.tokens = self.capacity

    def refill(self, seconds: float) -> None:
        self.tokens = min(self.capacity, self.tokens + seconds * self.rate)

    def wait(self) -> float:
        """Return the seconds until there is a whole token."""
        # Sums of many small refills end a hair below a whole token.
        return max(0.0, 1.0 - 1e-9 - self.tokens) / self.rate


class RateLimit:
    """Requests allowed ``per_second`` and ``per_minute``; None is unlimited. Thread safe."""

    def __init__(
        self,
        per_second: float | None = None,
        per_minute: float | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        windows = ((per_second, 1.0), (per_minute, 60.0))
        for allowed, _ in windows:
            if allowed is not None and allowed <= 0:
                raise ValueError(f"a rate limit must be above 0, not {allowed}")
        self._buckets = [_Bucket(allowed, window) for allowed, window in windows if allowed]
        self._clock = clock
        self._lock = threading.Lock()
        self._at = clock()
        self._refused = 0

    def take(self) -> Refusal | None:
        """Count one request; return None where it is accepted, else why not.

        A refused request takes no token, so that refusals do not lengthen the wait.
        """
        with self._lock:
            now = self._clock()
            for bucket in self._buckets:
                bucket.refill(now - self._at)
            self._at = now
            slowest = max(self._buckets, key=_Bucket.wait, default=None)
            if slowest is None or slowest.wait() <= 0:
                for bucket in self._buckets:
                    bucket.tokens -= 1
                self._refused = 0
                return None
            self._refused += 1
            allowed = math.floor(slowest.capacity)
            return Refusal(max(1, math.ceil(slowest.wait())), allowed + self._refused, allowed)
