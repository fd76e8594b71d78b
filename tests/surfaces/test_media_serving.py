"""Media at their signed addresses: for whoever has the address, as long as it lasts, and never as anything else."""

from collections.abc import AsyncIterator
from datetime import timedelta
from uuid import UUID

import httpx2
import pytest

from amp.domain.media import operations as media
from amp.domain.media.links import MediaLinks
from amp.domain.media.operations import Kept
from amp.domain.media.port import Storage
from amp.domain.media.probing import Probed
from amp.kit.clock import real_now
from amp.kit.ids import new_id
from world import World

pytestmark = pytest.mark.anyio

CONTENT = bytes(range(256)) * 8192


@pytest.fixture
async def path(world: World) -> str:
    """Of a film of two megabytes."""
    return local(world, links(world).url(*await stored(world, filename='a "ü".mp4')))


def links(world: World) -> MediaLinks:
    return world.runtime.ports.get(MediaLinks)


def local(world: World, url: str) -> str:
    return url.removeprefix(world.runtime.settings.base_url)


async def stored(world: World, *, filename: str | None = None) -> tuple[UUID, UUID]:
    async def chunks() -> AsyncIterator[bytes]:
        for start in range(0, len(CONTENT), 100_000):
            yield CONTENT[start : start + 100_000]

    scope = await world.test_scope()
    media_id = new_id()
    key = f"{scope.workspace_id}/{media_id}"
    await world.runtime.ports.get(Storage).put(key, chunks())
    async with world.runtime.units.begin(scope) as uow:
        kept = Kept(media_id, key, Probed("video/mp4", len(CONTENT), 8, 8, 1.0), "digest", filename)
        await media.keep(uow, kept)
        return uow.workspace_id, media_id


async def test_the_whole_file_is_served_as_what_it_is(world: World, path: str) -> None:
    answer = await world.client().get(path)
    assert (answer.status_code, answer.content) == (200, CONTENT)
    assert answer.headers["Content-Type"] == "video/mp4"
    assert answer.headers["Content-Length"] == str(len(CONTENT))
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert answer.headers["Content-Disposition"] == "inline; filename*=UTF-8''a%20%22%C3%BC%22.mp4"
    assert answer.headers["Cache-Control"].startswith("private, max-age=")


async def test_head_says_the_same_without_the_bytes(world: World, path: str) -> None:
    head, get = await world.client().head(path), await world.client().get(path)
    assert head.content == b""
    ignored = ("x-request-id", "cache-control")
    assert {k: v for k, v in head.headers.items() if k not in ignored} == {
        k: v for k, v in get.headers.items() if k not in ignored
    }


async def test_a_range_is_served_alone(world: World, path: str) -> None:
    for asked, start, end in (
        ("bytes=0-0", 0, 1),
        ("bytes=100-199", 100, 200),
        ("bytes=2000000-", 2_000_000, len(CONTENT)),
        ("bytes=-500", len(CONTENT) - 500, len(CONTENT)),
        ("bytes=100-99999999", 100, len(CONTENT)),
        ("bytes=1048575-1048577", 1_048_575, 1_048_578),
    ):
        answer = await world.client().get(path, headers={"Range": asked})
        assert (answer.status_code, answer.content) == (206, CONTENT[start:end])
        assert answer.headers["Content-Range"] == f"bytes {start}-{end - 1}/{len(CONTENT)}"
        assert answer.headers["Content-Length"] == str(end - start)


async def test_a_range_we_do_not_know_is_answered_with_everything(world: World, path: str) -> None:
    for asked in ("bytes=0-1,5-6", "bytes=-", "lines=1-2", "bytes=x-2", "nonsense", "bytes=-9999999"):
        answer = await world.client().get(path, headers={"Range": asked})
        assert (answer.status_code, len(answer.content)) == (200, len(CONTENT)), asked


async def test_a_range_behind_the_end_cannot_be_served(world: World, path: str) -> None:
    for asked in ("bytes=2097152-", "bytes=9999999-", "bytes=5-4", "bytes=-0"):
        answer = await world.client().get(path, headers={"Range": asked})
        assert (answer.status_code, answer.headers["Content-Range"]) == (416, f"bytes */{len(CONTENT)}"), asked


async def test_who_has_it_already_gets_nothing(world: World, path: str) -> None:
    etag = (await world.client().head(path)).headers["ETag"]
    again = await world.client().get(path, headers={"If-None-Match": f'"other", {etag}'})
    assert (again.status_code, again.content, again.headers["ETag"]) == (304, b"", etag)
    old = await world.client().get(path, headers={"Range": "bytes=0-9", "If-Range": '"other"'})
    assert (old.status_code, len(old.content)) == (200, len(CONTENT))
    same = await world.client().get(path, headers={"Range": "bytes=0-9", "If-Range": etag})
    assert (same.status_code, len(same.content)) == (206, 10)


async def test_an_address_lasts_two_to_three_days(world: World) -> None:
    row = await stored(world)
    now = real_now()
    *_, expires_at = links(world).read(links(world).url(*row).rpartition("/")[2])
    assert timedelta(days=2) <= expires_at - now <= timedelta(days=3)
    old = local(world, links(world).url(*row, now=now - timedelta(days=3)))
    answer = await world.client().get(old)
    assert (answer.status_code, answer.json()["error"]["code"]) == (410, "link_expired")
    for days in (1, 2):
        path = local(world, links(world).url(*row, now=now - timedelta(days=days)))
        assert (await world.client().get(path)).status_code == 200


async def test_no_address_can_be_made_up(world: World, path: str) -> None:
    token = path.rpartition("/")[2]
    swapped = [token[:at] + ("A" if token[at] != "A" else "B") + token[at + 1 :] for at in range(0, len(token), 7)]
    for wrong in (*swapped, "x", token[:-4], token + "AAAA", "ü", "%00", "=" * 8):
        answer = await world.client().get(f"/media/{wrong}")
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "not_found")


async def test_a_medium_of_another_workspace_is_not_found(world: World) -> None:
    _, media_id = await stored(world)
    assert (await world.client().get(local(world, links(world).url(new_id(), media_id)))).status_code == 404


async def test_what_was_deleted_is_not_found(world: World) -> None:
    workspace_id, media_id = await stored(world)
    path = local(world, links(world).url(workspace_id, media_id))
    await world.runtime.ports.get(Storage).delete(f"{workspace_id}/{media_id}")
    answer: httpx2.Response = await world.client().get(path)
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "not_found")
