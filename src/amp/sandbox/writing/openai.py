"""OpenAI's paths: chat completions, responses, and the list of models."""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from amp.sandbox.vendor import Sandbox
from amp.sandbox.writing.openai_chat import ChatBody, write_chat
from amp.sandbox.writing.openai_responses import ResponsesBody, write_response
from amp.sandbox.writing.openai_shapes import complaint, headed, refuse
from amp.sandbox.writing.writers import Ticket, Writer, parse, serve_writer

NAME = "openai"

_MODELS = ("gpt-5.6-sol", "gpt-5", "gpt-5-mini", "gpt-4.1", "gpt-4o-mini")
_CREATED = 1_770_000_000


def openai_routes(sandbox: Sandbox) -> list[Route]:
    async def chat(request: Request) -> Response:
        async def write(ticket: Ticket) -> Response:
            return write_chat(parse(ticket, ChatBody, complaint), ticket)

        return await serve_writer(sandbox, _WRITER, request, write)

    async def responses(request: Request) -> Response:
        async def write(ticket: Ticket) -> Response:
            return write_response(parse(ticket, ResponsesBody, complaint), ticket)

        return await serve_writer(sandbox, _WRITER, request, write)

    async def models(request: Request) -> Response:
        async def write(_ticket: Ticket) -> Response:
            listed = [{"id": name, "object": "model", "created": _CREATED, "owned_by": "openai"} for name in _MODELS]
            return headed(JSONResponse({"object": "list", "data": listed}))

        return await serve_writer(sandbox, _WRITER, request, write)

    return [
        Route("/v1/chat/completions", chat, methods=["POST"]),
        Route("/v1/responses", responses, methods=["POST"]),
        Route("/v1/models", models, methods=["GET"]),
    ]


def _key(request: Request) -> str | None:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None


def _anything(_request: Request) -> None:
    """This vendor insists on no header."""


_WRITER = Writer(NAME, _key, refuse, _anything)
