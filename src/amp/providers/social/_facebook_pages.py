"""Connecting Pages: a person logs in, and each Page on which this person may publish is an account with its own token.

The token of a Page that is taken with a long-lived token of its person has no end of its own.

Source: developers.facebook.com, Facebook Login and Pages API v26.0.
"""

from collections.abc import Sequence

from pydantic import SecretStr

from amp.domain.connections.port import NewAccount
from amp.domain.publishing.port import Login
from amp.kit.errors import ProviderFailed, Rejected
from amp.providers.social._facebook_wire import Page, Pages, Permissions
from amp.providers.social._graph import Graph, granted

_FIELDS = "id,name,username,access_token,picture{url},tasks"
_MOST_READS = 20
BUSINESS_SCOPE = "business_management"
"""For Pages that belong to a business: Meta grants it to apps that it has approved."""


async def pages_of(
    graph: Graph, version: str, code: str, login: Login, *, client_id: str, client_secret: str
) -> Sequence[NewAccount]:
    """All Pages that the person of this code may publish on.

    Errors: ProviderFailed, `TOKEN_EXCHANGE_FAILED` or `PROFILE_FETCH_FAILED`.
    """
    url = f"/{version}/oauth/access_token"
    app = {"client_id": client_id, "client_secret": client_secret}
    short = await granted(graph.client, url, {**app, "redirect_uri": login.redirect_uri, "code": code})
    exchange = {"grant_type": "fb_exchange_token", "fb_exchange_token": short.access_token}
    person = SecretStr((await granted(graph.client, url, {**app, **exchange})).access_token)
    try:
        scopes = (await graph.read(Permissions, f"/{version}/me/permissions", person)).granted
        pages = await _pages(graph, f"/{version}/me/accounts", person)
        if BUSINESS_SCOPE in scopes:
            pages |= await _pages_of_businesses(graph, version, person)
    except ProviderFailed as error:
        message = f"The Pages could not be read: {error.message}"
        raise ProviderFailed(message, remedy=Rejected("PROFILE_FETCH_FAILED"), status=error.status) from error
    if not pages:
        raise ProviderFailed("This person may publish on no Page", remedy=Rejected("PROFILE_FETCH_FAILED"))
    return [_account(page, scopes) for page in pages.values()]


async def _pages_of_businesses(graph: Graph, version: str, person: SecretStr) -> dict[str, Page]:
    """Pages that belong to a business may be missing among the person's own."""
    found: dict[str, Page] = {}
    businesses = await graph.read(Pages, f"/{version}/me/businesses", person, fields="id,name", limit="100")
    for business in businesses.data:
        for edge in ("owned_pages", "client_pages"):
            found |= await _pages(graph, f"/{version}/{business.id}/{edge}", person)
    return found


async def _pages(graph: Graph, path: str, person: SecretStr) -> dict[str, Page]:
    """Those that can be published on, by id."""
    found: dict[str, Page] = {}
    after: str | None = None
    for _ in range(_MOST_READS):
        more = {"after": after} if after else {}
        answer = await graph.read(Pages, path, person, fields=_FIELDS, limit="100", **more)
        found |= {page.id: page for page in answer.data if page.access_token and page.may_publish}
        after = answer.paging.after
        if after is None:
            break
    return found


def _account(page: Page, scopes: tuple[str, ...]) -> NewAccount:
    return NewAccount(
        platform="facebook",
        remote_id=page.id,
        handle=page.handle,
        display_name=page.name,
        scopes=scopes,
        access_token=SecretStr(page.access_token),
        refresh_token=None,
        avatar_url=page.picture.data.url,
        details={"tasks": ", ".join(page.tasks) or None},
    )
