"""Metricool: which brands a token opens, and which networks are connected to each.

Source: Metricool's own MCP server (github.com/metricool/mcp-metricool); there is no public specification.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import httpx2
from pydantic import BaseModel, ConfigDict, ValidationError

from amp.domain.connections.port import AggregatorLogin, Brand
from amp.kit.errors import ProviderFailed, RateLimited, Reconnect, Rejected, Remedy, Retry
from amp.kit.web import call, read_json, vendor_client

LIVE_URL = "https://app.metricool.com/api"
_SUFFIX = "Data"
_HANDLES = ("username", "name", "title", "id")


class _Brand(BaseModel):
    model_config = ConfigDict(coerce_numbers_to_str=True)

    id: str
    label: str = ""
    timezone: str | None = None
    networksData: dict[str, dict[str, Any] | None] = {}  # noqa: N815 (as it comes)


class _Brands(BaseModel):
    data: list[_Brand] = []


class Metricool:
    def __init__(self, base_url: str) -> None:
        self._client = vendor_client(base_url)

    async def brands(self, login: AggregatorLogin) -> Sequence[Brand]:
        headers = {"X-Mc-Auth": login.user_token.get_secret_value()}
        query = {"userId": login.user_id, "integrationSource": "MCP"}
        response = await call(self._client, "GET", "/v2/settings/brands", headers=headers, params=query)
        if not response.is_success:
            raise ProviderFailed(_words(response), remedy=_remedy(response.status_code), status=response.status_code)
        try:
            found = _Brands.model_validate(read_json(response))
        except ValidationError as error:
            raise ProviderFailed("Metricool: unexpected answer", remedy=Retry(), status=200) from error
        return [Brand(one.id, one.label, one.timezone, _networks(one.networksData)) for one in found.data]

    async def aclose(self) -> None:
        await self._client.aclose()


class Metricools:
    """`Aggregators`: in test mode the same code talks to the sandbox."""

    def __init__(self, *, live_url: str, sandbox_url: str) -> None:
        self._services = {"live": Metricool(live_url), "test": Metricool(f"{sandbox_url}/metricool")}

    def of(self, environment: Literal["live", "test"]) -> Metricool:
        return self._services[environment]

    async def aclose(self) -> None:
        for service in self._services.values():
            await service.aclose()


def _networks(told: Mapping[str, dict[str, Any] | None]) -> dict[str, str | None]:
    """The handle of each connected network, under our names of platforms where we have one."""
    connected = {name.removesuffix(_SUFFIX): about for name, about in told.items() if about}
    return {
        name: next((str(about[key]) for key in _HANDLES if about.get(key)), None) for name, about in connected.items()
    }


def _remedy(status: int) -> Remedy:
    """A call without valid authority gets 401 on any path, known or not; so does a plan without API access."""
    if status == 401:
        return Reconnect()
    if status == 429:
        return RateLimited(None)
    return Retry() if status >= 500 else Rejected("PLATFORM_ERROR")


class _Refusal(BaseModel):
    detail: str = ""


def _words(response: httpx2.Response) -> str:
    try:
        told = _Refusal.model_validate_json(response.content).detail
    except ValidationError:
        told = ""
    return f"Metricool: {told or response.reason_phrase}"[:300]
