"""Content: one item for each slot of the cycle, written concurrently by jobs of their own.

This stage hands the slots out and counts what comes back; the writing itself is in `writing.py`.
"""

from sqlalchemy import func, select

from amp.domain.content.models import Content
from amp.domain.missions import cycles
from amp.domain.missions.models import Slot
from amp.domain.pipeline.messages import WriteContent
from amp.domain.pipeline.stages.stage import Cycle, finish, progress
from amp.engine.jobs import Job
from amp.engine.unit_of_work import UnitOfWork
from amp.kit.ids import new_id


async def run(job: Job, cycle: Cycle) -> None:
    async with job.unit() as uow:
        await _hand_out(uow, cycle)
        await conclude(uow, cycle)


async def conclude(uow: UnitOfWork, cycle: Cycle) -> None:
    """Count what is written; when that is everything the stage is over. Whoever writes the last item finds out."""
    await cycles.lock_job(uow, cycle.job_id)
    total, unwritten = await _count(uow, cycle)
    if unwritten:
        await progress(uow, cycle, "content", 100 * (total - unwritten) / total)
    else:
        await finish(uow, cycle, "content")


async def _hand_out(uow: UnitOfWork, cycle: Cycle) -> None:
    """An item for every slot that has none, and a job for every item that is not written."""
    filled = select(Content.slot_id).where(Content.mission_id == cycle.mission_id)
    empty = select(Slot).where(Slot.job_id == cycle.job_id, Slot.id.not_in(filled)).order_by(Slot.position)
    now = uow.clock.now()
    for slot in (await uow.session.execute(empty)).scalars():
        uow.session.add(
            Content(
                workspace_id=uow.workspace_id,
                id=new_id(),
                mission_id=cycle.mission_id,
                slot_id=slot.id,
                cycle=cycle.number,
                platform=slot.platform,
                type=slot.type,
                pillar=slot.pillar,
                topic=slot.topic,
                status="generating",
                publish_at=slot.publish_at,
                created_at=now,
                updated_at=now,
            )
        )
    await uow.session.flush()
    for content_id in (await uow.session.execute(_unwritten(cycle))).scalars():
        message = WriteContent(workspace_id=uow.workspace_id, content_id=content_id)
        await uow.defer(message, once=f"write:{content_id}")


def _unwritten(cycle: Cycle):
    return (
        select(Content.id)
        .where(Content.mission_id == cycle.mission_id, Content.cycle == cycle.number, Content.status == "generating")
        .order_by(Content.publish_at)
    )


async def _count(uow: UnitOfWork, cycle: Cycle) -> tuple[int, int]:
    mine = select(func.count(), func.count().filter(Content.status == "generating")).where(
        Content.mission_id == cycle.mission_id, Content.cycle == cycle.number
    )
    total, unwritten = (await uow.session.execute(mine)).one()
    return total, unwritten
