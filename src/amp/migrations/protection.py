"""Row-level security for a table, in one call, so that no migration can forget half of it."""

from alembic import op

from amp.kit.database import APP_ROLE, SYSTEM_ROLE


def protect(table: str, *, column: str = "workspace_id", setting: str = "amp.workspace_id") -> None:
    """Rows of `table` are seen only by transactions in their own scope, and by system work."""
    mine = f"{column} = nullif(current_setting('{setting}', true), '')::uuid"
    op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY own ON {table} TO {APP_ROLE} USING ({mine}) WITH CHECK ({mine})")
    op.execute(f"CREATE POLICY everything ON {table} TO {SYSTEM_ROLE} USING (true) WITH CHECK (true)")
    grant(table, APP_ROLE, SYSTEM_ROLE)


def grant(table: str, *roles: str) -> None:
    op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO {', '.join(roles)}")
