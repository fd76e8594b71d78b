"""LinkedIn: posts (Posts API): an empty 201 with the URN in a header, and nothing twice."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints
from starlette.responses import JSONResponse, Response

from amp.sandbox.faults import Fault
from amp.sandbox.ledger import (
    Draft,
    Post,
    Span,
    find_post,
    find_same,
    list_of_account,
    make_public,
    reword,
    withdraw,
)
from amp.sandbox.snowflakes import UNIX_EPOCH, Snowflakes
from amp.sandbox.social import _linkedin_text as little_text
from amp.sandbox.social._linkedin_rest import Closed, check_is_caller, check_standing, denied, error, invalid, parse
from amp.sandbox.uploads import Upload, find_uploads
from amp.sandbox.vendor import Call

IDS = Snowflakes(UNIX_EPOCH)
_DUPLICATE_WINDOW = timedelta(days=7)  # not published; long enough for any resend
_LONGEST = 3000

Text = Annotated[str, StringConstraints(max_length=400)]
ImageUrn = Annotated[str, StringConstraints(pattern=r"^urn:li:image:[\w-]+$")]
MediaUrn = Annotated[str, StringConstraints(pattern=r"^urn:li:(image|video|document):[\w-]+$")]
PostUrn = Annotated[str, StringConstraints(pattern=r"^urn:li:(share|ugcPost):\d+$")]


class _Distribution(Closed):
    feed: Literal["MAIN_FEED", "NONE"] = Field(alias="feedDistribution")
    targets: list[dict[str, Any]] = Field(default=[], alias="targetEntities", max_length=0)
    channels: list[str] = Field(default=[], alias="thirdPartyDistributionChannels", max_length=0)


class _Medium(Closed):
    id: MediaUrn
    title: Text | None = None
    alt_text: Annotated[str, StringConstraints(max_length=4086)] | None = Field(default=None, alias="altText")


class _Image(Closed):
    id: ImageUrn
    alt_text: Annotated[str, StringConstraints(max_length=4086)] | None = Field(default=None, alias="altText")


class _MultiImage(Closed):
    images: list[_Image] = Field(min_length=2, max_length=20)


class _Article(Closed):
    """LinkedIn does not look at the page itself, so title and thumbnail are the author's."""

    source: Annotated[str, StringConstraints(pattern=r"^https?://\S+$", max_length=2000)]
    title: Text
    description: Annotated[str, StringConstraints(max_length=4086)] | None = None
    thumbnail: ImageUrn | None = None


class _Option(Closed):
    text: Annotated[str, StringConstraints(min_length=1, max_length=30)]


class _PollSettings(Closed):
    duration: Literal["ONE_DAY", "THREE_DAYS", "SEVEN_DAYS", "FOURTEEN_DAYS"]


class _Poll(Closed):
    question: Annotated[str, StringConstraints(min_length=1, max_length=140)]
    options: list[_Option] = Field(min_length=2, max_length=4)
    settings: _PollSettings


class _Content(Closed):
    media: _Medium | None = None
    multi_image: _MultiImage | None = Field(default=None, alias="multiImage")
    article: _Article | None = None
    poll: _Poll | None = None


class _Reshare(Closed):
    parent: PostUrn


class NewPost(Closed):
    """The body of `POST /rest/posts`."""

    author: str
    commentary: str
    visibility: Literal["PUBLIC", "CONNECTIONS", "LOGGED_IN"]
    distribution: _Distribution
    content: _Content | None = None
    lifecycle: Literal["PUBLISHED"] = Field(alias="lifecycleState")
    no_reshares: bool = Field(default=False, alias="isReshareDisabledByAuthor")
    reshare: _Reshare | None = Field(default=None, alias="reshareContext")


class _Change(Closed):
    commentary: str


class _Patch(Closed):
    assigned: _Change = Field(alias="$set")


class _Update(Closed):
    patch: _Patch


async def create_post(call: Call) -> Response:
    check_standing(call)
    wanted = parse(call, NewPost)
    check_is_caller(call, wanted.author, "/author")
    _check_commentary(wanted)
    media = await _check_media(call, wanted.content)
    if wanted.reshare and await find_post(call, wanted.reshare.parent) is None:
        raise error(404, "NOT_FOUND", f"{wanted.reshare.parent} not found")
    content = wanted.content.model_dump_json(exclude_none=True) if wanted.content else ""
    same_as = f"{wanted.commentary}\n{content}"
    earlier = await find_same(call, same_as, _DUPLICATE_WINDOW)
    if earlier or (call.misfortune and call.misfortune.fault is Fault.DUPLICATE):
        urn = earlier.remote_id if earlier else f"urn:li:share:{IDS.make(call.now)}"
        raise error(422, "DUPLICATE_POST", f"Content is a duplicate of {urn}")
    post = await make_public(call, _draft(call, wanted, same_as, media))
    location = f"/posts/{post.remote_id.replace(':', '%3A')}"
    return Response(status_code=201, headers={"x-restli-id": post.remote_id, "location": location})


