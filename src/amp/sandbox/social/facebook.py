"""Facebook Pages: the Graph API, pretended. Where Meta documents nothing, it answers as published clients report;
comments say so."""

from datetime import timedelta

from starlette.responses import JSONResponse, Response

from amp.sandbox.faults import Step
from amp.sandbox.ledger import find_post
from amp.sandbox.social import _facebook_insights as insights
from amp.sandbox.social import _facebook_nodes as nodes
from amp.sandbox.social import _facebook_oauth as oauth
from amp.sandbox.social import _facebook_people as people
from amp.sandbox.social import _facebook_photos as photos
from amp.sandbox.social import _facebook_posts as posts
from amp.sandbox.social import _facebook_reels as reels
from amp.sandbox.social import _facebook_videos as videos
from amp.sandbox.social._meta_errors import dresser, refuser
from amp.sandbox.social._meta_fields import asked, select
from amp.sandbox.social._meta_graph import GRAPH_VERSIONS, token_of, versioned
from amp.sandbox.uploads import find_upload
from amp.sandbox.vendor import Call, Limit, Operation, Page, SocialVendor

_READ = frozenset({"pages_read_engagement"})
_LIST = frozenset({"pages_show_list"})
_POST = frozenset({"pages_manage_posts"})
_ENGAGE = frozenset({"pages_manage_engagement"})
_INSIGHTS = _READ | {"read_insights"}
_BUSINESS = frozenset({"business_management"})
_NOTHING = frozenset[str]()
_LIMIT = Limit(48_000, timedelta(days=1))  # 4800 for each engaged user; here there are ten


async def show(call: Call) -> Response:
    """Any node: the person or page whose token it is, a photo, a film, a comment, a post."""
    remote_id = call.request.path_params["id"]
    if remote_id in ("me", call.account.remote_id):
        is_person = people.is_person(call.account)
        values = people.person_values(call.account) if is_person else nodes.own_page_values(call)
        return JSONResponse(select(asked(call, "id,name"), values, "User" if is_person else "Page"))
    upload = await find_upload(call, remote_id)
    if upload is not None and upload.kind == "image":
        return JSONResponse(select(asked(call, "id,created_time"), nodes.photo_values(call, upload), "Photo"))
    if upload is not None and upload.kind == "video":
        return JSONResponse(select(asked(call, "id,description"), await nodes.video_values(call, upload), "Video"))
    comment = await find_post(call, remote_id)
    if comment is not None and comment.kind == "comment":
        return JSONResponse(select(asked(call, "id,message"), nodes.comment_values(call, comment), "Comment"))
    post = await posts.own_post(call)
    return JSONResponse(select(asked(call, "id,message,created_time"), await nodes.post_values(call, post), "Post"))


VENDOR = SocialVendor(
    name=people.NAME,
    title="Facebook",
    refuse=refuser(limit_code=80001, bare_limit_code=32, permission_code=200),
    dress=dresser("pages"),
    token_of=token_of,
    scopes=_READ | _LIST | _POST | _ENGAGE | _INSIGHTS,
    access_lifetime=people.PAGE_LIFETIME,
    account_id=people.page_id,
    routes=(
        Operation(
            "POST",
            "/video-upload/{version}/{film}",
            reels.put_bytes,
            _POST,
            Step.PROCESS,
            max_body=reels.MAX_UPLOAD,
            skims=lambda _: True,
            bring=reels.bring,
        ),
        *versioned(
            GRAPH_VERSIONS,
            (
                Page("GET", "/dialog/oauth", oauth.dialog),
                Page("GET", "/oauth/access_token", oauth.access_token),
                Page("POST", "/oauth/access_token", oauth.access_token),
                Page("GET", "/debug_token", oauth.debug_token),
                Operation("GET", "/me/accounts", people.list_pages, _LIST, limit=_LIMIT),
                Operation("GET", "/me/permissions", people.list_permissions, limit=_LIMIT),
                Operation("DELETE", "/me/permissions", people.give_back, limit=_LIMIT),
                Operation("GET", "/me/businesses", people.list_businesses, _BUSINESS, limit=_LIMIT),
                Operation(
                    "POST",
                    "/upload:{file}",
                    videos.put_file,
                    _POST,
                    Step.PROCESS,
                    _LIMIT,
                    max_body=videos.MAX_UPLOAD,
                    skims=lambda _: True,
                ),
                Operation("GET", "/upload:{file}", videos.show_file, _POST, limit=_LIMIT),
                Operation("POST", "/{id}/uploads", videos.open_file, _NOTHING, limit=_LIMIT),
                Operation("GET", "/{id}", show, _NOTHING, limit=_LIMIT),
                Operation("POST", "/{id}", posts.change, _POST, limit=_LIMIT),
                Operation("DELETE", "/{id}", posts.delete, _POST, limit=_LIMIT),
                Operation("POST", "/{id}/feed", posts.create_post, _POST, posts.step_of_publishing, _LIMIT),
                Operation("GET", "/{id}/feed", posts.list_posts, _READ, limit=_LIMIT),
                Operation("GET", "/{id}/posts", posts.list_posts, _READ, limit=_LIMIT),
                Operation("GET", "/{id}/published_posts", posts.list_posts, _READ, limit=_LIMIT),
                Operation(
                    "POST",
                    "/{id}/photos",
                    photos.create_photo,
                    _POST,
                    posts.step_of_publishing,
                    _LIMIT,
                    photos.MAX_BODY,
                    bring=photos.bring,
                ),
                Operation("POST", "/{id}/photo_stories", photos.create_story, _POST, Step.COMMIT, _LIMIT),
                Operation(
                    "POST",
                    "/{id}/videos",
                    videos.videos,
                    _POST,
                    videos.step_of_videos,
                    _LIMIT,
                    videos.MAX_BODY,
                    bring=videos.bring,
                ),
                Operation("POST", "/{id}/video_reels", reels.reels, _POST, reels.step_of_phase, _LIMIT),
                Operation("GET", "/{id}/video_reels", reels.list_reels, _READ, limit=_LIMIT),
                Operation("POST", "/{id}/video_stories", reels.stories, _POST, reels.step_of_phase, _LIMIT),
                Operation("GET", "/{id}/stories", reels.list_stories, _READ, limit=_LIMIT),
                Operation("POST", "/{id}/comments", posts.comment, _ENGAGE, Step.COMMIT, _LIMIT),
                Operation("GET", "/{id}/comments", posts.list_comments, _READ, limit=_LIMIT),
                Operation("GET", "/{id}/insights", insights.of_node, _INSIGHTS, limit=_LIMIT),
                Operation("GET", "/{id}/video_insights", insights.of_video, _INSIGHTS, limit=_LIMIT),
            ),
        ),
    ),
)
