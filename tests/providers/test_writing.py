"""The writer against the sandbox's vendors, in both protocols: answers in the asked type, every token paid for, every
refusal with its remedy, and nothing heavy imported before it is needed."""

import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import Any, Literal

import pytest
from courier import Owner
from pydantic import BaseModel, Field, field_validator
from sandbox_server import SIGNING_KEY

from amp.domain.pipeline.port import Assignment, WritingFailed
from amp.kit.errors import Invalid, ProviderFailed, RateLimited, Rejected, Remedy, Retry
from amp.providers.writing.writer import ModelWriter
from amp.sandbox.accounts import sandbox_token

PROTOCOLS = {"anthropic": "anthropic:claude-sonnet-5", "openai": "openai:gpt-5-mini"}


class Pillar(BaseModel):
    name: str = Field(min_length=3, max_length=60)
    share: float = Field(ge=0, le=1)
    topics: list[str] = Field(min_length=2, max_length=5)


class Plan(BaseModel):
    pillars: list[Pillar] = Field(min_length=2, max_length=4)
    pace: Literal["calm", "brisk"]


PLAN = Assignment(
    stage="strategy",
    instructions="You plan what a small software house says in public.",
    task="Plan the launch of a bug tracker for teams that work at night.",
    answer=Plan,
    max_tokens=2000,
)


def a_writer(model: str | None, sandbox_url: str = "http://127.0.0.1:9", **more: Any) -> ModelWriter:
    settings: dict[str, Any] = {
        "stage_models": {},
        "api_keys": {},
        "base_urls": {},
        "sandbox_url": sandbox_url,
        "sandbox_key": lambda vendor: "key",
        "price_overrides": {},
    }
    return ModelWriter(model, **{**settings, **more})


