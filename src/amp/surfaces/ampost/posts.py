"""Posts (`/api/v1/posts` of the Ampost contract): write, schedule, publish, follow."""

from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import Query
from pydantic import Field
from starlette.responses import JSONResponse, Response

from amp.domain.platforms.validation import is_web_address
from amp.domain.publishing import deciding, editing, operations, retrying
from amp.domain.publishing.drafting import Drafted, drafted, problem_document, unknown_platform
from amp.domain.publishing.editing import Changes
from amp.domain.publishing.port import SocialPlatforms
from amp.domain.publishing.queries import events_of
from amp.domain.tenants.roles import Actor as Who
from amp.engine.unit_of_work import UnitOfWork
from amp.kit.errors import Forbidden, Invalid, NotFound
from amp.kit.ids import Kind, decode
from amp.surfaces.ampost import documents
from amp.surfaces.ampost.listing import PostFilter, Status, post_page
from amp.surfaces.ampost.posting import NewPost, Platforms, PostChanges, Url, changes_of, wanted_of
from amp.surfaces.ampost.shapes import PostAnswer, PostPage
from amp.surfaces.ampost.telling import told
from amp.surfaces.ampost.wire import WireBody
from amp.surfaces.door import Door
from amp.surfaces.surface import Actor, AtDoor, Surface, Uow

router = Surface("posts")


@router.get("/posts", needs="read", rate="apiRead", unit="none", answers=PostPage)
async def list_posts(
    door: AtDoor,
    actor: Actor,
    status: Status | None = None,
    platform: str | None = None,
    search: Annotated[str | None, Query(max_length=500)] = None,
    platform_set_id: Annotated[str | None, Query(alias="platformSetId")] = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
    offset: Annotated[int, Query(ge=0, le=1_000_000)] = 0,
) -> Response:
    """Posts, newest first. `search` finds the beginnings of words in text and link."""
    social = door.ports.get(SocialPlatforms)
    if platform is not None and platform not in social.names():
        raise Invalid(unknown_platform(platform, social), param="platform")
    wanted = PostFilter(status=status, platform=platform, set_id=_wanted_set(platform_set_id), search=search)
    return shown(door, await post_page(door.units.database, actor, wanted, limit=limit, offset=offset))


def _wanted_set(text: str | None) -> UUID | None:
    """A filter by a set that does not exist finds nothing, and tells nobody whether it exists elsewhere."""
    if text is None:
        return None
    try:
        return decode(Kind.PLATFORM_SET, text, what="Platform set")
    except NotFound:
        return UUID(int=0)


@router.post("/posts", needs="draft", rate="createPost", status=201, answers=PostAnswer)
async def create_post(
    uow: Uow, door: AtDoor, actor: Actor, body: NewPost, dry_run: Annotated[bool, Query(alias="dryRun")] = False
) -> Response:
    """A draft when `scheduledFor` is null, else a scheduled post. Nothing is published by this request.

    `dryRun=true` saves nothing and answers as `/posts/validate` does.
    """
    require_publish_if(actor, body.scheduled_for is not None)
    found = await drafted(uow, door.ports, wanted_of(body, actor.owner_id))
    if dry_run:
        return JSONResponse(_verdict(found))
    created = await operations.create_post(uow, found.sound(), told=documents.WRITTEN)
    return shown(door, created.told, 201)


@router.post("/posts/validate", needs="draft", rate="apiRead")
async def validate_post(uow: Uow, door: AtDoor, actor: Actor, body: NewPost) -> dict[str, Any]:
    """All that is wrong with a post, without saving it: `{valid, problems: [{platform, field, code, message}]}`."""
    return _verdict(await drafted(uow, door.ports, wanted_of(body, actor.owner_id)))


def _verdict(found: Drafted) -> dict[str, Any]:
    return {"valid": not found.problems, "problems": [problem_document(problem) for problem in found.problems]}


@router.get("/posts/{post_id}", needs="read", rate="apiRead", unit="none", answers=PostAnswer)
async def get_post(door: AtDoor, actor: Actor, post_id: str) -> Response:
    values = {"workspace_id": actor.workspace_id, "post_id": _id(post_id), "owner_id": actor.owner_id}
    rows = await door.units.database.read(actor.scope, documents.ONE, values)
    if not rows:
        raise _missing()
    return shown(door, rows[0].document)


@router.patch("/posts/{post_id}", needs="draft", rate="createPost", answers=PostAnswer)
async def update_post(uow: Uow, door: AtDoor, actor: Actor, post_id: str, body: PostChanges) -> Response:
    """Change a draft or scheduled post of which nothing has begun. Another set, other platforms, or a time resolve the
    accounts anew; `scheduledFor: null` makes it a draft again."""
    before = await operations.get_post(uow, _id(post_id), lock=True)
    require_publish_if(actor, before.status == "scheduled" or body.scheduled_for is not None)
    post = await editing.edit_post(uow, door.ports, before.id, Changes(changes_of(body)))
    return await post_answer(uow, door, actor, post.id)


