"""LinkedIn: comments on posts (Social Actions API)."""

from datetime import timedelta
from typing import Annotated, Any

from pydantic import StringConstraints
from starlette.responses import JSONResponse, Response

from amp.sandbox.faults import Fault, standing
from amp.sandbox.ledger import Draft, Post, find_post, list_replies, make_public
from amp.sandbox.social._linkedin_posts import IDS
from amp.sandbox.social._linkedin_rest import Closed, check_is_caller, check_standing, denied, error, invalid, parse
from amp.sandbox.vendor import Call


class _Message(Closed):
    text: Annotated[str, StringConstraints(min_length=1, max_length=1250)]


class _Comment(Closed):
    actor: str
    object: str
    message: _Message


async def list_comments(call: Call) -> Response:
    """For the same few: what was said under a post."""
    target = call.request.path_params["urn"]
    if not await _is_there(call, target):
        raise error(404, "NOT_FOUND", "Could not find entity")
    elements = [_comment(post) for post in await list_replies(call, target)]
    return JSONResponse({"elements": elements, "paging": {"start": 0, "count": len(elements), "links": []}})


async def comment(call: Call) -> Response:
    """Some apps are refused with the permission that the documents name (see the order `unreviewed_app`)."""
    check_standing(call)
    wanted = parse(call, _Comment)
    check_is_caller(call, wanted.actor, "/actor")
    if await standing(call.connection, call.account, Fault.UNREVIEWED_APP):
        raise denied()
    target = call.request.path_params["urn"]
    if not await _is_there(call, target):
        raise error(404, "NOT_FOUND", "Unable to obtain activity")
    if wanted.object != target:
        raise invalid("/object", "does not match the entity in the path")
    number = str(IDS.make(call.now))
    urn = f"urn:li:comment:({target},{number})"
    text = wanted.message.text
    if call.misfortune and call.misfortune.fault is Fault.DUPLICATE:
        raise error(422, "DUPLICATE_POST", f"Content is a duplicate of {urn}")
    draft = Draft(remote_id=urn, kind="comment", text=text, shown_text=text, same_as=f"{target}\n{text}", parent=target)
    made = await make_public(call, draft)
    return JSONResponse(_comment(made), 201, headers={"x-restli-id": number})


async def _is_there(call: Call, urn: str) -> bool:
    """By order a post is not known everywhere at once."""
    post = await find_post(call, urn)
    lag = await standing(call.connection, call.account, Fault.LISTING_LAG)
    return post is not None and call.now - post.created_at >= timedelta(seconds=lag.seconds if lag else 0)


def _comment(post: Post) -> dict[str, Any]:
    return {
        "id": post.remote_id.rpartition(",")[2].removesuffix(")"),
        "commentUrn": post.remote_id,
        "actor": f"urn:li:person:{post.account}",
        "object": post.parent,
        "message": {"text": post.text},
    }
