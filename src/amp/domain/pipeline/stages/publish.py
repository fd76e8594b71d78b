"""Publish: what is approved goes into its slot as a post of the publishing engine.

Items are scheduled one by one, as soon as they are approved. The stage is over when nothing of the cycle waits
for anybody any more, or when the next cycle has to begin.
"""

from datetime import datetime, timedelta

from sqlalchemy import func, select

from amp.domain.content import operations as content_operations
from amp.domain.content.approval import is_approved
from amp.domain.content.messages import ContentApproved
from amp.domain.content.models import Content
from amp.domain.missions import cycles, queue
from amp.domain.missions import operations as missions
from amp.domain.missions.models import Mission
from amp.domain.pipeline.stages.stage import Cycle, finish, progress
from amp.engine.jobs import Job, handles
from amp.engine.timetable import recurring
from amp.engine.unit_of_work import UnitOfWork
from amp.kit.database import Scope
from amp.kit.errors import NotFound

_WAITING = ("generating", "generated", "pending_review", "approved", "needs_attention")


async def run(job: Job, cycle: Cycle) -> None:
    async with job.unit() as uow:
        await conclude(uow, cycle)
        await cycles.run_stage_soon(uow, cycle.job, "publish", at=closes_at(cycle))


async def conclude(uow: UnitOfWork, cycle: Cycle) -> None:
    """Count what still waits; when nothing does, or time is up, the stage is over."""
    await cycles.lock_job(uow, cycle.job_id)
    total, waiting = await _count(uow, cycle)
    if waiting and uow.clock.now() < closes_at(cycle):
        await progress(uow, cycle, "publish", 100 * (total - waiting) / total)
    else:
        await finish(uow, cycle, "publish")


def closes_at(cycle: Cycle) -> datetime:
    """When the next cycle has to begin, so that its first post is written in time: a day ahead, or an eighth
    of the cycle if that is less. The last cycle runs to the mission's end."""
    if cycle.is_last:
        return cycle.ends_at
    window = cycle.window_end - cycle.window_start
    return cycle.window_end - min(timedelta(days=1), window / 8)


async def _count(uow: UnitOfWork, cycle: Cycle) -> tuple[int, int]:
    mine = select(func.count(), func.count().filter(Content.status.in_(_WAITING))).where(
        Content.mission_id == cycle.mission_id, Content.cycle == cycle.number
    )
    total, waiting = (await uow.session.execute(mine)).one()
    return total, waiting


@handles(ContentApproved)
async def schedule_approved(message: ContentApproved, job: Job) -> None:
    """Put one approved item into its slot; a slot that has passed means at once."""
    async with job.unit() as uow:
        try:
            content = await content_operations.get_content(uow, message.content_id, lock=True)
        except NotFound:
            return
        mission = await missions.get_mission(uow, content.mission_id)
        if mission.status != "active" or content.status != "approved" or not is_approved(content):
            return
        await content_operations.schedule(uow, content, max(content.publish_at or uow.clock.now(), uow.clock.now()))
        await uow.session.flush()
        await _count_again(uow, mission)


async def _count_again(uow: UnitOfWork, mission: Mission) -> None:
    if mission.job_id is None:
        return
    pipeline = await cycles.lock_job(uow, mission.job_id)
    runs = await cycles.stage_runs(uow, pipeline)
    if runs["publish"].status == "running":
        await conclude(uow, Cycle.of(mission, pipeline))


@recurring(timedelta(minutes=1))
async def move_missed_slots(job: Job) -> None:
    """What nobody approved in time moves to the next free slot of its mission."""
    async with job.system_unit() as uow:
        late = (
            select(Content.workspace_id, Content.id, Content.mission_id)
            .join(Mission, (Mission.id == Content.mission_id) & (Mission.workspace_id == Content.workspace_id))
            .where(
                Mission.status == "active",
                Content.status == "pending_review",
                Content.publish_at < uow.clock.now(),
            )
            .order_by(Content.publish_at)
            .limit(200)
        )
        missed = (await uow.session.execute(late)).all()
    for row in missed:
        async with job.units.begin(Scope(workspace_id=row.workspace_id)) as uow:
            content = await content_operations.get_content(uow, row.id, lock=True)
            mission = await missions.get_mission(uow, row.mission_id)
            if content.status == "pending_review" and mission.status == "active":
                await queue.move(uow, content, await queue.next_free(uow, mission))
