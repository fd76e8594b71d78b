r"""LinkedIn's "little text" (Posts API, "little text format"): what readers see of a commentary.

    \( \# \\            a reserved character, meant literally
    #word               a hashtag, as is `{hashtag|\#|word}`
    @[Name](urn:li:..)  a mention
    ( or )  unescaped   the text ends here, silently

That last rule is not documented; it is what clients have reported.
"""

import re

_RESERVED = r"|{}@[]()<>#\*_~"
_TOKEN = re.compile(
    r"\\(?P<escaped>.)"
    r"|\{hashtag\|\\?#\|(?P<hashtag>[^{}|]+)\}"
    r"|@\[(?P<name>(?:\\.|[^\]\\])*)\]\((?P<urn>urn:li:[A-Za-z]+:[\w-]+)\)"
    r"|(?P<cut>[()])"
    r"|(?P<plain>.)",
    re.DOTALL,
)


def shown(commentary: str) -> str:
    """The text as readers see it, cut where an unescaped parenthesis stands."""
    seen: list[str] = []
    for token in _TOKEN.finditer(commentary):
        if token["cut"]:
            break
        seen.append(_read(token))
    return "".join(seen)


def length(commentary: str) -> int:
    """Characters that count against the limit: escapes do not."""
    return sum(len(_read(token)) for token in _TOKEN.finditer(commentary))


def _read(token: re.Match[str]) -> str:
    if token["escaped"] is not None:
        return token["escaped"] if token["escaped"] in _RESERVED else token[0]
    if token["hashtag"] is not None:
        return f"#{token['hashtag']}"
    if token["name"] is not None:
        return shown(token["name"])
    return token["cut"] or token["plain"]
