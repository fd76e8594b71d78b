"""`amp doctor`: what can go wrong with an installation, one line each, and what to do about it."""

import asyncio
import re
import shutil
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal
from urllib.parse import urlsplit

from sqlalchemy import func, select, text

from amp.commands.migrate import database_url
from amp.commands.saying import other_master
from amp.commands.starting import load_settings, misspelled
from amp.config import Settings
from amp.domain.connections.models import Connection
from amp.domain.connections.rotating import unknown_masters
from amp.domain.media.port import Storage
from amp.engine.recovery import worker_alive
from amp.kit.addresses import is_public
from amp.kit.clock import real_now
from amp.kit.database import APP_ROLE, SYSTEM, SYSTEM_ROLE
from amp.kit.errors import AmpError
from amp.kit.fetching import system_resolver
from amp.kit.ids import new_id
from amp.migrations import revision
from amp.providers.discovery import social_vendors
from amp.runtime import Runtime, open_runtime

Verdict = Literal["ok", "warn", "fail"]
_LEAST_DISK = 500_000_000
_MOST_SKEW = timedelta(seconds=2)
_SOON = timedelta(days=3)
_VERSION_WARN = timedelta(days=90)
_DATED_VERSION = re.compile(r"(20\d\d)(0[1-9]|1[0-2])")


@dataclass(frozen=True)
class Finding:
    verdict: Verdict
    about: str
    text: str
    """What was found and, unless it is good, what to do."""


Check = Callable[[Runtime], Awaitable[Finding]]


def examine() -> int:
    """Print all findings; 1 if something must be done before AMP can work."""
    settings = load_settings()
    findings = asyncio.run(_examine(settings))
    for finding in findings:
        print(f"{finding.verdict:<5} {finding.about:<12} {finding.text}")  # noqa: T201 (what was asked for)
    return int(any(finding.verdict == "fail" for finding in findings))


async def _examine(settings: Settings) -> Sequence[Finding]:
    findings = [*_of_settings(settings)]
    try:
        if revision.is_outdated(database_url(settings)):
            return [*findings, Finding("fail", "database", "It needs migrating: amp migrate")]
        async with _runtime(settings) as runtime:
            findings += [await check(runtime) for check in _OF_RUNTIME]
    except AmpError as error:
        findings.append(Finding("fail", "database", f"{error.message}. Check AMP_DATABASE_URL"))
    return findings


@asynccontextmanager
async def _runtime(settings: Settings) -> AsyncGenerator[Runtime]:
    runtime = await open_runtime(settings)
    try:
        yield runtime
    finally:
        await runtime.close()


def _of_settings(settings: Settings) -> Iterable[Finding]:
    home = settings.home_directory
    yield Finding("ok", "settings", f"AMP_HOME is {home}; the server is at {settings.base_url}")
    for sentence in misspelled(settings):
        yield Finding("warn", "settings", sentence)
    free = shutil.disk_usage(home).free
    space = f"{free // 1_000_000} MB free in AMP_HOME"
    yield Finding("ok", "disk", space) if free > _LEAST_DISK else Finding("warn", "disk", f"Only {space}: make room")
    for name in ("secret.key", "credentials.json"):
        file = home / name
        if file.exists() and file.stat().st_mode & 0o077:
            yield Finding("fail", "secrets", f"Others can read {file}: chmod 600 {file}")
    yield from _of_writer(settings)
    yield from _of_credentials(settings)
    yield from _of_versions(settings)


def _of_writer(settings: Settings) -> Iterable[Finding]:
    if settings.writer is None:
        yield Finding("warn", "writer", "Nobody writes in live mode: set AMP_WRITER, such as anthropic:claude-...")
        return
    vendor = settings.writer.partition(":")[0]
    needed = f"{vendor.upper().replace('-', '_')}_API_KEY"
    if vendor != "ollama" and needed not in settings.credentials():
        yield Finding("warn", "writer", f"{settings.writer} needs {needed}")
    else:
        yield Finding("ok", "writer", settings.writer)


def _of_credentials(settings: Settings) -> Iterable[Finding]:
    known = settings.credentials()
    for name in social_vendors():
        missing = [part for part in ("CLIENT_ID", "CLIENT_SECRET") if f"{name.upper()}_{part}" not in known]
        if missing:
            wanted = " and ".join(f"{name.upper()}_{part}" for part in missing)
            yield Finding("warn", name, f"Accounts cannot be connected in live mode: set {wanted}")
        else:
            yield Finding("ok", name, "The app's credentials are set")


def _of_versions(settings: Settings) -> Iterable[Finding]:
    """Vendors refuse a version of their API from some day on."""
    known, today = settings.credentials(), real_now().date()
    declared = {
        version.setting: version for vendor in social_vendors().values() for version in vendor.capabilities.versions
    }
    for name, version in declared.items():
        chosen = known.get(name, version.default)
        ends = version.sunset if chosen == version.default else _end_of(chosen)
        if ends is None:
            continue
        if ends <= today:
            yield Finding("fail", "version", f"{name}={chosen} is over since {ends}: set a newer one")
        elif ends - today <= _VERSION_WARN:
            yield Finding("warn", "version", f"{name}={chosen} ends on {ends}: set a newer one")
        else:
            yield Finding("ok", "version", f"{name}={chosen}, until {ends} at least")


def _end_of(version: str) -> date | None:
    """Versions that are named by their month live for a year."""
    form = _DATED_VERSION.fullmatch(version)
    return date(int(form[1]) + 1, int(form[2]), 1) if form else None


async def _database(runtime: Runtime) -> Finding:
    async with runtime.database.transaction(SYSTEM) as session:
        version = await session.scalar(text("SHOW server_version"))
    return Finding("ok", "database", f"PostgreSQL {version}, up to date")


