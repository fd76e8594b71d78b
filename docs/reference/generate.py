"""Writes the pages of this folder from the code: `python docs/reference/generate.py`, with `--check` to only tell
whether they are up to date."""

import sys
from collections.abc import Iterator
from pathlib import Path

from pydantic.fields import FieldInfo

from amp.config import Settings
from amp.domain.platforms import telling
from amp.providers.discovery import social_vendors

HERE = Path(__file__).parent

_INTRODUCTION = """# Settings

Generated from `src/amp/config.py`: do not edit, run `python docs/reference/generate.py`.

Environment variables, or lines of a file `.env` in the working directory.

| Variable | Default | Meaning |
|---|---|---|
"""

_VENDORS = """
## Vendors

In live mode, `AMP_URL_<VENDOR>` replaces a vendor's own base URL; the credentials keep the vendors' names. In test
mode every call goes to the sandbox, and neither counts.

| Platform | Base URL | Credentials |
|---|---|---|
"""

_PLATFORMS = """# Platforms

Generated from the `CAPABILITIES` of `src/amp/providers/social`: do not edit, run `python docs/reference/generate.py`.

What validation holds a post to, on every contract; `/llm.txt` of a running server tells the same. Scheduling is what
the Ampost contract offers; missions schedule everywhere, and so does the contract with `AMP_AMPOST_SCHEDULING=all`. A
setting that is null counts as left out.

"""


def settings_page() -> str:
    rows = "".join(f"| `{name}` | {_default(field)} | {field.description} |\n" for name, field in _variables())
    vendors = "".join(
        f"| {vendor.capabilities.name} | `AMP_URL_{name.upper()}` | "
        f"`{name.upper()}_CLIENT_ID`, `{name.upper()}_CLIENT_SECRET` |\n"
        for name, vendor in social_vendors().items()
    )
    return _INTRODUCTION + rows + _VENDORS + vendors


def _variables() -> Iterator[tuple[str, FieldInfo]]:
    prefix = Settings.model_config.get("env_prefix", "")
    for name, field in Settings.model_fields.items():
        alias = field.validation_alias
        yield alias if isinstance(alias, str) else f"{prefix}{name}".upper(), field


def _default(field: FieldInfo) -> str:
    value = field.get_default(call_default_factory=True, validated_data={})
    return "" if value in (None, {}) else f"`{str(value).lower() if isinstance(value, bool) else value}`"


def platforms_page() -> str:
    platforms = [vendor.capabilities for _, vendor in sorted(social_vendors().items())]
    sections = "".join(f"\n## {one.name}\n\n{telling.details(one)}" for one in platforms)
    return _PLATFORMS + telling.table(platforms) + sections


PAGES = {"settings.md": settings_page, "platforms.md": platforms_page}


def outdated() -> list[str]:
    return [name for name, page in PAGES.items() if not _same(HERE / name, page())]


def _same(path: Path, text: str) -> bool:
    return path.exists() and path.read_text() == text


def main() -> int:
    names = outdated()
    if "--check" in sys.argv:
        for name in names:
            sys.stderr.write(f"docs/reference/{name} is out of date: python docs/reference/generate.py\n")
        return len(names)
    for name in names:
        (HERE / name).write_text(PAGES[name]())
    return 0


if __name__ == "__main__":
    sys.exit(main())
