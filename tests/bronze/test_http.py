"""The client of the publishers' APIs, against a real HTTP server."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_pipeline.bronze.http import CATCH_UP, PACE_MARGIN, TRIES, Answer, Api, Pace
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


def api(
    server: Sandbox,
    slept: list[float],
    seconds_left: float = 100.0,
    renew: Callable[[], Mapping[str, str]] | None = None,
) -> Api:
    return Api(
        "it",
        server.url("it"),
        Pace(1e6),
        {"Authorization": "Bearer s3cret"},
        lambda: seconds_left,
        sleep=slept.append,
        renew=renew,
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


@given(
    st.dictionaries(st.text(), json_values), st.sampled_from([None, 0, 1, 4]), st.text(" \n\r\t")
)
def test_without_a_list_the_answer_is_the_record(
    content: dict[str, object], indent: int | None, around: str
) -> None:
    text = json.dumps(content, indent=indent)
    ((record, value),) = Answer("u", f"{around}{text}{around}", utc_now()).records(None)
    assert record == text.replace("\n", " ")
    assert value == content


def test_an_answer_that_is_a_record_is_verbatim() -> None:
    written = '{"a": 1.10,\r\n "a": 1e5, "tracks": {"items": [1.0]}}\n'
    ((record, value),) = Answer("u", written, utc_now()).records(None)
    assert record == '{"a": 1.10,   "a": 1e5, "tracks": {"items": [1.0]}}'
    assert value == {"a": 1e5, "tracks": {"items": [1.0]}}


@pytest.mark.parametrize("text", ["", "[]", "null", "{", '{"a": 1} x', "<html>"])
def test_an_answer_that_is_no_record_is_an_error(text: str) -> None:
    with pytest.raises(ApiError, match=r"https://it/x"):
        list(Answer("https://it/x", text, utc_now()).records(None))


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


class Renewal:
    """Gives other headers each time that it is asked."""

    def __init__(self) -> None:
        self.times = 0

    def __call__(self) -> dict[str, str]:
        self.times += 1
        return {"Authorization": f"Bearer n3w-{self.times}"}


REFUSED = Response.json(401, {"message": "The access token expired"})
FINE = Response(200, b"{}")


def bearers(script: Script) -> list[str]:
    return [call.headers["authorization"].removeprefix("Bearer ") for call in script.calls]


def test_headers_that_are_no_longer_taken_are_renewed(script: Script, server: Sandbox) -> None:
    script.answers = [FINE, REFUSED, FINE, FINE]
    slept: list[float] = []
    renewal = Renewal()
    client = api(server, slept, renew=renewal)
    for page in (1, 2, 3):
        client.get("/x", page=page)
    assert bearers(script) == ["s3cret", "s3cret", "n3w-1", "n3w-1"]
    assert [call.query["page"] for call in script.calls] == ["1", "2", "2", "3"]
    assert (renewal.times, client.requests, slept) == (1, 4, [])


@pytest.mark.parametrize("between", [[], [FINE], [Response(503)]], ids=["at once", "later", "busy"])
def test_headers_are_renewed_only_once(
    script: Script, server: Sandbox, between: list[Response]
) -> None:
    script.answers = [REFUSED, *between, REFUSED]
    renewal = Renewal()
    client = api(server, [], renew=renewal)
    if between == [FINE]:
        client.get("/x")
    with pytest.raises(ApiRefusedError, match=r"The access token expired\. Check") as caught:
        client.get("/x")
    assert caught.value.status == 401
    assert renewal.times == 1
    assert not any(bearer in str(caught.value) for bearer in bearers(script))


def test_what_cannot_be_renewed_is_passed_on(script: Script, server: Sandbox) -> None:
    def refuse() -> dict[str, str]:
        raise ApiRefusedError("no such client", 400)

    script.answers = [REFUSED]
    client = api(server, [], renew=refuse)
    with pytest.raises(ApiRefusedError, match="no such client"):
        client.get("/x")
    assert client.requests == 1


@pytest.mark.parametrize("status", [400, 403, 404])
def test_only_a_401_asks_for_new_headers(script: Script, server: Sandbox, status: int) -> None:
    script.answers = [Response.json(status, {"error": {"message": "No"}})]
    renewal = Renewal()
    with pytest.raises(ApiRefusedError, match=": No") as caught:
        api(server, [], renew=renewal).get("/x")
    assert (renewal.times, caught.value.status) == (0, status)


def test_a_401_after_others_tried_is_renewed_and_asked_again(
    script: Script, server: Sandbox
) -> None:
    """Also where it is the answer to the last of the tries."""
    script.answers = [*[Response(503)] * (TRIES - 1), REFUSED, FINE]
    renewal = Renewal()
    assert api(server, [], renew=renewal).get("/x").text == "{}"
    assert renewal.times == 1


def test_redirects_without_an_end_say_so(script: Script, server: Sandbox) -> None:
    script.answers = [Response(302, headers={"Location": "/it/x"})] * TRIES
    with pytest.raises(ApiError, match=r"it \S.*/it/x"):
        api(server, []).get("/x")
    assert len(script.calls) == TRIES


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
