"""Connecting an account at Instagram and Threads: a code becomes a token of an hour, and that one of sixty days."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import cast

import httpx2
from pydantic import BaseModel, ConfigDict, Field, model_validator

from amp.domain.connections.port import NewAccount
from amp.domain.platforms.port import Capabilities
from amp.domain.publishing.port import Account, Login, Profile
from amp.providers.social._graph import granted
from amp.providers.social._signing_in import Grant, code_form, opened_account, redeemed

_FRAGMENT = "#_"
"""What Meta leaves at the end of its redirects."""


class _ShortLived(BaseModel):
    """Instagram's texts show it both bare and as the one entry of `data`."""

    model_config = ConfigDict(coerce_numbers_to_str=True)

    access_token: str = Field(min_length=1)
    permissions: str | list[str] = ""

    @model_validator(mode="before")
    @classmethod
    def _unwrapped(cls, body: object) -> object:
        if not isinstance(body, dict) or "data" not in body:
            return cast(object, body)
        entries = cast(dict[str, object], body)["data"]
        return cast(list[object], entries)[0] if isinstance(entries, list) and entries else {}

    @property
    def scopes(self) -> tuple[str, ...]:
        listed = self.permissions.split(",") if isinstance(self.permissions, str) else self.permissions
        return tuple(scope.strip() for scope in listed if scope.strip())


@dataclass(frozen=True)
class MetaApp:
    """The operator's app at one platform, and where tokens are traded."""

    client: httpx2.AsyncClient
    client_id: str
    client_secret: str
    redeems_at: str
    exchanges_at: str
    exchange_type: str

    async def account(
        self,
        capabilities: Capabilities,
        code: str,
        login: Login,
        profile: Callable[[Account], Awaitable[Profile]],
    ) -> NewAccount:
        """The account that a code opens; where the answer names no scopes, those that were asked for.

        Errors: ProviderFailed, `TOKEN_EXCHANGE_FAILED` or `PROFILE_FETCH_FAILED`.
        """
        app = {"client_id": self.client_id, "client_secret": self.client_secret}
        form = code_form(code.removesuffix(_FRAGMENT), login, **app)
        short = await redeemed(self.client, self.redeems_at, _ShortLived, form)
        query = {
            "grant_type": self.exchange_type,
            "client_secret": self.client_secret,
            "access_token": short.access_token,
        }
        long = await granted(self.client, self.exchanges_at, query)
        asked = capabilities.oauth.scopes if capabilities.oauth else ()
        scopes = ",".join(short.scopes or asked)
        return await opened_account(
            capabilities.platform,
            profile,
            Grant(access_token=long.access_token, expires_in=long.expires_in, scope=scopes),
        )
