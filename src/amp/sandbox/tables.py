"""What the pretended vendors remember: tables of the schema `sandbox`.

Rows belong to an *owner* (a workspace id as text). One owner's world is closed: its accounts, posts, uploads
and fault orders are never seen by another's. Times a user sees are virtual; token lifetimes are real.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Float,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

metadata = MetaData(schema="sandbox")

_Moment = DateTime(timezone=True)

accounts = Table(
    "accounts",
    metadata,
    Column("owner", Text, primary_key=True),
    Column("vendor", Text, primary_key=True),
    Column("remote_id", Text, primary_key=True),
    Column("handle", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("created_at", _Moment, nullable=False),
    Column("revoked_at", _Moment),  # real time: tokens made before it are refused
)

tokens = Table(
    "tokens",
    metadata,
    Column("digest", LargeBinary, primary_key=True),
    Column("kind", Text, nullable=False),  # access, refresh
    Column("vendor", Text, nullable=False),
    Column("owner", Text, nullable=False),
    Column("account", Text, nullable=False),
    Column("client", Text, nullable=False),
    Column("family", Text, nullable=False),  # all tokens that go back to one consent
    Column("scopes", JSONB, nullable=False),
    Column("made_at", _Moment, nullable=False),
    Column("expires_at", _Moment),
    Column("ended_at", _Moment),
    Column("ended_how", Text),  # used, revoked, expired (by a fault order)
    Index("tokens_family_idx", "family"),
    Index("tokens_owner_idx", "owner", "vendor"),
)

codes = Table(
    "codes",
    metadata,
    Column("digest", LargeBinary, primary_key=True),
    Column("vendor", Text, nullable=False),
    Column("owner", Text, nullable=False),
    Column("account", Text, nullable=False),
    Column("client", Text, nullable=False),
    Column("redirect_uri", Text, nullable=False),
    Column("challenge", Text),
    Column("challenge_method", Text),
    Column("scopes", JSONB, nullable=False),
    Column("expires_at", _Moment, nullable=False),
    Column("used_at", _Moment),
)

posts = Table(
    "posts",
    metadata,
    Column("sequence", BigInteger, Identity(always=True), primary_key=True),
    Column("owner", Text, nullable=False),
    Column("vendor", Text, nullable=False),
    Column("account", Text, nullable=False),
    Column("remote_id", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("text", Text, nullable=False),  # as the author sent it
    Column("shown_text", Text, nullable=False),  # as the vendor shows it
    Column("media", JSONB, nullable=False),
    Column("parent", Text),
    Column("conversation", Text, nullable=False),
    Column("extra", JSONB, nullable=False),  # what only this vendor knows
    Column("fingerprint", LargeBinary, nullable=False),
    Column("request_id", Text),
    Column("created_at", _Moment, nullable=False),
    Column("deleted_at", _Moment),
    Index("posts_remote_idx", "owner", "vendor", "remote_id", unique=True),
    Index("posts_account_idx", "owner", "vendor", "account", "sequence"),
    Index("posts_fingerprint_idx", "owner", "vendor", "account", "fingerprint"),
    Index("posts_created_idx", "owner", "created_at"),
    Index("posts_parent_idx", "owner", "vendor", "parent"),
)

uploads = Table(
    "uploads",
    metadata,
    Column("owner", Text, primary_key=True),
    Column("vendor", Text, primary_key=True),
    Column("remote_id", Text, primary_key=True),
    Column("account", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("media_type", Text, nullable=False),
    Column("declared_bytes", BigInteger),
    Column("is_complete", Boolean, nullable=False),  # all bytes are there
    Column("failure", Text),  # what processing will end in, if not in success
    Column("starts_at", _Moment),  # processing, on the virtual clock
    Column("ready_at", _Moment),
    Column("alt_text", Text),
    Column("width", Integer),
    Column("height", Integer),
    Column("seconds", Float),
    Column("extra", JSONB, nullable=False, server_default=text("'{}'::jsonb")),  # what only this vendor knows
    Column("secret", Text, nullable=False),  # the opaque part of the upload address
    Column("created_at", _Moment, nullable=False),
    Column("expires_at", _Moment, nullable=False),
    Index("uploads_secret_idx", "secret"),
)

upload_parts = Table(
    "upload_parts",
    metadata,
    Column("owner", Text, primary_key=True),
    Column("vendor", Text, primary_key=True),
    Column("upload", Text, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("size", BigInteger, nullable=False),
    Column("etag", Text, nullable=False),
    Column("head", LargeBinary, nullable=False),  # first bytes, to recognise the format
    Column("content", LargeBinary),  # of images only, for the feed
)

windows = Table(
    "windows",
    metadata,
    Column("owner", Text, primary_key=True),
    Column("vendor", Text, primary_key=True),
    Column("account", Text, primary_key=True),
    Column("bucket", Text, primary_key=True),
    Column("opened_at", _Moment, nullable=False),
    Column("used", Integer, nullable=False),
)

faults = Table(
    "faults",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("owner", Text, nullable=False),
    Column("vendor", Text, nullable=False),
    Column("fault", Text),
    Column("connection", Text),
    Column("rate", Float),
    Column("times", Integer),
    Column("script", JSONB),
    Column("seconds", Float),
    Column("asked", Integer, nullable=False),
    Column("created_at", _Moment, nullable=False),
    Index("faults_owner_idx", "owner", "vendor"),
)
