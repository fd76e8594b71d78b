"""The first tenant: made once, its credentials kept in AMP_HOME where only their owner can read them."""

import json
import os
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from uuid import UUID

from sqlalchemy import select, text, update

from amp.domain.connections.models import Connection
from amp.domain.tenants import operations as tenants
from amp.domain.tenants import passwords, queries, signing_in
from amp.domain.tenants.models import ApiKey, Environment, Membership, User, Workspace
from amp.domain.tenants.operations import KeyRequest
from amp.engine.unit_of_work import UnitOfWork
from amp.kit.clock import real_now
from amp.kit.database import SYSTEM
from amp.kit.ids import Kind, decode, encode
from amp.runtime import Runtime, open_test_workspace
from amp.seed_mission import SEED_MISSION

OWNER = "owner@localhost"
_LOCK = 0x414D5001
_KEY_NAMES: dict[Environment, str] = {"live": "First live key", "test": "First test key"}


@dataclass(frozen=True, repr=False)
class Credentials:
    """What a newcomer needs. None: it was shown once and is not kept here any more."""

    tenant_id: str
    email: str
    password: str | None
    api_key_live: str | None
    api_key_test: str | None

    def as_json(self) -> str:
        return json.dumps(asdict(self), indent=2)


@dataclass(frozen=True)
class Bootstrapped:
    credentials: Credentials
    is_new: bool


async def bootstrap(runtime: Runtime, *, reset_password: bool = False, new_keys: bool = False) -> Bootstrapped:
    """Make the first tenant, if there is none. Repeating it changes nothing, unless a new password or new keys
    are asked for; new keys replace the first ones."""
    async with runtime.units.begin(SYSTEM) as uow:
        await uow.session.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
        tenant = await queries.first_tenant(uow.session)
        if tenant is None:
            credentials = await _first(runtime, uow)
        else:
            credentials = await _known(runtime, uow, tenant.id)
            if reset_password:
                credentials = await _set_password(uow, credentials)
            if new_keys:
                credentials = await _replace_keys(runtime, uow, tenant.id, credentials)
        # Before the commit: a crash in between leaves credentials of nothing, never a tenant without any.
        _keep(_file(runtime), credentials)
    await _open_test_workspace(runtime, decode(Kind.TENANT, credentials.tenant_id, what="Tenant"))
    return Bootstrapped(credentials, is_new=tenant is None)


async def _open_test_workspace(runtime: Runtime, tenant_id: UUID) -> None:
    """With accounts to try things with, unless there ever was one: what was disconnected stays disconnected."""
    async with runtime.units.begin(SYSTEM) as uow:
        workspace = await queries.workspace_of(uow.session, tenant_id, "test")
        known = select(Connection.id).where(Connection.workspace_id == workspace.id).limit(1)
        if await uow.session.scalar(known):
            return
    await open_test_workspace(runtime, tenant_id)


async def _first(runtime: Runtime, uow: UnitOfWork) -> Credentials:
    password = passwords.new_password()
    hashed = await passwords.hash_password(password)
    tenant = await tenants.create_tenant(uow, "My company", plan="enterprise")
    await tenants.create_user(uow, tenant.id, email=OWNER, name="Owner", password_hash=hashed, role="owner")
    credentials = Credentials(encode(Kind.TENANT, tenant.id), OWNER, password, None, None)
    return await _make_keys(runtime, uow, tenant.id, credentials)


async def _make_keys(runtime: Runtime, uow: UnitOfWork, tenant_id: UUID, known: Credentials) -> Credentials:
    raw: dict[str, str] = {}
    for environment, name in _KEY_NAMES.items():
        request = KeyRequest(name, environment)
        raw[environment] = (await tenants.create_key(uow, runtime.secrets, tenant_id, request))[1].text
    return replace(known, api_key_live=raw["live"], api_key_test=raw["test"])


async def _known(runtime: Runtime, uow: UnitOfWork, tenant_id: UUID) -> Credentials:
    """As kept in the file, if the file speaks of this tenant."""
    wire_id = encode(Kind.TENANT, tenant_id)
    kept = _read(_file(runtime))
    if kept and kept.tenant_id == wire_id:
        return kept
    owner = select(User.email).join(Membership, Membership.user_id == User.id)
    owner = owner.where(Membership.tenant_id == tenant_id, Membership.role == "owner").order_by(User.id)
    email = (await uow.session.scalars(owner)).first()
    return Credentials(wire_id, email or OWNER, None, None, None)


async def _set_password(uow: UnitOfWork, known: Credentials) -> Credentials:
    password = passwords.new_password()
    user = await queries.user_by_email(uow.session, known.email)
    if user:
        await tenants.change_password(uow, user.id, await passwords.hash_password(password))
        await signing_in.log_out_everywhere(uow, user.id)
    return replace(known, password=password)


async def _replace_keys(runtime: Runtime, uow: UnitOfWork, tenant_id: UUID, known: Credentials) -> Credentials:
    workspaces = select(Workspace.id).where(Workspace.tenant_id == tenant_id)
    await uow.session.execute(
        update(ApiKey)
        .where(ApiKey.workspace_id.in_(workspaces), ApiKey.name.in_(_KEY_NAMES.values()))
        .where(ApiKey.revoked_at.is_(None))
        .values(revoked_at=real_now())
    )
    return await _make_keys(runtime, uow, tenant_id, known)


def _file(runtime: Runtime) -> Path:
    return runtime.settings.home_directory / "credentials.json"


def _read(path: Path) -> Credentials | None:
    try:
        return Credentials(**json.loads(path.read_text()))
    except (FileNotFoundError, ValueError, TypeError):
        return None


def _keep(path: Path, credentials: Credentials) -> None:
    """In one step, so that a reader never sees half of it."""
    draft = path.with_suffix(f".{os.getpid()}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(credentials.as_json())
    draft.replace(path)


def welcome(credentials: Credentials, base_url: str) -> str:
    """What a newcomer sees."""
    return f"""
  AMP is ready at {base_url}

    e-mail      {credentials.email}
    password    {credentials.password}
    live key    {credentials.api_key_live}
    test key    {credentials.api_key_test}

  They are kept in AMP_HOME/credentials.json. The test key publishes to the sandbox.
  Sign in there with a browser to connect accounts and, in Test, to see what was published.

  Your first mission:

curl {base_url}/v1/missions \\
  -H "Authorization: Bearer {credentials.api_key_test}" \\
  -H "Content-Type: application/json" \\
  -d '{json.dumps(SEED_MISSION, indent=2)}'
"""
