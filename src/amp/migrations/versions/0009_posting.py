"""A post whose deliveries wait again is queued, or scheduled as before; and when the worker's loops last turned."""

import sqlalchemy as sa
from alembic import op

from amp.kit.database import SYSTEM_ROLE

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

POST_STATUS = """
CREATE OR REPLACE FUNCTION post_status(deliveries text[], before text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE
        WHEN states = '{}' THEN CASE WHEN cardinality(deliveries) > 0 THEN 'discarded' ELSE before END
        WHEN states && ARRAY['uploading', 'publishing', 'processing'] THEN 'posting'
        WHEN states <@ ARRAY['pending'] THEN CASE WHEN before IN ('draft', 'scheduled') THEN before ELSE 'queued' END
        WHEN 'pending' = ANY (states) THEN 'posting'
        WHEN states <@ ARRAY['published'] THEN 'published'
        WHEN 'published' = ANY (states) THEN 'partial'
        ELSE 'failed'
    END
    FROM (SELECT array_remove(deliveries, 'cancelled') AS states) AS living
$$
"""
"""As `lifecycle.post_status`; a test compares the two for every combination."""

RECORD_DELIVERIES = """
CREATE OR REPLACE FUNCTION record_deliveries(writes jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    mine uuid[];
BEGIN
    -- Posts first and in order, as whoever cancels does: no deadlock.
    PERFORM 1 FROM posts p
    JOIN (SELECT DISTINCT w.workspace_id, w.post_id
        FROM jsonb_to_recordset(writes) AS w(workspace_id uuid, post_id uuid)) AS s
        ON p.workspace_id = s.workspace_id AND p.id = s.post_id
    ORDER BY p.workspace_id, p.id FOR NO KEY UPDATE OF p;

    WITH written AS (
        UPDATE platform_posts p SET
            (status, next_attempt_at, attempt, lease_until, first_intent_at, intent_at, searches, resending, state,
                remote_id, url, published_at, error_code, error_message, notes, processing_since, media, updated_at)
            = (SELECT n.status, n.next_attempt_at, n.attempt, n.lease_until, n.first_intent_at, n.intent_at,
                n.searches, n.resending, n.state, n.remote_id, n.url, n.published_at, n.error_code, n.error_message,
                n.notes, n.processing_since, n.media, n.updated_at
            FROM jsonb_populate_record(p, w.changes) AS n)
        FROM jsonb_to_recordset(writes) AS w(workspace_id uuid, id uuid, fence integer, changes jsonb)
        WHERE p.workspace_id = w.workspace_id AND p.id = w.id AND p.fence = w.fence
        RETURNING p.id
    )
    SELECT coalesce(array_agg(id), '{}') INTO mine FROM written;

    INSERT INTO timeline_events (workspace_id, id, post_id, platform_post_id, at, kind, detail, request_id)
    SELECT w.workspace_id, e.id, w.post_id, w.id, e.at, e.kind, e.detail, e.request_id
    FROM jsonb_to_recordset(writes) AS w(workspace_id uuid, id uuid, post_id uuid, events jsonb)
    CROSS JOIN LATERAL jsonb_to_recordset(w.events)
        AS e(id uuid, at timestamptz, kind text, detail jsonb, request_id text)
    WHERE w.id = ANY (mine);

    UPDATE posts p SET
        status = (
            SELECT post_status(
                array_agg(d.status::text),
                -- The claim made it `posting`; what waits again for its own moment is scheduled, as it was before.
                CASE WHEN p.status = 'posting' AND bool_or(d.due_at = p.scheduled_for) THEN 'scheduled'
                    ELSE p.status END)
            FROM platform_posts d WHERE d.workspace_id = p.workspace_id AND d.post_id = p.id),
        updated_at = s.at
    FROM (SELECT w.workspace_id, w.post_id, max(w.at) AS at
        FROM jsonb_to_recordset(writes) AS w(workspace_id uuid, id uuid, post_id uuid, settle boolean, at timestamptz)
        WHERE w.settle AND w.id = ANY (mine) GROUP BY 1, 2) AS s
    WHERE p.workspace_id = s.workspace_id AND p.id = s.post_id;

    PERFORM procrastinate_defer_jobs_v1(array_agg(jsonb_populate_record(
        NULL::procrastinate_job_to_defer_v1, '{"queue_name": "default", "priority": 0}' || job)))
    FROM jsonb_to_recordset(writes) AS w(workspace_id uuid, id uuid, post_id uuid, jobs jsonb)
    JOIN posts p ON p.workspace_id = w.workspace_id AND p.id = w.post_id
    CROSS JOIN LATERAL jsonb_array_elements(w.jobs) AS job
    WHERE w.id = ANY (mine) AND p.content_id IS NOT NULL
    HAVING count(*) > 0;

    RETURN to_jsonb(mine);
END
$$
"""
"""As before, but for the status of a post that waits again."""


def upgrade() -> None:
    op.create_table(
        "turns",
        sa.Column("loop", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("loop", name=op.f("turns_pkey")),
    )
    op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON turns TO {SYSTEM_ROLE}")
    op.execute(POST_STATUS)
    op.execute(RECORD_DELIVERIES)
