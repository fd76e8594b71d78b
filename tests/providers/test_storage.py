"""Every storage keeps the same promises: files on a disk, and a bucket of a real S3 server."""

import os
import stat
import sys
import uuid
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from pathlib import Path
from xml.etree import ElementTree

import httpx2
import pytest

from amp.domain.media.port import Storage
from amp.kit.clock import real_now
from amp.kit.errors import NotFound, TooLarge, Unavailable
from amp.providers.storage.choosing import open_storage
from serving import Process, await_answer, free_port
from serving import start as start_process

pytestmark = pytest.mark.anyio

MEGABYTE = 1 << 20


@pytest.fixture(scope="module")
def s3_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Speaks S3's protocol over HTTP."""
    port = free_port()
    log = tmp_path_factory.mktemp("s3") / "log"
    process: Process = start_process([sys.executable, "-m", "moto.server", "-p", str(port)], os.environ, log)
    url = f"http://127.0.0.1:{port}"
    await_answer(f"{url}/moto-api/", process)
    yield url
    process.kill()


@pytest.fixture
def bucket(s3_server: str) -> str:
    name = f"media-{uuid.uuid4().hex}"
    assert httpx2.put(f"{s3_server}/{name}", trust_env=False).is_success
    return name


@pytest.fixture(params=["files", "s3"])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> Storage:
    if request.param == "files":
        return open_storage(None, directory=tmp_path / "media", credentials={})
    url = f"s3://{request.getfixturevalue('bucket')}/some/where"
    return s3(request.getfixturevalue("s3_server"), url, tmp_path)


def s3(endpoint: str, url: str, directory: Path) -> Storage:
    keys = {"AWS_ACCESS_KEY_ID": "id", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_REGION": "us-east-1"}
    return open_storage(url, directory=directory, credentials={**keys, "AWS_ENDPOINT_URL": endpoint})


async def pieces(*content: bytes) -> AsyncIterator[bytes]:
    for piece in content:
        yield piece


async def read(storage: Storage, key: str, start: int = 0) -> bytes:
    return b"".join([chunk async for chunk in storage.open(key, start)])


async def keys(storage: Storage) -> list[str]:
    return sorted([file.key async for file in storage.files()])


@pytest.mark.parametrize("content", [[b"a", b"bc", b"", b"def"], [b""], []])
async def test_what_is_put_is_read_again(storage: Storage, content: list[bytes]) -> None:
    assert await storage.put("w/1", pieces(*content)) == len(b"".join(content))
    assert await read(storage, "w/1") == b"".join(content)


async def test_large_files_come_back_from_any_byte(storage: Storage) -> None:
    blocks = [bytes([number]) * MEGABYTE for number in range(20)]
    assert await storage.put("w/large", pieces(*blocks)) == 20 * MEGABYTE
    whole = b"".join(blocks)
    for start in (0, 1, 8 * MEGABYTE - 1, 19 * MEGABYTE + 5, 20 * MEGABYTE - 1):
        assert await read(storage, "w/large", start) == whole[start:]


async def test_a_second_put_takes_the_place_of_the_first(storage: Storage) -> None:
    await storage.put("w/1", pieces(b"first, and longer"))
    await storage.put("w/1", pieces(b"second"))
    assert await read(storage, "w/1") == b"second"


@pytest.mark.parametrize("before", [0, 20 * MEGABYTE])
async def test_a_source_that_breaks_leaves_nothing(storage: Storage, before: int) -> None:
    async def breaking() -> AsyncIterator[bytes]:
        yield b"x" * before
        raise TooLarge("too large")

    with pytest.raises(TooLarge):
        await storage.put("w/1", breaking())
    assert await keys(storage) == []
    with pytest.raises(NotFound):
        await read(storage, "w/1")


async def test_what_is_not_there_is_not_found(storage: Storage) -> None:
    for key in ("w/nothing", "nobody/nothing"):
        with pytest.raises(NotFound):
            await read(storage, key)


async def test_deleting_is_idempotent(storage: Storage) -> None:
    await storage.put("w/1", pieces(b"x"))
    for _ in range(2):
        await storage.delete("w/1")
    assert await keys(storage) == []


async def test_everything_there_is_listed(storage: Storage) -> None:
    assert await keys(storage) == []
    for key in ("a/1", "a/2", "b/1"):
        await storage.put(key, pieces(b"x"))
    assert await keys(storage) == ["a/1", "a/2", "b/1"]
    async for file in storage.files():
        assert abs(file.modified_at - real_now()) < timedelta(minutes=1)


async def test_no_key_leads_out_of_the_directory(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret")
    storage = open_storage(f"file://{tmp_path}/media", directory=tmp_path, credentials={})
    for key in ("../secret", f"{tmp_path}/secret"):
        with pytest.raises(NotFound):
            await read(storage, key)


async def test_a_broken_upload_is_aborted_in_the_bucket(s3_server: str, bucket: str, tmp_path: Path) -> None:
    async def breaking() -> AsyncIterator[bytes]:
        for _ in range(20):
            yield b"x" * MEGABYTE
        raise TooLarge("too large")

    with pytest.raises(TooLarge):
        await s3(s3_server, f"s3://{bucket}", tmp_path).put("w/1", breaking())
    left = ElementTree.fromstring(httpx2.get(f"{s3_server}/{bucket}?uploads", trust_env=False).text)
    assert [element.tag for element in left.iter() if element.tag.endswith("UploadId")] == []


async def test_a_bucket_out_of_reach_is_unavailable(s3_server: str, tmp_path: Path) -> None:
    with pytest.raises(Unavailable):
        await s3(s3_server, "s3://no-such-bucket", tmp_path).put("w/1", pieces(b"x"))


async def test_files_are_for_nobody_else_on_the_machine(tmp_path: Path) -> None:
    storage = open_storage(None, directory=tmp_path / "media", credentials={})
    await storage.put("workspace/medium", pieces(b"not published yet"))
    assert stat.S_IMODE((tmp_path / "media").stat().st_mode) == 0o700
