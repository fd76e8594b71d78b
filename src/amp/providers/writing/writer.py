"""The writer: an assignment in, a typed answer out, over any vendor, with its price known before and after.

In test mode the same code asks the sandbox, in the protocol of the vendor that is configured. Attempts are counted
once, by the job that asks: the SDKs' own retries are off.
"""

import asyncio
import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import httpx2
import structlog

from amp.domain.pipeline.port import Assignment, Output, Usage, WritingFailed, Written
from amp.domain.publishing.port import Environment
from amp.kit.errors import Invalid
from amp.kit.web import vendor_client
from amp.providers.writing.failures import as_our_own
from amp.providers.writing.prices import REQUESTS, Prices
from amp.providers.writing.vendors import LIVE_URLS, OPENAI_PROTOCOL, Access, Writing, build, check, chosen

if TYPE_CHECKING:
    from pydantic_ai import RunUsage
    from pydantic_ai.models import Model
    from pydantic_ai.settings import ModelSettings

AT_ONCE = 6
"""Calls to one vendor at the same time, from one process."""
PATIENCE = 120.0
"""Seconds to wait for one answer."""
_SANDBOX_MODELS = {"anthropic": "claude-sonnet-5", "openai": "gpt-5-mini"}
"""What the sandbox is asked for when the configured vendor has no place there."""
_BREAKS_INSIDE = (RuntimeError, ValueError, TypeError, LookupError, AttributeError)
"""An answer that is not the vendor's protocol breaks somewhere inside its SDK, in one of these ways; the errors that
pydantic-ai means to raise are RuntimeErrors."""


class ModelWriter:
    def __init__(
        self,
        model: str | None,
        *,
        stage_models: Mapping[str, str],
        api_keys: Mapping[str, str],
        base_urls: Mapping[str, str],
        sandbox_url: str,
        sandbox_key: Callable[[str], str],
        price_overrides: Mapping[str, tuple[float, float]],
    ) -> None:
        """`model` and `stage_models`: `vendor:model`. `api_keys` and `base_urls`: by vendor. `sandbox_key` gives the
        key for a vendor, asked anew for every call. `price_overrides`: by model, dollars per million tokens in and
        out."""
        self._model = model
        self._stage_models = stage_models
        self._api_keys = api_keys
        self._base_urls = base_urls
        self._sandbox_url = sandbox_url.rstrip("/")
        self._sandbox_key = sandbox_key
        self._prices = Prices(price_overrides)
        self._clients: dict[tuple[str, Environment], httpx2.AsyncClient] = {}
        self._turns: dict[str, asyncio.Semaphore] = defaultdict(lambda: asyncio.Semaphore(AT_ONCE))

    def upper_bound(self, assignment: Assignment[Output], environment: Environment) -> int:
        """Micro-dollars that this assignment can cost at most, repairs included.

        Errors: Invalid (`writer_not_configured`, `writer_unknown`, `writer_not_installed`, `price_unknown`): all that
        can be known beforehand is said here, before anything is reserved.
        """
        writing, _ = self._chosen(assignment.stage, environment)
        return self._prices.upper_bound(writing, assignment)

    async def write(self, assignment: Assignment[Output], environment: Environment) -> Written[Output]:
        """Ask, and have a malformed answer repaired at most twice.

        Errors: Invalid (as `upper_bound`, but for the price) before anything is spent; after that WritingFailed,
        with what was spent and a ProviderFailed as its cause.
        """
        writing, access = self._chosen(assignment.stage, environment)
        model = await asyncio.to_thread(build, writing, access)
        from pydantic_ai import RunUsage  # loaded by now, with the vendor's SDK

        spent = RunUsage()
        started = time.monotonic()
        try:
            async with self._turns[writing.vendor]:
                answer = await _ask(model, assignment, spent)
        except _BREAKS_INSIDE as error:
            usage = self._usage(writing, spent, started)
            cause = as_our_own(error, vendor=writing.vendor, repaired=spent.requests >= REQUESTS)
            raise WritingFailed(usage, cause) from error
        return Written(answer, self._usage(writing, spent, started))

    async def aclose(self) -> None:
        """Give up all pooled connections."""
        for client in self._clients.values():
            await client.aclose()
        self._clients.clear()

    def _chosen(self, stage: str, environment: Environment) -> tuple[Writing, Access]:
        writing = self._writing(stage, environment)
        access = self._access(writing, environment)
        check(writing, access)
        return writing, access

    def _writing(self, stage: str, environment: Environment) -> Writing:
        setting = self._stage_models.get(stage) or self._model
        if environment == "test":
            return _in_the_sandbox(chosen(setting) if setting else None)
        if not setting:
            raise Invalid(
                "Nobody is set to write: set AMP_WRITER to vendor:model, such as anthropic:claude-sonnet-5",
                code="writer_not_configured",
                param="AMP_WRITER",
            )
        return chosen(setting)

    def _access(self, writing: Writing, environment: Environment) -> Access:
        if environment == "test":
            key, base_url = self._sandbox_key(writing.vendor), f"{self._sandbox_url}/{writing.vendor}"
        else:
            key = self._api_keys.get(writing.vendor)
            base_url = self._base_urls.get(writing.vendor) or LIVE_URLS.get(writing.vendor)
        pool = (writing.vendor, environment)
        if pool not in self._clients:
            self._clients[pool] = vendor_client(base_url or "")
        return Access(key, base_url, self._clients[pool])

    def _usage(self, writing: Writing, spent: "RunUsage", started: float) -> Usage:
        micros = self._prices.settled(
            writing, tokens_in=spent.input_tokens, tokens_out=spent.output_tokens, reported=spent.cost
        )
        return Usage(
            provider=writing.vendor,
            model=writing.model,
            requests=spent.requests,
            input_tokens=spent.input_tokens,
            cached_tokens=spent.cache_read_tokens,
            output_tokens=spent.output_tokens,
            micros=micros,
            latency_ms=round((time.monotonic() - started) * 1000),
        )


def _in_the_sandbox(configured: Writing | None) -> Writing:
    """The sandbox speaks two protocols: every vendor is stood in for by the one that is like it."""
    protocol = "openai" if configured and configured.vendor in OPENAI_PROTOCOL else "anthropic"
    if configured and configured.vendor == protocol:
        return configured
    return Writing(protocol, _SANDBOX_MODELS[protocol])


async def _ask(model: "Model", assignment: Assignment[Output], spent: "RunUsage") -> Output:
    from pydantic_ai import Agent

    agent = Agent(model, output_type=assignment.answer, instructions=assignment.instructions, retries=REQUESTS - 1)
    result = await agent.run(assignment.task, usage=spent, model_settings=_settings(model, assignment.max_tokens))
    return result.output


def _settings(model: "Model", max_tokens: int) -> "ModelSettings":
    settings: ModelSettings = {"max_tokens": max_tokens, "timeout": PATIENCE, "cache": True}
    if "max_retries" not in model.unsupported_settings:
        settings["max_retries"] = 0
    request_id = structlog.contextvars.get_contextvars().get("request_id")
    if request_id and "extra_headers" not in model.unsupported_settings:
        settings["extra_headers"] = {"X-Request-ID": str(request_id)}
    return settings
