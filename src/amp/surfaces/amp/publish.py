"""Publishing (`/publish/...` of the AMP contract): send at once, schedule, cancel."""

from typing import Annotated, Any
from uuid import UUID

from pydantic import Field

from amp.domain.content import operations
from amp.domain.content.models import Content
from amp.kit.errors import Invalid
from amp.kit.ids import Kind, decode, encode
from amp.surfaces.amp.content import view_of
from amp.surfaces.fields import Body, Moment, to_wire
from amp.surfaces.surface import Surface, Uow

router = Surface("publish")


class Publishing(Body):
    content_id: str | None = None
    content_ids: Annotated[list[str], Field(min_length=1, max_length=100)] | None = None
    platforms: Annotated[list[str], Field(min_length=1)] | None = None


@router.post("/publish", needs="publish")
async def publish_content(uow: Uow, body: Publishing) -> dict[str, Any]:
    """Send approved content at once; `platforms` leaves out the items of other platforms. All or nothing."""
    if (body.content_id is None) == (body.content_ids is None):
        raise Invalid("Give content_id or content_ids", param="content_ids")
    wanted = body.content_ids or [body.content_id or ""]
    sent: list[Content] = []
    for text in dict.fromkeys(wanted):
        content = await operations.get_content(uow, _id(text))
        if body.platforms is None or content.platform in body.platforms:
            sent.append(await operations.publish_now(uow, content.id))
    if not sent:
        raise Invalid("None of the content is for these platforms", param="platforms")
    return {"data": [_line(content) for content in sent]}


class Scheduling(Body):
    content_id: str
    publish_at: Moment


@router.post("/publish/schedule", needs="publish")
async def schedule_content(uow: Uow, body: Scheduling) -> dict[str, Any]:
    """Move approved content to another moment."""
    return _line(await operations.schedule_at(uow, _id(body.content_id), body.publish_at))


@router.delete("/publish/{publish_id}", needs="publish")
async def cancel_publishing(uow: Uow, publish_id: str) -> dict[str, Any]:
    """Cancel what is scheduled, by its `id` (or the id of its content)."""
    content = await operations.cancel_scheduled(uow, await _content_of(uow, publish_id))
    return {"id": publish_id, "content_id": encode(Kind.CONTENT, content.id), "status": "cancelled", "cancelled": True}


async def _content_of(uow: Uow, text: str) -> UUID:
    if text.startswith(f"{Kind.CONTENT}_"):
        return _id(text)
    return await operations.content_of_post(uow, decode(Kind.POST, text, what="Scheduled post"))


def _line(content: Content) -> dict[str, Any]:
    assert content.post_id  # noqa: S101 - sending made one
    view = view_of(content)
    return {
        "id": encode(Kind.POST, content.post_id),
        "content_id": view.id,
        "platform": view.platform,
        "status": view.status,
        "publish_at": to_wire(content.publish_at) if content.publish_at else None,
    }


def _id(text: str) -> UUID:
    return decode(Kind.CONTENT, text, what="Content")
