"""Addresses of media in posts: what nobody could ever fetch is refused when the post is written, by its field, and not
days later when it is due."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from posts import IMAGE, VIDEO, body, create, error, refusal
from test_posts_upload import jpeg, send

from world import World, good, open_world

pytestmark = pytest.mark.anyio

CLOSED = {
    "loopback": "http://127.0.0.1:9000/a.jpg",
    "loopback in short": "https://127.1/a.jpg",
    "loopback as a number": "http://2130706433/a.jpg",
    "loopback by its name": "http://localhost:3000/a.jpg",
    "loopback in IPv6": "http://[::1]/a.jpg",
    "loopback mapped into IPv6": "http://[::ffff:127.0.0.1]/a.jpg",
    "private network": "https://10.1.2.3/a.jpg",
    "private home network": "http://192.168.1.20/a.jpg",
    "private network in IPv6": "http://[fd12::1]/a.jpg",
    "link-local, where clouds keep their metadata": "http://169.254.169.254/latest/meta-data/",
    "link-local in IPv6": "http://[fe80::1]/a.jpg",
    "unspecified": "http://0.0.0.0/a.jpg",
    "scheme ftp": "ftp://cdn.example.com/a.jpg",
    "scheme file": "file:///etc/passwd",
    "scheme data": "data:image/png;base64,AAAA",
    "scheme javascript": "javascript:alert(1)",
    "scheme s3": "s3://bucket/a.jpg",
    "no scheme": "//cdn.example.com/a.jpg",
    "a user and a password": "https://ada:secret@cdn.example.com/a.jpg",
    "blanks": "https://cdn.example.com/a b.jpg",
}
OPEN = {
    "a name": "https://cdn.example.com/a.jpg",
    "a name that only the publishing server may know": "http://media.internal/a.jpg",
    "a name that looks like an address": "http://10.0.0.1.nip.example/a.jpg",
    "a public address": "http://93.184.215.14/a.jpg",
    "a public address in IPv6": "http://[2606:4700::1111]/a.jpg",
}


@pytest.fixture(scope="module")
async def world(database_url: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    async with open_world(database_url, tmp_path_factory.mktemp("shared")) as world:
        yield world


@pytest.fixture
async def open_minded(database_url: str, tmp_path: Path) -> AsyncIterator[World]:
    async with open_world(database_url, tmp_path, allow_private_urls=True) as world:
        yield world


def film_with(thumbnail: str) -> list[dict[str, Any]]:
    return [VIDEO | {"thumbnailUrl": thumbnail}]


@pytest.mark.parametrize("url", CLOSED.values(), ids=CLOSED)
async def test_a_post_with_media_that_nobody_can_fetch_is_refused_at_once(world: World, url: str) -> None:
    for field, media in (
        ("media[0].url", {"media": [IMAGE | {"url": url}]}),
        ("media[1].url", {"media": [IMAGE, IMAGE | {"url": url}]}),
        ("media[0].thumbnailUrl", {"media": film_with(url)}),
        ("mediaUrls[0]", {"media": [], "mediaUrls": [url]}),
    ):
        wanted = await body(world, "facebook", **media)
        refused = error(await world.test.post("/api/v1/posts", json=wanted))
        assert (refused["code"], refused["details"]["field"]) == ("VALIDATION_FAILED", field)
        (problem,) = refused["details"]["problems"]
        assert "secret" not in problem["message"]
        verdict = await world.post("/api/v1/posts/validate", wanted)
        assert verdict == {"valid": False, "problems": [problem]}


@pytest.mark.parametrize("url", OPEN.values(), ids=OPEN)
async def test_a_name_or_a_public_address_is_taken_when_the_post_is_written(world: World, url: str) -> None:
    post = await create(world, "facebook", media=[VIDEO | {"url": url, "thumbnailUrl": url}])
    assert (post["media"][0]["url"], post["media"][0]["thumbnailUrl"]) == (url, url)


async def test_a_change_is_judged_like_a_new_post(world: World) -> None:
    post = await create(world, "facebook", media=[IMAGE])
    content = {"media": [IMAGE | {"url": CLOSED["private network"]}]}
    refused = error(await world.test.patch(f"/api/v1/posts/{post['id']}", json={"content": content}))
    assert refused["details"]["field"] == "media[0].url"
    assert refused["message"] == "10.1.2.3 is not a public address"


async def test_a_form_is_judged_like_a_body(world: World) -> None:
    media = [IMAGE | {"url": CLOSED["loopback"]}]
    refused = error(await send(world.test, world, jpeg(), platforms=("facebook",), media=media))
    assert refused["details"]["field"] == "media[0].url"


async def test_the_addresses_that_we_gave_our_own_media_are_taken_however_private_we_are(world: World) -> None:
    assert "127.0.0.1" in world.runtime.settings.base_url
    (ours,) = good(await send(world.test, world, jpeg(), platforms=("facebook",)))["post"]["media"]
    without_id = {name: value for name, value in ours.items() if name != "id"}
    assert (await create(world, "facebook", media=[without_id]))["media"][0]["url"] == ours["url"]
    neighbour = ours["url"].replace(str(world.runtime.settings.port), "9")
    refused = await refusal(world, "facebook", media=[without_id | {"url": neighbour}])
    assert refused["details"]["field"] == "media[0].url"


async def test_operators_may_open_their_private_networks_but_never_the_metadata_of_clouds(open_minded: World) -> None:
    for name in ("loopback", "loopback by its name", "private network", "private network in IPv6"):
        assert await create(open_minded, "facebook", media=[IMAGE | {"url": CLOSED[name]}])
    for name in ("link-local, where clouds keep their metadata", "link-local in IPv6", "scheme file"):
        refused = await refusal(open_minded, "facebook", media=[IMAGE | {"url": CLOSED[name]}])
        assert refused["details"]["field"] == "media[0].url"


@pytest.mark.parametrize("platform", ["facebook", "linkedin", "twitter", "threads", "instagram"])
async def test_another_port_is_refused_where_we_would_have_to_fetch_and_not_where_the_vendor_does(
    world: World, open_minded: World, platform: str
) -> None:
    image = IMAGE | {"url": "https://cdn.example.com:8443/a.jpg"}
    if platform in ("threads", "instagram"):
        assert await create(world, platform, media=[image])
        return
    refused = await refusal(world, platform, media=[image])
    (problem,) = refused["details"]["problems"]
    assert (problem["platform"], problem["field"]) == (platform, "media[0].url")
    assert "ports 80 and 443" in problem["message"]
    assert await create(open_minded, platform, media=[image])
