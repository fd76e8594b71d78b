"""Test data do not last: missions and posts of test workspaces go after a while, and what the sandbox keeps of them
goes too. Live data are never touched."""

from datetime import timedelta

from sqlalchemy import delete, select

from amp.domain.missions.models import Mission
from amp.domain.missions.port import MissionRules, PretendedWorld
from amp.domain.publishing.models import PlatformPost, Post
from amp.domain.tenants.models import Workspace
from amp.engine.jobs import Job
from amp.engine.timetable import recurring

_OVER = ("draft", "paused", "completed", "failed")


@recurring(timedelta(days=1))
async def clear_test_data(job: Job) -> None:
    """What nobody touched for as long as test data last, and what is not at work any more."""
    if job.clock.speed != 1:
        return  # a month passes in minutes there, and somebody is watching
    before = job.clock.now() - job.ports.get(MissionRules).test_data_lasts
    pretended = select(Workspace.id).where(Workspace.environment == "test")
    under_way = select(PlatformPost.post_id).where(PlatformPost.next_attempt_at.is_not(None))
    async with job.system_unit() as uow:
        await uow.change(
            delete(Mission).where(
                Mission.workspace_id.in_(pretended), Mission.status.in_(_OVER), Mission.updated_at < before
            )
        )
        await uow.change(
            delete(Post).where(Post.workspace_id.in_(pretended), Post.updated_at < before, Post.id.not_in(under_way))
        )
    await job.ports.get(PretendedWorld).clear_before(before)
