"""What a person sees who comes back from a vendor without a place to go to: one plain page, nothing loaded from
elsewhere, every value escaped."""

from html import escape

from starlette.requests import Request
from starlette.responses import HTMLResponse

_HEADERS = {
    "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'",
    "referrer-policy": "no-referrer",  # the address holds what the vendor sent back
    "x-content-type-options": "nosniff",
    "cache-control": "no-store",
}
_STYLE = (
    ":root{color-scheme:light dark}body{font:16px/1.5 system-ui,sans-serif;max-width:34rem;margin:18vh auto;"
    "padding:0 1rem}code{opacity:.7}"
)


def wants_page(request: Request) -> bool:
    """Whether a browser navigates here, which says so in `Accept`."""
    return "text/html" in request.headers.get("accept", "")


def page(title: str, sentence: str, *, status: int = 200, code: str = "") -> HTMLResponse:
    note = f"<p><code>{escape(code)}</code></p>" if code else ""
    return HTMLResponse(
        f'<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style>"
        f"<h1>{escape(title)}</h1><p>{escape(sentence)}</p>{note}</html>",
        status,
        _HEADERS,
    )


def failure_page(code: str, message: str, status: int) -> HTMLResponse:
    return page("Not connected", message, status=status, code=code)
