"""`expand=a,b`: which related objects an answer should hold."""

from collections.abc import Sequence

from amp.kit.errors import Invalid


def expansions(text: str | None, known: Sequence[str]) -> frozenset[str]:
    """The values of `expand`. Errors: Invalid naming the first that is unknown."""
    wanted = [part.strip() for part in (text or "").split(",") if part.strip()]
    for name in wanted:
        if name not in known:
            raise Invalid(f"Cannot expand '{name}'. Expandable here: {', '.join(known)}", param="expand")
    return frozenset(wanted)
