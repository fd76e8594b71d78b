"""LinkedIn, as a member's app sees it: the versioned Posts API, pretended. Where LinkedIn documents nothing, it
answers as published clients report; comments say so."""

from datetime import timedelta

from amp.sandbox.faults import Step
from amp.sandbox.social import _linkedin_analytics as analytics
from amp.sandbox.social import _linkedin_comments as comments
from amp.sandbox.social import _linkedin_media as media
from amp.sandbox.social import _linkedin_oauth as oauth
from amp.sandbox.social import _linkedin_posts as posts
from amp.sandbox.social._linkedin_rest import dress, refuse, rest
from amp.sandbox.vendor import Limit, Operation, Page, SocialVendor

_WRITE = frozenset({"w_member_social"})
_READ = frozenset({"r_member_social"})
_DAILY = Limit(150, timedelta(days=1))  # widely quoted; LinkedIn does not say

VENDOR = SocialVendor(
    name=media.NAME,
    title="LinkedIn",
    refuse=refuse,
    dress=dress,
    scopes=_WRITE | {"openid", "profile", "email"},
    access_lifetime=oauth.ACCESS_LIFETIME,
    account_id=oauth.member_id,
    routes=(
        Page("GET", "/oauth/v2/authorization", oauth.authorize),
        Page("POST", "/oauth/v2/accessToken", oauth.access_token),
        Page("POST", "/oauth/v2/introspectToken", oauth.introspect),
        Operation("GET", "/v2/userinfo", oauth.userinfo, frozenset({"openid", "profile"})),
        Operation("POST", "/rest/posts", rest(posts.create_post), _WRITE, Step.COMMIT, _DAILY),
        Operation("GET", "/rest/posts", rest(posts.list_posts), _READ),
        Operation("GET", "/rest/posts/{urn}", rest(posts.show_post), _READ),
        Operation("POST", "/rest/posts/{urn}", rest(posts.change_post), _WRITE),
        Operation("DELETE", "/rest/posts/{urn}", rest(posts.delete_post), _WRITE),
        Operation("POST", "/rest/socialActions/{urn}/comments", rest(comments.comment), _WRITE, Step.COMMIT),
        Operation("GET", "/rest/socialActions/{urn}/comments", rest(comments.list_comments), _READ),
        Operation("GET", "/rest/images/{urn}", rest(media.show_image), _READ),
        Operation("POST", "/rest/images", rest(media.initialize_image), _WRITE),
        Operation("POST", "/rest/documents", rest(media.initialize_document), _WRITE),
        Operation("POST", "/rest/videos", rest(media.videos), _WRITE, media.step_of_videos),
        Operation("GET", "/rest/videos/{urn}", rest(media.show_video), _WRITE),
        Operation(
            "PUT",
            "/dms-uploads/{secret}/parts/{number:int}",
            media.put_part,
            _WRITE,
            max_body=media.MAX_BODY,
            identify=media.holder_of_address,
        ),
        Operation("PUT", "/dms-uploads/{secret}/{name}", media.put_file, _WRITE, Step.PROCESS, max_body=media.MAX_BODY),
        Operation(
            "GET",
            "/rest/memberCreatorPostAnalytics",
            rest(analytics.post_analytics),
            frozenset({"r_member_postAnalytics"}),
        ),
        Operation(
            "GET",
            "/rest/memberFollowersCount",
            rest(analytics.follower_count),
            frozenset({"r_member_profileAnalytics"}),
        ),
    ),
)