@router.post("/posts/{post_id}/cancel", needs="publish", rate="createPost", answers=PostAnswer)
async def cancel_post(uow: Uow, door: AtDoor, actor: Actor, post_id: str) -> Response:
    """Discard a post that is `draft`, `scheduled`, `queued`, `partial` or `failed`: nothing more of it goes out.

    A platform whose error is `UNCONFIRMED` stays `failed` with that error: it may be public, and is not pursued.
    """
    return await _discard(uow, door, actor, post_id)


@router.delete("/posts/{post_id}", needs="publish", rate="createPost", answers=PostAnswer)
async def delete_post(uow: Uow, door: AtDoor, actor: Actor, post_id: str) -> Response:
    """As cancel. What is published stays published."""
    return await _discard(uow, door, actor, post_id)


async def _discard(uow: UnitOfWork, door: Door, actor: Who, post_id: str) -> Response:
    post = await editing.discard_post(uow, _id(post_id))
    return await post_answer(uow, door, actor, post.id)


@router.post("/posts/{post_id}/publish", needs="publish", rate="createPost", answers=PostAnswer)
async def publish_post(uow: Uow, door: AtDoor, actor: Actor, post_id: str) -> Response:
    """Publish a `draft` or `scheduled` post at once."""
    post = await editing.publish_post(uow, door.ports, _id(post_id))
    return await post_answer(uow, door, actor, post.id)


class Retrying(WireBody):
    platforms: Platforms | None = None
    """Only these; each must have failed."""


@router.post("/posts/{post_id}/retry", needs="publish", rate="createPost", answers=PostAnswer)
async def retry_post(uow: Uow, door: AtDoor, actor: Actor, post_id: str, body: Retrying | None = None) -> Response:
    """Publish again where it failed, and nowhere else, by the accounts that the set has now.

    What was left open by `/resolve` may be public: it is left out, unless it is named, and then it is looked for before
    anything is sent.
    """
    platforms = body.platforms if body else None
    if platforms == []:
        raise Invalid("Name the platforms, or leave them out for all that failed", param="platforms")
    post = await retrying.retry(uow, door.ports, _id(post_id), platforms)
    return await post_answer(uow, door, actor, post.id)


class Decision(WireBody):
    platform: Annotated[str, Field(max_length=100)]
    outcome: Literal["published", "not_published", "leave"]
    """`not_published` sends it again; `leave` lets it be failed, and only a retry that names it looks for it again."""
    url: Url | None = None
    """Where it is, of what was published."""


@router.post("/posts/{post_id}/resolve", needs="publish", rate="createPost", answers=PostAnswer)
async def resolve_post(uow: Uow, door: AtDoor, actor: Actor, post_id: str, body: Decision) -> Response:
    """Tell what became of a platform whose error is `UNCONFIRMED`: nobody but a person who looks can know."""
    if body.url is not None and body.outcome != "published":
        raise Invalid("Only what was published has a url", param="url")
    if body.url is not None and not is_web_address(body.url):
        raise Invalid("The url is an http(s) address", param="url")
    wanted = _id(post_id)
    match body.outcome:
        case "published":
            await deciding.it_was_published(uow, wanted, body.platform, url=body.url)
        case "not_published":
            await deciding.it_was_not_published(uow, wanted, body.platform)
        case "leave":
            await deciding.leave_it(uow, wanted, body.platform)
    return await post_answer(uow, door, actor, wanted)


@router.get("/posts/{post_id}/timeline", needs="read", rate="apiRead")
async def get_timeline(uow: Uow, post_id: str) -> dict[str, Any]:
    """Every decision, attempt, wait and answer in the life of a post, oldest first."""
    post = await operations.get_post(uow, _id(post_id))
    return {"events": [told(event) for event in await events_of(uow, post.id)]}


async def post_answer(uow: UnitOfWork, door: Door, actor: Who, post_id: UUID) -> Response:
    """`{post}` as this unit of work has made it."""
    await uow.session.flush()
    values = {"workspace_id": actor.workspace_id, "post_id": post_id, "owner_id": actor.owner_id}
    rows = await uow.transaction.rows(documents.ONE, values)
    return shown(door, rows[0].document)


def shown(door: Door, document: str, status: int = 200) -> Response:
    content = documents.finished(document, door.ports)
    return Response(content, status, media_type="application/json")


def require_publish_if(actor: Who, goes_out: bool) -> None:
    """Who may only draft must not make anything public, and a scheduled post goes out by itself."""
    if goes_out and not actor.may("publish"):
        raise Forbidden("Scheduling needs the permission 'publish'")


def _id(text: str) -> UUID:
    try:
        return decode(Kind.POST, text, what="Post")
    except NotFound as error:
        raise _missing() from error


def _missing() -> NotFound:
    return NotFound("Post not found", code="post_not_found")
