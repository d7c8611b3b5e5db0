"""The client of the publishers' APIs, against a real HTTP server."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_pipeline.bronze.http import CATCH_UP, PACE_MARGIN, Answer, Api, Pace
from data_pipeline.bronze.run import utc_now
from data_pipeline.errors import ApiBusyError, ApiError, ApiRefusedError
from data_pipeline.local.sandbox import Call, Response, Sandbox


class Script:
    """An app that gives the answers it was given, in turn."""

    def __init__(self) -> None:
        self.answers: list[Response] = []
        self.calls: list[Call] = []

    def handle(self, call: Call) -> Response:
        self.calls.append(call)
        return self.answers.pop(0)


@pytest.fixture
def script() -> Script:
    return Script()


@pytest.fixture
def server(script: Script) -> Iterator[Sandbox]:
    with Sandbox({"it": script, "other": script}) as sandbox:
        yield sandbox


def api(server: Sandbox, slept: list[float], seconds_left: float = 100.0) -> Api:
    return Api(
        "it",
        server.url("it"),
        Pace(1e6),
        {"Authorization": "Bearer s3cret"},
        lambda: seconds_left,
        sleep=slept.append,
    )


def test_an_answer_is_verbatim(script: Script, server: Sandbox) -> None:
    body = '{"results": [ {"a": 1.10, "a": 1e5,\n "é": "x"}, null ], "total": 2}'
    script.answers = [Response(200, body.encode())]
    answer = api(server, []).get("/x", page=3)
    assert [text for text, _ in answer.records("results")] == [
        '{"a": 1.10, "a": 1e5,  "é": "x"}',
        "null",
    ]
    assert script.calls[0].query == {"page": "3"}
    assert script.calls[0].headers["authorization"] == "Bearer s3cret"


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


@given(st.lists(json_values), st.sampled_from([None, 0, 1, 4]), json_values)
def test_slices_are_the_elements(
    elements: list[object], indent: int | None, before: object
) -> None:
    text = json.dumps({"before": before, "data": elements, "after": [1]}, indent=indent)
    sliced = list(Answer("u", text, utc_now()).records("data"))
    assert [json.loads(part) for part, _ in sliced] == elements
    assert [value for _, value in sliced] == elements
    assert not any("\n" in part for part, _ in sliced)


@pytest.mark.parametrize(
    "text", ["", "[]", "{", '{"data": 3}', '{"data": [1,', "<html>", '{"a":1}']
)
def test_an_answer_without_the_list_is_an_error(text: str) -> None:
    with pytest.raises(ApiError):
        list(Answer("u", text, utc_now()).records("data"))


def test_what_may_pass_is_tried_again(script: Script, server: Sandbox) -> None:
    busy = Response(429, b"{}", {"Retry-After": "7"})
    script.answers = [busy, Response(503), Response(200, b"{}")]
    slept: list[float] = []
    client = api(server, slept)
    client.get("/x")
    assert client.requests == 3
    # Retry-After is kept to, and the second pause backs off.
    assert slept[0] >= 7
    assert 1 <= slept[1] <= 2


def test_a_pause_that_does_not_fit_is_passed_on(script: Script, server: Sandbox) -> None:
    script.answers = [Response(429, b"{}", {"Retry-After": "7200"})]
    with pytest.raises(ApiBusyError) as caught:
        api(server, []).get("/x")
    assert caught.value.retry_after == 7200


@pytest.mark.parametrize("status", [400, 401, 403, 404, 422])
def test_a_refusal_is_not_asked_for_again(script: Script, server: Sandbox, status: int) -> None:
    script.answers = [Response.json(status, {"status_message": "No such key"})]
    client = api(server, [])
    with pytest.raises(ApiRefusedError, match="No such key") as caught:
        client.get("/x")
    assert client.requests == 1
    assert "s3cret" not in str(caught.value)


def test_an_unreachable_host_is_named(script: Script, server: Sandbox) -> None:
    client = Api("it", "http://127.0.0.1:9", Pace(1e6), {}, lambda: 100.0, sleep=lambda s: None)
    with pytest.raises(ApiError, match=r"it cannot be reached at http://127\.0\.0\.1:9"):
        client.get("/x")
    assert client.requests == 5


def test_credentials_stay_at_their_origin(script: Script, server: Sandbox) -> None:
    script.answers = [Response(302, headers={"Location": "http://example.org/steal"})]
    with pytest.raises(ApiError, match=r"example\.org"):
        api(server, []).get("/x")
    with pytest.raises(ApiError, match=r"example\.org"):
        api(server, []).get("http://example.org/next?page=2")
    assert len(script.calls) == 1


def test_a_redirect_within_the_origin_is_followed(script: Script, server: Sandbox) -> None:
    script.answers = [
        Response(302, headers={"Location": "/it/y?z=1"}),
        Response(200, b'{"ok": true}'),
    ]
    assert api(server, []).get("/x").json() == {"ok": True}
    assert (script.calls[1].path, script.calls[1].query) == ("/y", {"z": "1"})


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def test_turns_are_even() -> None:
    clock, at = Clock(), []
    pace = Pace(10, clock, clock.sleep)
    for _ in range(101):
        pace.wait()
        at.append(clock.now)
        clock.now += 0.03  # the request itself
    # The first turns make up for what is allowed at once; then one every tenth of a second.
    assert (at[100] - at[50]) / 50 == pytest.approx(0.1 / PACE_MARGIN)


def test_lost_time_is_made_up_for_a_little_only() -> None:
    clock = Clock()
    pace = Pace(10, clock, clock.sleep)
    pace.wait()
    clock.now += 60
    began = clock.now
    for _ in range(11):
        pace.wait()
    assert clock.now - began >= 10 * 0.1 / PACE_MARGIN - CATCH_UP - 1e-9
