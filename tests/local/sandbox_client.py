"""A client of one sandbox app, over HTTP."""

from __future__ import annotations

import requests

from data_pipeline.local.sandbox import Sandbox


class SandboxClient:
    """Serves an app while it is open, and asks it in one session."""

    def __init__(self, app, path="", headers=()):
        self.app = app
        self.sandbox = Sandbox({"it": app}).start()
        self.base = self.sandbox.url("it") + path
        self.session = requests.Session()
        self.session.headers.update(headers)

    def get(self, path, headers=None, **query):
        return self.session.get(self.base + path, params=query, headers=headers, timeout=10)

    def json(self, path, **query):
        answer = self.get(path, **query)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def __enter__(self):
        return self

    def __exit__(self, *exc_info):
        self.session.close()
        self.sandbox.close()
