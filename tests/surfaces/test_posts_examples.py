"""The bodies that the reference prints, word for word."""

import json
from pathlib import Path
from typing import Any

import pytest
from posts import default_set

from world import good, open_world

pytestmark = pytest.mark.anyio

CREATE = """{ "content": { "text": "Hello from Ampost!", "media": [], "linkUrl": null, "platformOverrides": {} },
"platforms": ["threads"], "scheduledFor": null, "platformSetId": "set_uuid" }"""

YOUTUBE = """{ "content": { "text": "Fallback title", "media": [ { "url":
"https://cdn.example.com/product-demo.mp4", "type": "video", "filename": "product-demo.mp4", "mimeType": "video/mp4",
"sizeBytes": 18432000, "width": 1920, "height": 1080, "durationSeconds": 45, "thumbnailUrl":
"https://cdn.example.com/product-demo-thumb.jpg" } ], "linkUrl": null, "platformOverrides": { "youtube": { "settings": {
"title": "Explicit YouTube title", "description": "Launch walkthrough", "tags": ["launch", "demo"], "categoryId": "28",
"privacyStatus": "private", "notifySubscribers": false, "selfDeclaredMadeForKids": false, "containsSyntheticMedia": true
} } } }, "platforms": ["youtube"], "scheduledFor": null, "platformSetId": "set_uuid" }"""

LINKEDIN = """{ "content": { "text": "LinkedIn image post", "media": [ { "url":
"https://cdn.example.com/product-shot.png", "type": "image", "filename": "product-shot.png", "mimeType": "image/png",
"sizeBytes": 248120, "width": 1600, "height": 900, "altText": "Product dashboard with the LinkedIn publish flow open." }
], "linkUrl": null, "platformOverrides": { "linkedin": { "settings": { "visibility": "CONNECTIONS" } } } }, "platforms":
["linkedin"], "scheduledFor": null, "platformSetId": "set_uuid" }"""


@pytest.mark.parametrize("example", [CREATE, YOUTUBE, LINKEDIN], ids=["create", "youtube", "linkedin"])
async def test_the_example_bodies_of_the_reference_make_drafts(database_url: str, tmp_path: Path, example: str) -> None:
    asked: dict[str, Any] = json.loads(example)
    async with open_world(database_url, tmp_path) as world:
        content = example.replace("set_uuid", await default_set(world))
        headers = {"Content-Type": "application/json"}
        answer = await world.test.post("/api/v1/posts", content=content, headers=headers)
        assert answer.status_code == 201, answer.text
        post = answer.json()["post"]
        assert good(await world.test.get(f"/api/v1/posts/{post['id']}"))["post"] == post
    assert (post["status"], post["platforms"], post["scheduledFor"]) == ("draft", asked["platforms"], None)
    for name in ("text", "linkUrl", "platformOverrides"):
        assert post[name] == asked["content"][name]
    for given, shown in zip(asked["content"]["media"], post["media"], strict=True):
        assert {name: shown[name] for name in given} == given
