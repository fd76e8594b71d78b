"""X (Twitter): API v2 as of contract 2.167, pretended. Limits per user and app are those of the guide "Rate limits",
scopes those of the contract's security schemes."""

from datetime import timedelta

from amp.sandbox.faults import Step
from amp.sandbox.social import _twitter_media as media
from amp.sandbox.social._twitter_analytics import analytics
from amp.sandbox.social._twitter_oauth import ACCESS_LIFETIME, NAME, authorize, revoke_token, token
from amp.sandbox.social._twitter_posts import create_post, delete_post
from amp.sandbox.social._twitter_problems import dress, dress_quota, refuse
from amp.sandbox.social._twitter_reading import lookup, lookup_one, me, timeline
from amp.sandbox.vendor import Limit, Operation, Page, Quota, SocialVendor

_QUARTER, _DAY = timedelta(minutes=15), timedelta(days=1)
_READ = frozenset({"tweet.read", "users.read"})
_WRITE = _READ | {"tweet.write"}
_MEDIA = frozenset({"media.write"})

VENDOR = SocialVendor(
    name=NAME,
    title="X",
    refuse=refuse,
    dress=dress,
    dress_quota=dress_quota,
    scopes=_WRITE | _MEDIA | {"offline.access"},
    access_lifetime=ACCESS_LIFETIME,
    gives_refresh_tokens=True,
    routes=(
        Page("GET", "/i/oauth2/authorize", authorize),
        Page("GET", "/2/oauth2/authorize", authorize),
        Page("POST", "/2/oauth2/token", token),
        Page("POST", "/2/oauth2/revoke", revoke_token),
        Operation("GET", "/2/users/me", me, _READ, limit=Limit(75, _QUARTER)),
        Operation(
            "GET",
            "/2/users/{id}/tweets",
            timeline,
            _READ,
            limit=Limit(900, _QUARTER),
            quota=Quota("timeline", 10_000, _QUARTER),
        ),
        Operation(
            "POST",
            "/2/tweets",
            create_post,
            _WRITE,
            Step.COMMIT,
            Limit(100, _QUARTER),
            quota=Quota("posts", 10_000, _DAY),
        ),
        Operation(
            "GET", "/2/tweets", lookup, _READ, limit=Limit(5000, _QUARTER), quota=Quota("lookup", 3500, _QUARTER)
        ),
        Operation("GET", "/2/tweets/analytics", analytics, _READ, limit=Limit(300, _QUARTER)),
        Operation(
            "GET",
            "/2/tweets/{id}",
            lookup_one,
            _READ,
            limit=Limit(900, _QUARTER),
            quota=Quota("lookup of one", 450, _QUARTER),
        ),
        Operation("DELETE", "/2/tweets/{id}", delete_post, _WRITE, limit=Limit(50, _QUARTER)),
        Operation("POST", "/2/media/upload", media.upload, _MEDIA, Step.PROCESS, Limit(500, _QUARTER), media.MAX_BODY),
        Operation("GET", "/2/media/upload", media.status, _MEDIA, limit=Limit(1000, _QUARTER)),
        Operation("POST", "/2/media/upload/initialize", media.initialize, _MEDIA, limit=Limit(1875, _QUARTER)),
        Operation(
            "POST",
            "/2/media/upload/{id}/append",
            media.append,
            _MEDIA,
            limit=Limit(1875, _QUARTER),
            max_body=media.MAX_BODY,
        ),
        Operation("POST", "/2/media/upload/{id}/finalize", media.finalize, _MEDIA, Step.PROCESS, Limit(1875, _QUARTER)),
        Operation("POST", "/2/media/metadata", media.metadata, _MEDIA, limit=Limit(500, _QUARTER)),
    ),
)
