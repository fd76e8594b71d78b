"""Content: approve, reject, edit, schedule, send. What is published has the hash that was approved."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import select

from amp.domain.content.approval import EDITABLE, content_hash, is_approved
from amp.domain.content.messages import ContentApproved, ContentRejected
from amp.domain.content.models import Content
from amp.domain.platforms.port import Capabilities
from amp.domain.platforms.validation import Draft as PlatformDraft
from amp.domain.platforms.validation import validate
from amp.domain.publishing import operations as publishing
from amp.domain.publishing.draft import Draft, Target
from amp.domain.publishing.horizon import require_near
from amp.engine.unit_of_work import UnitOfWork
from amp.kit.errors import Conflict, Invalid, NotFound


async def get_content(uow: UnitOfWork, content_id: UUID, *, lock: bool = False) -> Content:
    query = select(Content).where(Content.id == content_id)
    if lock:
        query = query.with_for_update().execution_options(populate_existing=True)
    content = (await uow.session.execute(query)).scalar_one_or_none()
    if content is None:
        raise NotFound("Content not found")
    return content


async def content_of_post(uow: UnitOfWork, post_id: UUID) -> UUID:
    """Errors: NotFound when no content was published by this post."""
    found = await uow.session.scalar(select(Content.id).where(Content.post_id == post_id))
    if found is None:
        raise NotFound("Scheduled post not found")
    return found


async def approve(uow: UnitOfWork, content_id: UUID, *, by: str, note: str | None = None) -> Content:
    """Approve what is there now. Approving twice is approving once.

    Errors: NotFound; Conflict unless it is waiting for review.
    """
    content = await get_content(uow, content_id, lock=True)
    if content.status in ("approved", "scheduled") and is_approved(content):
        return content
    if content.status != "pending_review":
        raise Conflict(f"Content that is {content.status} cannot be approved")
    await _approved(uow, content, by=by, note=note)
    return content


async def accept(uow: UnitOfWork, content: Content) -> None:
    """Approve on behalf of a mission that requires no approval."""
    await _approved(uow, content, by="mission", note=None)


async def _approved(uow: UnitOfWork, content: Content, *, by: str, note: str | None) -> None:
    now = uow.clock.now()
    content.hash = content_hash(content)
    content.approval = {"by": by, "at": _wire(now), "hash": content.hash, "note": note}
    content.status, content.updated_at = "approved", now
    await uow.announce(ContentApproved(workspace_id=uow.workspace_id, content_id=content.id))


async def reject(
    uow: UnitOfWork, content_id: UUID, *, by: str, reason: str | None = None, regenerate: bool = False
) -> Content:
    """Turn content down; with `regenerate` it is written again, with the reason told to the writer.

    Errors: NotFound; Conflict once it is published, or being published.
    """
    content = await get_content(uow, content_id, lock=True)
    if content.status == "rejected" and not regenerate:
        return content
    if content.status not in EDITABLE:
        raise Conflict(f"Content that is {content.status} cannot be rejected")
    await unschedule(uow, content)
    now = uow.clock.now()
    content.rejection = {"by": by, "at": _wire(now), "reason": reason}
    content.approval = None
    content.status, content.updated_at = "generating" if regenerate else "rejected", now
    if regenerate:
        earlier = content.writing.get("drafts", [])
        content.writing = {"rejected": [*content.writing.get("rejected", []), *earlier], "reason": reason}
    message = ContentRejected(workspace_id=uow.workspace_id, content_id=content.id, regenerate=regenerate)
    await uow.announce(message)
    return content


async def edit(
    uow: UnitOfWork, content_id: UUID, capabilities: Capabilities, *, parts: Sequence[str], link_url: str | None
) -> Content:
    """Replace the text. Voids the approval and takes a scheduled post back: it has to be reviewed again.

    Errors: NotFound; Conflict in a state past editing; Invalid for what the platform would refuse.
    """
    content = await get_content(uow, content_id, lock=True)
    if content.status not in EDITABLE:
        raise Conflict(f"Content that is {content.status} cannot be edited")
    problems = validate(PlatformDraft(parts=tuple(parts), link=link_url), capabilities)
    if problems:
        raise Invalid(problems[0].message, param="text", details={"problems": [p.message for p in problems]})
    await unschedule(uow, content)
    content.parts, content.link_url = list(parts), link_url
    content.approval, content.error = None, None
    content.hash = content_hash(content)
    content.status, content.updated_at = "pending_review", uow.clock.now()
    return content


async def schedule(uow: UnitOfWork, content: Content, at: datetime) -> None:
    """Make a post of it, to go out at `at`. Errors: Conflict when it is not approved as it stands."""
    if not is_approved(content):
        raise Conflict("Only approved content can be scheduled, and it changed since it was approved")
    now = uow.clock.now()
    if content.post_id and content.status == "scheduled":
        await publishing.reschedule(uow, content.post_id, at)
    else:
        await _make_post(uow, content, max(at, now))
    content.status, content.publish_at, content.updated_at = "scheduled", at, now


async def _make_post(uow: UnitOfWork, content: Content, at: datetime) -> None:
    draft = Draft(
        targets={content.platform: Target(parts=tuple(content.parts))},
        text="\n\n".join(content.parts),
        media=content.media,
        link_url=content.link_url,
        scheduled_for=at,
        content_id=content.id,
    )
    post = await publishing.create_post(uow, draft)
    content.post_id, content.platform_post_id = post.id, post.deliveries[content.platform]


async def publish_now(uow: UnitOfWork, content_id: UUID) -> Content:
    """Send it at once. Errors: NotFound; Conflict when it is not approved, or already out."""
    content = await get_content(uow, content_id, lock=True)
    if content.status not in ("approved", "scheduled"):
        raise Conflict(f"Content that is {content.status} cannot be published. Approve it first.")
    await schedule(uow, content, uow.clock.now())
    return content


async def schedule_at(uow: UnitOfWork, content_id: UUID, at: datetime) -> Content:
    """Move it to another moment. Errors: NotFound; Conflict; Invalid for a time that is past or too far off."""
    if at <= uow.clock.now():
        raise Invalid("publish_at has passed", param="publish_at")
    require_near(uow, at, "publish_at")
    content = await get_content(uow, content_id, lock=True)
    if content.status not in ("approved", "scheduled"):
        raise Conflict(f"Content that is {content.status} cannot be scheduled. Approve it first.")
    await schedule(uow, content, at)
    return content


async def cancel_scheduled(uow: UnitOfWork, content_id: UUID) -> Content:
    """Take a scheduled item back: after this returned it does not go out.

    Errors: NotFound; Conflict when it is not scheduled, or its publishing has begun.
    """
    content = await get_content(uow, content_id, lock=True)
    if content.status != "scheduled":
        raise Conflict(f"Content that is {content.status} is not scheduled")
    await unschedule(uow, content)
    content.status, content.updated_at = "cancelled", uow.clock.now()
    return content


async def unschedule(uow: UnitOfWork, content: Content) -> None:
    """Cancel the post of a scheduled item. Errors: Conflict when it has begun."""
    if content.status == "scheduled" and content.post_id:
        await publishing.cancel(uow, content.post_id)
        content.post_id, content.platform_post_id = None, None


def _wire(moment: datetime) -> str:
    """As every time looks outside: stored in a document, it is shown as it is."""
    return moment.isoformat().replace("+00:00", "Z")
