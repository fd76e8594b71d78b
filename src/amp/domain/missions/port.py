"""What missions are told from outside."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol


@dataclass(frozen=True)
class MissionRules:
    cycle_days: int
    """How many days of slots one cycle plans."""
    keep_prompts: bool
    """Whether prompts are stored beside what was written from them."""
    test_data_lasts: timedelta
    """How long after its last change the test environment forgets something."""


class PretendedWorld(Protocol):
    """The sandbox, as far as it must forget together with the test workspaces."""

    async def clear_before(self, moment: datetime) -> None: ...
