"""Facebook Pages: text, links, photos and albums, videos, reels and stories, and the first comment.

Videos and what is made of uploaded photos have ids before they are public, so that they can be looked up by them;
other posts are looked for in the Page's own list, by text, inside the window of the delivery.

Source: developers.facebook.com, Pages API and Graph API v26.0.
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta

from amp.domain.connections.port import NewAccount
from amp.domain.platforms.port import Capabilities, MediaRule, OAuth, Quota, TextRule, Version
from amp.domain.platforms.text_length import code_points
from amp.domain.publishing.port import (
    Absent,
    Account,
    Delivery,
    Done,
    Login,
    Pending,
    Profile,
    Progress,
    Tokens,
    Unknowable,
)
from amp.kit.clock import Clock
from amp.kit.errors import ProviderFailed, Reconnect, RefreshToken, Rejected, Unknown
from amp.kit.web import vendor_client
from amp.providers.discovery import SocialVendor
from amp.providers.social._commenting import comment_is_lost, comment_notes, commented
from amp.providers.social._facebook_pages import BUSINESS_SCOPE, pages_of
from amp.providers.social._facebook_photos import Photos
from amp.providers.social._facebook_post import FacebookSettings, has_video, message, own_settings, rules
from amp.providers.social._facebook_video import Videos
from amp.providers.social._facebook_wire import ERRORS, METRICS, Counts, Page
from amp.providers.social._graph import GRAPH_SUNSET, GRAPH_VERSION, Graph, Made, is_gone
from amp.providers.social._graph_reading import Listed, counters, find_listed, same_words
from amp.providers.social._signing_in import login_url

LIVE_URL = "https://graph.facebook.com"
VIDEO_URL = "https://graph-video.facebook.com"
MOST_PHOTOS = 10
"""Ours: Facebook names no number."""

CAPABILITIES = Capabilities(
    platform="facebook",
    name="Facebook",
    text=TextRule(limit=63_206, count=code_points),
    text_only=True,
    images=MediaRule(
        max_count=MOST_PHOTOS,
        mime_types=frozenset({"image/jpeg", "image/png"}),
        max_bytes=4_000_000,
        alt_text_limit=1000,
    ),
    video=MediaRule(
        max_count=1,
        mime_types=frozenset({"video/mp4", "video/quicktime"}),
        max_bytes=2_000_000_000,
        max_seconds=2400,
    ),
    link_card=True,
    settings=FacebookSettings,
    own_rules=(rules,),
    oauth=OAuth(
        authorize_url=f"https://www.facebook.com/{GRAPH_VERSION}/dialog/oauth",
        token_url=f"{LIVE_URL}/{GRAPH_VERSION}/oauth/access_token",
        scopes=(
            "pages_show_list",
            "pages_read_engagement",
            "pages_manage_posts",
            "pages_manage_engagement",
            "read_insights",
        ),
        pkce=False,
        scope_separator=",",
        scopes_by_approval=(BUSINESS_SCOPE,),
    ),
    quotas=(Quota(posts=30, hours=24, settings={"placement": "reel"}, noun="reels"),),
    metrics=frozenset({"impressions", "reach", "likes", "comments", "shares", "clicks"}),
    versions=(Version("META_GRAPH_VERSION", GRAPH_VERSION, GRAPH_SUNSET),),
    scheduling=True,
    caveats=(
        "Pages only: people's own profiles cannot be published to.",
        "Facebook may ask the manager of a Page to confirm their identity in the mobile app before it publishes.",
    ),
)


class Facebook:
    capabilities = CAPABILITIES
    visibility_delay = timedelta(seconds=30)
    refuses_duplicates = False
    """Facebook refuses what a Page just said, yet does not name the first."""
    launch_notes = ()

    def __init__(
        self,
        base_url: str,
        *,
        clock: Clock,
        version: str,
        client_id: str,
        client_secret: str,
        more_scopes: Sequence[str] = (),
    ) -> None:
        self._client = vendor_client(base_url)
        self._graph = Graph("Facebook", self._client, ERRORS, clock)
        self._base_url = base_url
        self._version = version
        # Live, videos go to another host than the rest; elsewhere both are under the one base.
        self._video_root = VIDEO_URL if base_url == LIVE_URL else ""
        self._client_id = client_id
        self._client_secret = client_secret
        self._more_scopes = more_scopes

    async def publish(self, delivery: Delivery, progress: Progress) -> Done | Pending:
        if "post" not in progress.state:
            post = await self._published(delivery, progress)
            if isinstance(post, Pending):
                return post
            await progress.save(post=post)
        comment = own_settings(delivery.settings).first_comment
        if comment:
            path = self._path(f"{progress.state['post']}/comments")
            token = delivery.account.access_token
            await commented(progress, lambda: self._graph.write(Made, path, token, {"message": comment}, commits=True))
        return _done(progress)

    async def check(self, delivery: Delivery, progress: Progress) -> Done | Pending:
        return await self.publish(delivery, progress)

    async def finalize(self, delivery: Delivery, progress: Progress) -> Done:
        """Never asked for: `check` goes on by itself."""
        return _done(progress)

    async def find(self, delivery: Delivery, progress: Progress) -> Done | Absent | Unknowable:
        if "post" in progress.state:
            if own_settings(delivery.settings).first_comment:
                await comment_is_lost(progress)
            return _done(progress)
        if has_video(delivery):
            return await self._find_video(delivery, progress)
        found = await self._listed(delivery, progress)
        if not isinstance(found, Listed):
            return found
        await progress.save(post=found.id)
        return _done(progress)

    async def metrics(self, account: Account, remote_ids: Sequence[str]) -> Mapping[str, Mapping[str, int]]:
        found = {remote_id: await self._counters(account, remote_id) for remote_id in remote_ids}
        return {remote_id: numbers for remote_id, numbers in found.items() if numbers is not None}

    async def delete(self, account: Account, remote_id: str) -> None:
        await self._graph.remove(self._path(remote_id), account.access_token)

    async def refresh(self, account: Account) -> Tokens:
        """A Page's token does not end by itself, and none can be renewed: this asks whether it still counts.

        Errors: Reconnect when it does not.
        """
        try:
            await self._graph.read(Made, self._path("me"), account.access_token, fields="id")
        except ProviderFailed as error:
            remedy = Reconnect() if isinstance(error.remedy, RefreshToken) else error.remedy
            raise ProviderFailed(error.message, remedy=remedy, status=error.status) from error
        return Tokens(account.access_token, None, None)

    async def profile(self, account: Account) -> Profile:
        path, fields = self._path(account.remote_id or "me"), "id,name,username,picture{url}"
        page = await self._graph.read(Page, path, account.access_token, fields=fields)
        return Profile(page.id, page.handle, page.name, page.picture.data.url)

    def login_url(self, login: Login) -> str:
        more = self._more_scopes
        page = login_url(CAPABILITIES, LIVE_URL, self._base_url, self._client_id, login, more_scopes=more)
        return page.replace(f"/{GRAPH_VERSION}/dialog/", f"/{self._version}/dialog/", 1)

    async def accounts(self, code: str, login: Login) -> Sequence[NewAccount]:
        app = {"client_id": self._client_id, "client_secret": self._client_secret}
        return await pages_of(self._graph, self._version, code, login, **app)

    async def disconnect(self, account: Account) -> None:
        """A Page's token cannot be given back: to end what the person allowed would end all their Pages."""

    async def aclose(self) -> None:
        await self._client.aclose()

    def _path(self, rest: str) -> str:
        return f"/{self._version}/{rest}"

    def _videos(self, account: Account) -> Videos:
        return Videos(self._graph, account, self._version, self._video_root)

    async def _published(self, delivery: Delivery, progress: Progress) -> str | Pending:
        """The id of the post."""
        if has_video(delivery):
            return await self._videos(delivery.account).published(delivery, progress)
        try:
            return await Photos(self._graph, delivery.account, self._version).published(delivery, progress)
        except ProviderFailed as error:
            match error.remedy:
                case Rejected(code="DUPLICATE") if delivery.resending:
                    if isinstance(await self.find(delivery, progress), Done):
                        return progress.state["post"]
                    # Facebook says that our own text is public, but does not list it yet: to be looked for.
                    raise ProviderFailed(error.message, remedy=Unknown(), status=error.status) from error
                case _:
                    raise

    async def _find_video(self, delivery: Delivery, progress: Progress) -> Done | Absent:
        """Facebook may still be working on it: then `publish` goes on from here."""
        found = await self._videos(delivery.account).accepted(delivery, progress)
        if found is None:
            return Absent()
        await progress.save(finished=True)
        return Done(found, _url(found))

    async def _listed(self, delivery: Delivery, progress: Progress) -> Listed | Absent | Unknowable:
        page, token, since = delivery.account.remote_id, delivery.account.access_token, delivery.first_intent_at
        if own_settings(delivery.settings).placement == "story":
            photos: list[str] = progress.state.get("photos", [])
            path = self._path(f"{page}/stories")
            return await find_listed(
                self._graph, path, token, since=since, is_it=lambda one: one.media_id in photos, status="PUBLISHED"
            )
        words, pictures = message(delivery), bool(delivery.parts[0].media)
        return await find_listed(
            self._graph,
            self._path(f"{page}/published_posts"),
            token,
            since=since,
            is_it=lambda post: same_words(words, post.text) and (post.has_pictures or not pictures),
            fields="id,message,created_time,permalink_url,attachments{media_type,subattachments}",
        )

    async def _counters(self, account: Account, post: str) -> dict[str, int] | None:
        """None when the post is gone."""
        fields = "shares,comments.summary(true).limit(0),reactions.summary(true).limit(0)"
        path, token = self._path(post), account.access_token
        try:
            counts = await self._graph.read(Counts, path, token, fields=fields)
            return counts.counters() | await counters(self._graph, f"{path}/insights", token, METRICS)
        except ProviderFailed as error:
            if is_gone(error):
                return None
            raise


def _done(progress: Progress) -> Done:
    post: str = progress.state["post"]
    return Done(post, _url(post), comment_notes(progress))


def _url(post: str) -> str:
    """Facebook leads from a post's id to its place."""
    return f"https://www.facebook.com/{post}"


PLATFORM = SocialVendor(
    name="facebook",
    capabilities=CAPABILITIES,
    live_base_url=LIVE_URL,
    build=lambda base_url, clock, credentials: Facebook(
        base_url,
        clock=clock,
        version=credentials.get("META_GRAPH_VERSION", GRAPH_VERSION),
        client_id=credentials.get("FACEBOOK_CLIENT_ID"),
        client_secret=credentials.get("FACEBOOK_CLIENT_SECRET"),
        more_scopes=credentials.words("FACEBOOK_EXTRA_SCOPES"),
    ),
)
