"""What Instagram and Threads do alike around their containers: connecting an account, tokens that renew themselves, and
counters, post by post. How a post is made, found and told is each vendor's own file's."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from datetime import timedelta
from urllib.parse import urlsplit

from amp.domain.connections.port import NewAccount
from amp.domain.platforms.port import Capabilities, OAuth
from amp.domain.publishing.port import Account, Delivery, Done, Login, Pending, Profile, Progress, Tokens
from amp.kit.clock import Clock
from amp.kit.web import vendor_client
from amp.providers.social._calling import Row
from amp.providers.social._graph import Graph
from amp.providers.social._graph_login import MetaApp
from amp.providers.social._signing_in import login_url


class ContainerPlatform(ABC):
    capabilities: Capabilities
    live_url: str
    errors: Sequence[Row]
    grants: str
    """How the vendor's names of its grants begin: `ig` in `ig_refresh_token`."""

    visibility_delay = timedelta(seconds=20)
    refuses_duplicates = False
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
        self._graph = Graph(self.capabilities.name, self._client, self.errors, clock)
        self._base_url = base_url
        self._version = version
        self._more_scopes = more_scopes
        self._app = MetaApp(
            self._client,
            client_id,
            client_secret,
            redeems_at=_token_url(self.capabilities.oauth, is_live=base_url == self.live_url),
            exchanges_at="/access_token",
            exchange_type=f"{self.grants}_exchange_token",
        )

    @abstractmethod
    async def publish(self, delivery: Delivery, progress: Progress) -> Done | Pending: ...

    @abstractmethod
    async def profile(self, account: Account) -> Profile: ...

    async def check(self, delivery: Delivery, progress: Progress) -> Done | Pending:
        return await self.publish(delivery, progress)

    async def finalize(self, delivery: Delivery, progress: Progress) -> Done:
        """Never asked for: `check` goes on by itself."""
        return await self._done(delivery, progress)

    async def metrics(self, account: Account, remote_ids: Sequence[str]) -> Mapping[str, Mapping[str, int]]:
        found = {remote_id: await self._counters(account, remote_id) for remote_id in remote_ids}
        return {remote_id: numbers for remote_id, numbers in found.items() if numbers is not None}

    async def refresh(self, account: Account) -> Tokens:
        return await self._graph.renewed("/refresh_access_token", account, f"{self.grants}_refresh_token")

    def login_url(self, login: Login) -> str:
        client_id, more = self._app.client_id, self._more_scopes
        return login_url(self.capabilities, self.live_url, self._base_url, client_id, login, more_scopes=more)

    async def accounts(self, code: str, login: Login) -> Sequence[NewAccount]:
        return [await self._app.account(self.capabilities, code, login, self.profile)]

    async def aclose(self) -> None:
        await self._client.aclose()

    @abstractmethod
    async def _done(self, delivery: Delivery, progress: Progress) -> Done:
        """What became of it, once all of it is public."""

    @abstractmethod
    async def _counters(self, account: Account, post: str) -> dict[str, int] | None:
        """None when the post is gone."""

    def _path(self, rest: str) -> str:
        return f"/{self._version}/{rest}"


def _token_url(oauth: OAuth | None, *, is_live: bool) -> str:
    """Where codes are traded: live, perhaps on another host than the API's; elsewhere all are under one base URL."""
    url = oauth.token_url if oauth else ""
    return url if is_live else urlsplit(url).path
