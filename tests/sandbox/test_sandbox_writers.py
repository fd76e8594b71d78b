"""The vendors of text, driven by their own published clients and by pydantic-ai, unchanged but for the address."""

import json
import typing
from collections.abc import AsyncIterator
from typing import Any, Literal

import anthropic
import httpx2
import openai
import pytest
from anthropic.types import message_create_params
from openai.types.chat import completion_create_params
from openai.types.responses import response_create_params
from pretending import World
from pydantic import BaseModel, Field
from pydantic_ai import Agent, NativeOutput, PromptedOutput
from pydantic_ai.models import Model
from pydantic_ai.models.anthropic import AnthropicModel
from pydantic_ai.models.openai import OpenAIChatModel, OpenAIResponsesModel
from pydantic_ai.providers.anthropic import AnthropicProvider
from pydantic_ai.providers.openai import OpenAIProvider

from amp.sandbox.writing.anthropic import MessagesBody
from amp.sandbox.writing.openai_chat import ChatBody
from amp.sandbox.writing.openai_responses import ResponsesBody

pytestmark = pytest.mark.anyio

CLAUDE, GPT = "claude-sonnet-5", "gpt-5-mini"
TASK = "Write about cycling to work in winter"
SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"text": {"type": "string"}},
    "required": ["text"],
    "additionalProperties": False,
}


def key(served: World, vendor: str) -> str:
    return served.token(vendor, account="", scopes=())


@pytest.fixture
async def claude(served: World) -> AsyncIterator[anthropic.AsyncAnthropic]:
    url = f"{served.http.base_url}/sandbox/anthropic"
    async with anthropic.AsyncAnthropic(api_key=key(served, "anthropic"), base_url=url, max_retries=0) as client:
        yield client


@pytest.fixture
async def gpt(served: World) -> AsyncIterator[openai.AsyncOpenAI]:
    url = f"{served.http.base_url}/sandbox/openai/v1"
    async with openai.AsyncOpenAI(api_key=key(served, "openai"), base_url=url, max_retries=0) as client:
        yield client


def asked(text: str = TASK) -> list[Any]:
    return [{"role": "user", "content": text}]


async def test_claude_answers_in_words(claude: anthropic.AsyncAnthropic) -> None:
    message = await claude.messages.create(model=CLAUDE, max_tokens=500, messages=asked())
    assert message.content[0].type == "text"
    assert "winter" in message.content[0].text.lower() or "cycling" in message.content[0].text.lower()
    assert (message.stop_reason, message.role) == ("end_turn", "assistant")
    assert message.usage.input_tokens > 0
    assert message.usage.output_tokens > 0
    assert message._request_id


async def test_claude_uses_the_tool_it_must(claude: anthropic.AsyncAnthropic) -> None:
    message = await claude.messages.create(
        model=CLAUDE,
        max_tokens=500,
        messages=asked(),
        tools=[{"name": "publish", "input_schema": SCHEMA}],
        tool_choice={"type": "tool", "name": "publish"},
    )
    block = message.content[0]
    assert block.type == "tool_use"
    assert (block.name, message.stop_reason) == ("publish", "tool_use")
    assert set(typing.cast(dict[str, str], block.input)) == {"text"}


@pytest.mark.parametrize("with_tool", [False, True], ids=["words", "tool"])
async def test_claude_streams_what_it_answers(claude: anthropic.AsyncAnthropic, with_tool: bool) -> None:
    tools: dict[str, Any] = {
        "tools": [{"name": "publish", "input_schema": SCHEMA}],
        "tool_choice": {"type": "any"},
    }
    request: dict[str, Any] = {"model": CLAUDE, "max_tokens": 500, "messages": asked()} | (tools if with_tool else {})
    whole = await claude.messages.create(**request)
    async with claude.messages.stream(**request) as stream:
        streamed = await stream.get_final_message()
    plain = [block.model_dump(exclude={"id"}, exclude_none=True) for block in whole.content]
    assert [block.model_dump(exclude={"id", "parsed_output"}, exclude_none=True) for block in streamed.content] == plain
    assert streamed.stop_reason == whole.stop_reason
    assert streamed.usage.output_tokens == whole.usage.output_tokens


async def test_claude_counts_cached_beginnings_apart(claude: anthropic.AsyncAnthropic) -> None:
    rules: Any = [{"type": "text", "text": "Our voice is calm. " * 400, "cache_control": {"type": "ephemeral"}}]
    request: dict[str, Any] = {"model": CLAUDE, "max_tokens": 300, "system": rules, "messages": asked()}
    first = (await claude.messages.create(**request)).usage
    second = (await claude.messages.create(**request)).usage
    assert (first.cache_read_input_tokens, second.cache_creation_input_tokens) == (0, 0)
    assert first.cache_creation_input_tokens == second.cache_read_input_tokens
    assert (first.cache_creation_input_tokens or 0) > 1024
    assert first.input_tokens == second.input_tokens < 100


