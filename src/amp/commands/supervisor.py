"""The parent of `amp serve`: keeps its children running until it is told to stop, then lets them finish.

                 ┌── amp web      answers requests       (as many as asked for; they share the port)
    amp serve ───┼── amp worker   runs jobs
                 └── PostgreSQL   if it is embedded
Each child reads a pipe from its parent: a line means that it may begin (until then it loads what it needs), its
end that the parent is gone. A child that dies is started again, after a pause that grows while it keeps dying.
The parent loads as little as it can: it is there for days and does next to nothing.
"""

import asyncio
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from types import FrameType

from amp.commands.saying import REFUSED, say

LOOK_EVERY = 0.2
CARE_EVERY = 2.0
DRAIN_SECONDS = 40.0
_SHORT_LIFE = 10.0
_LONGEST_PAUSE = 15.0


@dataclass
class Child:
    """One process, started again whenever it ends."""

    name: str
    arguments: Sequence[str]
    _process: subprocess.Popen[bytes] | None = None
    _started: float = 0.0
    _start_at: float = 0.0
    _pause: float = 0.0

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        command = [sys.executable, "-m", "amp.cli", *self.arguments, "--child"]
        # Ctrl-C reaches the whole group. Children inherit that they ignore it: the parent stops them in order.
        previous = signal.signal(signal.SIGINT, signal.SIG_IGN)
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE)  # noqa: S603 (our own command)
        signal.signal(signal.SIGINT, previous)
        self._started = time.monotonic()

    def let_begin(self) -> None:
        if self._process and self._process.stdin:
            with suppress(OSError):  # it is dead already, and will be noticed
                self._process.stdin.write(b"begin\n")
                self._process.stdin.flush()

    def look(self) -> int | None:
        """Start it again when its pause is over; the exit status if it just ended."""
        now = time.monotonic()
        if self._process is None:
            if now >= self._start_at:
                self.start()
                self.let_begin()
            return None
        status = self._process.poll()
        if status is None:
            return None
        self._forget()
        short = now - self._started < _SHORT_LIFE
        self._pause = min(max(0.5, 2 * self._pause), _LONGEST_PAUSE) if short else 0.0
        self._start_at = now + self._pause
        return status

    def ask_to_stop(self) -> None:
        if self._process and self.running:
            self._process.terminate()

    def end(self) -> None:
        """Now, whatever it is doing."""
        if self._process:
            self._process.kill()
            self._process.wait()
            self._forget()

    def _forget(self) -> None:
        if self._process and self._process.stdin:
            with suppress(OSError):
                self._process.stdin.close()
        self._process = None


@dataclass
class Supervisor:
    children: Sequence[Child]
    _stop: threading.Event = field(default_factory=threading.Event)
    _asked_by: str = ""

    @classmethod
    def of(cls, *, web_processes: int, with_worker: bool) -> "Supervisor":
        children = [Child("web", ("web", "--prepares"))]
        children += [Child(f"web {number}", ("web",)) for number in range(2, web_processes + 1)]
        return cls([*children, Child("worker", ("worker",))] if with_worker else children)

    def start(self) -> None:
        """The children load what they need, and wait."""
        for signum in (signal.SIGTERM, signal.SIGINT):
            signal.signal(signum, self._on_signal)
        for child in self.children:
            child.start()

    def run(self, look_after: Callable[[], None]) -> int:
        """Let the children begin; until SIGTERM or SIGINT, or until one says that it cannot run here.

        `look_after` is called now and then, to see to what is not a child. The exit status of it all.
        """
        for child in self.children:
            child.let_begin()
        next_care, status = 0.0, 0
        while not status and not self._stop.is_set():
            if time.monotonic() >= next_care:
                look_after()
                next_care = time.monotonic() + CARE_EVERY
            self._stop.wait(LOOK_EVERY)
            status = 0 if self._stop.is_set() else self._look()
        if self._asked_by:
            say(f"Stopping ({self._asked_by}): what was begun is finished first")
        self._drain()
        return status

    def give_up(self) -> None:
        """Before they began."""
        for child in self.children:
            child.end()

    def _on_signal(self, signum: int, _frame: FrameType | None) -> None:
        self._asked_by = signal.Signals(signum).name
        self._stop.set()

    def _look(self) -> int:
        for child in self.children:
            status = child.look()
            if status == REFUSED:
                return status
            if status is not None:
                say(f"{child.name} ended (status {status}); starting it again")
        return 0

    def _drain(self) -> None:
        for child in self.children:
            child.ask_to_stop()
        deadline = time.monotonic() + DRAIN_SECONDS
        while any(child.running for child in self.children) and time.monotonic() < deadline:
            time.sleep(0.05)
        for child in self.children:
            child.end()


async def stop_signal(*, child: bool) -> asyncio.Event:
    """Set at SIGTERM. A child waits until it may begin, and stops when its parent is gone; anybody else stops at
    SIGINT (Ctrl-C), too."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()

    def asked(signum: signal.Signals) -> None:
        if not child:  # of a child, the parent says it
            say(f"Stopping ({signum.name}): what was begun is finished first")
        stop.set()

    loop.add_signal_handler(signal.SIGTERM, asked, signal.SIGTERM)
    if not child:
        loop.add_signal_handler(signal.SIGINT, asked, signal.SIGINT)
        return stop
    parent = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(parent), sys.stdin)
    if not await parent.readline():
        stop.set()
    _keep(loop.create_task(_follow(parent, stop)))
    return stop


async def _follow(parent: asyncio.StreamReader, stop: asyncio.Event) -> None:
    await parent.read()
    stop.set()


_tasks: set[asyncio.Task[None]] = set()


def _keep(task: asyncio.Task[None]) -> None:
    """The loop holds tasks weakly only."""
    _tasks.add(task)
    task.add_done_callback(_tasks.discard)
