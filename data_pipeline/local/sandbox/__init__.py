"""Publishers' APIs and files, as a local server that behaves as they do.

``Sandbox`` serves apps; an app is any object with ``handle(call) -> Response``. There is a
module for each publisher, and adding one edits no other.
"""

from data_pipeline.local.sandbox.limits import RateLimit
from data_pipeline.local.sandbox.server import App, Call, Request, Response, Sandbox, StandIn

__all__ = ["App", "Call", "RateLimit", "Request", "Response", "Sandbox", "StandIn"]