@pytest.fixture(params=list(PROTOCOLS))
def protocol(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
async def writer(owner: Owner, protocol: str) -> AsyncIterator[ModelWriter]:
    def key(vendor: str) -> str:
        return sandbox_token(SIGNING_KEY, vendor=vendor, account="w", handle="w", name="W", owner=owner.name, scopes=())

    writer = a_writer(PROTOCOLS[protocol], owner.sandbox.url, sandbox_key=key)
    yield writer
    await writer.aclose()


@pytest.mark.anyio
async def test_an_assignment_is_answered_in_its_type_and_booked(writer: ModelWriter, protocol: str):
    written = await writer.write(PLAN, "test")
    assert isinstance(written.answer, Plan)
    usage = written.usage
    assert f"{usage.provider}:{usage.model}" == PROTOCOLS[protocol]
    assert usage.requests == 1
    assert usage.input_tokens > 0
    assert usage.output_tokens > 0
    assert usage.latency_ms > 0
    assert 0 < usage.micros <= writer.upper_bound(PLAN, "test")


@pytest.mark.anyio
async def test_an_answer_that_does_not_fit_is_repaired_and_both_requests_are_booked(writer: ModelWriter):
    refused: list[str] = []

    class Picky(BaseModel):
        title: str

        @field_validator("title")
        @classmethod
        def second_best(cls, title: str) -> str:
            if not refused:
                refused.append(title)
                raise ValueError("try again")
            return title

    once = await writer.write(PLAN, "test")
    twice = await writer.write(replace(PLAN, answer=Picky), "test")
    assert twice.usage.requests == 2
    assert twice.answer.title
    assert refused
    assert once.usage.requests == 1


@pytest.mark.anyio
async def test_after_two_repairs_the_writer_gives_up_and_all_three_requests_are_booked(writer: ModelWriter):
    class Impossible(BaseModel):
        title: str

        @field_validator("title")
        @classmethod
        def never(cls, title: str) -> str:
            raise ValueError("no")

    impossible = replace(PLAN, answer=Impossible)
    with pytest.raises(WritingFailed) as failed:
        await writer.write(impossible, "test")
    assert failed.value.usage.requests == 3
    assert 0 < failed.value.usage.micros <= writer.upper_bound(impossible, "test")
    assert remedy(failed.value) == Rejected("WRITER_ANSWER_UNUSABLE")


def remedy(failed: WritingFailed) -> Remedy:
    assert isinstance(failed.cause, ProviderFailed)
    return failed.cause.remedy


FAULTS: list[tuple[str, Remedy]] = [
    ("rate_limit_no_headers", RateLimited(None, scope="vendor")),
    ("accept_then_500", Retry()),
    ("accept_then_reset", Retry()),
    ("reset_before", Retry()),
    ("malformed", Retry()),
    ("expired_token", Rejected("WRITER_REFUSED")),
    ("revoked_token", Rejected("WRITER_REFUSED")),
]


@pytest.mark.anyio
@pytest.mark.parametrize(("fault", "expected"), FAULTS)
async def test_a_vendor_that_does_not_write_has_its_remedy_and_is_asked_once(
    owner: Owner, writer: ModelWriter, protocol: str, fault: str, expected: Remedy
):
    await owner.order(protocol, fault)
    with pytest.raises(WritingFailed) as failed:
        await writer.write(PLAN, "test")
    assert remedy(failed.value) == expected
    assert failed.value.usage.micros == 0


@pytest.mark.anyio
async def test_a_wait_that_the_vendor_asks_for_is_kept(owner: Owner, writer: ModelWriter, protocol: str):
    await owner.order(protocol, "rate_limit")
    with pytest.raises(WritingFailed) as failed:
        await writer.write(PLAN, "test")
    given = remedy(failed.value)
    assert isinstance(given, Retry)
    assert given.after is not None
    assert given.after > timedelta(0)


@pytest.mark.anyio
async def test_an_unreachable_vendor_costs_nothing_and_is_tried_again():
    writer = a_writer(None)
    with pytest.raises(WritingFailed) as failed:
        await writer.write(PLAN, "test")
    assert remedy(failed.value) == Retry()
    assert (failed.value.usage.requests, failed.value.usage.micros) == (0, 0)
    await writer.aclose()


@pytest.mark.parametrize(
    ("model", "stood_in_by"),
    [
        (None, "anthropic:claude-sonnet-5"),
        ("anthropic:claude-haiku-4-5", "anthropic:claude-haiku-4-5"),
        ("openai:gpt-5.6-sol", "openai:gpt-5.6-sol"),
        ("ollama:qwen3:14b", "openai:gpt-5-mini"),
        ("openai-compatible:house", "openai:gpt-5-mini"),
        ("google:gemini-3", "anthropic:claude-sonnet-5"),
    ],
)
def test_in_test_mode_every_vendor_is_stood_in_for_by_one_the_sandbox_speaks(model: str | None, stood_in_by: str):
    live = a_writer(stood_in_by, api_keys={"anthropic": "k", "openai": "k"})
    assert a_writer(model).upper_bound(PLAN, "test") == live.upper_bound(PLAN, "live")


REFUSED = [
    (None, {}, "writer_not_configured"),
    ("claude", {}, "writer_unknown"),
    ("eliza:1966", {}, "writer_unknown"),
    ("anthropic:claude-sonnet-5", {}, "writer_not_configured"),
    ("openai-compatible:house", {}, "writer_not_configured"),
    ("google:gemini-3", {"api_keys": {"google": "k"}}, "writer_not_installed"),
    ("mistral:large", {"api_keys": {"mistral": "k"}}, "writer_not_installed"),
]


@pytest.mark.anyio
@pytest.mark.parametrize(("model", "settings", "code"), REFUSED)
async def test_a_writer_that_cannot_be_asked_is_refused_before_anything_is_reserved(
    model: str | None, settings: dict[str, Any], code: str
):
    writer = a_writer(model, **settings)
    with pytest.raises(Invalid) as refused:
        writer.upper_bound(PLAN, "live")
    assert refused.value.code == code
    with pytest.raises(Invalid) as refused:
        await writer.write(PLAN, "live")
    assert refused.value.code == code


def test_a_stage_may_have_a_writer_of_its_own():
    keys = {"anthropic": "k", "openai": "k"}
    writer = a_writer("anthropic:claude-opus-4-8", stage_models={"strategy": "openai:gpt-5-mini"}, api_keys=keys)
    assert writer.upper_bound(PLAN, "live") < writer.upper_bound(replace(PLAN, stage="content"), "live")


def test_an_unknown_price_is_never_free():
    writer = a_writer("openai:gpt-from-the-future", api_keys={"openai": "k"})
    with pytest.raises(Invalid) as refused:
        writer.upper_bound(PLAN, "live")
    assert (refused.value.code, refused.value.param) == ("price_unknown", "AMP_WRITER_PRICES")


def test_the_operators_prices_come_first():
    house = a_writer(
        "openai-compatible:house",
        base_urls={"openai-compatible": "http://127.0.0.1:9/v1"},
        price_overrides={"house": (0.0, 10.0)},
    )
    assert house.upper_bound(PLAN, "live") == 3 * PLAN.max_tokens * 10


def test_what_runs_on_ones_own_machine_costs_nothing():
    assert a_writer("ollama:qwen3").upper_bound(PLAN, "live") == 0


def test_the_bound_grows_with_the_task_and_with_the_answer():
    writer = a_writer(None)
    bound = writer.upper_bound(PLAN, "test")
    assert writer.upper_bound(replace(PLAN, task=PLAN.task * 50), "test") > bound
    assert writer.upper_bound(replace(PLAN, max_tokens=PLAN.max_tokens + 1), "test") > bound


GUARD = """
import importlib, pkgutil, sys
import amp.providers.writing as package
for module in pkgutil.iter_modules(package.__path__, "amp.providers.writing."):
    importlib.import_module(module.name)
heavy = {"anthropic", "openai", "pydantic_ai", "genai_prices", "google.genai", "mistralai"} & set(sys.modules)
sys.exit(f"imported too early: {sorted(heavy)}" if heavy else 0)
"""


def test_importing_the_writer_imports_no_vendor():
    guard = subprocess.run([sys.executable, "-c", GUARD], capture_output=True, text=True)
    assert guard.returncode == 0, guard.stderr
