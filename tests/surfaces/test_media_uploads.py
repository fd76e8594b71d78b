"""Files come in form by form: examined, bounded, and gone again unless a row was committed."""

import asyncio
import io
import json
import tracemalloc
from collections.abc import AsyncIterator, Iterable
from pathlib import Path
from typing import Any

import httpx2
import pytest
from PIL import Image

from amp.app import open_door
from amp.domain.media import operations as media
from amp.domain.media import receiving
from amp.domain.media.links import MediaLinks
from amp.kit.errors import Invalid
from amp.surfaces.ampost.envelope import AmpostContract
from amp.surfaces.application import About, ContractApp
from amp.surfaces.edge import RequestIds
from amp.surfaces.surface import AtDoor, Surface, Uow, Uploaded
from films import film
from world import World, client_of, good, open_world

pytestmark = pytest.mark.anyio

router = Surface("uploads")


@router.post("/uploads", needs="draft", body="multipart", status=201)
async def take(uow: Uow, door: AtDoor, upload: Uploaded) -> dict[str, Any]:
    """What a route with files looks like."""
    if upload.data.get("refused") == "before":
        raise Invalid("refused")
    if upload.data.get("refused") == "not needed":
        return {"media": []}
    rows = await upload.keep(uow)
    if upload.data.get("refused") == "after":
        raise Invalid("refused")
    links = door.ports.get(MediaLinks)
    return {"data": upload.data, "media": [media.presented(links, media.describe(row)) for row in rows]}


@router.post("/documents", needs="draft")
async def read(_uow: Uow, body: dict[str, Any]) -> dict[str, Any]:
    return body


@pytest.fixture
async def world(database_url: str, tmp_path: Path) -> AsyncIterator[World]:
    """In a home of its own, whose files are counted."""
    async with open_world(database_url, tmp_path) as world:
        yield world


@pytest.fixture
def app(world: World) -> Any:
    contract = ContractApp(open_door(world.runtime), AmpostContract(), About("Uploads", "1"), [router])
    return RequestIds(contract)


@pytest.fixture
def client(world: World, app: Any) -> httpx2.AsyncClient:
    return client_of(app, world.tenant.test_key)


def png(width: int = 40, height: int = 30, color: str = "red") -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (width, height), color).save(file, "PNG")
    return file.getvalue()


def form(*files: bytes, name: str = "photo.jpg", **data: Any) -> dict[str, Any]:
    parts = [("data", (None, json.dumps(data)))]
    return {"files": [*parts, *(("files", (name, content, "image/jpeg")) for content in files)]}


def left(world: World) -> list[Path]:
    """Files of any kind that are in the storage, or on their way to it."""
    home = world.runtime.settings.home_directory
    return [one for place in ("media", "incoming") for one in (home / place).rglob("*") if one.is_file()]


async def test_what_is_uploaded_is_examined_kept_and_served(world: World, client: httpx2.AsyncClient) -> None:
    picture, movie = png(), film(seconds=7.5)
    answer = good(await client.post("/uploads", **form(picture, movie, text="hello")))
    assert answer["data"] == {"text": "hello"}
    first, second = answer["media"]
    assert (first["type"], first["mimeType"]) == ("image", "image/png")
    assert (first["width"], first["height"], first["sizeBytes"]) == (40, 30, len(picture))
    assert (second["type"], second["mimeType"], second["durationSeconds"]) == ("video", "video/mp4", 7.5)
    assert "storageKey" not in first
    for medium, content in ((first, picture), (second, movie)):
        served = await world.client().get(medium["url"].removeprefix(world.runtime.settings.base_url))
        assert (served.status_code, served.content) == (200, content)


async def test_names_are_shown_but_lead_nowhere(client: httpx2.AsyncClient) -> None:
    for sent, kept in (("a/../../b\\c.png", "c.png"), ("ü\x07.png", "ü.png"), ("x" * 400, "x" * 255), ("..", "..")):
        raw = _raw([_part("data", b"{}"), _part("files", png(), filename=sent)])
        assert good(await client.post("/uploads", **raw))["media"][0]["filename"] == kept