async def _roles(runtime: Runtime) -> Finding:
    """Neither role may own, bypass or be above row-level security."""
    query = text("SELECT rolname FROM pg_roles WHERE rolname = ANY(:roles) AND (rolsuper OR rolbypassrls)")
    async with runtime.database.transaction(SYSTEM) as session:
        mighty = (await session.scalars(query, {"roles": [APP_ROLE, SYSTEM_ROLE]})).all()
    if mighty:
        orders = "; ".join(f"ALTER ROLE {role} NOSUPERUSER NOBYPASSRLS" for role in mighty)
        return Finding("fail", "roles", f"Row-level security does not bind {', '.join(mighty)}: {orders}")
    return Finding("ok", "roles", f"{APP_ROLE} and {SYSTEM_ROLE} are bound by row-level security")


async def _isolation(runtime: Runtime) -> Finding:
    async with runtime.database.transaction(SYSTEM) as session:
        open_tables = (await session.scalars(text(UNPROTECTED_TABLES))).all()
    if open_tables:
        return Finding("fail", "isolation", f"Tenants can see each other's {', '.join(open_tables)}: report this")
    return Finding("ok", "isolation", "Every table of a workspace enforces row-level security")


UNPROTECTED_TABLES = """
    SELECT pg_class.relname FROM pg_class
        JOIN pg_namespace ON pg_namespace.oid = pg_class.relnamespace AND nspname = 'public'
        JOIN pg_attribute ON attrelid = pg_class.oid AND attname IN ('workspace_id', 'tenant_id') AND attnum > 0
    WHERE pg_class.relkind IN ('r', 'p') AND relname <> 'sessions'
        AND NOT (relrowsecurity AND relforcerowsecurity
            AND EXISTS (SELECT FROM pg_policy WHERE polrelid = pg_class.oid))
    ORDER BY 1
"""
"""Tables of a workspace or tenant without enforced row-level security. Sessions are for system work only."""


async def _master_key(runtime: Runtime) -> Finding:
    unknown = await unknown_masters(runtime.database, runtime.secrets)
    if unknown:
        return Finding("fail", "secrets", other_master(unknown, runtime.secrets.key_id))
    return Finding("ok", "secrets", f"The master key {runtime.secrets.key_id} opens all keys and tokens")


async def _clock(runtime: Runtime) -> Finding:
    async with runtime.database.transaction(SYSTEM) as session:
        before = real_now()
        theirs = await session.scalar(select(func.clock_timestamp()))
    skew = abs(theirs - before) if theirs else timedelta()
    if skew > _MOST_SKEW:
        return Finding("warn", "clock", f"The database's clock is {skew} off: synchronise both machines")
    if runtime.clock.speed != 1:
        return Finding("warn", "clock", f"Time runs {runtime.clock.speed:g} times faster: live keys are off")
    return Finding("ok", "clock", "Real time, in step with the database")


async def _worker(runtime: Runtime) -> Finding:
    if await worker_alive(runtime.database, runtime.heartbeats):
        return Finding("ok", "worker", "At least one works")
    return Finding("warn", "worker", "None looks for due posts now: amp serve, or amp worker; if one runs, see its log")


async def _tokens(runtime: Runtime) -> Finding:
    """Tokens that end soon and cannot be refreshed, or that ended."""
    soon = select(func.count()).where(
        Connection.status == "active",
        Connection.refresh_token.is_(None),
        Connection.token_expires_at < real_now() + _SOON,
    )
    over = select(func.count()).where(Connection.status == "expired")
    async with runtime.database.transaction(SYSTEM) as session:
        ending, ended = await session.scalar(soon), await session.scalar(over)
    if ending or ended:
        return Finding("warn", "accounts", f"{ended} to be connected again, {ending} more within three days")
    return Finding("ok", "accounts", "No token needs a person soon")


async def _media(runtime: Runtime) -> Finding:
    """Whether what is written where media are kept can be read again."""
    storage, key, place = runtime.ports.get(Storage), f"doctor/{new_id()}", runtime.settings.media_url or "AMP_HOME"
    try:
        await storage.put(key, _few_bytes())
        written = b"".join([chunk async for chunk in storage.open(key)])
        await storage.delete(key)
    except AmpError as error:
        return Finding("fail", "media", f"{error.message} ({place}). Check AMP_MEDIA_URL and its credentials")
    if written != b"amp":
        return Finding("fail", "media", f"What is written to {place} cannot be read again")
    return Finding("ok", "media", f"Kept in {place}")


async def _few_bytes() -> AsyncGenerator[bytes]:
    yield b"amp"


async def _reachable(runtime: Runtime) -> Finding:
    """Vendors that fetch media must be able to reach us."""
    known = runtime.settings.credentials()
    fetching = [
        name
        for name in runtime.social.names()
        if f"{name.upper()}_CLIENT_ID" in known and runtime.social.capabilities(name).fetches_media
    ]
    url = urlsplit(runtime.settings.base_url)
    if not fetching or await _is_public(url.hostname or "", url.port or 443):
        return Finding("ok", "address", f"{runtime.settings.base_url} will do")
    names = ", ".join(fetching)
    return Finding("warn", "address", f"{names} cannot fetch media from {url.hostname}: set AMP_PUBLIC_URL")


async def _is_public(host: str, port: int) -> bool:
    try:
        return all(map(is_public, await system_resolver(host, port)))
    except OSError:
        return False


_OF_RUNTIME: tuple[Check, ...] = (
    *(_database, _roles, _isolation, _master_key, _clock, _worker, _tokens),
    *(_media, _reachable),
)
