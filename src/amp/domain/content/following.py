"""Following the posts of content: what publishing says of them becomes the content's own status."""

from uuid import UUID

from sqlalchemy import select

from amp.domain.content.messages import ContentFailed, ContentPublished
from amp.domain.content.models import Content
from amp.domain.publishing.messages import PlatformPostFailed, PlatformPostPublished
from amp.domain.publishing.models import PlatformPost
from amp.engine.jobs import Job, handles
from amp.engine.unit_of_work import UnitOfWork


@handles(PlatformPostPublished)
async def follow_published(message: PlatformPostPublished, job: Job) -> None:
    async with job.unit() as uow:
        content = await _of_post(uow, message.post_id)
        if content is None or content.status == "published":
            return
        delivery = await _delivery(uow, message.platform_post_id)
        content.status, content.updated_at, content.error = "published", uow.clock.now(), None
        content.published_at, content.url = delivery.published_at, delivery.url
        await uow.announce(
            ContentPublished(
                workspace_id=uow.workspace_id, content_id=content.id, platform_post_id=message.platform_post_id
            )
        )


@handles(PlatformPostFailed)
async def follow_failed(message: PlatformPostFailed, job: Job) -> None:
    async with job.unit() as uow:
        content = await _of_post(uow, message.post_id)
        if content is None or content.status in ("failed", "published"):
            return
        delivery = await _delivery(uow, message.platform_post_id)
        content.status, content.updated_at = "failed", uow.clock.now()
        content.error = {"code": delivery.error_code, "message": delivery.error_message}
        await uow.announce(ContentFailed(workspace_id=uow.workspace_id, content_id=content.id))


async def _of_post(uow: UnitOfWork, post_id: UUID) -> Content | None:
    query = select(Content).where(Content.post_id == post_id).with_for_update()
    return (await uow.session.execute(query)).scalar_one_or_none()


async def _delivery(uow: UnitOfWork, platform_post_id: UUID) -> PlatformPost:
    return await uow.session.get_one(PlatformPost, (uow.workspace_id, platform_post_id))
