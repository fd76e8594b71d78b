"""`make clients`: the vendors' own Python clients, unchanged, against the sandbox.

They live in an environment of their own (`requirements.txt`): some are larger than AMP. Each script is told by
`SANDBOX` where the sandbox is, and fails where its client does.
"""

import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import takewhile
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg

from amp.kit.postgres import start_embedded
from amp.migrations import runner

HERE = Path(__file__).parent
SPEED = "600"


def main(python: str) -> int:
    scripts = sorted(HERE.glob("*_client.py"))
    with sandbox() as url:
        runs = [subprocess.run([python, script], env=os.environ | {"SANDBOX": url}, check=False) for script in scripts]
    for script, run in zip(scripts, runs, strict=True):
        print("ok    " if run.returncode == 0 else "FAILED", script.stem.removesuffix("_client"))
    return int(any(run.returncode for run in runs))


@contextmanager
def sandbox() -> Iterator[str]:
    """A sandbox on a database of its own, and its address."""
    with own_database() as database, socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
        probe.close()
        url = f"http://127.0.0.1:{port}"
        settings = {"SANDBOX_DATABASE_URL": database, "SANDBOX_URL": url, "SANDBOX_CLOCK_SPEED": SPEED}
        anchor = {"SANDBOX_CLOCK_ANCHOR": datetime.now(UTC).isoformat()}
        command = [sys.executable, "-m", "granian", "--interface", "asgi", "--port", str(port), "--factory", "--no-ws"]
        process = subprocess.Popen(
            [*command, "sandbox_server:build"],
            cwd=HERE.parent / "providers",
            env=os.environ | settings | anchor,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        assert process.stdout
        said = list(takewhile(lambda line: "Started worker" not in line, process.stdout))
        assert process.poll() is None, "".join(said)
        try:
            yield url
        finally:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


@contextmanager
def own_database() -> Iterator[str]:
    home = Path(tempfile.gettempdir()) / f"amp-tests-{os.getuid()}"
    home.mkdir(exist_ok=True)
    server, name = start_embedded(home), f"amp_clients_{os.getpid()}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
        url = urlunsplit(urlsplit(server)._replace(path=f"/{name}"))
        runner.upgrade(url)
        yield url
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
