"""Instagram, as an app sees it that logs people in at Instagram itself (the API with Instagram Login), pretended.

Where Meta documents nothing, it answers as published clients report; comments say so.
"""

from datetime import timedelta

from starlette.responses import JSONResponse, Response

from amp.sandbox.faults import Step
from amp.sandbox.ledger import amend, find_post
from amp.sandbox.social import _instagram_account as account
from amp.sandbox.social import _instagram_containers as containers
from amp.sandbox.social import _instagram_insights as insights
from amp.sandbox.social import _instagram_media as media
from amp.sandbox.social._meta_containers import find
from amp.sandbox.social._meta_errors import dresser, gone, refuser
from amp.sandbox.social._meta_fields import asked, select
from amp.sandbox.social._meta_graph import GRAPH_VERSIONS, parameters, token_of, versioned
from amp.sandbox.social._meta_logins import LONG_LIFETIME, Login
from amp.sandbox.vendor import Call, Limit, Operation, Page, SocialVendor
from amp.sandbox.words import words

_BASIC = frozenset({"instagram_business_basic"})
_PUBLISH = _BASIC | {"instagram_business_content_publish"}
_COMMENTS = _BASIC | {"instagram_business_manage_comments"}
_INSIGHTS = _BASIC | {"instagram_business_manage_insights"}
_ALL = _PUBLISH | _COMMENTS | _INSIGHTS
_LIMIT = Limit(48_000, timedelta(days=1))  # 4800 for each engaged user; here there are ten


def user_id(digest: bytes) -> str:
    return f"17841{int.from_bytes(digest[:8]) % 10**12:012}"


_LOGIN = Login(
    vendor="instagram",
    title="Instagram",
    prefix="ig",
    basic="instagram_business_basic",
    scopes=_ALL | words("instagram_business_manage_messages"),
    account_id=user_id,
    names_permissions=True,
)


async def show(call: Call) -> Response:
    """Any node: the account, a container, a medium, a comment."""
    remote_id = call.request.path_params["id"]
    if account.is_own(call):
        return JSONResponse(select(asked(call), await account.profile(call), "IGUser"))
    container = await find(call, remote_id)
    if container is not None:
        return JSONResponse(containers.shown(call, container))
    post = await find_post(call, remote_id)
    if post is not None and post.kind == "comment" and post.account == call.account.remote_id:
        return JSONResponse(await media.shown_comment(call, post))
    return JSONResponse(await media.shown(call, await media.own_media(call)))


async def change(call: Call) -> Response:
    """Comments on or off."""
    post = await media.own_media(call, "post")
    parameters(call).required("comment_enabled")
    await amend(call, post, comment_enabled=parameters(call).flag("comment_enabled"))
    return JSONResponse({"success": True})


async def delete(call: Call) -> Response:
    """This API has no such thing (only the one with Facebook Login has)."""
    raise gone(call.request.path_params["id"], "delete")


VENDOR = SocialVendor(
    name="instagram",
    title="Instagram",
    refuse=refuser(limit_code=80002, bare_limit_code=4, permission_code=10),
    dress=dresser("instagram"),
    token_of=token_of,
    scopes=_ALL,
    access_lifetime=LONG_LIFETIME,
    account_id=user_id,
    routes=(
        Page("GET", "/oauth/authorize", _LOGIN.authorize),
        Page("POST", "/oauth/access_token", _LOGIN.redeem),
        *versioned(
            GRAPH_VERSIONS,
            (
                Page("GET", "/access_token", _LOGIN.exchange),
                Page("GET", "/refresh_access_token", _LOGIN.refresh),
                Operation("GET", "/{id}", show, _BASIC, limit=_LIMIT),
                Operation("POST", "/{id}", change, _COMMENTS, limit=_LIMIT),
                Operation("DELETE", "/{id}", delete, _BASIC, limit=_LIMIT),
                Operation(
                    "POST", "/{id}/media", containers.create, _PUBLISH, Step.PROCESS, _LIMIT, bring=containers.bring
                ),
                Operation("GET", "/{id}/media", media.list_media, _BASIC, limit=_LIMIT),
                Operation("GET", "/{id}/stories", media.list_stories, _BASIC, limit=_LIMIT),
                Operation("POST", "/{id}/media_publish", media.publish, _PUBLISH, Step.COMMIT, _LIMIT),
                Operation("GET", "/{id}/content_publishing_limit", media.quota, _PUBLISH, limit=_LIMIT),
                Operation("POST", "/{id}/comments", media.comment, _COMMENTS, Step.COMMIT, _LIMIT),
                Operation("GET", "/{id}/comments", media.list_comments, _COMMENTS, limit=_LIMIT),
                Operation("GET", "/{id}/insights", insights.of_node, _INSIGHTS, limit=_LIMIT),
            ),
        ),
    ),
)
