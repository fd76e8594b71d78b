"""What writing costs: the operator's own prices first, then the bundled price list, offline.

A model without a price is never free: whoever has a budget must not spend on it. Only what runs on the operator's
own machine (Ollama) costs nothing unless told otherwise.
"""

from collections.abc import Mapping
from decimal import Decimal

from amp.domain.pipeline.port import Assignment, Output
from amp.kit.errors import Invalid
from amp.kit.money import dollars_to_micros
from amp.providers.writing.vendors import Writing

REQUESTS = 3
"""One, and two repairs of a malformed answer."""

_BYTES_PER_TOKEN = 2
"""Few: English has about four, and most other scripts between two and three."""
_FRAME = 1000
"""Tokens that vendors and the protocol of structured answers add to every request."""
_COMPLAINT = 1000
"""Tokens of a note that says what was wrong with an answer."""
_MILLION = Decimal(1_000_000)


class Prices:
    def __init__(self, overrides: Mapping[str, tuple[float, float]]) -> None:
        """`overrides`: by model, dollars per million tokens in and out."""
        self._overrides = {
            model: (Decimal(str(tokens_in)), Decimal(str(tokens_out)))
            for model, (tokens_in, tokens_out) in overrides.items()
        }

    def upper_bound(self, writing: Writing, assignment: Assignment[Output]) -> int:
        """Micro-dollars this can cost at most: every repair sends all that went before, and nothing is cached.

        Errors: Invalid (`price_unknown`).
        """
        first = _tokens(assignment) + _FRAME
        repaired = assignment.max_tokens + _COMPLAINT
        tokens_in = sum(first + attempt * repaired for attempt in range(REQUESTS))
        cost = self._cost(writing, tokens_in, REQUESTS * assignment.max_tokens)
        if cost is None:
            raise Invalid(
                f"The price of {writing.vendor}:{writing.model} is not known: set AMP_WRITER_PRICES",
                code="price_unknown",
                param="AMP_WRITER_PRICES",
            )
        return dollars_to_micros(cost)

    def settled(self, writing: Writing, *, tokens_in: int, tokens_out: int, reported: Decimal | None) -> int:
        """Micro-dollars that were spent. `reported` knows of cached tokens; our own prices outweigh it."""
        own = writing.model in self._overrides
        cost = self._cost(writing, tokens_in, tokens_out) if own or reported is None else reported
        return dollars_to_micros(cost or Decimal(0))

    def _cost(self, writing: Writing, tokens_in: int, tokens_out: int) -> Decimal | None:
        """Dollars; None when the price is not known."""
        own = self._overrides.get(writing.model)
        if own:
            return (own[0] * tokens_in + own[1] * tokens_out) / _MILLION
        return Decimal(0) if writing.vendor == "ollama" else _listed(writing, tokens_in, tokens_out)


def _listed(writing: Writing, tokens_in: int, tokens_out: int) -> Decimal | None:
    """By the bundled list; all input as if written to the vendor's cache, which is dearer than plain input."""
    from genai_prices import Usage, calc_price

    usage = Usage(input_tokens=tokens_in, cache_write_tokens=tokens_in, output_tokens=tokens_out)
    try:
        return calc_price(usage, writing.model, provider_id=writing.vendor).total_price
    except LookupError:
        return None


def _tokens(assignment: Assignment[Output]) -> int:
    from pydantic_core import to_json

    schema = to_json(assignment.answer.model_json_schema()).decode()
    text = assignment.instructions + assignment.task + schema
    return len(text.encode("utf-8", "replace")) // _BYTES_PER_TOKEN + 1
