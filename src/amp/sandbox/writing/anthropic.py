"""Anthropic's Messages API, as its published Python SDK speaks it: tools, plain text, streams, cached prompts."""

import hashlib
import json
from collections.abc import Iterator
from typing import Any, Literal

from pydantic import Field, field_validator
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from amp.kit.ids import request_id
from amp.sandbox.vendor import Refusal, Refused, Sandbox
from amp.sandbox.writing.anthropic_stream import events
from amp.sandbox.writing.anthropic_usage import PromptCache, Usage, cached_split
from amp.sandbox.writing.desk import Prompt, Tool, ToolUse, Wish, answer, identifier, shortened, tokens
from amp.sandbox.writing.writers import Body, Ticket, Writer, parse, serve_writer, texts_of

NAME = "anthropic"

_ERRORS: dict[Refusal, tuple[int, str, str]] = {
    Refusal.NO_TOKEN: (401, "authentication_error", "x-api-key header is required"),
    Refusal.UNKNOWN_TOKEN: (401, "authentication_error", "invalid x-api-key"),
    Refusal.RATE_LIMITED: (429, "rate_limit_error", "This request would exceed your organization's rate limit."),
    Refusal.RATE_LIMITED_BARE: (429, "rate_limit_error", "Number of requests has exceeded your rate limit."),
    Refusal.TOO_LARGE: (413, "request_too_large", "Request exceeds the maximum size"),
    Refusal.NO_SUCH_PATH: (404, "not_found_error", "Not Found"),
    Refusal.BROKEN: (500, "api_error", "Internal server error"),
}


class _Message(Body):
    role: Literal["user", "assistant", "system"]
    content: str | list[dict[str, Any]]


class _ToolChoice(Body):
    type: Literal["auto", "any", "tool", "none"]
    name: str | None = None
    disable_parallel_tool_use: bool | None = None


class MessagesBody(Body):
    """The members of `POST /v1/messages`."""

    model: str = Field(min_length=1)
    max_tokens: int = Field(ge=1)
    messages: list[_Message] = Field(min_length=1)
    system: str | list[dict[str, Any]] | None = None
    stream: bool = False
    stop_sequences: list[str] | None = None
    tools: list[dict[str, Any]] | None = None
    tool_choice: _ToolChoice | None = None
    output_config: dict[str, Any] | None = None
    temperature: float | None = Field(default=None, ge=0, le=1)
    top_p: float | None = Field(default=None, ge=0, le=1)
    top_k: int | None = Field(default=None, ge=0)
    metadata: dict[str, Any] | None = None
    thinking: dict[str, Any] | None = None
    service_tier: Literal["auto", "standard_only"] | None = None
    cache_control: dict[str, Any] | None = None
    container: Any = None
    context_management: Any = None
    diagnostics: Any = None
    inference_geo: str | None = None
    speed: str | None = None
    mcp_servers: list[dict[str, Any]] | None = None
    user_profile_id: str | None = None
    workspace_id: str | None = None

    @field_validator("messages")
    @classmethod
    def _begins_with_the_user(cls, messages: list[_Message]) -> list[_Message]:
        if messages and messages[0].role == "assistant":
            raise ValueError("first message must use the user role")
        return messages


class CountBody(Body):
    """The members of `POST /v1/messages/count_tokens` that matter here."""

    model: str = Field(min_length=1)
    messages: list[_Message] = Field(min_length=1)
    system: str | list[dict[str, Any]] | None = None
    tools: list[dict[str, Any]] | None = None
    tool_choice: _ToolChoice | None = None
    thinking: dict[str, Any] | None = None
    output_config: dict[str, Any] | None = None
    cache_control: dict[str, Any] | None = None


def anthropic_routes(sandbox: Sandbox) -> list[Route]:
    cache = PromptCache()

    async def messages(request: Request) -> Response:
        async def write(ticket: Ticket) -> Response:
            return _write(parse(ticket, MessagesBody, _complaint), ticket, cache)

        return await serve_writer(sandbox, _WRITER, request, write)

    async def count(request: Request) -> Response:
        async def write(ticket: Ticket) -> Response:
            body = parse(ticket, CountBody, _complaint)
            return _headed(JSONResponse({"input_tokens": tokens(body.model_dump_json(exclude_none=True))}))

        return await serve_writer(sandbox, _WRITER, request, write)

    return [
        Route("/v1/messages", messages, methods=["POST"]),
        Route("/v1/messages/count_tokens", count, methods=["POST"]),
    ]


def refuse(refusal: Refusal) -> Response:
    status, kind, message = _ERRORS[refusal]
    response = _error(status, kind, message)
    if refusal is Refusal.RATE_LIMITED:
        response.headers["retry-after"] = "5"
        response.headers["anthropic-ratelimit-requests-remaining"] = "0"
    return response


