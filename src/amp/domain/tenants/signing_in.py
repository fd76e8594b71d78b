"""Sessions of people: logging in, refreshing, logging out.

                      ┌── refresh (newest token) ──┐
    log in ──> open ──┤                            ├──> open, with the next token
                      └── refresh (the one before, within 20 s: same next token) ──┘
    open ── refresh with any older token, log out, expiry ──> over

Hashing a password takes too long for a transaction, so logging in opens its own, before and after.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlalchemy import select, update

from amp.domain.tenants import passwords, queries
from amp.domain.tenants.models import Environment, Session, User
from amp.domain.tenants.queries import Belonging
from amp.domain.tenants.tokens import (
    ACCESS_LIFE,
    AccessClaims,
    first_refresh_token,
    next_refresh_token,
    refresh_digest,
    session_of,
    sign_access_token,
)
from amp.engine import throttle
from amp.engine.unit_of_work import UnitOfWork, UnitsOfWork
from amp.kit.clock import real_now
from amp.kit.database import SYSTEM
from amp.kit.errors import Forbidden, OverLimit, Unauthenticated
from amp.kit.ids import new_id
from amp.kit.secrets import SecretKeys
from amp.kit.telemetry import log

SESSION_LIFE = timedelta(days=30)
GRACE = timedelta(seconds=20)
"""How long the token before the newest one still answers: for two tabs, or an answer that got lost."""

_PER_ACCOUNT = 10
_PER_ADDRESS = 50
_WINDOW = timedelta(minutes=5)


@dataclass(frozen=True)
class SignedIn:
    access_token: str
    refresh_token: str
    user: User
    tenant: Belonging
    environment: Environment
    session_id: UUID
    expires_in: timedelta = ACCESS_LIFE


@dataclass(frozen=True)
class Credentials:
    email: str
    password: str
    address: str
    """Where the request comes from, for the throttle."""


async def log_in(
    units: UnitsOfWork,
    keys: SecretKeys,
    credentials: Credentials,
    *,
    environment: Environment,
    tenant_id: UUID | None = None,
) -> SignedIn:
    """Open a session. Errors: Unauthenticated (one message for all reasons), OverLimit, Forbidden (a tenant
    that the person does not belong to)."""
    async with units.begin(SYSTEM) as uow:
        await _throttle(uow, credentials)
    async with units.begin(SYSTEM) as uow:
        user = await queries.user_by_email(uow.session, credentials.email)
    if not await passwords.password_matches(credentials.password, user.password_hash if user else None):
        raise Unauthenticated("The e-mail address or the password is wrong")
    assert user  # noqa: S101 (no password matches nobody)
    renewed = await _renewed_hash(user, credentials.password)
    async with units.begin(SYSTEM) as uow:
        if renewed:
            await uow.session.execute(update(User).where(User.id == user.id).values(password_hash=renewed))
        return await _open(uow, keys, user, environment, tenant_id)


async def _throttle(uow: UnitOfWork, credentials: Credentials) -> None:
    """Counted whether the password is right or wrong, and committed before it is looked at."""
    account = f"login:account:{credentials.email.strip().lower()[:254]}"
    for key, limit in ((account, _PER_ACCOUNT), (f"login:address:{credentials.address}", _PER_ADDRESS)):
        use = await throttle.count_use(uow.session, key, limit=limit, period=_WINDOW)
        if not use.allowed:
            raise OverLimit("Too many attempts to log in", retry_after=use.wait_seconds)


async def _renewed_hash(user: User, password: str) -> str | None:
    """The password hashed anew if it was hashed with parameters that are no longer ours."""
    return await passwords.hash_password(password) if passwords.is_outdated(user.password_hash) else None


async def _open(
    uow: UnitOfWork, keys: SecretKeys, user: User, environment: Environment, tenant_id: UUID | None
) -> SignedIn:
    tenant = _choose(await queries.belongings(uow.session, user.id), tenant_id)
    now = real_now()
    session_id = new_id()
    refresh_token = first_refresh_token(session_id)
    row = Session(
        id=session_id,
        user_id=user.id,
        tenant_id=tenant.tenant_id,
        environment=environment,
        refresh_digest=refresh_digest(refresh_token, keys),
        rotated_at=now,
        expires_at=now + SESSION_LIFE,
        created_at=now,
    )
    uow.session.add(row)
    await uow.session.flush()
    return _signed_in(keys, user, tenant, row, refresh_token)


def _choose(mine: Sequence[Belonging], tenant_id: UUID | None) -> Belonging:
    for tenant in mine:
        if tenant_id in (None, tenant.tenant_id):
            return tenant
    raise Forbidden("You do not belong to this tenant")


def _signed_in(keys: SecretKeys, user: User, tenant: Belonging, session: Session, refresh_token: str) -> SignedIn:
    environment: Environment = "live" if session.environment == "live" else "test"
    claims = AccessClaims(user.id, tenant.tenant_id, environment, session.id, tenant.role)
    access = sign_access_token(claims, keys=keys)
    return SignedIn(access, refresh_token, user, tenant, environment, session.id)


async def refresh(units: UnitsOfWork, keys: SecretKeys, token: str) -> SignedIn:
    """Trade a refresh token for the next one. A token that was used before ends the whole session: somebody
    else has it too. Errors: Unauthenticated."""
    async with units.begin(SYSTEM) as uow:
        signed_in = await _rotate(uow, keys, token)
    if signed_in is None:
        raise Unauthenticated("This refresh token is not valid (any more); log in again")
    return signed_in


async def _rotate(uow: UnitOfWork, keys: SecretKeys, token: str) -> SignedIn | None:
    """None instead of an error: ending the session of a reused token has to be committed."""
    session = await _lock(uow, session_of(token))
    if session is None:
        return None
    digest, now = refresh_digest(token, keys), real_now()
    successor = next_refresh_token(token, keys)
    if digest == session.refresh_digest:
        session.previous_digest, session.rotated_at = digest, now
        session.refresh_digest = refresh_digest(successor, keys)
    elif digest != session.previous_digest or now - session.rotated_at > GRACE:
        session.revoked_at = now
        log.warning("a refresh token was used again; its session is over", session=str(session.id))
        return None
    user = (await uow.session.scalars(select(User).where(User.id == session.user_id))).one()
    tenant = _choose(await queries.belongings(uow.session, user.id), session.tenant_id)
    return _signed_in(keys, user, tenant, session, successor)


async def _lock(uow: UnitOfWork, session_id: UUID | None) -> Session | None:
    """The session, if it is open, locked so that two refreshes come one after the other."""
    return await uow.session.scalar(
        select(Session)
        .where(Session.id == session_id, Session.revoked_at.is_(None), Session.expires_at > real_now())
        .with_for_update()
    )


async def choose_environment(uow: UnitOfWork, session_id: UUID, environment: Environment) -> None:
    """Have the session's cookie open the other workspace. Access tokens that are out keep their own."""
    await uow.session.execute(update(Session).where(Session.id == session_id).values(environment=environment))


async def log_out(uow: UnitOfWork, session_id: UUID) -> None:
    """End a session at once: its access tokens stop working with it."""
    await uow.session.execute(update(Session).where(Session.id == session_id).values(revoked_at=real_now()))


async def log_out_everywhere(uow: UnitOfWork, user_id: UUID) -> None:
    await uow.session.execute(
        update(Session).where(Session.user_id == user_id, Session.revoked_at.is_(None)).values(revoked_at=real_now())
    )
