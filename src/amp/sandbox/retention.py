"""Forgetting: what was pretended is cleared after a while, or all of an owner's at once."""

from datetime import datetime

from sqlalchemy import delete, select, tuple_

from amp.kit.clock import real_now
from amp.kit.database import Database
from amp.sandbox.tables import codes, posts, tokens, upload_parts, uploads


async def clear_before(database: Database, moment: datetime) -> int:
    """Delete posts and uploads made before `moment` (on the clock everybody sees), and tokens and codes that no
    longer open anything. Accounts stay: they are what connections point at. Returns the number of posts."""
    now = real_now()
    old = select(uploads.c.owner, uploads.c.vendor, uploads.c.remote_id).where(uploads.c.created_at < moment)
    part_of = tuple_(upload_parts.c.owner, upload_parts.c.vendor, upload_parts.c.upload)
    async with database.connected() as connection:
        await connection.execute(delete(upload_parts).where(part_of.in_(old)))
        await connection.execute(delete(uploads).where(uploads.c.created_at < moment))
        await connection.execute(delete(codes).where(codes.c.expires_at < now))
        await connection.execute(delete(tokens).where(tokens.c.expires_at < now))
        return (await connection.execute(delete(posts).where(posts.c.created_at < moment))).rowcount


async def forget_owner(database: Database, owner: str) -> None:
    """Delete everything of one owner: its world begins anew."""
    async with database.connected() as connection:
        for table in reversed(codes.metadata.sorted_tables):
            await connection.execute(delete(table).where(table.c.owner == owner))
