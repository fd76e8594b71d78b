"""People on their way through a vendor's consent page: whoever comes back must be who went, once, soon, and for the
same platform.

    begin ──> at the vendor ── come_back (state, within 10 minutes) ──> used ─┬─> one account: connected
                                                                             └─> several: kept for an hour, one chosen
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from pydantic import SecretStr
from sqlalchemy import delete, select, update

from amp.domain.connections.models import ConnectAttempt
from amp.domain.connections.port import NewAccount
from amp.engine.jobs import Job
from amp.engine.timetable import recurring
from amp.engine.unit_of_work import UnitOfWork
from amp.kit.clock import real_now
from amp.kit.errors import Invalid, NotFound
from amp.kit.ids import new_id
from amp.kit.secrets import SecretKeys, random_token

AT_THE_VENDOR = timedelta(minutes=10)
TO_CHOOSE = timedelta(hours=1)


@dataclass(frozen=True)
class Traveller:
    """The person with a session who connects an account."""

    user_id: UUID
    session_id: UUID


@dataclass(frozen=True)
class Journey:
    platform: str
    platform_set_id: UUID
    redirect_uri: str
    return_to: str | None = None


@dataclass(frozen=True)
class Ticket:
    """What comes back with the person, and what never left us."""

    id: UUID
    journey: Journey
    state: str
    verifier: str


async def begin(uow: UnitOfWork, secrets: SecretKeys, traveller: Traveller, journey: Journey) -> Ticket:
    ticket = Ticket(id=new_id(), journey=journey, state=random_token(), verifier=random_token())
    uow.session.add(
        ConnectAttempt(
            workspace_id=uow.workspace_id,
            id=ticket.id,
            state_digest=_digest(secrets, ticket.state),
            user_id=traveller.user_id,
            session_id=traveller.session_id,
            platform=journey.platform,
            platform_set_id=journey.platform_set_id,
            redirect_uri=journey.redirect_uri,
            return_to=journey.return_to,
            verifier=secrets.seal(ticket.verifier, row=_row(ticket.id)),
            expires_at=real_now() + AT_THE_VENDOR,
        )
    )
    await uow.session.flush()
    return ticket


async def come_back(
    uow: UnitOfWork, secrets: SecretKeys, traveller: Traveller, platform: str, state: str
) -> Ticket | None:
    """The journey that `state` belongs to, used up by asking. None when there is none such: commit that, too."""
    now = real_now()
    found = (
        update(ConnectAttempt)
        .where(ConnectAttempt.state_digest == _digest(secrets, state), ConnectAttempt.platform == platform)
        .where(ConnectAttempt.user_id == traveller.user_id, ConnectAttempt.session_id == traveller.session_id)
        .where(ConnectAttempt.used_at.is_(None), ConnectAttempt.expires_at > now)
        .values(used_at=now)
        .returning(ConnectAttempt)
    )
    attempt = (await uow.session.execute(found)).scalar_one_or_none()
    if attempt is None:
        return None
    verifier = secrets.unseal(attempt.verifier, row=_row(attempt.id))
    journey = Journey(platform, attempt.platform_set_id, attempt.redirect_uri, attempt.return_to)
    return Ticket(attempt.id, journey, state, verifier)


async def keep_found(uow: UnitOfWork, secrets: SecretKeys, ticket: Ticket, accounts: Sequence[NewAccount]) -> None:
    """Several accounts were opened: hold them, sealed, until the person has chosen."""
    text = json.dumps([_written(account) for account in accounts])
    await uow.session.execute(
        update(ConnectAttempt)
        .where(ConnectAttempt.id == ticket.id)
        .values(found=secrets.seal(text, row=_row(ticket.id)), expires_at=real_now() + TO_CHOOSE)
    )


@dataclass(frozen=True)
class Choice:
    """Accounts to choose from, and the set that the chosen one joins."""

    attempt_id: UUID
    platform_set_id: UUID
    accounts: Sequence[NewAccount]

    def of(self, remote_id: str) -> NewAccount:
        """Errors: NotFound."""
        for account in self.accounts:
            if account.remote_id == remote_id:
                return account
        raise NotFound("That is not among the accounts to choose from")


async def choice(
    uow: UnitOfWork, secrets: SecretKeys, traveller: Traveller, platform: str, *, lock: bool = False
) -> Choice | None:
    """What the person may choose from, of the journey made last."""
    query = (
        select(ConnectAttempt)
        .where(ConnectAttempt.user_id == traveller.user_id, ConnectAttempt.session_id == traveller.session_id)
        .where(ConnectAttempt.platform == platform, ConnectAttempt.found.is_not(None))
        .where(ConnectAttempt.expires_at > real_now())
        .order_by(ConnectAttempt.id.desc())
        .limit(1)
    )
    attempt = (await uow.session.execute(query.with_for_update() if lock else query)).scalar_one_or_none()
    if attempt is None or attempt.found is None:
        return None
    kept = json.loads(secrets.unseal(attempt.found, row=_row(attempt.id)))
    return Choice(attempt.id, attempt.platform_set_id, [_read(account) for account in kept])


async def forget(uow: UnitOfWork, attempt_id: UUID) -> None:
    """The choice is made: the others' tokens go."""
    await uow.session.execute(delete(ConnectAttempt).where(ConnectAttempt.id == attempt_id))


@recurring(timedelta(hours=1))
async def sweep_attempts(job: Job) -> None:
    async with job.system_unit() as uow:
        await uow.session.execute(delete(ConnectAttempt).where(ConnectAttempt.expires_at < real_now()))


def lost() -> Invalid:
    return Invalid(
        "This way to connect an account was used already, took too long, or was begun elsewhere. Start again.",
        code="invalid_state",
        param="state",
    )


def _digest(secrets: SecretKeys, state: str) -> bytes:
    return secrets.digest("oauth state", state)


def _row(attempt_id: UUID) -> str:
    return f"connect attempt {attempt_id}"


def _written(account: NewAccount) -> dict[str, Any]:
    refresh_token, expires_in = account.refresh_token, account.expires_in
    return {
        "platform": account.platform,
        "remote_id": account.remote_id,
        "handle": account.handle,
        "display_name": account.display_name,
        "scopes": account.scopes,
        "access_token": account.access_token.get_secret_value(),
        "refresh_token": refresh_token.get_secret_value() if refresh_token else None,
        "expires_in": expires_in.total_seconds() if expires_in else None,
        "avatar_url": account.avatar_url,
        "details": dict(account.details),
    }


def _read(kept: dict[str, Any]) -> NewAccount:
    refresh_token, expires_in = kept["refresh_token"], kept["expires_in"]
    typed: dict[str, Any] = {
        "scopes": tuple(kept["scopes"]),
        "access_token": SecretStr(kept["access_token"]),
        "refresh_token": SecretStr(refresh_token) if refresh_token else None,
        "expires_in": timedelta(seconds=expires_in) if expires_in else None,
    }
    return NewAccount(**kept | typed)
