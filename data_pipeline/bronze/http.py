"""Asking a publisher's API: at its pace, through its moods, and without losing its spelling."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urljoin, urlsplit

import requests

from data_pipeline.bronze.json_text import elements, members, on_one_line
from data_pipeline.bronze.run import utc_now
from data_pipeline.errors import ApiBusyError, ApiError, ApiRefusedError

# Below the allowed rate by this much, so that jitter on the way never adds up to a violation.
PACE_MARGIN = 0.99
# A late request may be followed by sooner ones, up to this much of lost time (seconds).
CATCH_UP = 0.5
TRIES = 5
MOST_REDIRECTS = 5
LONGEST_WAIT = 60.0
TIMEOUT = (5, 30)
RETRIED = {408, 425, 429, 500, 502, 503, 504}
USER_AGENT = "media-lakehouse/0.1"


class Pace:
    """Evenly spaced turns, ``per_second`` of them; one object for all invocations of a process.

    Unless it is ``rested``, the first turn is an interval from now: a new process does not know
    what the planner, or the one whose place it takes, has sent a moment ago.
    """

    def __init__(
        self,
        per_second: float,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        *,
        rested: bool = True,
    ) -> None:
        self.per_second = per_second
        self._interval = 1 / (per_second * PACE_MARGIN)
        self._clock = clock
        self._sleep = sleep
        self._next = 0.0 if rested else clock() + self._interval

    def wait(self) -> None:
        """Sleep until the next turn and take it."""
        now = self._clock()
        turn = max(self._next, now - CATCH_UP)
        if turn > now:
            self._sleep(turn - now)
        self._next = turn + self._interval


@dataclass(frozen=True)
class Answer:
    """A JSON answer as it came: ``text`` verbatim, ``fetched_at`` the moment it was there."""

    url: str
    text: str
    fetched_at: datetime

    def json(self) -> dict[str, Any]:
        """Return the parsed object. Raises ApiError where it is none."""
        try:
            value = json.loads(self.text)
        except ValueError as error:
            raise ApiError(f"{self.url} did not answer with JSON: {error}") from None
        if not isinstance(value, dict):
            raise ApiError(f"{self.url} answered with a {type(value).__name__}, expected an object")
        return value

    def records(self, member: str | None) -> Iterator[tuple[str, Any]]:
        """Yield (verbatim text, parsed value) of each element of the top-level list ``member``.

        Without ``member`` the whole answer is the one record.

        The text keeps spelling that parsing loses (``1.10``, ``1e5``, repeated keys); line breaks
        between its tokens become blanks, so that it fits on a line. Raises ApiError where the
        answer has no such list.
        """
        if member is None:
            yield on_one_line(self.text.strip()), self.json()
            return
        found = False
        try:
            for name, start in members(self.text):
                if name == member and self.text[start] == "[":
                    found = True
                    yield from elements(self.text, start)
        except (ValueError, IndexError) as error:
            raise ApiError(f"{self.url} did not answer with whole JSON: {error}") from None
        if not found:
            raise ApiError(f"{self.url} answered without the list {member!r}: {self.text[:200]!r}")


class Api:
    """One publisher's API.

    ``seconds_left`` tells how long the invocation may still take: a pause that does not fit is
    not begun. ``renew`` gives new headers, and is asked once, when the publisher no longer takes
    the present ones (401). Requests are counted in ``requests``.
    """

    def __init__(
        self,
        source: str,
        base_url: str,
        pace: Pace,
        headers: Mapping[str, str],
        seconds_left: Callable[[], float],
        sleep: Callable[[float], None] = time.sleep,
        renew: Callable[[], Mapping[str, str]] | None = None,
    ) -> None:
        self.requests = 0
        self._renew = renew
        self._source = source
        self._base_url = base_url.rstrip("/") + "/"
        self._pace = pace
        self._seconds_left = seconds_left
        self._sleep = sleep
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.headers.update({"User-Agent": USER_AGENT, "Accept": "application/json"})
        self._session.headers.update(headers)

    def get(self, path: str, **params: object) -> Answer:
        """Return the answer to GET ``path`` (below base_url, or a next-link of the same origin).

        Waits for its turn, tries again what is worth it with exponential backoff and jitter, and
        obeys Retry-After. Raises ApiBusyError where the publisher asks for a longer pause than
        this invocation has, ApiRefusedError where it refuses, and ApiError where
        it cannot be reached or answers with what it should not.
        """
        url = self._same_origin(urljoin(self._base_url, path.lstrip("/")))
        problem = ""
        for attempt in range(TRIES):
            pause = random.uniform(0.5, 1.0) * 2**attempt
            try:
                url, response = self._ask(url, params)
            except requests.RequestException as error:
                problem = f"cannot be reached at {self._base_url} ({type(error).__name__})"
            else:
                if response.status_code == 200:
                    response.encoding = "utf-8"
                    return Answer(url, response.text, utc_now())
                problem = f"answered {response.status_code} to {url}: {_reason(response)}"
                if response.status_code not in RETRIED:
                    raise ApiRefusedError(
                        f"{self._source} {problem.rstrip('.')}.{_advice(response.status_code)}",
                        response.status_code,
                    )
                pause = max(pause, _retry_after(response))
            if pause > min(LONGEST_WAIT, self._seconds_left()):
                raise ApiBusyError(
                    f"{self._source} {problem}; it asks for a pause of {pause:.0f} s", pause
                )
            if attempt < TRIES - 1:
                self._sleep(pause)
        raise ApiError(f"{self._source} {problem}, {TRIES} times. Try again later.")

    def _ask(self, url: str, params: Mapping[str, object]) -> tuple[str, requests.Response]:
        """Return the answer to one try, and the address that gave it in the end.

        Redirects are followed, and headers that are no longer taken are renewed, once.
        """
        query: dict[str, str] = {name: str(value) for name, value in params.items()}
        for _ in range(MOST_REDIRECTS):
            response = self._send(url, query)
            if response.status_code == 401 and self._renew:
                self._session.headers.update(self._renew())
                self._renew = None
                response = self._send(url, query)
            if not response.is_redirect:
                return url, response
            url, query = self._same_origin(urljoin(url, response.headers["Location"])), {}
        raise ApiError(
            f"{self._source} redirects more than {MOST_REDIRECTS} times, lastly to {url}"
        )

    def _send(self, url: str, query: dict[str, str]) -> requests.Response:
        self._pace.wait()
        self.requests += 1
        return self._session.get(url, params=query, timeout=TIMEOUT, allow_redirects=False)

    @property
    def time_is_up(self) -> bool:
        """Whether another request, tried twice, might not end within this invocation."""
        return self._seconds_left() < 2 * sum(TIMEOUT)

    def _same_origin(self, url: str) -> str:
        """Return ``url`` if it leads to base_url's origin; credentials go nowhere else."""
        if urlsplit(url)[:2] != urlsplit(self._base_url)[:2]:
            raise ApiError(
                f"{self._source} points to {urlsplit(url).netloc}, outside {self._base_url}; "
                "not followed, because requests carry credentials"
            )
        return url


def _retry_after(response: requests.Response) -> float:
    """Return the pause in seconds that Retry-After asks for: a number, or an HTTP date."""
    value = response.headers.get("Retry-After", "").strip()
    if not value:
        return 0.0
    try:
        return float(value)
    except ValueError:
        try:
            return max(0.0, (parsedate_to_datetime(value) - utc_now()).total_seconds())
        except ValueError:
            return 0.0


def _reason(response: requests.Response) -> str:
    """Return the publisher's own words for an error, or the beginning of its answer."""
    try:
        body = response.json()
    except ValueError:
        return " ".join(response.text.split())[:200] or response.reason
    if isinstance(body, dict):
        for name in ("status_message", "message", "messages", "error", "errors"):
            if body.get(name):
                found = body[name]
                # Spotify's is an object with the status and the message.
                return str(found.get("message", found) if isinstance(found, dict) else found)
    return str(body)[:200]


def _advice(status: int) -> str:
    if status in (401, 403):
        return " Check the source's key: locally its environment variable, on AWS its secret."
    return ""
