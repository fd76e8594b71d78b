"""What a process does before it works: logs as configured, and a database that has the newest shape."""

import asyncio
import subprocess
import sys

from amp.config import Settings
from amp.engine.worker import wait
from amp.kit.errors import Unavailable
from amp.kit.postgres import start_embedded
from amp.kit.telemetry import configure_logging, log, warn_rarely
from amp.migrations import revision

_TRY_AGAIN_SECONDS = 10.0


def log_as_set(settings: Settings) -> None:
    configure_logging(level=settings.log_level, as_json=settings.log_format == "json")


async def migrated(settings: Settings, stop: asyncio.Event, *, migrate: bool) -> None:
    """Return when the database is there and has the newest shape: by migrating it, or by waiting for it."""
    url = settings.database_url or start_embedded(settings.home_directory)
    while not stop.is_set():
        try:
            if not await asyncio.to_thread(revision.is_outdated, url):
                return
            if migrate:
                await asyncio.to_thread(_migrate_apart)
        except Unavailable as error:
            warn_rarely("waiting for the database", error=error.message)
        except subprocess.CalledProcessError:  # it said why; the cause may go away
            log.error("the migration failed and will be tried again")
            await wait(stop, _TRY_AGAIN_SECONDS)
        await wait(stop, 0.2)


def _migrate_apart() -> None:
    """In a process of its own: what it loads is not needed afterwards."""
    subprocess.run([sys.executable, "-m", "amp.cli", "migrate"], check=True)
