"""How an account is connected, as far as vendors agree: the authorization code flow of RFC 6749 with RFC 7636."""

import base64
import hashlib
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import timedelta
from urllib.parse import urlencode, urlsplit

import httpx2
from pydantic import BaseModel, Field, SecretStr

from amp.domain.connections.port import NewAccount
from amp.domain.platforms.port import Capabilities
from amp.domain.publishing.port import Account, Login, Profile
from amp.kit.errors import Invalid, ProviderFailed, Rejected
from amp.kit.web import read_json
from amp.providers.social._calling import Answer, read, send


def login_url(
    capabilities: Capabilities,
    live_url: str,
    base_url: str,
    client_id: str,
    login: Login,
    *,
    more_scopes: Sequence[str] = (),
) -> str:
    """The consent page's address. Elsewhere than live, all of a vendor's hosts are under the one base URL.
    `more_scopes`: what the operator's app was approved for beyond what everybody is.

    Errors: Invalid (`INVALID_CONFIG`) when the operator set no client.
    """
    oauth = capabilities.oauth
    if oauth is None or not client_id:
        name = f"{capabilities.platform.upper()}_CLIENT_ID"
        raise Invalid(f"{capabilities.name} is not set up here: the operator sets {name}", code="INVALID_CONFIG")
    query = {
        "response_type": "code",
        oauth.client_parameter: client_id,
        "redirect_uri": login.redirect_uri,
        "scope": oauth.scope_separator.join((*oauth.scopes, *more_scopes)),
        "state": login.state,
        **oauth.extra,
    }
    if oauth.pkce:
        query |= {"code_challenge": challenge_of(login.verifier), "code_challenge_method": "S256"}
    page = oauth.authorize_url if base_url == live_url else f"{base_url}{urlsplit(oauth.authorize_url).path}"
    return f"{page}?{urlencode(query)}"


def challenge_of(verifier: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


def code_form(code: str, login: Login, **more: str) -> dict[str, str]:
    """What every token endpoint wants to know of a code (RFC 6749, section 4.1.3); `more` is the vendor's."""
    return {"grant_type": "authorization_code", "code": code, "redirect_uri": login.redirect_uri, **more}


async def redeemed(
    client: httpx2.AsyncClient,
    url: str,
    answer: type[Answer],
    form: Mapping[str, str],
    *,
    auth: tuple[str, str] | None = None,
) -> Answer:
    """What the token endpoint gives for a code. Errors: ProviderFailed, `TOKEN_EXCHANGE_FAILED` when it refuses: a code
    counts once, so the person starts again."""
    response = await send(client, "POST", url, data=dict(form), auth=auth)
    if response.is_success and "error" not in read_json(response):  # TikTok says no with status 200
        return read(answer, response)
    message = f"The code was refused ({response.status_code}); start connecting again"
    raise ProviderFailed(message, remedy=Rejected("TOKEN_EXCHANGE_FAILED"), status=response.status_code)


class Grant(BaseModel):
    """What most token endpoints answer."""

    access_token: str = Field(min_length=1)
    refresh_token: str | None = None
    expires_in: float | None = None
    scope: str = ""

    @property
    def scopes(self) -> tuple[str, ...]:
        """However the vendor separates them."""
        return tuple(filter(None, re.split(r"[ ,]+", self.scope)))


async def opened_account(platform: str, profile: Callable[[Account], Awaitable[Profile]], grant: Grant) -> NewAccount:
    """The one account that a grant opens. Errors: ProviderFailed, `PROFILE_FETCH_FAILED` when it cannot be read."""
    access = SecretStr(grant.access_token)
    refresh = SecretStr(grant.refresh_token) if grant.refresh_token else None
    try:
        found = await profile(Account("", "", "", access, refresh, frozenset(grant.scopes)))
    except ProviderFailed as error:
        message = f"The account could not be read: {error.message}"
        raise ProviderFailed(message, remedy=Rejected("PROFILE_FETCH_FAILED"), status=error.status) from error
    return NewAccount(
        platform=platform,
        remote_id=found.remote_id,
        handle=found.handle,
        display_name=found.display_name,
        scopes=grant.scopes,
        access_token=access,
        refresh_token=refresh,
        expires_in=timedelta(seconds=grant.expires_in) if grant.expires_in else None,
        avatar_url=found.avatar_url,
    )
