"""Analytics: the cycle's posts earn, and are measured on the timetable of the analytics slice, until the next
cycle has to begin; then what they earned so far is read once more."""

from amp.domain.analytics import collecting
from amp.domain.missions import cycles
from amp.domain.pipeline.stages.publish import closes_at
from amp.domain.pipeline.stages.stage import Cycle, finish, progress
from amp.engine.jobs import Job


async def run(job: Job, cycle: Cycle) -> None:
    async with job.unit() as uow:
        now, end = uow.clock.now(), closes_at(cycle)
        if now < end:
            elapsed = (now - cycle.window_start) / (end - cycle.window_start)
            await progress(uow, cycle, "analytics", 100 * elapsed)
            await cycles.run_stage_soon(uow, cycle.job, "analytics", at=end)
            return
    await collecting.sample_mission(job, cycle.mission_id)
    async with job.unit() as uow:
        await finish(uow, cycle, "analytics")
