"""Forgetting what has had its day: stored answers after 24 hours, sessions a month after their end."""

from datetime import timedelta

from sqlalchemy import delete, or_

from amp.domain.tenants.idempotency import KEPT
from amp.domain.tenants.models import IdempotentAnswer, Session
from amp.engine.jobs import Job
from amp.engine.timetable import recurring
from amp.kit.clock import real_now

_ENDED_SESSIONS_KEPT = timedelta(days=30)


@recurring(timedelta(hours=1))
async def sweep_answers(job: Job) -> None:
    async with job.system_unit() as uow:
        await uow.session.execute(delete(IdempotentAnswer).where(IdempotentAnswer.created_at < real_now() - KEPT))


@recurring(timedelta(hours=24))
async def sweep_sessions(job: Job) -> None:
    ended = real_now() - _ENDED_SESSIONS_KEPT
    async with job.system_unit() as uow:
        await uow.session.execute(delete(Session).where(or_(Session.expires_at < ended, Session.revoked_at < ended)))
