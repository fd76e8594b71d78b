"""Facebook: what a page says: posts with a link or with photos, comments, changes, and the lists of what is public."""

import re
from collections.abc import Sequence
from datetime import timedelta
from typing import Any, cast

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from amp.sandbox.faults import Fault, Step
from amp.sandbox.ledger import (
    Draft,
    Post,
    Span,
    find_post,
    find_same,
    list_of_account,
    list_replies,
    make_public,
    reword,
    withdraw,
)
from amp.sandbox.social._facebook_nodes import comment_values, post_values
from amp.sandbox.social._facebook_people import check_page
from amp.sandbox.social._meta_errors import failure, gone, invalid
from amp.sandbox.social._meta_fields import asked, listed, select
from amp.sandbox.social._meta_graph import (
    Parameters,
    parameters,
    parameters_read,
    random_id,
)
from amp.sandbox.social._meta_lists import public_posts
from amp.sandbox.uploads import Upload, find_upload, find_uploads, note
from amp.sandbox.vendor import Call, Refused

LONGEST_TEXT = 63_206

_LONGEST_COMMENT = 8000
_DUPLICATE_WINDOW = timedelta(days=1)
_LINK = re.compile(r"https?://[^/\s.]+(\.[^/\s.]+)+(/\S*)?", re.IGNORECASE)


def step_of_publishing(request: Request) -> Step:
    """What is not published is seen by nobody."""
    is_hidden = parameters_read(request).text("published").lower() in ("false", "0")
    return Step.PLAIN if is_hidden else Step.COMMIT


async def create_post(call: Call) -> Response:
    check_page(call)
    given = parameters(call)
    check_not_scheduled(given)
    message, link = given.text("message"), given.text("link")
    check_message(message)
    photos = await _attached(call, given)
    if not (message.strip() or link or photos):
        raise invalid("The parameter message is required: the post is empty", 1349125)
    if link and photos:
        raise invalid("A post has a link or attached media, not both", 1609010)
    if link and not _LINK.fullmatch(link):
        raise failure(1609005, "(#1609005) The link could not be scraped", text=f"The url {link} is invalid")
    check_account(call)
    same_as = "\n".join([message.strip(), link, *(photo.remote_id for photo in photos)])
    await _check_not_said(call, same_as)
    media = [photo.described() for photo in photos]
    extra = {"article": {"title": link, "source": link}} if link else {}
    post = await make_public(call, page_draft(call, message, same_as, media, extra))
    for photo in photos:
        await note(call, photo, post=post.remote_id)
    return JSONResponse({"id": post.remote_id})


def page_draft(
    call: Call, text: str, same_as: str, media: Sequence[dict[str, Any]], extra: dict[str, Any], kind: str = "post"
) -> Draft:
    return Draft(
        remote_id=f"{call.account.remote_id}_{random_id('122', 18)}",
        kind=kind,
        text=text,
        shown_text=text,
        same_as=same_as,
        media=media,
        extra=extra,
    )


def check_message(message: str) -> None:
    if len(message) > LONGEST_TEXT:
        raise invalid(f"Param message must be at most {LONGEST_TEXT} characters long")


def check_not_scheduled(given: Parameters) -> None:
    """This page has no clock of its own."""
    if given.text("scheduled_publish_time"):
        raise invalid("Scheduled posts are not pretended here: publish when it is time")


def check_account(call: Call) -> None:
    """What may forbid a post whatever is in it, by order."""
    match call.misfortune.fault if call.misfortune else None:
        case Fault.DUPLICATE:
            raise _duplicate()
        case Fault.QUOTA_EXHAUSTED:
            raise failure(32, "(#32) Page request limit reached")
        case Fault.ACCOUNT_ACTION:
            title = "Confirm Your Identity"
            text = "To publish on this Page, confirm your identity in the Facebook mobile app."
            raise failure(368, "(#368) The action attempted has been deemed abusive", 4854002, title=title, text=text)
        case _:
            return


async def list_posts(call: Call) -> Response:
    """What the page published, stories left out; of films, those that are worked on no longer."""
    check_page(call)
    posts = await public_posts(call, without_kinds=("comment", "story"))

    async def show(post: Post) -> dict[str, Any]:
        fields = asked(call, "id,message,created_time")
        return select(fields, await post_values(call, post), "Post")

    return await listed(call, posts, lambda post: post.remote_id, show)


async def comment(call: Call) -> Response:
    target = await own_post(call, "post")
    message = parameters(call).text("message")
    if not (message.strip() or parameters(call).text("attachment_url")) or len(message) > _LONGEST_COMMENT:
        raise invalid("The parameter message is required")
    number = target.remote_id.rpartition("_")[2]
    draft = Draft(
        remote_id=f"{number}_{random_id('9', 15)}",
        kind="comment",
        text=message,
        shown_text=message,
        same_as=f"{target.remote_id}\n{message}",
        parent=target.remote_id,
    )
    return JSONResponse({"id": (await make_public(call, draft)).remote_id})


async def list_comments(call: Call) -> Response:
    target = await own_post(call)

    async def show(post: Post) -> dict[str, Any]:
        return select(asked(call, "id,message,created_time,from"), comment_values(call, post), "Comment")

    return await listed(call, await list_replies(call, target.remote_id), lambda post: post.remote_id, show)


async def change(call: Call) -> Response:
    """Another text."""
    post = await own_post(call, "post")
    message = parameters(call).required("message")
    check_message(message)
    await reword(call, post.remote_id, text=message, shown_text=message, same_as=f"{message.strip()}\n")
    return JSONResponse({"success": True})


async def delete(call: Call) -> Response:
    """A post, or a film or a photo with the post that shows it."""
    post = await own_post(call, "delete")
    await withdraw(call, post.remote_id)
    return JSONResponse({"success": True})


async def own_post(call: Call, verb: str = "get") -> Post:
    """The page's post with this id, or the one that shows the film or photo with this id."""
    remote_id = call.request.path_params["id"]
    upload = await find_upload(call, remote_id) if "_" not in remote_id else None
    post = await find_post(call, (upload.extra.get("post") or "") if upload else remote_id)
    if post is None or post.account != call.account.remote_id:
        raise gone(remote_id, verb)
    return post


async def _attached(call: Call, given: Parameters) -> list[Upload]:
    """Photos of this page that no post shows yet."""
    entries = given.listed("attached_media")
    ids = [str(cast(dict[str, Any], entry).get("media_fbid")) for entry in entries if isinstance(entry, dict)]
    if len(ids) != len(entries) or len(set(ids)) != len(ids):
        raise invalid('Param attached_media must be a list of different {"media_fbid": ...}')
    found = await find_uploads(call, ids, lock=True)
    for remote_id in ids:
        if remote_id not in found or found[remote_id].kind != "image" or found[remote_id].extra.get("post"):
            raise invalid(f"Invalid parameter: the media {remote_id} cannot be attached", 1366051)
    return [found[remote_id] for remote_id in ids]


async def _check_not_said(call: Call, same_as: str) -> None:
    """Nothing is said twice in a row."""
    same = await find_same(call, same_as, _DUPLICATE_WINDOW)
    if same is None:
        return
    latest = await list_of_account(call, call.account.remote_id, Span(without_kinds=("comment", "story")), limit=1)
    if latest and latest[0].remote_id == same.remote_id:
        raise _duplicate()


def _duplicate() -> Refused:
    text = "This status update is identical to the last one you posted. Try posting something different."
    return failure(506, "(#506) Duplicate status message", 1455006, title="Duplicate Status Update", text=text)
