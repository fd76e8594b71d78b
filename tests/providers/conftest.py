"""A sandbox on a real socket, shared by the tests of one process; every test has an owner of its own in it."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import takewhile
from pathlib import Path
from uuid import uuid4

import httpx2
import pytest
from courier import Owner, Sandbox, connected
from sandbox_server import shared_clock

from amp.providers.discovery import Social

SPEED = "600"
"""Virtual seconds in a real one: a listing that lags by 20 s is up to date after 33 ms."""


@pytest.fixture(scope="session")
def sandbox(database_url: str) -> Iterator[Sandbox]:
    anchor = datetime.now(UTC).isoformat()
    port = _free_port()
    settings = {
        "SANDBOX_DATABASE_URL": database_url,
        "SANDBOX_CLOCK_ANCHOR": anchor,
        "SANDBOX_CLOCK_SPEED": SPEED,
        "SANDBOX_URL": f"http://127.0.0.1:{port}",
    }
    with _server(port, settings):
        yield Sandbox(f"http://127.0.0.1:{port}", shared_clock(anchor, SPEED))


@pytest.fixture
async def owner(sandbox: Sandbox) -> AsyncIterator[Owner]:
    name = f"owner-{uuid4().hex}"
    async with httpx2.AsyncClient(base_url=sandbox.url, headers={"Authorization": f"Bearer {name}"}) as http:
        yield Owner(name, sandbox, http)


@pytest.fixture
async def social(owner: Owner) -> AsyncIterator[Social]:
    social = connected(owner, owner.sandbox.url)
    yield social
    await social.aclose()


@contextmanager
def _server(port: int, settings: dict[str, str]) -> Iterator[None]:
    """The server as a process, from the moment it answers until the block ends."""
    command = [sys.executable, "-m", "granian", "--interface", "asgi", "--host", "127.0.0.1", "--port", str(port)]
    process = subprocess.Popen(
        [*command, "--factory", "--no-ws", "sandbox_server:build"],
        cwd=Path(__file__).parent,
        env={**os.environ, **settings},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    with process.stdout as said:
        lines = list(takewhile(lambda line: "Started worker" not in line, said))
        if process.poll() is not None:
            raise RuntimeError(f"the sandbox did not start: {''.join(lines)}")
        yield
        os.killpg(process.pid, signal.SIGKILL)  # its worker, too, which may still be holding an answer back
        process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
