"""Which storage a setting asks for."""

from collections.abc import Mapping
from pathlib import Path
from urllib.parse import unquote, urlsplit

from amp.domain.media.port import Storage
from amp.providers.storage.files import FileStorage
from amp.providers.storage.s3 import S3Storage


def open_storage(url: str | None, *, directory: Path, credentials: Mapping[str, str]) -> Storage:
    """`s3://bucket/prefix`, `file:///directory`, or None for the directory that is ours. Nothing is called yet."""
    if url is None:
        return FileStorage(directory)
    parts = urlsplit(url)
    return S3Storage(url, credentials) if parts.scheme == "s3" else FileStorage(Path(unquote(parts.path)))
