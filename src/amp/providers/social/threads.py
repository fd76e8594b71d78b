"""Threads: posts with text, a link card, images, videos or a carousel, and chains of them.

Each part of a chain is a container that is published by a second call, in reply to the part before; its id is saved
at once. The container's status proves whether it was published, so a lost answer is never a second post.

Source: developers.facebook.com, Threads API v1.0, and Meta's sample app (`fbsamples/threads_api`).
"""

from collections.abc import Sequence

from amp.domain.platforms.port import Capabilities, MediaRule, OAuth, Quota, TextRule, Version
from amp.domain.platforms.text_length import emoji_as_bytes
from amp.domain.publishing.port import Absent, Account, Delivery, Done, Pending, Profile, Progress
from amp.kit.errors import ProviderFailed, Retry
from amp.providers.discovery import SocialVendor
from amp.providers.social._container_platform import ContainerPlatform
from amp.providers.social._containers import FORGOTTEN, Containers
from amp.providers.social._graph import is_gone
from amp.providers.social._graph_reading import Listed, counters, find_listed, same_words, told_url
from amp.providers.social._threads_post import (
    MOST_IN_CAROUSEL,
    ThreadsSettings,
    children,
    outgoing,
    parent,
    rules,
)
from amp.providers.social._threads_wire import ERRORS, METRICS, ContainerStatus, Me

LIVE_URL = "https://graph.threads.net"
VERSION = "v1.0"

CAPABILITIES = Capabilities(
    platform="threads",
    name="Threads",
    text=TextRule(limit=500, count=emoji_as_bytes, unit="characters (an emoji counts its bytes)"),
    text_only=True,
    images=MediaRule(
        max_count=MOST_IN_CAROUSEL,
        mime_types=frozenset({"image/jpeg", "image/png"}),
        max_bytes=8_000_000,
        alt_text_limit=1000,
        min_aspect=1 / 10,
        max_aspect=10,
    ),
    video=MediaRule(
        max_count=MOST_IN_CAROUSEL,
        mime_types=frozenset({"video/mp4", "video/quicktime"}),
        max_bytes=1_000_000_000,
        alt_text_limit=1000,
        max_seconds=300,
    ),
    mixed_media=True,
    max_media=MOST_IN_CAROUSEL,
    fetches_media=frozenset({"image", "video"}),
    max_thread_parts=25,
    link_card=True,
    settings=ThreadsSettings,
    own_rules=(rules,),
    oauth=OAuth(
        authorize_url="https://threads.net/oauth/authorize",
        token_url=f"{LIVE_URL}/oauth/access_token",
        scopes=(
            "threads_basic",
            "threads_content_publish",
            "threads_manage_insights",
            "threads_manage_replies",
            "threads_read_replies",
            "threads_delete",
        ),
        pkce=False,
        scope_separator=",",
        renews_access=True,
    ),
    quotas=(Quota(posts=250, hours=24),),
    metrics=frozenset(METRICS.values()),
    versions=(Version("THREADS_API_VERSION", VERSION, None),),
    caveats=("Threads fetches images and videos from this server, which must be reachable from the internet.",),
)


class Threads(ContainerPlatform):
    capabilities = CAPABILITIES
    live_url = LIVE_URL
    errors = ERRORS
    grants = "th"

    async def publish(self, delivery: Delivery, progress: Progress) -> Done | Pending:
        containers = self._containers(delivery.account)
        posted: list[str] = list(progress.state.get("parts", ()))
        while len(posted) < len(delivery.parts):
            index, reply_to = len(posted), posted[-1] if posted else None
            container = await containers.prepared(
                progress,
                delivery.parts[index].media,
                children(delivery.parts[index]),
                lambda made, index=index, reply_to=reply_to: parent(delivery, index, made, reply_to),
            )
            if isinstance(container, Pending):
                return container
            posted = [*posted, await containers.published(progress, container, f"part {index}")]
            await progress.save(parts=posted, **FORGOTTEN)
        return await self._done(delivery, progress)

    async def find(self, delivery: Delivery, progress: Progress) -> Done | Absent:
        posted: list[str] = list(progress.state.get("parts", ()))
        if len(posted) < len(delivery.parts):
            if not await self._containers(delivery.account).is_published(progress):
                return Absent()
            posted.append(await self._listed(delivery, posted))
            await progress.save(parts=posted, **FORGOTTEN)
        return await self._done(delivery, progress)

    async def delete(self, account: Account, remote_id: str) -> None:
        await self._graph.remove(self._path(remote_id), account.access_token)

    async def profile(self, account: Account) -> Profile:
        fields = "id,username,name,threads_profile_picture_url"
        me = await self._graph.read(Me, self._path("me"), account.access_token, fields=fields)
        return Profile(me.id, me.username, me.name or me.username, me.threads_profile_picture_url)

    async def disconnect(self, account: Account) -> None:
        """Threads takes no tokens back: people remove apps in their own settings."""

    def _containers(self, account: Account) -> Containers:
        return Containers(
            self._graph,
            account,
            self._version,
            making="threads",
            publishing="threads_publish",
            status=ContainerStatus,
            fields="id,status,error_message",
        )

    async def _done(self, delivery: Delivery, progress: Progress) -> Done:
        first: str = progress.state["parts"][0]
        account = delivery.account
        profile_url = f"https://www.threads.net/@{account.handle}"
        url = await told_url(self._graph, self._path(first), account, progress, otherwise=profile_url)
        return Done(first, url)

    async def _listed(self, delivery: Delivery, posted: Sequence[str]) -> str:
        """The id of the part that is public, as its container says. Replies are listed by themselves."""
        part = outgoing(delivery, len(posted))
        listed = await find_listed(
            self._graph,
            self._path("me/replies" if posted else "me/threads"),
            delivery.account.access_token,
            since=delivery.first_intent_at,
            is_it=lambda post: post.id not in posted and same_words(part.text, post.text),
            fields="id,text,timestamp,permalink,media_type,is_reply",
        )
        if not isinstance(listed, Listed):
            raise ProviderFailed("Threads says that it is published, but does not list it yet", remedy=Retry())
        return listed.id

    async def _counters(self, account: Account, post: str) -> dict[str, int] | None:
        """None when the post is gone."""
        try:
            return await counters(self._graph, self._path(f"{post}/insights"), account.access_token, METRICS)
        except ProviderFailed as error:
            if is_gone(error):
                return None
            raise


PLATFORM = SocialVendor(
    name="threads",
    capabilities=CAPABILITIES,
    live_base_url=LIVE_URL,
    build=lambda base_url, clock, credentials: Threads(
        base_url,
        clock=clock,
        version=credentials.get("THREADS_API_VERSION", VERSION),
        client_id=credentials.get("THREADS_CLIENT_ID"),
        client_secret=credentials.get("THREADS_CLIENT_SECRET"),
        more_scopes=credentials.words("THREADS_EXTRA_SCOPES"),
    ),
)
