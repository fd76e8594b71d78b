"""`amp worker`: one process that runs jobs and dispatches deliveries."""

import resource

from amp.commands.preparing import log_as_set, migrated
from amp.commands.supervisor import stop_signal
from amp.config import Settings
from amp.runtime import open_runtime


async def run_worker(settings: Settings, *, child: bool) -> None:
    """Run jobs until told to stop, then finish those that were begun."""
    log_as_set(settings)
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))  # a rush of posts takes a connection each
    stop = await stop_signal(child=child)
    await migrated(settings, stop, migrate=False)
    if stop.is_set():
        return
    runtime = await open_runtime(settings)
    await runtime.worker().run(stop)
    await runtime.close()
