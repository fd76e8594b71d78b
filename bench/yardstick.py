"""What the benchmarks share: the product and a bare server in processes of their own, a load, medians, tables.

A number alone says little on a machine that others use as well. So every benchmark takes turns between AMP and
something bare that does the same work without us, and its result is the ratio of the two.
"""

import asyncio
import json
import os
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from amp.config import Settings
from amp.kit.telemetry import configure_logging
from amp.runtime import Runtime, open_runtime

BIN = Path(sys.executable).parent
CONNECTIONS = 32
_PATIENCE = 60.0


@dataclass
class Product:
    """AMP in a home of its own, with the embedded database, run by its own command."""

    home: Path
    port: int
    _processes: list[subprocess.Popen[bytes]] = field(default_factory=list[subprocess.Popen[bytes]])

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def database_url(self) -> str:
        """Known without joining the embedded server, which would then wait for us before it stops."""
        return f"postgresql://postgres@/postgres?host={self.home}/postgres"

    @property
    def log(self) -> Path:
        return self.home / "log"

    def start(self, *arguments: str) -> subprocess.Popen[bytes]:
        settings = {"AMP_HOME": str(self.home), "AMP_PORT": str(self.port), "AMP_LOG_LEVEL": "warning"}
        others = {name: value for name, value in os.environ.items() if not name.startswith("AMP_")}
        with self.log.open("ab") as log:
            command = [BIN / "amp", *arguments]
            process = subprocess.Popen(command, env=others | settings, cwd=self.home, stdout=log, stderr=log)
        self._processes.append(process)
        return process

    def serve(self, *arguments: str) -> subprocess.Popen[bytes]:
        """Start `amp serve` and wait for its first real answer."""
        process = self.start("serve", *arguments)
        wait_until(self.answers, told_by=self.log)
        return process

    def answers(self) -> bool:
        """Whether it lists missions to whom the first key is given."""
        try:
            key = json.loads((self.home / "credentials.json").read_text())["api_key_test"]
        except FileNotFoundError:
            return False
        return answers(self.port, request("GET", "/v1/missions", key=key))

    def stop(self) -> None:
        for process in reversed(self._processes):
            process.send_signal(signal.SIGTERM)
            process.wait(timeout=_PATIENCE)
        self._processes.clear()

    @asynccontextmanager
    async def runtime(self) -> AsyncGenerator[Runtime]:
        """Its inside, for making what there is to measure."""
        configure_logging(level="warning", as_json=False)
        given = {"home": self.home, "port": self.port, "database_url": self.database_url}
        runtime = await open_runtime(Settings(_env_file=None, **given))
        yield runtime
        await runtime.close()


@contextmanager
def new_product() -> Iterator[Product]:
    """A product that has never run."""
    home = Path(tempfile.mkdtemp(prefix="amp-bench-"))
    home.chmod(0o711)  # as root, PostgreSQL runs as somebody else, who must pass
    product = Product(home, free_port())
    try:
        yield product
    finally:
        product.stop()
        shutil.rmtree(home)


@contextmanager
def bare_server(answering_with: Path) -> Iterator[int]:
    """`bare.py` on Granian, answering with the files of a directory; its port."""
    port = free_port()
    command = [BIN / "granian", "--interface", "asginl", "--no-ws", "--no-log", "--port", str(port), "bare:app"]
    env = os.environ | {"BARE_ANSWERS": str(answering_with)}
    process = subprocess.Popen(command, cwd=Path(__file__).parent, env=env)
    try:
        wait_until(lambda: answers(port, request("GET", "/list")))
        yield port
    finally:
        process.terminate()
        process.wait()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_until(condition: Callable[[], bool], *, told_by: Path | None = None) -> None:
    """Look every few milliseconds. Errors: TimeoutError with what the log at `told_by` tells."""
    deadline = time.monotonic() + _PATIENCE
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(told_by.read_text() if told_by else "it does not come to pass")
        time.sleep(0.01)


