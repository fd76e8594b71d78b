"""Threads: the Threads API, pretended. Where Meta documents nothing, it answers as published clients report; comments
say so."""

from datetime import timedelta

from starlette.responses import JSONResponse, Response

from amp.sandbox.faults import Step
from amp.sandbox.social import _threads_containers as containers
from amp.sandbox.social import _threads_insights as insights
from amp.sandbox.social import _threads_posts as posts
from amp.sandbox.social._meta_containers import find
from amp.sandbox.social._meta_errors import dresser, refuser
from amp.sandbox.social._meta_fields import asked, select
from amp.sandbox.social._meta_graph import token_of, versioned
from amp.sandbox.social._meta_logins import LONG_LIFETIME, Login
from amp.sandbox.vendor import Call, Limit, Operation, Page, SocialVendor
from amp.sandbox.words import words

_VERSIONS = frozenset({"v1.0"})
_BASIC = frozenset({"threads_basic"})
_PUBLISH = _BASIC | {"threads_content_publish"}
_REPLIES = _BASIC | {"threads_read_replies"}
_INSIGHTS = _BASIC | {"threads_manage_insights"}
_DELETE = _BASIC | {"threads_delete"}
_ALL = _PUBLISH | _REPLIES | _INSIGHTS | _DELETE | {"threads_manage_replies"}
_LIMIT = Limit(48_000, timedelta(days=1))  # 4800 for each impression, of which there are always ten


def user_id(digest: bytes) -> str:
    """Seventeen digits: more than a double holds exactly."""
    return f"9{int.from_bytes(digest[:8]) % 10**16:016}"


_LOGIN = Login(
    vendor="threads",
    title="Threads",
    prefix="th",
    basic="threads_basic",
    scopes=_ALL
    | words("threads_keyword_search threads_manage_mentions threads_location_tagging threads_profile_discovery"),
    account_id=user_id,
    names_permissions=False,
)


async def show(call: Call) -> Response:
    """Any node: the account, a container, a post."""
    remote_id = call.request.path_params["id"]
    if remote_id in ("me", call.account.remote_id):
        return JSONResponse(select(asked(call), posts.profile(call), "ThreadsUser"))
    container = await find(call, remote_id)
    return JSONResponse(containers.shown(call, container) if container else await posts.show_post(call))


VENDOR = SocialVendor(
    name="threads",
    title="Threads",
    refuse=refuser(limit_code=4, bare_limit_code=4, permission_code=10),
    dress=dresser("threads"),
    token_of=token_of,
    scopes=_ALL,
    access_lifetime=LONG_LIFETIME,
    account_id=user_id,
    routes=(
        Page("GET", "/oauth/authorize", _LOGIN.authorize),
        Page("POST", "/oauth/access_token", _LOGIN.redeem),
        *versioned(
            _VERSIONS,
            (
                Page("GET", "/access_token", _LOGIN.exchange),
                Page("GET", "/refresh_access_token", _LOGIN.refresh),
                Operation("GET", "/{id}", show, _BASIC, limit=_LIMIT),
                Operation("DELETE", "/{id}", posts.delete, _DELETE, limit=_LIMIT),
                Operation(
                    "POST",
                    "/{id}/threads",
                    containers.create,
                    _PUBLISH,
                    containers.step_of_create,
                    _LIMIT,
                    bring=containers.bring,
                ),
                Operation("GET", "/{id}/threads", posts.list_threads, _BASIC, limit=_LIMIT),
                Operation("GET", "/{id}/replies", posts.list_of_replies, _BASIC, limit=_LIMIT),
                Operation("POST", "/{id}/threads_publish", posts.publish, _PUBLISH, Step.COMMIT, _LIMIT),
                Operation("GET", "/{id}/threads_publishing_limit", posts.quotas, _BASIC, limit=_LIMIT),
                Operation("POST", "/{id}/repost", posts.repost, _PUBLISH, Step.COMMIT, _LIMIT),
                Operation("GET", "/{id}/insights", insights.of_post, _INSIGHTS, limit=_LIMIT),
                Operation("GET", "/{id}/threads_insights", insights.of_account, _INSIGHTS, limit=_LIMIT),
            ),
        ),
    ),
)