async def change_post(call: Call) -> Response:
    """`PARTIAL_UPDATE`, the only thing that a POST to a post can be."""
    if call.request.headers.get("x-restli-method", "").upper() != "PARTIAL_UPDATE":
        raise error(400, "ILLEGAL_ARGUMENT", "X-RestLi-Method must be PARTIAL_UPDATE")
    commentary = parse(call, _Update).patch.assigned.commentary
    post = await _own_post(call)
    if post is None:
        raise error(404, "NOT_FOUND", "Could not find entity")
    if little_text.length(commentary) > _LONGEST:
        raise invalid("/patch/$set/commentary", f"is longer than {_LONGEST} characters", "FIELD_LENGTH_TOO_LONG")
    text = little_text.shown(commentary)
    await reword(call, post.remote_id, text=text, shown_text=text, same_as=f"{commentary}\n")
    return Response(status_code=204)


async def delete_post(call: Call) -> Response:
    """204, also for what is already gone."""
    if call.request.headers.get("x-restli-method", "DELETE").upper() != "DELETE":
        raise error(400, "ILLEGAL_ARGUMENT", "X-RestLi-Method must be DELETE")
    post = await _own_post(call)
    if post is not None:
        await withdraw(call, post.remote_id)
    return Response(status_code=204)


async def list_posts(call: Call) -> Response:
    """For the few apps with `r_member_social`: an author's posts, newest first."""
    if call.request.query_params.get("q") != "author":
        raise error(400, "ILLEGAL_ARGUMENT", "q must be author")
    check_is_caller(call, call.request.query_params.get("author", ""), "author")
    posts = await list_of_account(call, call.account.remote_id, Span(without_kinds=("comment",)), limit=50)
    elements = [_element(post) for post in posts]
    return JSONResponse({"elements": elements, "paging": {"start": 0, "count": len(elements), "links": []}})


async def show_post(call: Call) -> Response:
    """For the same few: one post."""
    post = await find_post(call, call.request.path_params["urn"])
    if post is None:
        raise error(404, "NOT_FOUND", "Could not find entity")
    return JSONResponse(_element(post))


def _check_commentary(wanted: NewPost) -> None:
    if little_text.length(wanted.commentary) > _LONGEST:
        raise invalid("/commentary", f"is longer than {_LONGEST} characters", "FIELD_LENGTH_TOO_LONG")
    if not wanted.commentary.strip() and wanted.content is None and wanted.reshare is None:
        raise invalid("/commentary", "is empty and there is no content")


async def _check_media(call: Call, content: _Content | None) -> list[Upload]:
    """Exactly one kind of content, and every URN in it an upload of the author's that is there."""
    if content is None:
        return []
    if len(content.model_fields_set) != 1:
        raise invalid("/content", "must hold exactly one of media, multiImage, article and poll")
    urns = _urns(content)
    found = await find_uploads(call, urns)
    for urn in urns:
        upload = found.get(urn)
        if upload is None or upload.state(call.now) == "open":
            raise invalid("/content", f"{urn} does not exist or has not been uploaded")
        if upload.state(call.now) != "ready":
            raise invalid("/content", f"{urn} is not available: {upload.failure or 'still processing'}")
    return [found[urn] for urn in urns]


def _urns(content: _Content) -> list[str]:
    if content.media:
        return [content.media.id]
    if content.multi_image:
        return [image.id for image in content.multi_image.images]
    return [content.article.thumbnail] if content.article and content.article.thumbnail else []


def _draft(call: Call, wanted: NewPost, same_as: str, media: Sequence[Upload]) -> Draft:
    """Posts with moving or several pictures are of the newer kind, whose URNs say `ugcPost`."""
    content = wanted.content
    is_newer = bool(content and (content.multi_image or content.poll)) or any(
        upload.kind != "image" for upload in media
    )
    text = little_text.shown(wanted.commentary)
    extra: dict[str, Any] = {"visibility": wanted.visibility}
    if content and content.article:
        extra["article"] = content.article.model_dump(exclude_none=True)
    if content and content.poll:
        extra["poll"] = content.poll.model_dump()
    return Draft(
        remote_id=f"urn:li:{'ugcPost' if is_newer else 'share'}:{IDS.make(call.now)}",
        kind="reshare" if wanted.reshare else "post",
        text=text,
        shown_text=text,
        same_as=same_as,
        media=[_described(upload, content) for upload in media],
        parent=wanted.reshare.parent if wanted.reshare else None,
        extra=extra,
    )


def _described(upload: Upload, content: _Content | None) -> dict[str, Any]:
    """As in the ledger; LinkedIn learns the alternative text only with the post."""
    described = upload.described()
    if content and content.media:
        described["alt_text"] = content.media.alt_text
    if content and content.multi_image:
        texts = {image.id: image.alt_text for image in content.multi_image.images}
        described["alt_text"] = texts[upload.remote_id]
    return described


async def _own_post(call: Call) -> Post | None:
    post = await find_post(call, call.request.path_params["urn"])
    if post is not None and post.account != call.account.remote_id:
        raise denied()
    return post


def _element(post: Post) -> dict[str, Any]:
    moment = int(post.created_at.timestamp() * 1000)
    return {
        "id": post.remote_id,
        "author": f"urn:li:person:{post.account}",
        "commentary": post.text,
        "visibility": post.extra.get("visibility", "PUBLIC"),
        "lifecycleState": "PUBLISHED",
        "createdAt": moment,
        "publishedAt": moment,
    }
