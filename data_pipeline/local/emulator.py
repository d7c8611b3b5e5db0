"""The local stand-in for AWS: MiniStack, kept in the lakehouse's home.

It emulates S3, SQS, Lambda, CloudFormation, Secrets Manager and the Glue catalogue. It says
SUCCEEDED for Glue jobs and crawlers that it does not run, so nothing here asks it to.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from functools import cached_property
from types import TracebackType
from typing import Any

import boto3
from botocore.config import Config

from data_pipeline.errors import LocalError
from data_pipeline.local.home import ACCOUNT, Home

DEFAULT_PORT = 4566
START_SECONDS = 60
STOP_SECONDS = 30
# Lambdas inherit the emulator's environment; a variable that the template forgets must be missed.
PASSED_ON = ("PATH", "HOME", "LANG", "LC_ALL", "SYSTEMROOT")


class Emulator:
    """A running emulator; use it as a context. ``endpoint`` is its address.

    ``options`` are environment variables of its own, such as AUTH=true, which has it enforce IAM;
    with USE_SSL=1 it speaks TLS, and ``certificate`` is what to trust.
    """

    def __init__(self, home: Home, region: str, options: Mapping[str, str] | None = None) -> None:
        self.home = home
        self.region = region
        self.options = options or {}
        self.port = _port()
        tls = self.options.get("USE_SSL") == "1"
        self.endpoint = f"{'https' if tls else 'http'}://127.0.0.1:{self.port}"
        self.certificate = home.root / "tmp" / "ministack-tls" / "server.crt" if tls else None
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Emulator:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Start it and wait until it answers. Raises LocalError if the port is taken."""
        _check_free(self.port)
        self._adopt_port()
        temporary = self.home.root / "tmp"
        for folder in (self.home.s3, self.home.state, temporary):
            folder.mkdir(parents=True, exist_ok=True)
        environment = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
        environment |= {
            "GATEWAY_PORT": str(self.port),
            "BIND_HOST": "127.0.0.1",
            "MINISTACK_HOST": "localhost",
            "MINISTACK_REGION": self.region,
            "MINISTACK_ACCOUNT_ID": ACCOUNT,
            "AWS_DEFAULT_REGION": self.region,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "LAMBDA_EXECUTOR": "local",
            # It would listen for these on all interfaces.
            "IOT_MTLS_ENABLED": "0",
            "SFTP_ENABLED": "0",
            # Both, or there are buckets without the stack that owns them: no deploying to that.
            "S3_PERSIST": "1",
            "S3_DATA_DIR": str(self.home.s3),
            "PERSIST_STATE": "1",
            "STATE_DIR": str(self.home.state),
            "TMPDIR": str(temporary),
            "PYTHONDONTWRITEBYTECODE": "1",
            **self.options,
        }
        with self.home.log.open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "data_pipeline.local.emulator_process"],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                env=environment,
                # Ctrl-C is for the command, which then stops the emulator in its own time.
                start_new_session=True,
            )
        self._wait_until_it_answers()

    def stop(self) -> None:
        """Stop it cleanly, which is when it writes its state."""
        process, self._process = self._process, None
        if process is None:
            return
        if process.stdin:
            process.stdin.close()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    @property
    def has_state(self) -> bool:
        """Whether an earlier clean stop left something to go on from."""
        return any(self.home.state.glob("*.json"))

    def client(self, service: str) -> Any:
        return boto3.client(  # type: ignore[call-overload]
            service,
            endpoint_url=self.endpoint,
            region_name=self.region,
            aws_access_key_id="test",
            aws_secret_access_key="test",
            verify=str(self.certificate) if self.certificate else None,
            config=Config(read_timeout=900, retries={"max_attempts": 1}, max_pool_connections=32),
        )

    @cached_property
    def s3(self) -> Any:
        return self.client("s3")

    def _wait_until_it_answers(self) -> None:
        process = self._process
        assert process is not None
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if process.poll() is not None:
                break
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.02)
        last = self.home.log.read_text(errors="replace").strip().splitlines()[-1:]
        self.stop()
        raise LocalError(f"the emulator did not start: {''.join(last)}. See {self.home.log}.")

    def _adopt_port(self) -> None:
        """Let the kept state name its queues by this port: an address of a queue has one."""
        note = self.home.root / "port"
        before = note.read_text() if note.exists() else ""
        if before and before != str(self.port):
            for file in self.home.state.glob("*.json"):
                text = file.read_text(encoding="utf-8")
                file.write_text(
                    text.replace(f"localhost:{before}/", f"localhost:{self.port}/"),
                    encoding="utf-8",
                )
        self.home.root.mkdir(parents=True, exist_ok=True)
        note.write_text(str(self.port))


def _port() -> int:
    text = os.environ.get("LAKEHOUSE_PORT", str(DEFAULT_PORT))
    if not text.isdigit() or not 0 < int(text) < 65536:
        raise LocalError(f"LAKEHOUSE_PORT = {text!r} is no port; expected a number from 1 to 65535")
    return int(text)


def _check_free(port: int) -> None:
    # The last emulator may be on its way out.
    for _ in range(20):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
                return
            except OSError:
                time.sleep(0.25)
    raise LocalError(
        f"port {port} is in use, which the local emulator needs. Stop what listens there, or set "
        "LAKEHOUSE_PORT to a free one."
    )
