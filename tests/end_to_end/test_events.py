"""The sample events: `lakehouse invoke` runs each of them, on the deployed functions."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from tests.end_to_end.conftest import ROOT, Lake

# In the order in which one leads to the other.
EVENTS = {
    "start-extraction": ("start-extraction", {"units": 2, "sent": 2, "state": "planned"}),
    "extract-tmdb": ("extract-tmdb", {"batchItemFailures": []}),
    "completion": ("completion", {"units": 2, "failed": {}}),
    "start-extraction-fetch": ("start-extraction", {"key": "movielens/ml-sandbox.zip"}),
    "start-extraction-landed": ("start-extraction", {"source": "movielens", "units": 4}),
    "extract-movielens": ("extract-movielens", {"batchItemFailures": []}),
    "check": ("check", {"ok": True, "crawl": [], "subject": "media-lakehouse-local: refreshed"}),
}


@pytest.fixture(scope="module")
def lake(new_lake: Callable[[], Lake]) -> Lake:
    return new_lake()


@pytest.mark.parametrize("event", EVENTS)
def test_an_event_is_answered(lake: Lake, event: str) -> None:
    function, expected = EVENTS[event]
    answer = json.loads(lake.run("invoke", function, "--event", f"events/{event}.json").stdout)
    for name in ("runs", "landed"):
        if isinstance(answer.get(name), list) and answer[name]:
            (answer,) = answer[name]
    assert {name: answer[name] for name in expected} == expected


def test_every_event_is_run() -> None:
    assert {path.stem for path in (ROOT / "events").glob("*.json")} == set(EVENTS)
