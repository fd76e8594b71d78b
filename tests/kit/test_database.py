"""What the database's errors tell, and what they keep."""

from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from amp.kit.database import SYSTEM
from world import open_world

pytestmark = pytest.mark.anyio


async def test_what_a_failing_statement_was_given_is_not_told(database_url: str, tmp_path: Path) -> None:
    async with open_world(database_url, tmp_path) as world:
        with pytest.raises(DBAPIError) as failed:
            async with world.runtime.units.begin(SYSTEM) as uow:
                await uow.session.execute(text("SELECT 1 / (0 * length(:token))"), {"token": "hunter2"})
    assert "length" in str(failed.value)
    assert "hunter2" not in str(failed.value)
