"""Instagram: images, reels, carousels and stories of a professional account, over the API with Instagram Login.

A post is a container that Instagram fills from our addresses and publishes by a second call. The container's status
proves whether it was published, so a lost answer is never a second post.

Source: developers.facebook.com, Instagram Platform (API with Instagram Login), v26.0.
"""

from amp.domain.platforms.port import Capabilities, MediaRule, OAuth, Quota, TextRule, Version
from amp.domain.platforms.text_length import code_points
from amp.domain.publishing.port import Absent, Account, Delivery, Done, Pending, Profile, Progress
from amp.kit.errors import ProviderFailed, Rejected, Retry
from amp.providers.discovery import SocialVendor
from amp.providers.social._commenting import comment_is_lost, comment_notes, commented
from amp.providers.social._container_platform import ContainerPlatform
from amp.providers.social._containers import Containers
from amp.providers.social._graph import GRAPH_SUNSET, GRAPH_VERSION, Made, is_gone
from amp.providers.social._graph_reading import Listed, counters, find_listed, same_words, told_url
from amp.providers.social._instagram_post import (
    MOST_IN_CAROUSEL,
    InstagramSettings,
    caption,
    children,
    is_story,
    own_settings,
    parent,
    rules,
)
from amp.providers.social._instagram_wire import ERRORS, FEED, METRICS, ContainerStatus, Kind, Me

LIVE_URL = "https://graph.instagram.com"
OAUTH_URL = "https://api.instagram.com"

CAPABILITIES = Capabilities(
    platform="instagram",
    name="Instagram",
    text=TextRule(limit=2200, count=code_points),
    text_only=False,
    images=MediaRule(
        max_count=MOST_IN_CAROUSEL,
        mime_types=frozenset({"image/jpeg"}),
        max_bytes=8_000_000,
        alt_text_limit=1000,
    ),
    video=MediaRule(
        max_count=MOST_IN_CAROUSEL,
        mime_types=frozenset({"video/mp4", "video/quicktime"}),
        max_bytes=300_000_000,
        min_seconds=3,
        max_seconds=900,
        max_width=1920,
    ),
    mixed_media=True,
    max_media=MOST_IN_CAROUSEL,
    fetches_media=frozenset({"image", "video"}),
    settings=InstagramSettings,
    own_rules=(rules,),
    oauth=OAuth(
        authorize_url="https://www.instagram.com/oauth/authorize",
        token_url=f"{OAUTH_URL}/oauth/access_token",
        scopes=(
            "instagram_business_basic",
            "instagram_business_content_publish",
            "instagram_business_manage_comments",
            "instagram_business_manage_insights",
        ),
        pkce=False,
        scope_separator=",",
        renews_access=True,
    ),
    quotas=(Quota(posts=100, hours=24),),
    deletes=False,
    metrics=frozenset({"impressions", "reach", "likes", "comments", "shares", "saves", "followers_gained"}),
    versions=(Version("META_GRAPH_VERSION", GRAPH_VERSION, GRAPH_SUNSET),),
    scheduling=True,
    caveats=(
        "Only professional accounts, business or creator, can publish through the API.",
        "Instagram fetches images and videos from this server, which must be reachable from the internet.",
        "Links in captions cannot be clicked, and published posts cannot be deleted through the API.",
    ),
)


class Instagram(ContainerPlatform):
    capabilities = CAPABILITIES
    live_url = LIVE_URL
    errors = ERRORS
    grants = "ig"

    async def publish(self, delivery: Delivery, progress: Progress) -> Done | Pending:
        if "post" not in progress.state:
            files = delivery.parts[0].media
            containers = self._containers(delivery.account)
            container = await containers.prepared(
                progress, files, children(delivery), lambda made: parent(delivery, made)
            )
            if isinstance(container, Pending):
                return container
            await progress.save(post=await containers.published(progress, container, "post"))
        return await self._done(delivery, progress)

    async def find(self, delivery: Delivery, progress: Progress) -> Done | Absent:
        if "post" in progress.state:
            if own_settings(delivery.settings).first_comment:
                await comment_is_lost(progress)
            return await self._told(delivery, progress)
        if not await self._containers(delivery.account).is_published(progress):
            return Absent()
        listed = await self._listed(delivery)
        if not isinstance(listed, Listed):
            raise ProviderFailed("Instagram says that it is published, but does not list it yet", remedy=Retry())
        await progress.save(post=listed.id)
        return await self._told(delivery, progress)

    async def delete(self, account: Account, remote_id: str) -> None:
        message = "Instagram's API deletes no posts: delete it in the app"
        raise ProviderFailed(message, remedy=Rejected("DELETE_NOT_SUPPORTED"))

    async def profile(self, account: Account) -> Profile:
        fields = "user_id,username,name,account_type,profile_picture_url"
        me = await self._graph.read(Me, self._path("me"), account.access_token, fields=fields)
        return Profile(me.user_id, me.username, me.name or me.username, me.profile_picture_url)

    async def disconnect(self, account: Account) -> None:
        """Instagram takes no tokens back: people remove apps in their own settings."""

    def _containers(self, account: Account) -> Containers:
        return Containers(
            self._graph,
            account,
            self._version,
            making="media",
            publishing="media_publish",
            status=ContainerStatus,
            fields="id,status_code,status",
        )

    async def _done(self, delivery: Delivery, progress: Progress) -> Done:
        """Public already: whatever fails from here on is told, and fails nothing."""
        comment = own_settings(delivery.settings).first_comment
        if comment:
            path = self._path(f"{progress.state['post']}/comments")
            token = delivery.account.access_token
            await commented(progress, lambda: self._graph.write(Made, path, token, {"message": comment}, commits=True))
        return await self._told(delivery, progress)

    async def _told(self, delivery: Delivery, progress: Progress) -> Done:
        account, post = delivery.account, progress.state["post"]
        profile_url = f"https://www.instagram.com/{account.handle}/"
        url = await told_url(self._graph, self._path(post), account, progress, otherwise=profile_url)
        return Done(post, url, comment_notes(progress))

    async def _listed(self, delivery: Delivery):
        """Which of the newest posts it is; stories show no text, and the newest is the one."""
        account, story, words = delivery.account, is_story(delivery), caption(delivery)
        return await find_listed(
            self._graph,
            self._path(f"{account.remote_id}/{'stories' if story else 'media'}"),
            account.access_token,
            since=delivery.first_intent_at,
            is_it=lambda post: story or same_words(words, post.text),
            fields="id,caption,timestamp,permalink,media_product_type",
        )

    async def _counters(self, account: Account, post: str) -> dict[str, int] | None:
        """None when the post is gone; nothing where Instagram says that too few people have seen it."""
        path, token = self._path(post), account.access_token
        try:
            kind = (await self._graph.read(Kind, path, token, fields="id,media_product_type")).media_product_type
            return await counters(self._graph, f"{path}/insights", token, METRICS.get(kind, FEED))
        except ProviderFailed as error:
            if is_gone(error):
                return None
            if "not enough viewers" in error.message.casefold():
                return {}
            raise


PLATFORM = SocialVendor(
    name="instagram",
    capabilities=CAPABILITIES,
    live_base_url=LIVE_URL,
    build=lambda base_url, clock, credentials: Instagram(
        base_url,
        clock=clock,
        version=credentials.get("META_GRAPH_VERSION", GRAPH_VERSION),
        client_id=credentials.get("INSTAGRAM_CLIENT_ID"),
        client_secret=credentials.get("INSTAGRAM_CLIENT_SECRET"),
        more_scopes=credentials.words("INSTAGRAM_EXTRA_SCOPES"),
    ),
)