async def test_claude_stops_at_its_allowance_and_at_stop_sequences(claude: anthropic.AsyncAnthropic) -> None:
    short = await claude.messages.create(model=CLAUDE, max_tokens=5, messages=asked())
    assert (short.stop_reason, short.usage.output_tokens) == ("max_tokens", 5)
    stopped = await claude.messages.create(model=CLAUDE, max_tokens=500, messages=asked(), stop_sequences=["."])
    assert (stopped.stop_reason, stopped.stop_sequence) == ("stop_sequence", ".")


async def test_claude_counts_tokens_beforehand(claude: anthropic.AsyncAnthropic) -> None:
    assert (await claude.messages.count_tokens(model=CLAUDE, messages=asked())).input_tokens > 0


@pytest.mark.parametrize(
    ("change", "kind", "status"),
    [
        ({"messages": []}, "invalid_request_error", 400),
        ({"messages": [{"role": "assistant", "content": "a"}]}, "invalid_request_error", 400),
        ({"max_tokens": 0}, "invalid_request_error", 400),
        ({"colour": "red"}, "invalid_request_error", 400),
        ({"model": None}, "invalid_request_error", 400),
        ({"tool_choice": {"type": "any"}}, "invalid_request_error", 400),
        ({"model": "gpt-5"}, "not_found_error", 404),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else None,
)
async def test_claudes_errors_have_its_shape(world: World, change: dict[str, Any], kind: str, status: int) -> None:
    body = {"model": CLAUDE, "max_tokens": 10, "messages": asked()} | change
    headers = {"x-api-key": "any key", "anthropic-version": "2023-06-01"}
    answer = await world.http.post("/sandbox/anthropic/v1/messages", json=body, headers=headers)
    error = answer.json()
    assert answer.status_code == status
    assert (error["type"], error["error"]["type"]) == ("error", kind)
    assert answer.headers["request-id"] == error["request_id"]
    if "colour" in change:
        assert error["error"]["message"] == "colour: Extra inputs are not permitted"


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"anthropic-version": "2023-06-01"}, 401),
        ({"x-api-key": "sbx.forged.key", "anthropic-version": "2023-06-01"}, 401),
        ({"x-api-key": "any key"}, 400),
        ({"x-api-key": "any key", "anthropic-version": "latest"}, 400),
        ({"authorization": "Bearer any key", "anthropic-version": "2023-06-01"}, 200),
    ],
    ids=["no key", "a forged key", "no version", "a wrong version", "a bearer key"],
)
async def test_claude_wants_a_key_and_a_version(world: World, headers: dict[str, str], status: int) -> None:
    body = {"model": CLAUDE, "max_tokens": 10, "messages": asked()}
    answer = await world.http.post("/sandbox/anthropic/v1/messages", json=body, headers=headers)
    assert answer.status_code == status


async def test_gpt_answers_in_words_tools_and_schemas(gpt: openai.AsyncOpenAI) -> None:
    words = await gpt.chat.completions.create(model=GPT, messages=asked())
    assert words.choices[0].finish_reason == "stop"
    assert words.choices[0].message.content
    assert words.usage is not None
    assert words.usage.total_tokens == words.usage.prompt_tokens + words.usage.completion_tokens
    tools: Any = [{"type": "function", "function": {"name": "publish", "parameters": SCHEMA}}]
    used = await gpt.chat.completions.create(model=GPT, messages=asked(), tools=tools, tool_choice="required")
    calls: Any = used.choices[0].message.tool_calls
    assert (used.choices[0].finish_reason, calls[0].function.name) == ("tool_calls", "publish")
    assert set(json.loads(calls[0].function.arguments)) == {"text"}
    form: Any = {"type": "json_schema", "json_schema": {"name": "post", "schema": SCHEMA, "strict": True}}
    shaped = await gpt.chat.completions.create(model=GPT, messages=asked(), response_format=form)
    assert set(json.loads(shaped.choices[0].message.content or "")) == {"text"}


async def test_gpt_gives_several_different_choices(gpt: openai.AsyncOpenAI) -> None:
    completion = await gpt.chat.completions.create(model=GPT, messages=asked(), n=3)
    assert len({choice.message.content for choice in completion.choices}) == 3


async def test_gpt_streams_what_it_answers(gpt: openai.AsyncOpenAI) -> None:
    whole = await gpt.chat.completions.create(model=GPT, messages=asked())
    pieces: list[str] = []
    usage = None
    stream = await gpt.chat.completions.create(
        model=GPT, messages=asked(), stream=True, stream_options={"include_usage": True}
    )
    async for chunk in stream:
        usage = chunk.usage or usage
        pieces += [choice.delta.content or "" for choice in chunk.choices]
    assert "".join(pieces) == whole.choices[0].message.content
    assert usage == whole.usage


