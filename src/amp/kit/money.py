"""Money: integer cents at the edges, integer micro-dollars inside, never floats."""

from decimal import ROUND_CEILING, Decimal

MICROS_PER_CENT = 10_000


def cents_to_micros(cents: int) -> int:
    return cents * MICROS_PER_CENT


def micros_to_cents(micros: int) -> int:
    """Whole cents, rounded half up: for display only, never for sums."""
    return (micros + MICROS_PER_CENT // 2) // MICROS_PER_CENT


def dollars_to_micros(dollars: Decimal) -> int:
    """Rounded up, so that no call is ever booked as free."""
    return int((dollars * 1_000_000).to_integral_value(ROUND_CEILING))
