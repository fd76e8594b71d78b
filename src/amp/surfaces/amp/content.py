"""Content (`/content/...` of the AMP contract): look, preview, approve, reject, edit."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import Request
from pydantic import BaseModel, Field
from pydantic_core import to_json
from starlette.responses import HTMLResponse, Response

from amp.domain.content import operations, queries
from amp.domain.content.approval import ON_ITS_WAY, STATUSES
from amp.domain.content.models import Content, ContentType
from amp.domain.content.queries import ContentFilter
from amp.domain.missions import operations as missions
from amp.domain.platforms.port import Draft
from amp.domain.platforms.validation import outgoing_text
from amp.domain.publishing.port import SocialPlatforms
from amp.domain.tenants.roles import Actor as Who
from amp.engine.unit_of_work import UnitOfWork
from amp.kit.errors import AmpError, Invalid, NotFound
from amp.kit.ids import Kind, decode, encode
from amp.surfaces.amp.envelope import Paging
from amp.surfaces.amp.filters import refuse_unknown_platform
from amp.surfaces.amp.preview import preview_page
from amp.surfaces.door import Door
from amp.surfaces.expand import expansions
from amp.surfaces.fields import Body, DayOrMoment, Moment
from amp.surfaces.surface import Actor, AtDoor, Surface, Uow

router = Surface("content")


class ContentView(BaseModel):
    id: str
    mission_id: str
    cycle: int
    status: str
    platform: str
    type: str
    pillar: str
    topic: str
    text: str
    """All parts of a thread, a blank line between them."""
    parts: list[str]
    hashtags: list[str]
    link_url: str | None
    media: list[dict[str, Any]]
    publish_at: Moment | None
    published_at: Moment | None
    url: str | None
    hash: str | None
    approval: dict[str, Any] | None
    rejection: dict[str, Any] | None
    quality: list[dict[str, Any]]
    """The verdict of every gate."""
    error: dict[str, Any] | None
    post_id: str | None
    created_at: Moment
    updated_at: Moment


@router.get("/content", needs="read")
async def list_content(
    uow: Uow,
    door: AtDoor,
    paging: Paging,
    mission_id: str | None = None,
    status: str | None = None,
    platform: str | None = None,
    type: ContentType | None = None,  # noqa: A002
    pillar: str | None = None,
    topic: str | None = None,
    created_after: DayOrMoment | None = None,
    created_before: DayOrMoment | None = None,
    expand: str | None = None,
) -> Response:
    """Content, newest first. A `mission_id` of nobody finds nothing."""
    wanted = expansions(expand, ("mission",))
    if status is not None and status not in STATUSES:
        raise Invalid(f"Unknown status '{status}'. Known: {', '.join(STATUSES)}", param="status")
    refuse_unknown_platform(door, platform)
    which = ContentFilter(
        mission_id=_wanted_mission(mission_id),
        status=status,
        platform=platform,
        type=type,
        pillar=pillar,
        topic=topic,
        created_after=created_after,
        created_before=created_before,
    )
    page = await queries.list_content(uow, paging.cursor(Kind.CONTENT), which)
    data = [_fields(row) for row in page.items]
    if "mission" in wanted:
        names = await missions.names_of(uow, {row.mission_id for row in page.items})
        for item, row in zip(data, page.items, strict=True):
            item["mission"] = {"id": item["mission_id"], "name": names[row.mission_id]}
    answer = {"data": data, "has_more": page.has_more, "total": page.total}
    return Response(to_json(answer), media_type="application/json")


def _wanted_mission(text: str | None) -> UUID | None:
    """A filter by a mission that does not exist finds nothing, and tells nobody whether it exists elsewhere."""
    if text is None:
        return None
    try:
        return decode(Kind.MISSION, text, what="Mission")
    except NotFound:
        return UUID(int=0)


@router.get("/content/{content_id}", needs="read")
async def get_content(uow: Uow, content_id: str, expand: str | None = None) -> dict[str, Any]:
    wanted = expansions(expand, ("mission",))
    content = await operations.get_content(uow, _id(content_id))
    found = view_of(content).model_dump(mode="json")
    if "mission" in wanted:
        names = await missions.names_of(uow, {content.mission_id})
        found["mission"] = {"id": found["mission_id"], "name": names[content.mission_id]}
    return found


@router.get("/content/{content_id}/preview", needs="read")
async def preview_content(uow: Uow, door: AtDoor, request: Request, content_id: str) -> Any:
    """The item as its platform will show it: JSON, or a page with `Accept: text/html`."""
    content = await operations.get_content(uow, _id(content_id))
    preview = _preview(door, content)
    if "text/html" in request.headers.get("accept", ""):
        return HTMLResponse(preview_page(preview))
    return preview


def _preview(door: Door, content: Content) -> dict[str, Any]:
    capabilities = door.ports.get(SocialPlatforms).capabilities(content.platform)
    settings = capabilities.settings()
    outgoing = outgoing_text(Draft(tuple(content.parts), link=content.link_url), capabilities, settings)
    parts = [
        {"text": text, "length": capabilities.text.count(text), "limit": capabilities.text.limit} for text in outgoing
    ]
    return {
        "content_id": encode(Kind.CONTENT, content.id),
        "platform": content.platform,
        "platform_name": capabilities.name,
        "type": content.type,
        "parts": parts,
        "unit": capabilities.text.unit,
        "link_url": content.link_url,
        "media": content.media,
    }


class Note(Body):
    note: Annotated[str, Field(max_length=2000)] | None = None


@router.post("/content/{content_id}/approve", needs="approve")
async def approve_content(uow: Uow, actor: Actor, content_id: str, body: Note | None = None) -> ContentView:
    """Approve the item as it stands; changing anything of it afterwards voids the approval."""
    note = body.note if body else None
    return view_of(await operations.approve(uow, _id(content_id), by=name_of(actor), note=note))


class Rejection(Body):
    reason: Annotated[str, Field(max_length=2000)] | None = None
    regenerate: bool = False


@router.post("/content/{content_id}/reject", needs="approve")
async def reject_content(uow: Uow, actor: Actor, content_id: str, body: Rejection | None = None) -> ContentView:
    """Turn the item down; `regenerate` has it written again, with the reason told to the writer."""
    told = body or Rejection()
    rejected = await operations.reject(
        uow, _id(content_id), by=name_of(actor), reason=told.reason, regenerate=told.regenerate
    )
    return view_of(rejected)


class Edit(Body):
    text: Annotated[str, Field(min_length=1, max_length=20_000)] | None = None
    parts: Annotated[list[str], Field(min_length=1, max_length=25)] | None = None
    link_url: Annotated[str, Field(max_length=2000)] | None = None


@router.put("/content/{content_id}", needs="draft")
async def edit_content(uow: Uow, door: AtDoor, actor: Actor, content_id: str, body: Edit) -> ContentView:
    """Replace the text (or the parts of a thread) or the link. Voids the approval; what is approved or scheduled is
    stopped so, which needs the permission `publish`."""
    if (body.text is None) == (body.parts is None) and body.text is not None:
        raise Invalid("Use text or parts, not both", param="parts")
    content = await operations.get_content(uow, _id(content_id), lock=True)
    if content.status in ON_ITS_WAY:
        actor.require("publish", "Editing content that is on its way out")
    parts = body.parts or ([body.text] if body.text else content.parts)
    link = body.link_url if "link_url" in body.model_fields_set else content.link_url
    capabilities = door.ports.get(SocialPlatforms).capabilities(content.platform)
    return view_of(await operations.edit(uow, content.id, capabilities, parts=parts, link_url=link))


class Several(Body):
    content_ids: Annotated[list[str], Field(min_length=1, max_length=100)]


class SeveralRejected(Several):
    reason: Annotated[str, Field(max_length=2000)] | None = None
    regenerate: bool = False


@router.post("/content/approve", needs="approve")
async def approve_several(uow: Uow, actor: Actor, body: Several) -> dict[str, Any]:
    """Approve each of them; what cannot be approved is told, and does not hinder the others."""

    async def approve(content_id: UUID) -> Content:
        return await operations.approve(uow, content_id, by=name_of(actor))

    return await _each(uow, body.content_ids, approve)


@router.post("/content/reject", needs="approve")
async def reject_several(uow: Uow, actor: Actor, body: SeveralRejected) -> dict[str, Any]:
    """Reject each of them; what cannot be rejected is told, and does not hinder the others."""

    async def reject(content_id: UUID) -> Content:
        by, reason = name_of(actor), body.reason
        return await operations.reject(uow, content_id, by=by, reason=reason, regenerate=body.regenerate)

    return await _each(uow, body.content_ids, reject)


async def _each(uow: UnitOfWork, ids: list[str], act: Any) -> dict[str, Any]:
    done: list[dict[str, Any]] = []
    failed: list[dict[str, str]] = []
    for text in dict.fromkeys(ids):
        savepoint = await uow.session.begin_nested()
        try:
            done.append(view_of(await act(_id(text))).model_dump(mode="json"))
        except AmpError as error:
            await savepoint.rollback()
            failed.append({"id": text, "code": error.code, "message": error.message})
        else:
            await savepoint.commit()
    return {"data": done, "failed": failed}


def view_of(content: Content) -> ContentView:
    return ContentView(**_fields(content))


def _fields(content: Any) -> dict[str, Any]:
    """Of a row, or of the columns of one."""
    fields = {name: getattr(content, name) for name in queries.SHOWN}
    return fields | {
        "id": encode(Kind.CONTENT, content.id),
        "mission_id": encode(Kind.MISSION, content.mission_id),
        "text": "\n\n".join(content.parts),
        "quality": fields.pop("verdicts"),
        "post_id": encode(Kind.POST, content.post_id) if content.post_id else None,
    }


def name_of(actor: Who) -> str:
    """Who approved, as it is kept: a person or a key."""
    if actor.user_id:
        return encode(Kind.USER, actor.user_id)
    return encode(Kind.KEY, actor.key_id) if actor.key_id else "unknown"


def _id(text: str) -> UUID:
    return decode(Kind.CONTENT, text, what="Content")