async def test_the_responses_api_answers_in_words_tools_and_schemas(gpt: openai.AsyncOpenAI) -> None:
    words = await gpt.responses.create(model=GPT, input=TASK, instructions="Be brief")
    assert words.status == "completed"
    assert words.output_text
    assert words.usage is not None
    assert words.usage.total_tokens == words.usage.input_tokens + words.usage.output_tokens
    tools: Any = [{"type": "function", "name": "publish", "parameters": SCHEMA, "strict": True}]
    used = await gpt.responses.create(model=GPT, input=asked(), tools=tools, tool_choice="required")
    call: Any = used.output[0]
    assert (call.type, call.name, set(json.loads(call.arguments))) == ("function_call", "publish", {"text"})
    form: Any = {"format": {"type": "json_schema", "name": "post", "schema": SCHEMA, "strict": True}}
    shaped = await gpt.responses.create(model=GPT, input=TASK, text=form)
    assert set(json.loads(shaped.output_text)) == {"text"}
    cut = await gpt.responses.create(model=GPT, input=TASK, max_output_tokens=16)
    assert (cut.status, cut.incomplete_details is not None) == ("incomplete", True)


async def test_the_responses_api_streams_what_it_answers(gpt: openai.AsyncOpenAI) -> None:
    whole = await gpt.responses.create(model=GPT, input=TASK)
    async with gpt.responses.stream(model=GPT, input=TASK) as stream:
        kinds = [event.type async for event in stream]
        final = await stream.get_final_response()
    assert final.output_text == whole.output_text
    assert (kinds[0], kinds[-1]) == ("response.created", "response.completed")


async def test_gpt_lists_its_models(gpt: openai.AsyncOpenAI) -> None:
    assert GPT in [model.id async for model in gpt.models.list()]


@pytest.mark.parametrize(
    ("path", "body", "param", "code"),
    [
        ("chat/completions", {"model": GPT}, "messages", "missing_required_parameter"),
        ("chat/completions", {"model": GPT, "messages": asked(), "colour": 1}, "colour", "unknown_parameter"),
        ("chat/completions", {"model": GPT, "messages": asked(), "temperature": 3}, "temperature", "invalid_value"),
        ("chat/completions", {"model": GPT, "messages": asked(), "tool_choice": "required"}, "tool_choice", None),
        (
            "chat/completions",
            {
                "model": GPT,
                "messages": asked(),
                "response_format": {
                    "type": "json_schema",
                    "json_schema": {"name": "x", "strict": True, "schema": {"type": "object", "properties": {}}},
                },
            },
            "response_format",
            "invalid_json_schema",
        ),
        ("responses", {"model": GPT}, "input", "missing_required_parameter"),
        ("responses", {"model": GPT, "input": "a", "max_output_tokens": 3}, "max_output_tokens", "invalid_value"),
        (
            "responses",
            {"model": GPT, "input": "a", "text": {"format": {"type": "json_schema", "name": "x"}}},
            "text.format.schema",
            "missing_required_parameter",
        ),
    ],
)
async def test_gpts_errors_have_its_shape(
    world: World, path: str, body: dict[str, Any], param: str, code: str | None
) -> None:
    headers = {"authorization": "Bearer any key"}
    answer = await world.http.post(f"/sandbox/openai/v1/{path}", json=body, headers=headers)
    error = answer.json()["error"]
    assert answer.status_code == 400
    assert (error["type"], error["param"]) == ("invalid_request_error", param)
    assert set(error) == {"message", "type", "param", "code"}
    assert code is None or error["code"] == code


async def test_gpt_wants_a_key(world: World) -> None:
    for headers in ({}, {"authorization": "Bearer sbx.forged.key"}):
        answer = await world.http.post("/sandbox/openai/v1/responses", json={}, headers=headers)
        assert (answer.status_code, answer.json()["error"]["type"]) == (401, "invalid_request_error")


@pytest.mark.parametrize(
    ("body", "params"),
    [
        (MessagesBody, message_create_params.MessageCreateParamsNonStreaming),
        (ChatBody, completion_create_params.CompletionCreateParamsNonStreaming),
        (ResponsesBody, response_create_params.ResponseCreateParamsNonStreaming),
    ],
    ids=["messages", "chat", "responses"],
)
def test_every_parameter_of_the_published_client_is_known(body: type[BaseModel], params: Any) -> None:
    assert set(typing.get_type_hints(params)) <= set(body.model_fields)


