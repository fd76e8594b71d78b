"""What the crash campaign calls wrong when it compares what AMP says with what the pretended vendors have."""

import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "bench"))

from audit import Scheduled, Told, audit

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
POST, OWNER = UUID(int=1), UUID(int=2)
THREAD = Scheduled(POST, OWNER, "threads", ("one", "two"))
PENDING = Told("pending", None, None, NOON, None, in_question=False, on_its_way=False)
PUBLISHED = replace(PENDING, status="published", published_at=NOON)
FAILED = replace(PENDING, status="failed", code="PLATFORM_ERROR")


@pytest.mark.parametrize(
    ("told", "ledger", "wrong"),
    [
        (PUBLISHED, ["one", "two"], []),
        (PUBLISHED, ["one"], ["lost"]),
        (PUBLISHED, ["one", "two", "two"], ["duplicates"]),
        (PUBLISHED, ["one", "two", "three"], ["duplicates"]),
        (PUBLISHED, ["two", "one"], ["disordered"]),
        (PENDING, [], ["lost"]),
        (replace(PENDING, on_its_way=True), ["one"], []),
        (replace(PENDING, status="publishing", in_question=True), [], []),
        (FAILED, ["one"], []),
        (FAILED, ["one", "two"], ["mistold"]),
        (replace(FAILED, status="unconfirmed"), ["one", "two"], []),
    ],
)
def test_a_post_is_there_once_and_in_order_or_it_is_said_why_not(
    told: Told, ledger: Sequence[str], wrong: Sequence[str]
) -> None:
    found = audit([THREAD], {POST: told}, {(OWNER, "threads"): ledger})
    assert [name for name in ("duplicates", "lost", "disordered", "mistold") if getattr(found, name)] == wrong
