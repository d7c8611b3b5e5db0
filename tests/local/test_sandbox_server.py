"""The sandbox's server, with an app that tells what it was asked."""

import json
import socket
import threading
import time

import pytest
import requests

from data_pipeline.errors import LocalError
from data_pipeline.local.sandbox import Response, Sandbox


class Echo:
    def handle(self, call):
        if call.path == "/fail":
            raise RuntimeError("out of order")
        if call.path == "/none":
            return Response(204)
        payload = {
            "method": call.method,
            "path": call.path,
            "query": dict(call.query),
            "agent": call.headers["user-agent"],
            "body": call.body.decode(),
            "base_url": call.base_url,
        }
        return Response.json(200, payload, {"X-Name": "écho"})


@pytest.fixture
def sandbox():
    with Sandbox({"echo": Echo(), "other": Echo()}) as running:
        yield running


def test_an_app_sees_the_request_below_its_mount(sandbox):
    answer = requests.post(
        sandbox.url("echo") + "/a/b?page=2&empty=&page=3",
        data="grant=1",
        headers={"User-Agent": "test"},
        timeout=5,
    )
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "application/json;charset=utf-8"
    assert answer.json() == {
        "method": "POST",
        "path": "/a/b",
        "query": {"page": "3", "empty": ""},
        "agent": "test",
        "body": "grant=1",
        "base_url": f"http://127.0.0.1:{sandbox.port}/echo",
    }


def test_every_request_is_logged(sandbox):
    before = time.monotonic()
    requests.get(sandbox.url("echo") + "/x", params={"page": 7}, timeout=5)
    requests.get(sandbox.url("other") + "/none", timeout=5)
    requests.get(f"http://127.0.0.1:{sandbox.port}/unknown/y", timeout=5)
    log = sandbox.log
    assert [(r.app, r.method, r.path, r.query, r.status) for r in log] == [
        ("echo", "GET", "/x", {"page": "7"}, 200),
        ("other", "GET", "/none", {}, 204),
        ("unknown", "GET", "/y", {}, 404),
    ]
    assert before <= log[0].at <= log[1].at <= log[2].at <= time.monotonic()


def test_connections_are_kept_alive(sandbox):
    def ask(connection, method):
        connection.sendall(
            f"{method} /echo/x HTTP/1.1\r\nHost: x\r\nUser-Agent: t\r\n\r\n".encode()
        )
        head = b""
        while b"\r\n\r\n" not in head:
            head += connection.recv(65536)
        return head

    with socket.create_connection(("127.0.0.1", sandbox.port), timeout=5) as connection:
        for method in ("GET", "HEAD", "GET"):
            head, _, body = ask(connection, method).partition(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 200")
            assert b"Content-Length: " in head
            assert bool(body) == (method == "GET")


def test_an_app_that_fails_answers_500(sandbox, caplog):
    answer = requests.get(sandbox.url("echo") + "/fail", timeout=5)
    assert answer.status_code == 500
    assert "out of order" in answer.json()["error"]
    assert "out of order" in caplog.text


def test_an_unknown_app_is_named(sandbox):
    with pytest.raises(LocalError, match=r"'jikan'.*echo, other"):
        sandbox.url("jikan")


def test_a_port_in_use_is_a_clear_error(sandbox):
    with pytest.raises(LocalError, match=f"port {sandbox.port} of 127.0.0.1 is in use"):
        Sandbox({}, port=sandbox.port).start()


def test_an_impossible_port_is_a_clear_error():
    with pytest.raises(LocalError, match="cannot listen on port 70000"):
        Sandbox({}, port=70000).start()


def test_nothing_answers_after_the_end():
    session = requests.Session()
    with Sandbox({"echo": Echo()}) as sandbox:
        url = sandbox.url("echo")
        port = sandbox.port
        assert session.get(url, timeout=5).ok
    # Neither on the connection that was kept alive, nor on a new one.
    with pytest.raises(requests.ConnectionError):
        session.get(url, timeout=5)
    with pytest.raises(LocalError, match="not running"):
        sandbox.url("echo")
    sandbox.close()
    with Sandbox({"echo": Echo()}, port=port) as again:
        assert again.url("echo") == url


def test_idle_connections_are_ended():
    with (
        Sandbox({"echo": Echo()}) as sandbox,
        socket.create_connection(("127.0.0.1", sandbox.port), timeout=5) as connection,
    ):
        connection.sendall(b"GET /echo/none HTTP/1.1\r\nHost: x\r\n\r\n")
        assert connection.recv(65536).startswith(b"HTTP/1.1 204")
        sandbox.close()
        assert connection.recv(65536) == b""


def test_requests_are_answered_side_by_side():
    barrier = threading.Barrier(4, timeout=5)

    class Together:
        def handle(self, call):
            barrier.wait()
            return Response.json(200, json.dumps({"ok": True}))

    with Sandbox({"app": Together()}) as sandbox:
        threads = [
            threading.Thread(target=requests.get, args=(sandbox.url("app"),), kwargs={"timeout": 5})
            for _ in range(4)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert [entry.status for entry in sandbox.log] == [200] * 4
