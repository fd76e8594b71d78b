"""What missions are told from outside."""

from dataclasses import dataclass


@dataclass(frozen=True)
class MissionRules:
    cycle_days: int
    """How many days of slots one cycle plans."""
