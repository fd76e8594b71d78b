"""The product as processes that can be killed and started again, and its sandbox as each owner sees it."""

import atexit
import shutil
import sys
import tempfile
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx2

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from amp.kit.database import Scope
from amp.sandbox.faults import Fault, Order, decide
from serving import Process, await_answer, environment, free_port, start

HEARTBEAT_SECONDS = 0.5


def new_home() -> Path:
    home = Path(tempfile.mkdtemp(prefix="amp-torture-"))
    home.chmod(0o711)  # as root, PostgreSQL runs as somebody else, who must pass
    atexit.register(shutil.rmtree, home, ignore_errors=True)  # before the database's own, so that it leaves first
    return home


@dataclass(frozen=True)
class Owner:
    """A tenant whose accounts nobody else uses."""

    scope: Scope
    key: str


class Stage:
    """The processes of the product, by name, and how often each was killed."""

    def __init__(self, database_url: str, home: Path, *, clock_speed: float) -> None:
        settings = {"heartbeat_seconds": HEARTBEAT_SECONDS, "clock_speed": clock_speed}
        self._env = environment(database_url, home, free_port(), **settings)
        self._home = home
        self.url = f"http://127.0.0.1:{self._env['AMP_PORT']}"
        self.processes: dict[str, Process] = {}
        self.kills: Counter[str] = Counter()

    def start(self, name: str) -> None:
        command = [sys.executable, "-m", "amp.cli", name.split()[0]]
        self.processes[name] = start(command, self._env, self._home / f"{name}.log")

    def kill(self, name: str) -> None:
        self.processes[name].kill()
        self.kills[name] += 1
        self.start(name)

    def await_web(self) -> None:
        await_answer(f"{self.url}/healthz", self.processes["web"])

    def stop(self) -> None:
        for process in self.processes.values():
            process.stop()


def client_of(stage: Stage, owner: Owner) -> httpx2.AsyncClient:
    headers = {"Authorization": f"Bearer {owner.key}"}
    return httpx2.AsyncClient(base_url=stage.url, headers=headers, trust_env=False, timeout=30)


async def ledgers_of(stage: Stage, owners: Sequence[Owner]) -> dict[tuple[UUID, str], list[str]]:
    ledgers: dict[tuple[UUID, str], list[str]] = defaultdict(list)
    for owner in owners:
        for entry in await _asked(stage, owner, "/sandbox/_ledger"):
            ledgers[owner.scope.workspace_id, entry["vendor"]].append(entry["text"])
    return ledgers


async def _asked(stage: Stage, owner: Owner, path: str) -> list[dict[str, Any]]:
    async with client_of(stage, owner) as client:
        return (await client.get(path)).raise_for_status().json()["data"]


async def struck(stage: Stage, owners: Sequence[Owner]) -> Counter[str]:
    """How many requests each fault hit: an order decides the same again."""
    hits: Counter[str] = Counter()
    for owner in owners:
        for row in await _asked(stage, owner, "/sandbox/_faults"):
            order = Order(**row | {"fault": Fault(row["fault"])})
            hits[row["fault"]] += sum(decide(order, asking + 1) is not None for asking in range(order.asked))
    return hits