async def test_a_file_that_is_none_of_our_types_is_named(world: World, client: httpx2.AsyncClient) -> None:
    for files, param in (
        ([b""], "files[0]"),
        ([b"not a picture"], "files[0]"),
        ([b"<svg xmlns='http://www.w3.org/2000/svg'/>"], "files[0]"),
        ([gif()], "files[0]"),
        ([png(), png()[:-20]], "files[1]"),
        ([png(), film()[:-1], png()], "files[1]"),
    ):
        answer = await client.post("/uploads", **form(*files))
        assert answer.status_code == 400
        error = answer.json()["error"]
        assert (error["code"], error["details"]["field"]) == ("UNSUPPORTED_MEDIA_TYPE", param)
        assert left(world) == []


def gif() -> bytes:
    file = io.BytesIO()
    Image.new("P", (9, 9)).save(file, "GIF")
    return file.getvalue()


@pytest.mark.parametrize("when", ["before", "after", "not needed"])
async def test_without_a_committed_row_no_file_stays(world: World, client: httpx2.AsyncClient, when: str) -> None:
    rows = await world.count("media")
    await client.post("/uploads", **form(png(), film(), refused=when))
    assert left(world) == []
    assert await world.count("media") == rows


async def test_a_repeated_idempotency_key_answers_again_and_keeps_one_file(
    world: World, client: httpx2.AsyncClient
) -> None:
    key = {"Idempotency-Key": "once"}
    first = await client.post("/uploads", headers=key, **form(png(), text="a"))
    again = await client.post("/uploads", headers=key, **form(png(), text="a"))
    assert (first.json(), again.headers["Idempotent-Replayed"]) == (again.json(), "true")
    assert len(left(world)) == 1
    for other in (form(png(color="blue"), text="a"), form(png(), text="b"), form(png(), name="other", text="a")):
        assert (await client.post("/uploads", headers=key, **other)).status_code == 422
    assert len(left(world)) == 1


async def test_a_file_ends_at_its_bound_while_it_comes(world: World, client: httpx2.AsyncClient) -> None:
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        yield _opening("files", "film.mp4") + film()
        while sent < 3 * receiving.MAX_UPLOAD_BYTES:
            sent += 1 << 20
            yield bytes(1 << 20)

    answer = await client.post("/uploads", content=endless(), headers=FORM)
    assert (answer.status_code, answer.json()["error"]["code"]) == (413, "PAYLOAD_TOO_LARGE")
    assert answer.json()["error"]["details"]["field"] == "files[0]"
    assert sent < receiving.MAX_UPLOAD_BYTES + (3 << 20)
    assert left(world) == []


async def test_a_file_is_streamed_to_disk_and_never_in_memory(world: World, client: httpx2.AsyncClient) -> None:
    whole = (
        _part("data", b"{}") + _part("files", film(picture=b"\x80" * 60_000_000), filename="a.mp4") + b"--limit--\r\n"
    )

    async def pieces() -> AsyncIterator[bytes]:
        for start in range(0, len(whole), 1 << 16):
            yield whole[start : start + (1 << 16)]

    tracemalloc.start()
    try:
        answer = await client.post("/uploads", content=pieces(), headers=FORM)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert good(answer)["media"][0]["sizeBytes"] > 60_000_000
    assert [one.stat().st_size > 60_000_000 for one in left(world)] == [True]
    assert peak < 10_000_000


async def test_too_many_files_are_too_many(world: World, client: httpx2.AsyncClient) -> None:
    answer = await client.post("/uploads", **form(*[png(1, 1)] * 36))
    assert (answer.status_code, answer.json()["error"]["details"]["field"]) == (400, "files")
    assert left(world) == []


async def test_the_form_has_one_data_field_and_files(world: World, client: httpx2.AsyncClient) -> None:
    data, broken, other = _part("data", b"{}"), _part("data", b"{"), _part("other", b"x")
    files = _part("files", png(), filename="a.png")
    for parts, field in (
        ([], "data"),
        ([files], "data"),
        ([data, data], "data"),
        ([data, other], "other"),
        ([files, broken], "data"),
    ):
        answer = await client.post("/uploads", **_raw(parts))
        assert (answer.status_code, answer.json()["error"]["code"]) == (400, "VALIDATION_FAILED")
        assert answer.json()["error"]["details"]["field"] == field
        assert left(world) == []


