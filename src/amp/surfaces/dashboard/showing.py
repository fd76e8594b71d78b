"""HTML for people: templates with every value escaped, sent so that a page runs nothing and loads nothing but our own
stylesheet and icon.

Both have a hash of their content in their names, so a browser keeps them for good and never has an old one.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

_HERE = Path(__file__).parent
_HEADERS = {
    "content-security-policy": (
        "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; "
        "frame-ancestors 'none'"
    ),
    "cross-origin-opener-policy": "same-origin",
    "referrer-policy": "same-origin",
    "x-content-type-options": "nosniff",
    "cache-control": "no-store",
}


@dataclass(frozen=True)
class Asset:
    """A file of ours that pages refer to."""

    address: str
    media_type: str
    content: bytes


def _asset(name: str, media_type: str) -> Asset:
    path = _HERE / "assets" / name
    content = path.read_bytes()
    digest = hashlib.sha256(content).hexdigest()[:12]
    return Asset(f"/assets/{path.stem}.{digest}{path.suffix}", media_type, content)


_STYLESHEET = _asset("dashboard.css", "text/css")
_ICON = _asset("icon.svg", "image/svg+xml")
_templates = Environment(
    loader=FileSystemLoader(_HERE / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def show(template: str, values: Mapping[str, object], *, status: int = 200) -> HTMLResponse:
    found = _templates.get_template(template)
    return HTMLResponse(found.render(values, stylesheet=_STYLESHEET.address, icon=_ICON.address), status, _HEADERS)


def asset_routes() -> Sequence[Route]:
    return [_served(asset) for asset in (_STYLESHEET, _ICON)]


def _served(asset: Asset) -> Route:
    async def serve(_request: Request) -> Response:
        headers = {"cache-control": "public, max-age=31536000, immutable", "x-content-type-options": "nosniff"}
        return Response(asset.content, media_type=asset.media_type, headers=headers)

    return Route(asset.address, serve, methods=["GET"])
