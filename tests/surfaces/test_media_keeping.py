"""Media of strangers are brought in before they are needed, and what nobody refers to does not stay."""

import io
import os
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from PIL import Image
from sqlalchemy import text, update

from amp.domain.media import collecting
from amp.domain.media import operations as media
from amp.domain.media.fetching import brought_in
from amp.domain.media.links import MediaLinks
from amp.domain.media.models import Media
from amp.domain.media.port import Storage
from amp.domain.publishing import operations as publishing
from amp.domain.publishing.operations import Draft, Target
from amp.engine.jobs import Job
from amp.kit.clock import real_now
from amp.kit.database import SYSTEM, Scope
from amp.kit.errors import ProviderFailed, Rejected, Retry
from amp.kit.ids import new_id
from films import film
from sites import Site, plain, redirect, site
from world import World, open_world

pytestmark = pytest.mark.anyio

MONTH = timedelta(days=30)


def picture(form: str = "JPEG") -> bytes:
    file = io.BytesIO()
    Image.effect_noise((64, 48), 80).save(file, form)
    return file.getvalue()


@pytest.fixture
async def world(database_url: str, tmp_path: Path) -> AsyncIterator[World]:
    """In a home of its own, whose files are counted."""
    async with open_world(database_url, tmp_path) as world:
        yield world


@pytest.fixture
async def stranger() -> AsyncIterator[Site]:
    async with site() as served:
        yield served


@pytest.fixture
async def open_minded(database_url: str, tmp_path: Path) -> AsyncIterator[World]:
    """A world that fetches from this machine, too."""
    async with open_world(database_url, tmp_path, allow_private_urls=True) as world:
        yield world


async def bring_in(world: World, scope: Scope, **description: Any) -> dict[str, Any]:
    return await brought_in(world.runtime.units, world.runtime.ports, scope, description)


async def bytes_of(world: World, description: dict[str, Any]) -> bytes:
    ports = world.runtime.ports
    file = media.stored(ports.get(Storage), ports.get(MediaLinks), description)
    return b"".join([chunk async for chunk in file.chunks()])


async def test_a_strangers_medium_becomes_one_that_we_hold(open_minded: World, stranger: Site) -> None:
    world, scope = open_minded, await open_minded.test_scope()
    movie, cover = film(seconds=9), picture()
    stranger.answers = {"/film": plain(movie, content_type="text/plain"), "/cover": plain(cover)}
    claims = {"type": "video", "mimeType": "video/quicktime", "sizeBytes": 1, "altText": "A film", "filename": "f.mov"}
    held = await bring_in(world, scope, url=stranger.url("/film"), thumbnailUrl=stranger.url("/cover"), **claims)
    assert held.items() >= {"mimeType": "video/mp4", "sizeBytes": len(movie), "durationSeconds": 9.0}.items()
    assert held.items() >= {"url": stranger.url("/film"), "altText": "A film", "filename": "f.mov"}.items()
    assert await bytes_of(world, held) == movie
    assert await bytes_of(world, held["thumbnail"]) == cover
    assert (held["thumbnail"]["mimeType"], held["thumbnail"]["width"]) == ("image/jpeg", 64)


async def test_what_was_brought_in_is_not_fetched_again(open_minded: World, stranger: Site) -> None:
    world, scope = open_minded, await open_minded.test_scope()
    stranger.answers = {"/a": plain(picture()), "/cover": plain(picture())}
    first = await bring_in(world, scope, url=stranger.url("/a"))
    assert await bring_in(world, scope, **first) == first
    assert (await bring_in(world, scope, url=stranger.url("/a")))["storageKey"] == first["storageKey"]
    assert len(stranger.asked) == 1
    other = await world.new_tenant()
    async with world.runtime.units.begin(SYSTEM) as uow:
        query = text("SELECT id FROM workspaces WHERE tenant_id = :id AND environment = 'test'")
        theirs = Scope(workspace_id=await uow.session.scalar(query, {"id": other.id}))
    assert (await bring_in(world, theirs, url=stranger.url("/a")))["storageKey"] != first["storageKey"]
    assert len(stranger.asked) == 2


async def test_while_bytes_come_the_caller_hears_of_it(open_minded: World, stranger: Site) -> None:
    heard = 0

    async def alive() -> None:
        nonlocal heard
        heard += 1

    stranger.answers = {"/film": plain(film(picture=b"\x80" * 3_000_000))}
    runtime, scope = open_minded.runtime, await open_minded.test_scope()
    await brought_in(runtime.units, runtime.ports, scope, {"url": stranger.url("/film")}, alive=alive)
    assert heard >= 4


