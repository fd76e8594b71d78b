"""TikTok: Login Kit, Content Posting API and Display API (v2), pretended. Limits are those of the reference pages, per
user and minute."""

from datetime import timedelta

from amp.sandbox.faults import Step
from amp.sandbox.social import _tiktok_oauth as oauth
from amp.sandbox.social import _tiktok_publishing as publishing
from amp.sandbox.social import _tiktok_reading as reading
from amp.sandbox.social import _tiktok_uploading as uploading
from amp.sandbox.social._tiktok_outcome import status
from amp.sandbox.social._tiktok_wire import refuse
from amp.sandbox.vendor import Limit, Operation, Page, SocialVendor

_MINUTE = timedelta(minutes=1)
_BASIC = frozenset({"user.info.basic"})
_LIST = frozenset({"video.list"})
_POST = frozenset({"video.publish"})
_SHARE = frozenset({"video.upload"})
_INITS = Limit(6, _MINUTE)
_READS = Limit(600, _MINUTE)

VENDOR = SocialVendor(
    name=oauth.NAME,
    title="TikTok",
    refuse=refuse,
    scopes=oauth.SCOPES,
    access_lifetime=oauth.ACCESS_LIFETIME,
    gives_refresh_tokens=True,
    account_id=oauth.open_id,
    routes=(
        Page("GET", "/v2/auth/authorize/", oauth.authorize),
        Page("POST", "/v2/oauth/token/", oauth.token),
        Page("POST", "/v2/oauth/revoke/", oauth.revoke_token),
        Operation("GET", "/v2/user/info/", reading.user_info, _BASIC, limit=_READS),
        Operation(
            "POST",
            "/v2/post/publish/creator_info/query/",
            publishing.creator_info,
            _POST,
            Step.BEGIN,
            limit=Limit(20, _MINUTE),
        ),
        Operation(
            "POST",
            "/v2/post/publish/video/init/",
            publishing.create_video,
            _POST,
            publishing.step_of_video,
            limit=_INITS,
            bring=publishing.pull,
        ),
        Operation(
            "POST",
            "/v2/post/publish/inbox/video/init/",
            publishing.create_inbox_video,
            _SHARE,
            Step.BEGIN,
            limit=_INITS,
            bring=publishing.pull,
        ),
        Operation(
            "POST",
            "/v2/post/publish/content/init/",
            publishing.create_photos,
            step=Step.RELEASE,
            limit=_INITS,
            bring=publishing.pull,
        ),
        Operation("POST", "/v2/post/publish/status/fetch/", status, limit=Limit(30, _MINUTE)),
        Operation(
            "PUT",
            "/upload/video/",
            uploading.put_chunk,
            step=uploading.step_of_chunk,
            max_body=uploading.LARGEST_CHUNK,
            identify=uploading.uploader,
            skims=lambda _: True,
        ),
        Operation("POST", "/v2/video/list/", reading.list_videos, _LIST, limit=_READS),
        Operation("POST", "/v2/video/query/", reading.query_videos, _LIST, limit=_READS),
    ),
)
