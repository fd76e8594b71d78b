"""The sandbox of `sandbox_server.py` as a process, from the moment it answers."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from serving import await_answer, free_port, start

HERE = Path(__file__).parent


@contextmanager
def sandbox_process(database_url: str, log: Path, *, anchor: datetime | None = None, speed: str) -> Iterator[str]:
    """Its address; virtual time runs from `anchor` (now unless given) at `speed`."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    settings = {
        "SANDBOX_DATABASE_URL": database_url,
        "SANDBOX_URL": url,
        "SANDBOX_CLOCK_ANCHOR": (anchor or datetime.now(UTC)).isoformat(),
        "SANDBOX_CLOCK_SPEED": speed,
        "PYTHONPATH": os.pathsep.join(filter(None, [os.environ.get("PYTHONPATH"), str(HERE)])),
    }
    command = [sys.executable, "-m", "granian", "--interface", "asgi", "--host", "127.0.0.1", "--port", str(port)]
    process = start([*command, "--factory", "--no-ws", "sandbox_server:build"], os.environ | settings, log)
    try:
        await_answer(f"{url}/files/square.png", process)
        yield url
    finally:
        process.kill()  # its worker, too, which may still be holding an answer back
