"""Media in a bucket of Amazon S3, or of whatever speaks its protocol.

Uploads are multipart, so that neither side holds a file in memory; one that breaks is aborted. What a killed process
leaves unfinished the bucket's lifecycle rule should abort (AbortIncompleteMultipartUpload).
"""

from collections.abc import AsyncGenerator, AsyncIterator, Generator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from amp.domain.media.port import StoredFile
from amp.kit.errors import NotFound, Unavailable
from amp.kit.telemetry import log

if TYPE_CHECKING:
    from obstore.store import S3Config, S3Store

_PIECE = 8 << 20
"""Bytes of a part, of which two are on their way at a time: S3 takes at most 10,000 parts, 80 GB in all."""
_SETTINGS: Mapping[str, tuple[str, ...]] = {
    "access_key_id": ("AWS_ACCESS_KEY_ID",),
    "secret_access_key": ("AWS_SECRET_ACCESS_KEY",),
    "session_token": ("AWS_SESSION_TOKEN",),
    "region": ("AWS_REGION", "AWS_DEFAULT_REGION"),
    "endpoint": ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"),
}


class S3Storage:
    """`Storage` at `s3://bucket/prefix`. Credentials go by the names of AWS; without any, the machine's own role is
    asked for."""

    def __init__(self, url: str, credentials: Mapping[str, str]) -> None:
        parts = urlsplit(url)
        self._bucket, self._prefix = parts.netloc, parts.path.strip("/")
        self._credentials = credentials

    async def put(self, key: str, chunks: AsyncIterator[bytes]) -> int:
        import obstore

        size = 0

        async def counted() -> AsyncGenerator[bytes]:
            nonlocal size
            async for chunk in chunks:
                size += len(chunk)
                yield chunk

        try:
            with _errors():
                await obstore.put_async(self._store, key, counted(), chunk_size=_PIECE, max_concurrency=2)
        except NotFound as error:  # the bucket itself
            raise _out_of_reach(error) from error
        return size

    async def open(self, key: str, start: int = 0) -> AsyncIterator[bytes]:
        import obstore

        with _errors():
            found = await obstore.get_async(self._store, key, options={"range": {"offset": start}} if start else None)
            async for chunk in found.stream(min_chunk_size=1 << 20):
                yield bytes(chunk)

    async def delete(self, key: str) -> None:
        import obstore

        with _errors():
            await obstore.delete_async(self._store, key)

    async def files(self) -> AsyncIterator[StoredFile]:
        import obstore

        with _errors():
            async for batch in obstore.list(self._store):  # pyright: ignore[reportUnknownMemberType]
                for found in batch:
                    yield StoredFile(found["path"], found["last_modified"])

    @cached_property
    def _store(self) -> "S3Store":
        from obstore.store import S3Store

        known: S3Config = {}
        for name, variables in _SETTINGS.items():
            if value := next((self._credentials[one] for one in variables if one in self._credentials), None):
                known[name] = value
        return S3Store(
            self._bucket,
            prefix=self._prefix or None,
            config=known,
            client_options={"allow_http": str(known.get("endpoint", "")).startswith("http://")},
            retry_config={"max_retries": 3, "retry_timeout": timedelta(seconds=30)},
        )


@contextmanager
def _errors() -> Generator[None]:
    from obstore.exceptions import BaseError

    try:
        yield
    except FileNotFoundError as error:
        raise NotFound("Media not found") from error
    except BaseError as error:
        raise _out_of_reach(error) from error


def _out_of_reach(error: Exception) -> Unavailable:
    log.warning("the bucket of media does not answer", reason=repr(error)[:500])
    return Unavailable("The bucket of media does not answer", retry_after=30)