@pytest.mark.parametrize(
    ("answer", "claims", "code", "field"),
    [
        (plain(b"<html>"), {}, "UNSUPPORTED_MEDIA_TYPE", "media[0].url"),
        (plain(film()[:-1]), {}, "UNSUPPORTED_MEDIA_TYPE", "media[0].url"),
        (plain(film()), {"type": "image"}, "UNSUPPORTED_MEDIA_TYPE", "media[0].type"),
        (plain(picture("GIF")), {"type": "image"}, "UNSUPPORTED_MEDIA_TYPE", "media[0].type"),
        (plain(b"", status="404 Not Found"), {}, "MEDIA_UPLOAD_FAILED", "media[0].url"),
        (plain(b"", content_length="1000000001"), {}, "MEDIA_UPLOAD_FAILED", "media[0].url"),
        (redirect("http://169.254.169.254/"), {}, "MEDIA_UPLOAD_FAILED", "media[0].url"),
    ],
)
async def test_what_will_never_do_is_rejected(
    open_minded: World, stranger: Site, answer: Any, claims: dict[str, Any], code: str, field: str
) -> None:
    stranger.answers = {"/a": answer}
    with pytest.raises(ProviderFailed) as failed:
        await bring_in(open_minded, await open_minded.test_scope(), url=stranger.url("/a"), **claims)
    assert failed.value.remedy == Rejected(code, field)


async def test_what_may_come_later_is_tried_again(open_minded: World, stranger: Site) -> None:
    stranger.answers = {"/a": plain(b"", status="503 Busy"), "/cut": plain(picture(), content_length="999999")}
    for path in ("/a", "/cut"):
        with pytest.raises(ProviderFailed) as failed:
            await bring_in(open_minded, await open_minded.test_scope(), url=stranger.url(path))
        assert failed.value.remedy == Retry(code="MEDIA_UPLOAD_FAILED")


async def test_a_thumbnail_that_cannot_be_had_is_left_out(open_minded: World, stranger: Site) -> None:
    stranger.answers = {"/film": plain(film()), "/gone": plain(b"", status="404 Not Found"), "/text": plain(b"x" * 99)}
    for path in ("/gone", "/text"):
        urls = {"url": stranger.url("/film"), "thumbnailUrl": stranger.url(path)}
        assert (await bring_in(open_minded, await open_minded.test_scope(), **urls))["thumbnail"] is None


async def test_private_networks_are_closed_unless_the_operator_opens_them(world: World, stranger: Site) -> None:
    stranger.answers = {"/a": plain(picture())}
    with pytest.raises(ProviderFailed) as failed:
        await bring_in(world, await world.test_scope(), url=stranger.url("/a"))
    assert failed.value.remedy == Rejected("MEDIA_UPLOAD_FAILED", "media[0].url")
    assert stranger.asked == []


async def test_media_nobody_refers_to_go_after_a_month(world: World) -> None:
    unused, young, posted, cover = [await kept(world) for _ in range(4)]
    scope = await world.test_scope()
    video = {"type": "video", "url": "https://example.com/a.mp4", "thumbnail": media.describe(cover)}
    async with world.runtime.units.begin(scope) as uow:
        draft = Draft({"twitter": Target(("Look",))}, "Look", media=[media.describe(posted), video])
        await publishing.create_post(uow, draft)
        old = [one.id for one in (unused, posted, cover)]
        past = uow.clock.now() - MONTH - timedelta(hours=1)
        await uow.change(update(Media).where(Media.id.in_(old)).values(created_at=past))
    for _ in range(2):
        await collecting.collect_unused_media(job(world))
    assert await rows(world, unused, young, posted, cover) == [young.id, posted.id, cover.id]
    assert sorted(await keys(world)) == sorted([young.storage_key, posted.storage_key, cover.storage_key])


async def test_files_without_rows_go_after_a_month(world: World) -> None:
    scope = await world.test_scope()
    known, storage = await kept(world), world.runtime.ports.get(Storage)
    forgotten, draft, fresh = (f"{scope.workspace_id}/{name}" for name in (new_id(), f".{new_id()}", new_id()))
    foreign, other = f"{new_id()}/{new_id()}", "not-ours.txt"
    for key in (forgotten, draft, fresh, foreign, other):
        await storage.put(key, chunks())
    home = world.runtime.settings.home_directory / "media"
    past = (real_now() - MONTH - timedelta(hours=1)).timestamp()
    for key in (forgotten, draft, foreign, other, known.storage_key):
        os.utime(home / key, (past, past))
    for _ in range(2):
        await collecting.collect_leftovers(job(world))
    assert sorted(await keys(world)) == sorted([known.storage_key, fresh, foreign, other])


async def chunks() -> AsyncIterator[bytes]:
    yield b"bytes"


async def kept(world: World) -> Media:
    async with world.runtime.units.begin(await world.test_scope()) as uow:
        return await media.keep_media(uow, world.runtime.ports.get(Storage), chunks(), mime_type="image/png")


async def keys(world: World) -> list[str]:
    return [file.key async for file in world.runtime.ports.get(Storage).files()]


async def rows(world: World, *of: Media) -> list[UUID]:
    async with world.runtime.units.begin(await world.test_scope()) as uow:
        return [one.id for one in of if await uow.session.get(Media, (one.workspace_id, one.id))]


def job(world: World) -> Job:
    return Job(world.runtime.units, world.runtime.ports, SYSTEM, 0)