async def test_a_malformed_form_is_refused(client: httpx2.AsyncClient) -> None:
    for body in (
        b"",
        b"nonsense",
        b"--limit\r\n\r\nno header\r\n--limit--\r\n",
        b'--limit\r\nContent-Disposition: attachment; name="data"\r\n\r\n{}\r\n--limit--\r\n',
        b"--limit\r\nContent-Disposition: form-data\r\n\r\n{}\r\n--limit--\r\n",
        b"--limit\r\nX: " + b"y" * 100_000 + b"\r\n\r\n{}\r\n--limit--\r\n",
        b'--limit\r\nContent-Disposition: form-data; name="data"\r\n\r\n{}',
    ):
        answer = await client.post("/uploads", content=body, headers=FORM)
        assert (answer.status_code, answer.json()["error"]["code"]) == (400, "VALIDATION_FAILED")


async def test_only_forms_are_taken_here(client: httpx2.AsyncClient) -> None:
    for kind in ("application/json", "multipart/form-data", "multipart/mixed; boundary=limit", ""):
        answer = await client.post("/uploads", content=b"{}", headers={"Content-Type": kind})
        assert (answer.status_code, answer.json()["error"]["code"]) == (415, "UNSUPPORTED_CONTENT_TYPE")


async def test_a_large_form_is_let_through_on_no_other_route(client: httpx2.AsyncClient) -> None:
    read = 0

    async def large() -> AsyncIterator[bytes]:
        nonlocal read
        for _ in range(100):
            read += 100_000
            yield bytes(100_000)

    for headers in (FORM, FORM | {"Content-Length": "10000000"}):
        read = 0
        assert (await client.post("/documents", content=large(), headers=headers)).status_code == 413
        assert read <= 1_200_000


async def test_who_may_not_come_in_is_told_before_the_files_are_read(app: Any) -> None:
    async def never() -> AsyncIterator[bytes]:
        raise AssertionError("the body was read")
        yield b""

    answer = await client_of(app).post("/uploads", content=never(), headers=FORM)
    assert answer.status_code == 401


async def test_a_client_that_goes_away_leaves_nothing(world: World, app: Any) -> None:
    whole = _part("data", b"{}") + _part("files", png(), filename="a.png") + _opening("files", "b.mp4") + film()
    rows = await world.count("media")
    messages: Iterable[dict[str, Any]] = iter(
        [{"type": "http.request", "body": whole, "more_body": True}, {"type": "http.disconnect"}]
    )

    async def receive() -> dict[str, Any]:
        await asyncio.sleep(0)
        return next(messages)  # type: ignore[call-overload]

    async def send(_message: dict[str, Any]) -> None: ...

    key = f"Bearer {world.tenant.test_key}".encode()
    headers = [(b"authorization", key), (b"content-type", FORM["Content-Type"].encode())]
    about = {"type": "http", "method": "POST", "path": "/uploads", "root_path": "", "query_string": b""}
    await app({**about, "headers": headers}, receive, send)
    assert left(world) == []
    assert await world.count("media") == rows


async def test_the_form_is_in_the_openapi_document(app: Any) -> None:
    document = good(await client_of(app).get("/openapi.json"))
    assert "multipart/form-data" in document["paths"]["/uploads"]["post"]["requestBody"]["content"]


FORM = {"Content-Type": "multipart/form-data; boundary=limit"}


def _raw(parts: list[bytes]) -> dict[str, Any]:
    return {"content": b"".join(parts) + b"--limit--\r\n", "headers": FORM}


def _part(name: str, content: bytes, filename: str | None = None) -> bytes:
    return _opening(name, filename) + content + b"\r\n"


def _opening(name: str, filename: str | None = None) -> bytes:
    named = f'; filename="{filename}"' if filename is not None else ""
    return f'--limit\r\nContent-Disposition: form-data; name="{name}"{named}\r\n\r\n'.encode()
