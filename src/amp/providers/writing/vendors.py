"""The vendors that can write, chosen by a setting such as `anthropic:claude-sonnet-5` or `ollama:qwen3`.

Their SDKs are large and slow to import (0.3 to 3 s): everything of theirs is imported inside the functions that need
it, and only for the vendor in use.
"""

from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING

from amp.kit.errors import Invalid

if TYPE_CHECKING:
    import httpx2
    from pydantic_ai.models import Model

LIVE_URLS = {
    "anthropic": "https://api.anthropic.com",
    "openai": "https://api.openai.com",
    "ollama": "http://127.0.0.1:11434",
}
"""Said outright, so that the SDKs do not look for base URLs of their own in the environment."""
_NO_KEY = "not-needed"


@dataclass(frozen=True)
class Writing:
    """Who writes: a vendor and one of its models."""

    vendor: str
    model: str


@dataclass(frozen=True)
class Access:
    """How to reach a vendor."""

    key: str | None
    base_url: str | None
    client: "httpx2.AsyncClient"


def chosen(setting: str) -> Writing:
    """`vendor:model` taken apart; the model may hold colons (`ollama:qwen3:14b`). Errors: Invalid."""
    vendor, colon, model = setting.partition(":")
    if not colon or not model or vendor not in _VENDORS:
        known = ", ".join(_VENDORS)
        raise Invalid(
            f"{setting!r} is no writer: it takes vendor:model, with a vendor of {known}",
            code="writer_unknown",
            param="AMP_WRITER",
        )
    return Writing(vendor, model)


def check(writing: Writing, access: Access) -> None:
    """Whether it can be asked at all, cheaply: nothing is imported.

    Errors: Invalid (`writer_not_installed`, `writer_not_configured`).
    """
    vendor = _VENDORS[writing.vendor]
    if not _is_installed(vendor.module):
        package = f"pydantic-ai-slim[{writing.vendor}]"
        raise Invalid(
            f"Writing with {writing.vendor} needs another package: pip install '{package}'",
            code="writer_not_installed",
            param="AMP_WRITER",
        )
    for name, value in ((vendor.key_name, access.key), (vendor.url_name, access.base_url)):
        if name and not value:
            message = f"Writing with {writing.vendor} needs {name}"
            raise Invalid(message, code="writer_not_configured", param=name)


def build(writing: Writing, access: Access) -> "Model":
    """The model, ready to be asked, of a vendor that passed `check`. Slow at first use: call it off the event loop."""
    return _VENDORS[writing.vendor].build(writing.model, access)


def _is_installed(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:  # not even the package around it
        return False


def _anthropic(model: str, access: Access) -> "Model":
    from pydantic_ai.models.anthropic import AnthropicModel
    from pydantic_ai.providers.anthropic import AnthropicProvider

    provider = AnthropicProvider(api_key=access.key, base_url=access.base_url, http_client=access.client)
    return AnthropicModel(model, provider=provider)


def _openai(model: str, access: Access) -> "Model":
    from pydantic_ai.models.openai import OpenAIChatModel
    from pydantic_ai.providers.openai import OpenAIProvider

    provider = OpenAIProvider(api_key=access.key, base_url=_versioned(access.base_url), http_client=access.client)
    return OpenAIChatModel(model, provider=provider)


def _ollama(model: str, access: Access) -> "Model":
    from pydantic_ai.models.openai import OpenAIChatModel
    from pydantic_ai.providers.ollama import OllamaProvider

    provider = OllamaProvider(
        api_key=access.key or _NO_KEY, base_url=_versioned(access.base_url), http_client=access.client
    )
    return OpenAIChatModel(model, provider=provider)


def _openai_compatible(model: str, access: Access) -> "Model":
    from pydantic_ai.models.openai import OpenAIChatModel
    from pydantic_ai.providers.openai_compatible import OpenAICompatibleProvider

    provider = OpenAICompatibleProvider(
        "openai-compatible",
        api_key=access.key or _NO_KEY,
        base_url=access.base_url or "",
        http_client=access.client,
    )
    return OpenAIChatModel(model, provider=provider)


def _google(model: str, access: Access) -> "Model":
    from pydantic_ai.models.google import GoogleModel
    from pydantic_ai.providers.google import GoogleProvider

    provider = GoogleProvider(api_key=access.key or "", base_url=access.base_url, http_client=access.client)
    return GoogleModel(model, provider=provider)


def _mistral(model: str, access: Access) -> "Model":
    from pydantic_ai.models.mistral import MistralModel
    from pydantic_ai.providers.mistral import MistralProvider

    provider = MistralProvider(api_key=access.key, base_url=access.base_url, http_client=access.client)
    return MistralModel(model, provider=provider)


def _versioned(base_url: str | None) -> str | None:
    """OpenAI's protocol lives under /v1, which base URLs may leave out."""
    if not base_url or base_url.rstrip("/").endswith("/v1"):
        return base_url
    return f"{base_url.rstrip('/')}/v1"


@dataclass(frozen=True)
class _Vendor:
    build: "Callable[[str, Access], Model]"
    module: str
    """The SDK that must be there."""
    key_name: str = ""
    """The setting that holds its key, where it must have one."""
    url_name: str = ""
    """The setting that holds its base URL, where none can be known beforehand."""


_VENDORS = {
    "anthropic": _Vendor(_anthropic, "anthropic", "ANTHROPIC_API_KEY"),
    "openai": _Vendor(_openai, "openai", "OPENAI_API_KEY"),
    "ollama": _Vendor(_ollama, "openai"),
    "openai-compatible": _Vendor(_openai_compatible, "openai", url_name="AMP_WRITER_URL"),
    "google": _Vendor(_google, "google.genai", "GOOGLE_API_KEY"),
    "mistral": _Vendor(_mistral, "mistralai", "MISTRAL_API_KEY"),
}
OPENAI_PROTOCOL = frozenset({"openai", "ollama", "openai-compatible"})
