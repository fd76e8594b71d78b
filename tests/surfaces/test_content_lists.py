"""Lists of content, as the reference asks for them."""

import pytest

from world import World

pytestmark = pytest.mark.anyio

NOTHING = {"data": [], "has_more": False, "total": 0}


@pytest.mark.parametrize(
    "query",
    [
        "created_after=2024-01-01&created_before=2024-02-01",
        "mission_id=msn_xxx&status=published&platform=twitter",
    ],
)
async def test_the_filters_of_the_reference_are_understood(world: World, query: str) -> None:
    answer = await world.test.get(f"/v1/content?{query}")
    assert answer.status_code == 200
    assert answer.json() == NOTHING


@pytest.mark.parametrize(
    ("query", "param"),
    [
        ("platform=myspace", "platform"),
        ("type=poem", "type"),
        ("status=sleeping", "status"),
        ("created_after=yesterday", "created_after"),
        ("expand=author", "expand"),
    ],
)
async def test_a_wrong_filter_is_named(world: World, query: str, param: str) -> None:
    answer = await world.test.get(f"/v1/content?{query}")
    assert answer.status_code == 400
    assert answer.json()["error"]["param"] == param


@pytest.mark.parametrize("path", ["/v1/content/cnt_xxx", "/v1/content/cnt_xxx/preview"])
async def test_content_of_nobody_is_not_found(world: World, path: str) -> None:
    answer = await world.test.get(path)
    assert answer.status_code == 404
    assert answer.json()["error"]["message"] == "Content not found"