def answers(port: int, question: bytes) -> bool:
    """Whether somebody listens and says 200."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
            connection.sendall(question)
            return connection.recv(64).startswith(b"HTTP/1.1 200 ")
    except OSError:
        return False


def request(method: str, path: str, *, key: str = "", body: bytes = b"") -> bytes:
    """One HTTP/1.1 request, ready to be sent again and again."""
    head = f"{method} {path} HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {key}\r\n"
    if body:
        head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
    return f"{head}\r\n".encode() + body


@dataclass(frozen=True)
class Load:
    """What came of one stretch of load. Times in seconds."""

    per_second: float
    p50: float
    p99: float
    generator_busy: float
    """The share of a core that this process itself needed: near 1, and it measures itself."""


async def load(port: int, requests: Sequence[bytes], *, seconds: float) -> Load:
    """Send each of `requests` over a connection of its own, again as soon as it is answered."""
    loop = asyncio.get_running_loop()
    until = loop.time() + seconds
    callers = [_Caller(one, until) for one in requests]
    started, busy = time.perf_counter(), time.process_time()
    for caller in callers:
        await loop.create_connection(lambda caller=caller: caller, "127.0.0.1", port)
    await asyncio.gather(*(caller.done for caller in callers))
    elapsed, busy = time.perf_counter() - started, time.process_time() - busy
    times = sorted(took for caller in callers for took in caller.times)
    return Load(len(times) / elapsed, quantile(times, 0.5), quantile(times, 0.99), busy / elapsed)


_HEAD = re.compile(rb"HTTP/1\.1 2\d\d .*?\r\ncontent-length: *(\d+)\r\n.*?\r\n\r\n", re.IGNORECASE | re.DOTALL)


class _Caller(asyncio.Protocol):
    """One connection with one request on its way at any time."""

    def __init__(self, question: bytes, until: float) -> None:
        self._question = question
        self._until = until
        self._received = bytearray()
        self._missing = 0
        self.times: list[float] = []
        self.done = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self._send()

    def data_received(self, data: bytes) -> None:
        if not self._missing:
            self._received += data
            head = _HEAD.match(self._received)
            if head is None:
                if b"\r\n\r\n" in self._received:
                    self._end(RuntimeError(bytes(self._received).decode()))
                return
            self._missing = head.end() + int(head[1]) - len(self._received)
            self._received.clear()
        else:
            self._missing -= len(data)
        if not self._missing:
            self.times.append(time.perf_counter() - self._sent)
            self._send()

    def connection_lost(self, exc: Exception | None) -> None:
        self._end(exc or ConnectionError("the server hung up"))

    def _send(self) -> None:
        self._sent = time.perf_counter()
        if asyncio.get_running_loop().time() < self._until:
            self._transport.write(self._question)
        else:
            self._end(None)

    def _end(self, error: Exception | None) -> None:
        if self.done.done():
            return
        if error:
            self.done.set_exception(error)
        else:
            self.done.set_result(None)
        self._transport.close()


def quantile(values: Sequence[float], share: float) -> float:
    """Of sorted values."""
    return values[min(len(values) - 1, int(share * len(values)))]


def family(pid: int) -> list[int]:
    """A process and all that come from it. Needs /proc."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *(below for child in children for below in family(int(child)))]


def memory(pids: Sequence[int]) -> float:
    """Megabytes, what is shared counted by shares (PSS). Needs /proc."""
    return sum(_pss(pid) for pid in pids) / 1024


def _pss(pid: int) -> int:
    line = next(line for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines() if line.startswith("Pss:"))
    return int(line.split()[1])


def median(values: Sequence[float]) -> float:
    return statistics.median(values)


def verdict(value: float, *, least: float | None = None, most: float | None = None) -> str:
    good = (least is None or value >= least) and (most is None or value <= most)
    target = f">= {least:g}" if least is not None else f"<= {most:g}"
    return f"target {target}  {'ok' if good else 'MISSED'}"
