"""The preview of one item as a page: what the platform will show, with the room that is left."""

from html import escape
from typing import Any

_STYLE = (
    "body{font:16px/1.5 system-ui;background:#f4f4f5;color:#18181b;margin:0;padding:2rem}"
    "article{max-width:34rem;margin:0 auto 1rem;background:#fff;border-radius:12px;padding:1.2rem;"
    "box-shadow:0 1px 4px #0002;white-space:pre-wrap;overflow-wrap:anywhere}small{color:#71717a}"
    "@media(prefers-color-scheme:dark){body{background:#18181b;color:#f4f4f5}article{background:#27272a}}"
)


def preview_page(preview: dict[str, Any]) -> str:
    cards = "".join(
        f"<article>{escape(part['text'])}<br><small>{part['length']} of {part['limit']} {escape(preview['unit'])}"
        "</small></article>"
        for part in preview["parts"]
    )
    title = escape(f"{preview['platform_name']} {preview['type']}")
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{_STYLE}</style>'
        f'<article style="background:none;box-shadow:none"><b>{title}</b></article>{cards}</html>'
    )
