"""What a person sees who comes back from a vendor without a place to go to: one plain page, nothing loaded from
elsewhere, every value escaped."""

import base64
import hashlib
from html import escape

from starlette.responses import HTMLResponse

ACCOUNTS = "/accounts"
"""Where people see what is connected, and choose among what a login opened."""

_STYLE = (
    ":root{color-scheme:light dark}body{font:16px/1.5 system-ui,sans-serif;max-width:34rem;margin:18vh auto;"
    "padding:0 1rem}code{opacity:.75}"
)
_THIS_STYLE = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_HEADERS = {
    "content-security-policy": (
        f"default-src 'none'; style-src 'sha256-{_THIS_STYLE}'; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'"
    ),
    "referrer-policy": "no-referrer",  # the address holds what the vendor sent back
    "x-content-type-options": "nosniff",
    "cache-control": "no-store",
}


def page(title: str, sentence: str, *, status: int = 200, code: str = "") -> HTMLResponse:
    note = f"<p><code>{escape(code)}</code></p>" if code else ""
    return HTMLResponse(
        f'<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style>"
        f'<h1>{escape(title)}</h1><p>{escape(sentence)}</p>{note}<p><a href="{ACCOUNTS}">To the accounts</a></p>'
        "</html>",
        status,
        _HEADERS,
    )


def failure_page(code: str, message: str, status: int) -> HTMLResponse:
    return page("Not connected", message, status=status, code=code)
