"""`make clients`: the vendors' own Python clients, unchanged, against the sandbox.

They live in an environment of their own (`requirements.txt`): some are larger than AMP. Each script is told by
`SANDBOX` where the sandbox is, and fails where its client does.
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg

from amp.kit.postgres import start_embedded
from amp.migrations import runner

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE.parent), str(HERE.parent / "providers")]

from standing import sandbox_process  # noqa: E402 (found there)

SPEED = "600"


def main(python: str) -> int:
    scripts = sorted(HERE.glob("*_client.py"))
    with (
        own_database() as database,
        tempfile.TemporaryDirectory() as logs,
        sandbox_process(database, Path(logs) / "log", speed=SPEED) as url,
    ):
        env = os.environ | {"SANDBOX": url}
        runs = [subprocess.run([python, script], env=env, check=False) for script in scripts]
    for script, run in zip(scripts, runs, strict=True):
        print("ok    " if run.returncode == 0 else "FAILED", script.stem.removesuffix("_client"))
    return int(any(run.returncode for run in runs))


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
