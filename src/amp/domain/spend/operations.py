"""Money is reserved before it is spent, and settled after. Two workers can never spend the same cent.

reserve (upper bound, atomically against the limit) ─> the call ─> settle (what it did cost)
                                                          └─ answer lost ─> assumed: all of it counts
"""

from datetime import timedelta
from uuid import UUID

from sqlalchemy import func, or_, select, update

from amp.domain.spend.models import Budget, SpendEntry
from amp.domain.spend.port import Usage
from amp.engine.jobs import Job
from amp.engine.timetable import recurring
from amp.engine.unit_of_work import UnitOfWork
from amp.kit.clock import real_now
from amp.kit.errors import OverBudget
from amp.kit.ids import new_id
from amp.kit.telemetry import SPENT

_LOST_AFTER = timedelta(minutes=15)  # real time; longer than any call to a writer may take


async def open_budget(uow: UnitOfWork, mission_id: UUID, limit_micros: int | None) -> None:
    uow.session.add(Budget(workspace_id=uow.workspace_id, mission_id=mission_id, limit_micros=limit_micros))
    await uow.session.flush()


async def set_limit(uow: UnitOfWork, mission_id: UUID, limit_micros: int | None) -> None:
    """A limit below what is committed stops new calls; it takes nothing back."""
    await uow.change(update(Budget).where(Budget.mission_id == mission_id).values(limit_micros=limit_micros))


async def reserve(uow: UnitOfWork, mission_id: UUID, *, stage: str, subject: str, micros: int) -> UUID:
    """Set `micros` aside for producing `subject`; the entry to settle.

    A reservation for the same subject that is still open belongs to a call whose answer was lost: it counts
    as spent. Errors: OverBudget when the limit leaves too little.
    """
    await _assume(uow, SpendEntry.subject == subject)
    room = or_(Budget.limit_micros.is_(None), Budget.committed_micros + micros <= Budget.limit_micros)
    taken = await uow.change(
        update(Budget)
        .where(Budget.mission_id == mission_id, room)
        .values(committed_micros=Budget.committed_micros + micros)
    )
    if not taken:
        raise OverBudget("The mission's budget is exhausted. Raise constraints.budget_cents to go on.")
    entry = SpendEntry(
        workspace_id=uow.workspace_id,
        id=new_id(),
        mission_id=mission_id,
        stage=stage,
        subject=subject,
        status="reserved",
        reserved_micros=micros,
        created_at=uow.clock.now(),
        reserved_at=real_now(),
    )
    uow.session.add(entry)
    await uow.session.flush()
    return entry.id


async def settle(uow: UnitOfWork, entry_id: UUID, usage: Usage, *, request_id: str | None = None) -> None:
    """Book what the call cost and give the rest of the reservation back. Idempotent."""
    entry = await uow.session.get_one(SpendEntry, (uow.workspace_id, entry_id), with_for_update=True)
    if entry.status != "reserved":
        return
    await uow.change(
        update(Budget)
        .where(Budget.mission_id == entry.mission_id)
        .values(committed_micros=Budget.committed_micros - entry.reserved_micros + usage.micros)
    )
    entry.status, entry.micros = "settled", usage.micros
    entry.provider, entry.model, entry.requests = usage.provider, usage.model, usage.requests
    entry.input_tokens, entry.cached_tokens = usage.input_tokens, usage.cached_tokens
    entry.output_tokens, entry.latency_ms = usage.output_tokens, usage.latency_ms
    entry.request_id = request_id
    SPENT.labels(usage.provider, entry.stage).inc(usage.micros)


async def spent(uow: UnitOfWork, mission_id: UUID) -> int:
    """Micro-dollars settled or assumed so far."""
    query = select(func.coalesce(func.sum(SpendEntry.micros), 0)).where(SpendEntry.mission_id == mission_id)
    return int(await uow.session.scalar(query) or 0)


async def _assume(uow: UnitOfWork, which: object) -> None:
    """The vendor has probably charged for an answer that never reached us: count the whole reservation."""
    await uow.change(
        update(SpendEntry)
        .where(which, SpendEntry.status == "reserved")  # type: ignore[arg-type]
        .values(status="assumed", micros=SpendEntry.reserved_micros)
    )


@recurring(timedelta(minutes=5))
async def assume_lost(job: Job) -> None:
    """Reservations whose call must be over by now will not be settled any more."""
    async with job.system_unit() as uow:
        await _assume(uow, SpendEntry.reserved_at < real_now() - _LOST_AFTER)
