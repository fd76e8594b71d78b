"""`/llm.txt` tells what the declarations say, and nothing that is not so."""

import re

import pytest
from posts import IMAGE, create

from amp.domain.publishing.port import SocialPlatforms
from amp.domain.tenants.plans import AMPOST_RATES
from amp.surfaces.ampost.envelope import BROKER_CODES, CODES
from amp.surfaces.ampost.shapes import PostAnswer, PostPage
from world import World, good

pytestmark = pytest.mark.anyio


async def page(world: World) -> str:
    answer = await world.client().get("/llm.txt")
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
    return answer.text


async def test_it_tells_every_platform_operation_code_and_setting(world: World) -> None:
    text = await page(world)
    social = world.runtime.ports.get(SocialPlatforms)
    for name in social.names():
        capabilities = social.capabilities(name)
        assert f"| {capabilities.name} | `{name}` |" in text
        for setting in capabilities.settings.model_json_schema().get("properties", {}):
            assert f"Setting `{setting}`" in text
        assert all(caveat in text for caveat in capabilities.caveats)
    assert all(f"`{word}`" in text for word in (*CODES, *BROKER_CODES, *AMPOST_RATES))
    assert "Bluesky is planned" in text


async def test_it_tells_every_route_and_only_routes_that_answer(world: World) -> None:
    text = await page(world)
    routes = re.findall(r"^### (GET|POST|PATCH|PUT|DELETE) (/\S+)$", text, re.MULTILINE)
    assert ("POST", "/api/v1/posts") in routes
    assert ("POST", "/api/posts") in routes
    assert len(routes) == len(set(routes)) > 15
    for method, path in routes:
        answer = await world.client().request(method, re.sub(r"\{\w+\}", "x", path))
        assert answer.status_code not in (405,), (method, path)
        assert "There is no" not in answer.text, (method, path)


async def test_the_shapes_of_posts_are_as_they_are_told(world: World) -> None:
    text = await page(world)
    for name in ("Post", "PlatformPost", "PostMedia", "PostAnswer", "NewPost"):
        assert f"\n{name} {{\n" in text
    post = await create(world, "linkedin", media=[IMAGE], platformOverrides={"linkedin": {"text": "Hi"}})
    for shape, answer in ((PostAnswer, {"post": post}), (PostPage, await world.get("/api/v1/posts"))):
        assert (
            shape.model_validate(answer, strict=False).model_dump(mode="json", by_alias=True, exclude_unset=True)
            == answer
        )


async def test_it_is_the_servers_own(world: World) -> None:
    text = await page(world)
    assert world.runtime.settings.base_url in text
    document = good(await world.client().get("/api/v1/openapi.json"))
    assert set(document["paths"]) <= {path.removeprefix("/api/v1") for path in re.findall(r"### \w+ (\S+)", text)}
