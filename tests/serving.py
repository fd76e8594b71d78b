"""Real server and worker processes of the product, for tests that kill them or need a socket."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx2

SECRET = "a secret of the tests"


@dataclass
class Process:
    """A process group of ours: killed as a whole, so that nothing outlives the test."""

    popen: "subprocess.Popen[bytes]"
    log: Path

    def kill(self) -> None:
        """As a power cut would: at once, with all its children."""
        os.killpg(self.popen.pid, signal.SIGKILL)
        self.popen.wait()

    def stop(self) -> None:
        if self.popen.poll() is None:
            self.popen.send_signal(signal.SIGTERM)
            try:
                self.popen.wait(timeout=30)
            except subprocess.TimeoutExpired:
                self.kill()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def environment(database_url: str, home: Path, port: int, **settings: object) -> dict[str, str]:
    own = {"AMP_DATABASE_URL": database_url, "AMP_HOME": str(home), "AMP_PORT": str(port), "AMP_SECRET_KEY": SECRET}
    more = {f"AMP_{name.upper()}": str(value) for name, value in settings.items()}
    return os.environ | own | {"AMP_LOG_LEVEL": "warning"} | more


def start(arguments: list[str], env: Mapping[str, str], log: Path) -> Process:
    with log.open("ab") as output:
        popen = subprocess.Popen(arguments, env=dict(env), stdout=output, stderr=output, start_new_session=True)
    return Process(popen, log)


def start_web(env: Mapping[str, str], log: Path) -> Process:
    """A web process without workers."""
    process = start([sys.executable, "-m", "amp.cli", "web"], env, log)
    await_answer(f"http://127.0.0.1:{env['AMP_PORT']}/healthz", process)
    return process


def start_worker(env: Mapping[str, str], log: Path) -> Process:
    return start([sys.executable, "-m", "amp.cli", "worker"], env, log)


def await_answer(url: str, process: Process, *, seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while process.popen.poll() is None:
        try:
            if httpx2.get(url, trust_env=False).is_success:
                return
        except httpx2.TransportError:
            pass
        assert time.monotonic() < deadline, process.log.read_text()
        time.sleep(0.05)
    raise AssertionError(process.log.read_text())


@contextmanager
def serving(database_url: str, home: Path, **settings: object) -> Iterator[str]:
    """The product served on a free port, without workers; its base URL."""
    env = environment(database_url, home, free_port(), **settings)
    process = start_web(env, home / "web.log")
    try:
        yield f"http://127.0.0.1:{env['AMP_PORT']}"
    finally:
        process.stop()