def _key(request: Request) -> str | None:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return request.headers.get("x-api-key") or (token if scheme.lower() == "bearer" else None)


def _check_version(request: Request) -> None:
    version = request.headers.get("anthropic-version", "")
    if not version:
        raise Refused(_error(400, "invalid_request_error", "anthropic-version: header is required"))
    if len(version) != 10 or version[4] != "-" or version[7] != "-":
        message = f'anthropic-version: "{version[:40]}" is not a valid version'
        raise Refused(_error(400, "invalid_request_error", message))


_WRITER = Writer(NAME, _key, refuse, _check_version)


def _write(body: MessagesBody, ticket: Ticket, cache: PromptCache) -> Response:
    if not body.model.startswith("claude"):
        raise Refused(_error(404, "not_found_error", f"model: {body.model}"))
    written = answer(_prompt(body), _wish(body))
    contents = [message.content for message in body.messages]
    parts = cached_split(body.tools, body.system, contents, whole=bool(body.cache_control))
    usage = cache.usage(ticket.key, *parts)
    message = _message(body, written, usage, hashlib.sha256(ticket.body).hexdigest())
    if body.stream:
        return _headed(StreamingResponse(events(message), media_type="text/event-stream"))
    return _headed(JSONResponse(message))


def _message(body: MessagesBody, written: str | ToolUse, usage: Usage, seed: str) -> dict[str, Any]:
    if isinstance(written, ToolUse):
        size = tokens(json.dumps(written.arguments))
        block = {
            "type": "tool_use",
            "id": identifier("toolu_01", seed, 22),
            "name": written.name,
            "input": written.arguments,
        }
        content, reason, sequence = ([block], "tool_use", None) if size <= body.max_tokens else ([], "max_tokens", None)
    else:
        text, reason, sequence = _ended(written, body)
        size = tokens(text)
        content = [{"type": "text", "text": text}]
    return {
        "id": identifier("msg_01", seed, 22),
        "type": "message",
        "role": "assistant",
        "model": body.model,
        "content": content,
        "stop_reason": reason,
        "stop_sequence": sequence,
        "usage": usage.shown(min(size, body.max_tokens)),
    }


def _ended(text: str, body: MessagesBody) -> tuple[str, str, str | None]:
    """The text up to a stop sequence or the allowance, and why it ended."""
    for sequence in body.stop_sequences or ():
        if sequence and sequence in text:
            return text.partition(sequence)[0], "stop_sequence", sequence
    text, was_cut = shortened(text, body.max_tokens)
    return text, "max_tokens" if was_cut else "end_turn", None


def _prompt(body: MessagesBody) -> Prompt:
    instructions = [texts_of(body.system), *(texts_of(m.content) for m in body.messages if m.role == "system")]
    return Prompt(
        instructions="\n".join(filter(None, instructions)),
        task="\n".join(texts_of(message.content) for message in body.messages if message.role == "user"),
        everything=json.dumps([body.system, [message.model_dump() for message in body.messages]], sort_keys=True),
    )


def _wish(body: MessagesBody) -> Wish:
    tools = [Tool(str(tool["name"]), tool["input_schema"]) for tool in body.tools or () if "input_schema" in tool]
    choice = body.tool_choice or _ToolChoice(type="auto")
    if choice.type == "tool" and choice.name not in {tool.name for tool in tools}:
        raise _complaint("tool_choice", f"Tool '{choice.name}' not found in provided tools")
    if choice.type in ("any", "tool") and not tools:
        raise _complaint("tool_choice", "tool_choice may only be specified while providing tools.")
    if choice.type == "tool":
        tools = [tool for tool in tools if tool.name == choice.name]
    form: dict[str, Any] = (body.output_config or {}).get("format") or {}
    return Wish(
        tools=[] if choice.type == "none" else tools,
        must_use=choice.type in ("any", "tool"),
        used_before=frozenset(_used_tools(body)),
        schema=form.get("schema") if form.get("type") == "json_schema" else None,
    )


def _used_tools(body: MessagesBody) -> Iterator[str]:
    for message in body.messages:
        for block in message.content if isinstance(message.content, list) else ():
            if block.get("type") == "tool_use":
                yield str(block.get("name"))


def _complaint(path: str, message: str) -> Refused:
    message = "Extra inputs are not permitted" if message.startswith("Extra inputs") else message
    return Refused(_error(400, "invalid_request_error", f"{path}: {message}" if path else message))


def _error(status: int, kind: str, message: str) -> Response:
    named = request_id()
    body = {"type": "error", "error": {"type": kind, "message": message}, "request_id": named}
    return JSONResponse(body, status, headers={"request-id": named})


def _headed(response: Response) -> Response:
    response.headers["request-id"] = request_id()
    response.headers["anthropic-ratelimit-requests-limit"] = "4000"
    response.headers["anthropic-ratelimit-requests-remaining"] = "3999"
    return response
