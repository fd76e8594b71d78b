"""`amp bootstrap` and `amp keys`: the first tenant and its keys, for the operator."""

import json
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from functools import partial
from typing import cast, get_args
from uuid import UUID

from amp.bootstrap import bootstrap, welcome
from amp.commands.migrate import database_url
from amp.commands.starting import load_settings, run
from amp.config import Settings
from amp.domain.connections.rotating import Rotation, rotate
from amp.domain.tenants import operations as tenants
from amp.domain.tenants import queries
from amp.domain.tenants.models import ApiKey
from amp.domain.tenants.operations import KeyRequest
from amp.domain.tenants.roles import KeyScope
from amp.engine.unit_of_work import UnitOfWork
from amp.kit.database import SYSTEM
from amp.kit.errors import Invalid, NotFound
from amp.kit.ids import Kind, decode, encode
from amp.kit.pagination import Cursor
from amp.migrations import revision, runner
from amp.runtime import Runtime, open_runtime, resigned


def show_credentials(*, as_json: bool, reset_password: bool, new_keys: bool) -> None:
    async def work(settings: Settings) -> str:
        async with _runtime(settings) as runtime:
            made = await bootstrap(runtime, reset_password=reset_password, new_keys=new_keys)
        return made.credentials.as_json() if as_json else welcome(made.credentials, settings.base_url)

    _show(run(work(load_settings())))


def list_keys(*, as_json: bool) -> None:
    async def work(settings: Settings) -> Sequence["ShownKey"]:
        async with _runtime(settings) as runtime, runtime.units.begin(SYSTEM) as uow:
            page = await queries.list_keys(
                uow.session, await _first_tenant(uow), tenants.ENVIRONMENTS, Cursor(limit=100)
            )
            return [_shown(key) for key in page.items]

    keys = run(work(load_settings()))
    if as_json:
        _show(json.dumps([asdict(key) for key in keys], indent=2))
        return
    for key in keys:
        scopes = ", ".join(key.scopes) or "everything"
        used = f"last used {key.last_used_at}" if key.last_used_at else "never used"
        _show(f"{key.id}  {key.prefix}...{key.last_four}  {key.name}  ({scopes}; {used})")


def create_key(name: str, *, live: bool, scopes: Sequence[str]) -> None:
    async def work(settings: Settings) -> str:
        request = KeyRequest(name, "live" if live else "test", scopes=_scopes(scopes))
        async with _runtime(settings) as runtime, runtime.units.begin(SYSTEM) as uow:
            tenant_id = await _first_tenant(uow)
            return (await tenants.create_key(uow, runtime.secrets, tenant_id, request))[1].text

    _show(run(work(load_settings())))


def revoke_key(key_id: str) -> None:
    async def work(settings: Settings) -> None:
        async with _runtime(settings) as runtime, runtime.units.begin(SYSTEM) as uow:
            key = decode(Kind.KEY, key_id, what="API key")
            await tenants.revoke_key(uow, await _first_tenant(uow), key)

    run(work(load_settings()))
    _show(f"{key_id} is revoked: its next request is refused.")


def rotate_encryption() -> int:
    """Seal all tokens with the master key of today; 1 if some can be opened by no key we know."""

    async def work(settings: Settings) -> tuple[Rotation, int, str]:
        async with _runtime(settings) as runtime:
            done = await rotate(runtime.units, runtime.secrets, partial(resigned, runtime.secrets))
            async with runtime.units.begin(SYSTEM) as uow:
                unused = await queries.keys_of_earlier_masters(uow.session, runtime.secrets.key_id)
            return done, unused, runtime.secrets.key_id

    done, unused, key_id = run(work(load_settings()))
    _show(f"{done.accounts} accounts were sealed anew; all that can be opened is sealed with the master key {key_id}.")
    if unused:
        _show(f"{unused} API keys were not used since the change: they work while AMP_SECRET_KEY_PREVIOUS is set.")
    if done.unreadable:
        lost = f"{done.unreadable} accounts were sealed with a key that is not known here"
        _show(f"{lost}: name it in AMP_SECRET_KEY_PREVIOUS, or connect them again.")
    return int(done.unreadable > 0)


@dataclass(frozen=True)
class ShownKey:
    id: str
    name: str
    prefix: str
    last_four: str
    scopes: list[str]
    last_used_at: str | None


def _shown(key: ApiKey) -> ShownKey:
    used = key.last_used_at.isoformat() if key.last_used_at else None
    return ShownKey(encode(Kind.KEY, key.id), key.name, key.prefix, key.last_four, key.scopes, used)


def _scopes(names: Sequence[str]) -> tuple[KeyScope, ...]:
    for name in names:
        if name not in get_args(KeyScope):
            raise Invalid(f"There is no scope '{name}': known are {', '.join(get_args(KeyScope))}")
    return tuple(cast("KeyScope", name) for name in names)


async def _first_tenant(uow: UnitOfWork) -> UUID:
    tenant = await queries.first_tenant(uow.session)
    if tenant is None:
        raise NotFound("There is no tenant yet: amp bootstrap")
    return tenant.id


@asynccontextmanager
async def _runtime(settings: Settings) -> AsyncGenerator[Runtime]:
    """A runtime on a database that is migrated first if it has to be."""
    url = database_url(settings)
    if revision.is_outdated(url):
        runner.upgrade(url)
    runtime = await open_runtime(settings)
    try:
        yield runtime
    finally:
        await runtime.close()


def _show(text: str) -> None:
    print(text)  # noqa: T201 (what was asked for)