class Item(BaseModel):
    """One item of the plan."""

    title: str = Field(max_length=40)
    share: float = Field(gt=0, le=1)
    kind: Literal["post", "thread"]
    note: str | None = None


class Plan(BaseModel):
    items: list[Item] = Field(min_length=2, max_length=4)
    text: str = Field(max_length=280, description="The first post, at most 280 characters")


def model_of(name: str, served: World, http: httpx2.AsyncClient) -> Model:
    if name == "anthropic":
        url = f"{served.http.base_url}/sandbox/anthropic"
        return AnthropicModel(CLAUDE, provider=AnthropicProvider(api_key="any", base_url=url, http_client=http))
    provider = OpenAIProvider(api_key="any", base_url=f"{served.http.base_url}/sandbox/openai/v1", http_client=http)
    return OpenAIChatModel(GPT, provider=provider) if name == "chat" else OpenAIResponsesModel(GPT, provider=provider)


@pytest.mark.parametrize("form", [Plan, NativeOutput(Plan), PromptedOutput(Plan)], ids=["tool", "native", "prompted"])
@pytest.mark.parametrize("vendor", ["anthropic", "chat", "responses"])
async def test_pydantic_ai_gets_valid_output_at_the_first_attempt(served: World, vendor: str, form: Any) -> None:
    async with httpx2.AsyncClient() as http:
        agent = Agent(model_of(vendor, served, http), output_type=form, instructions="You plan campaigns.")
        result = await agent.run(TASK, model_settings={"max_tokens": 2000})
    assert isinstance(result.output, Plan)
    assert (result.usage.requests, result.usage.output_tokens > 0) == (1, True)


@pytest.mark.parametrize("vendor", ["anthropic", "chat", "responses"])
async def test_pydantic_ai_streams_when_no_allowance_is_set(served: World, vendor: str) -> None:
    async with httpx2.AsyncClient() as http:
        agent = Agent(model_of(vendor, served, http), output_type=Plan)
        async with agent.run_stream(TASK) as stream:
            assert isinstance(await stream.get_output(), Plan)


@pytest.mark.parametrize("vendor", ["anthropic", "chat", "responses"])
async def test_a_conversation_with_tools_comes_to_an_end(served: World, vendor: str) -> None:
    async with httpx2.AsyncClient() as http:
        agent = Agent(model_of(vendor, served, http))
        calls: list[str] = []

        @agent.tool_plain
        def look_up(topic: str) -> str:
            calls.append(topic)
            return "Snow is expected."

        result = await agent.run(TASK, model_settings={"max_tokens": 1000})
    assert len(calls) == 1
    assert result.output


async def test_the_same_request_gets_the_same_answer(claude: anthropic.AsyncAnthropic) -> None:
    answers = [await claude.messages.create(model=CLAUDE, max_tokens=500, messages=asked()) for _ in range(2)]
    assert answers[0].id == answers[1].id
    assert answers[0].content == answers[1].content
    other = await claude.messages.create(model=CLAUDE, max_tokens=500, messages=asked(TASK + "."))
    assert other.content != answers[0].content


async def test_orders_hit_the_vendors_of_text_by_their_keys_owner(
    served: World, claude: anthropic.AsyncAnthropic, gpt: openai.AsyncOpenAI
) -> None:
    await served.order("anthropic", "rate_limit", count=1)
    with pytest.raises(anthropic.RateLimitError) as limited:
        await claude.messages.create(model=CLAUDE, max_tokens=50, messages=asked())
    assert limited.value.response.headers["retry-after"] == "5"
    await served.order("openai", "accept_then_500", count=1)
    with pytest.raises(openai.InternalServerError):
        await gpt.responses.create(model=GPT, input=TASK)
    await served.order("openai", "reset_before", count=1)
    with pytest.raises(openai.APIConnectionError):
        await gpt.responses.create(model=GPT, input=TASK)
    await served.order("anthropic", "malformed", count=1)
    garbage = await claude.messages.with_raw_response.create(model=CLAUDE, max_tokens=50, messages=asked())
    assert "upstream connect error" in await garbage.text()
    await served.order("openai", "rate_limit_no_headers", count=1)
    with pytest.raises(openai.RateLimitError) as bare:
        await gpt.chat.completions.create(model=GPT, messages=asked())
    assert "retry-after" not in bare.value.response.headers
    assert (await claude.messages.create(model=CLAUDE, max_tokens=50, messages=asked())).content


async def test_a_key_without_an_owner_is_never_hit(served: World) -> None:
    await served.order("openai", "rate_limit")
    url = f"{served.http.base_url}/sandbox/openai/v1"
    async with openai.AsyncOpenAI(api_key="anything", base_url=url, max_retries=0) as free:
        assert (await free.responses.create(model=GPT, input=TASK)).output_text
