"""What happens to a mission because time passes: it starts, and it is completed."""

from datetime import timedelta

from sqlalchemy import func, select

from amp.domain.analytics.reports import final_report
from amp.domain.content.models import Content
from amp.domain.missions import cycles, queue
from amp.domain.missions import operations as missions
from amp.domain.missions.messages import CompleteMission, StartMission
from amp.domain.missions.models import Mission, PipelineJob
from amp.domain.missions.port import MissionRules
from amp.engine.jobs import Job, handles
from amp.engine.unit_of_work import UnitOfWork
from amp.kit.errors import Invalid, NotFound

_LOOK_AGAIN = timedelta(minutes=10)  # virtual time


@handles(StartMission)
async def start_mission(message: StartMission, job: Job) -> None:
    async with job.unit() as uow:
        try:
            mission = await missions.get_mission(uow, message.mission_id, lock=True)
        except NotFound:
            return
        if mission.status != "draft":
            return
        if mission.starts_at and mission.starts_at > uow.clock.now():
            await uow.defer(message, at=mission.starts_at)
            return
        try:
            await missions.start(uow, mission, cycle_days=job.ports.get(MissionRules).cycle_days)
        except Invalid as error:
            remedy = "Connect the missing accounts, then start the mission."
            mission.failure = {"stage": "intake", "code": error.code, "message": error.message, "remedy": remedy}


@handles(CompleteMission)
async def complete_mission(message: CompleteMission, job: Job) -> None:
    async with job.unit() as uow:
        try:
            mission = await missions.get_mission(uow, message.mission_id, lock=True)
        except NotFound:
            return
        if mission.status != "active" or mission.ends_at is None:
            return
        now = uow.clock.now()
        if mission.ends_at > now:
            return  # the end was moved; whoever moved it asked for another look then
        await queue.close(uow, mission)
        if await _outstanding(uow, mission):
            await cycles.go_on(uow, mission)  # what was cancelled just now will not report back to its stage
            await uow.defer(message, at=now + _LOOK_AGAIN)
            return
        mission.status, mission.completed_at, mission.updated_at = "completed", now, now
        mission.report = await final_report(uow, mission)


async def _outstanding(uow: UnitOfWork, mission: Mission) -> bool:
    """Is a post still on its way, or a stage of the last cycle at work?"""
    sending = select(func.count()).where(
        Content.mission_id == mission.id, Content.status.in_(("scheduled", "publishing"))
    )
    if await uow.session.scalar(sending):
        return True
    if mission.job_id is None:
        return False
    pipeline = await uow.session.get_one(PipelineJob, (uow.workspace_id, mission.job_id))
    runs = await cycles.stage_runs(uow, pipeline)
    return any(runs[stage].status != "completed" for stage in cycles.STAGES)
