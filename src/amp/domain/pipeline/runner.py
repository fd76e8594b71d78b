"""One run of one stage, from the rows and back to the rows.

    intake ─> strategy ─> content ─> publish ─> analytics ─> optimize ─> the next cycle

A run may come too early, twice, or after a crash: it reads what is done and does the rest. Whether the mission
still wants it is read first.
"""

from collections.abc import Awaitable, Callable, Mapping
from uuid import UUID

from sqlalchemy import select

from amp.domain.missions import cycles
from amp.domain.missions import operations as missions
from amp.domain.missions.messages import RunStage
from amp.domain.missions.models import Mission, PipelineJob, StageRun
from amp.domain.pipeline.stages import analytics, content, intake, optimize, publish, strategy
from amp.domain.pipeline.stages.stage import Cycle, finish
from amp.engine.jobs import Job, handles
from amp.engine.unit_of_work import UnitOfWork
from amp.kit.errors import AmpError, OverBudget, ProviderFailed
from amp.kit.telemetry import log

Run = Callable[[Job, Cycle], Awaitable[None]]

STAGES: Mapping[str, Run] = {
    "intake": intake.run,
    "strategy": strategy.run,
    "content": content.run,
    "publish": publish.run,
    "analytics": analytics.run,
    "optimize": optimize.run,
}

_PREPARING = ("intake", "strategy", "content")
"""Stages that prepare posts: past the mission's end there is nothing to prepare any more."""


async def stage_gave_up(message: RunStage, job: Job, error: Exception) -> None:
    """Write down why the stage stopped and what a person can do; the mission fails until it is resumed."""
    status = "budget_exhausted" if isinstance(error, OverBudget) else "failed"
    failure = {"stage": message.stage, **explained(error)}
    async with job.unit() as uow:
        cycle = await current_cycle(uow, message.job_id)
        if cycle is None:
            return
        run = await uow.session.get_one(StageRun, (uow.workspace_id, message.job_id, message.stage))
        run.status, run.error = status, failure
        pipeline = await uow.session.get_one(PipelineJob, (uow.workspace_id, message.job_id))
        pipeline.status = status
        await missions.fail(uow, cycle.mission_id, failure)


def explained(error: Exception) -> dict[str, str]:
    """code, message and remedy of an error, for people."""
    if isinstance(error, ProviderFailed):
        remedy = "Look at the provider's status and credentials, then resume the mission."
        return {"code": error.code, "message": error.message, "remedy": remedy}
    if isinstance(error, OverBudget):
        remedy = "Raise constraints.budget_cents with PUT, then resume the mission."
        return {"code": error.code, "message": error.message, "remedy": remedy}
    if isinstance(error, AmpError):
        return {"code": error.code, "message": error.message, "remedy": "Correct it, then resume the mission."}
    log.error("a stage broke off", error=repr(error))
    return {
        "code": "internal_error",
        "message": "Something broke on our side",
        "remedy": "Resume the mission to try again; the log has the details under this job's id.",
    }


@handles(RunStage, gave_up=stage_gave_up)
async def run_stage(message: RunStage, job: Job) -> None:
    async with job.unit() as uow:
        cycle = await current_cycle(uow, message.job_id)
        if cycle is None:
            return
        runs = await cycles.stage_runs(uow, cycle.job)
        if runs[message.stage].status in ("completed", "failed", "budget_exhausted"):
            return
        if runs[message.stage].status == "pending":
            runs[message.stage].status, runs[message.stage].started_at = "running", uow.clock.now()
        if message.stage in _PREPARING and uow.clock.now() >= cycle.ends_at:
            await finish(uow, cycle, message.stage)
            return
    await STAGES[message.stage](job, cycle)


async def current_cycle(uow: UnitOfWork, job_id: UUID) -> Cycle | None:
    """The cycle of an active mission; None when it is paused, over, deleted or at another cycle."""
    query = (
        select(Mission, PipelineJob)
        .join(PipelineJob, PipelineJob.mission_id == Mission.id)
        .where(PipelineJob.id == job_id, Mission.status == "active", Mission.job_id == job_id)
    )
    row = (await uow.session.execute(query)).one_or_none()
    return Cycle.of(row[0], row[1]) if row else None
