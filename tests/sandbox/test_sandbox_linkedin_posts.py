"""LinkedIn: versions, posts, comments, edits and deletes, with the vendor's statuses and bodies."""

from typing import Any

import httpx2
import pytest
from pictures import png
from pretending import Member, Stopwatch, World

pytestmark = pytest.mark.anyio

VERSION = {"LinkedIn-Version": "202609", "X-Restli-Protocol-Version": "2.0.0"}
DISTRIBUTION = {"feedDistribution": "MAIN_FEED", "targetEntities": [], "thirdPartyDistributionChannels": []}


@pytest.fixture
def member(world: World) -> Member:
    return speaking(world.member("linkedin", "ada"))


def speaking(member: Member) -> Member:
    member.headers = dict(VERSION)
    return member


def body_of(member: Member, commentary: str = "Hello", **changes: Any) -> dict[str, Any]:
    body: dict[str, Any] = {
        "author": f"urn:li:person:{member.account}",
        "commentary": commentary,
        "visibility": "PUBLIC",
        "distribution": DISTRIBUTION,
        "lifecycleState": "PUBLISHED",
        "isReshareDisabledByAuthor": False,
    } | changes
    return {name: value for name, value in body.items() if value is not ...}


async def publish(member: Member, commentary: str = "Hello", **changes: Any) -> httpx2.Response:
    return await member.post("/rest/posts", json=body_of(member, commentary, **changes))


def encoded(urn: str) -> str:
    return urn.replace(":", "%3A")


async def test_a_post_answers_201_with_an_empty_body_and_its_urn_in_a_header(member: Member, world: World) -> None:
    answer = await publish(member)
    urn = answer.headers["x-restli-id"]
    assert (answer.status_code, answer.content) == (201, b"")
    assert urn.startswith("urn:li:share:7")
    assert len(urn) == len("urn:li:share:") + 19
    assert answer.headers["location"] == f"/posts/{encoded(urn)}"
    row = (await world.ledger())[0]
    assert (row["remote_id"], row["text"], row["kind"]) == (urn, "Hello", "post")


@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        pytest.param({"LinkedIn-Version": None}, 400, "VERSION_MISSING", id="no version"),
        pytest.param({"LinkedIn-Version": "202504"}, 426, "NONEXISTENT_VERSION", id="nineteen months old"),
        pytest.param({"LinkedIn-Version": "202505"}, 201, "", id="eighteen months old"),
        pytest.param({"LinkedIn-Version": "202611"}, 201, "", id="this month's"),
        pytest.param({"LinkedIn-Version": "202612"}, 426, "NONEXISTENT_VERSION", id="of the future"),
        pytest.param({"LinkedIn-Version": "202613"}, 426, "NONEXISTENT_VERSION", id="a thirteenth month"),
        pytest.param({"LinkedIn-Version": "2026-09"}, 426, "NONEXISTENT_VERSION", id="malformed"),
        pytest.param({"X-Restli-Protocol-Version": None}, 400, "ILLEGAL_ARGUMENT", id="no protocol version"),
        pytest.param({"X-Restli-Protocol-Version": "1.0.0"}, 400, "ILLEGAL_ARGUMENT", id="protocol 1"),
    ],
)
async def test_every_rest_call_names_an_active_version(
    member: Member, headers: dict[str, str | None], status: int, code: str
) -> None:
    member.headers = {name: value for name, value in {**VERSION, **headers}.items() if value is not None}
    answer = await publish(member)
    assert answer.status_code == status
    if code:
        assert (answer.json()["status"], answer.json()["code"]) == (status, code)


@pytest.mark.parametrize(
    ("token", "code", "number"),
    [(None, "EMPTY_ACCESS_TOKEN", 65604), ("nonsense", "INVALID_ACCESS_TOKEN", 65600)],
)
async def test_a_token_that_does_not_count_is_a_401(world: World, token: str | None, code: str, number: int) -> None:
    headers = VERSION | ({"Authorization": f"Bearer {token}"} if token else {})
    answer = await world.http.post("/sandbox/linkedin/rest/posts", json={}, headers=headers)
    assert answer.status_code == 401
    assert (answer.json()["code"], answer.json()["serviceErrorCode"]) == (code, number)


async def test_posting_needs_the_member_scope(world: World) -> None:
    reader = speaking(world.member("linkedin", scopes={"openid", "profile"}))
    answer = await publish(reader)
    assert (answer.status_code, answer.json()["code"]) == (403, "ACCESS_DENIED")


@pytest.mark.parametrize("author", ["urn:li:person:other", "urn:li:organization:12", "me"])
async def test_one_posts_for_oneself_only(member: Member, author: str) -> None:
    answer = await publish(member, author=author)
    assert (answer.status_code, answer.json()["code"]) == (403, "ACCESS_DENIED")


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        pytest.param({"colour": "red"}, "INVALID_VALUE_FOR_FIELD", id="an unknown field"),
        pytest.param({"visibility": ...}, "INVALID_VALUE_FOR_FIELD", id="no visibility"),
        pytest.param({"visibility": "FRIENDS"}, "INVALID_VALUE_FOR_FIELD", id="an unknown visibility"),
        pytest.param({"distribution": ...}, "INVALID_VALUE_FOR_FIELD", id="no distribution"),
        pytest.param({"distribution": {"feed": "MAIN_FEED"}}, "INVALID_VALUE_FOR_FIELD", id="an unknown feed field"),
        pytest.param({"lifecycleState": "DRAFT"}, "INVALID_VALUE_FOR_FIELD", id="a draft"),
        pytest.param({"commentary": ...}, "INVALID_VALUE_FOR_FIELD", id="no commentary"),
        pytest.param({"commentary": " "}, "INVALID_VALUE_FOR_FIELD", id="an empty commentary"),
        pytest.param({"commentary": "a" * 3001}, "FIELD_LENGTH_TOO_LONG", id="3001 characters"),
        pytest.param({"content": {}}, "INVALID_VALUE_FOR_FIELD", id="empty content"),
        pytest.param({"content": {"carousel": {}}}, "INVALID_VALUE_FOR_FIELD", id="a carousel, which is for ads"),
        pytest.param({"content": {"media": {"id": "urn:li:image:none"}}}, "INVALID_VALUE_FOR_FIELD", id="no image"),
        pytest.param(
            {"content": {"multiImage": {"images": [{"id": "urn:li:image:none"}]}}},
            "INVALID_VALUE_FOR_FIELD",
            id="one image of several",
        ),
        pytest.param(
            {"content": {"article": {"source": "https://example.com"}}}, "INVALID_VALUE_FOR_FIELD", id="no title"
        ),
        pytest.param(
            {"content": {"article": {"source": "example.com", "title": "t"}}}, "INVALID_VALUE_FOR_FIELD", id="no scheme"
        ),
        pytest.param(
            {"content": {"poll": {"question": "q", "options": [{"text": "a"}], "settings": {"duration": "ONE_DAY"}}}},
            "INVALID_VALUE_FOR_FIELD",
            id="a poll of one",
        ),
    ],
)
async def test_a_wrong_body_is_a_400_naming_the_field(
    member: Member, world: World, changes: dict[str, Any], code: str
) -> None:
    answer = await publish(member, **changes)
    assert answer.status_code == 400
    assert answer.json()["code"] == code
    assert answer.json()["message"].startswith("/")
    assert await world.ledger() == []


async def test_escapes_do_not_count_against_the_3000_characters(member: Member) -> None:
    assert (await publish(member, r"\(" * 3000)).status_code == 201


async def test_unescaped_parentheses_silently_cut_the_post(member: Member, world: World) -> None:
    assert (await publish(member, "Big news (really) today")).status_code == 201
    assert (await world.ledger())[0]["text"] == "Big news "


async def test_an_article_and_a_poll_are_taken(member: Member) -> None:
    article = {"source": "https://example.com/a", "title": "A title", "description": "d"}
    assert (await publish(member, "One", content={"article": article})).status_code == 201
    options = [{"text": "Yes"}, {"text": "No"}]
    poll = {"question": "Is it?", "options": options, "settings": {"duration": "THREE_DAYS"}}
    answer = await publish(member, "Two", content={"poll": poll})
    assert answer.headers["x-restli-id"].startswith("urn:li:ugcPost:7")


async def test_the_same_content_twice_is_a_422_naming_the_first(member: Member, world: World) -> None:
    first = (await publish(member, "Once")).headers["x-restli-id"]
    answer = await publish(member, "Once")
    assert answer.status_code == 422
    assert answer.json()["message"] == f"Content is a duplicate of {first}"
    assert len(await world.ledger()) == 1


async def test_a_deleted_post_may_be_made_again(member: Member) -> None:
    urn = (await publish(member)).headers["x-restli-id"]
    await member.delete(f"/rest/posts/{encoded(urn)}", headers={"X-RestLi-Method": "DELETE"})
    assert (await publish(member)).status_code == 201


async def test_deleting_is_a_204_also_when_it_is_gone(member: Member, world: World) -> None:
    urn = (await publish(member)).headers["x-restli-id"]
    for _ in range(2):
        answer = await member.delete(f"/rest/posts/{encoded(urn)}", headers={"X-RestLi-Method": "DELETE"})
        assert (answer.status_code, answer.content) == (204, b"")
    assert (await world.ledger())[0]["deleted_at"]


async def test_urns_in_paths_must_be_encoded(member: Member) -> None:
    answer = await member.delete("/rest/posts/urn:li:share:12")
    assert (answer.status_code, answer.json()["code"]) == (400, "ILLEGAL_ARGUMENT")


async def test_somebody_elses_post_cannot_be_deleted_or_changed(member: Member, world: World) -> None:
    urn = encoded((await publish(speaking(world.member("linkedin", "eve")))).headers["x-restli-id"])
    patch = {"patch": {"$set": {"commentary": "Mine now"}}}
    assert (await member.delete(f"/rest/posts/{urn}")).status_code == 403
    changed = await member.post(f"/rest/posts/{urn}", json=patch, headers={"X-RestLi-Method": "PARTIAL_UPDATE"})
    assert changed.status_code == 403


async def test_an_edit_changes_the_commentary(member: Member, world: World) -> None:
    urn = encoded((await publish(member, "Befor")).headers["x-restli-id"])
    headers = {"X-RestLi-Method": "PARTIAL_UPDATE"}
    answer = await member.post(
        f"/rest/posts/{urn}", json={"patch": {"$set": {"commentary": r"After \(now\)"}}}, headers=headers
    )
    assert (answer.status_code, answer.content) == (204, b"")
    assert (await world.ledger())[0]["text"] == "After (now)"


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        ({"patch": {"$set": {"commentary": "a"}}}, {}, 400),
        ({"patch": {"$set": {"visibility": "PUBLIC"}}}, {"X-RestLi-Method": "PARTIAL_UPDATE"}, 400),
        ({"patch": {"$set": {"commentary": "a" * 3001}}}, {"X-RestLi-Method": "PARTIAL_UPDATE"}, 400),
    ],
)
async def test_only_a_partial_update_of_the_commentary_is_an_edit(
    member: Member, body: dict[str, Any], headers: dict[str, str], status: int
) -> None:
    urn = encoded((await publish(member)).headers["x-restli-id"])
    assert (await member.post(f"/rest/posts/{urn}", json=body, headers=headers)).status_code == status


async def comment(member: Member, urn: str, **changes: Any) -> httpx2.Response:
    actor = f"urn:li:person:{member.account}"
    body = {"actor": actor, "object": urn, "message": {"text": "First!"}} | changes
    return await member.post(f"/rest/socialActions/{encoded(urn)}/comments", json=body)


async def test_a_comment_answers_201_with_its_urn(member: Member, world: World) -> None:
    urn = (await publish(member)).headers["x-restli-id"]
    answer = await comment(member, urn)
    body = answer.json()
    assert answer.status_code == 201
    assert body["commentUrn"] == f"urn:li:comment:({urn},{body['id']})"
    assert [row["kind"] for row in await world.ledger()] == ["post", "comment"]


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"message": {"text": "a" * 1251}}, 400),
        ({"message": {"text": ""}}, 400),
        ({"object": "urn:li:share:12"}, 400),
        ({"actor": "urn:li:person:other"}, 403),
    ],
)
async def test_comments_are_checked(member: Member, changes: dict[str, Any], status: int) -> None:
    urn = (await publish(member)).headers["x-restli-id"]
    assert (await comment(member, urn, **changes)).status_code == status


async def test_a_comment_on_nothing_is_unable_to_obtain_activity(member: Member) -> None:
    answer = await comment(member, "urn:li:share:12")
    assert (answer.status_code, answer.json()["message"]) == (404, "Unable to obtain activity")


async def test_a_reshare_points_at_a_post_that_is_there(member: Member) -> None:
    urn = (await publish(member)).headers["x-restli-id"]
    assert (await publish(member, "Look", reshareContext={"parent": urn})).status_code == 201
    assert (await publish(member, "No", reshareContext={"parent": "urn:li:share:12"})).status_code == 404


async def test_listing_posts_is_closed_to_members(member: Member, world: World) -> None:
    await publish(member, "Listed")
    path = f"/rest/posts?q=author&author=urn%3Ali%3Aperson%3A{member.account}"
    refused = await member.get(path)
    assert (refused.status_code, refused.json()["code"]) == (403, "ACCESS_DENIED")
    approved = speaking(world.member("linkedin", "ada", scopes={"r_member_social"}))
    (listed,) = (await approved.get(path)).json()["elements"]
    assert (listed["commentary"], listed["author"]) == ("Listed", f"urn:li:person:{member.account}")
    one = f"/rest/posts/{encoded(listed['id'])}"
    assert (await approved.get(one)).json() == listed
    assert (await member.get(one)).status_code == 403


async def test_the_150th_post_of_a_day_is_the_last_until_midnight(
    member: Member, stopwatch: Stopwatch, world: World
) -> None:
    for _ in range(150):
        assert (await member.post("/rest/posts", json={})).status_code == 400
    limited = await publish(member)
    assert (limited.status_code, limited.json()["code"]) == (429, "TOO_MANY_REQUESTS")
    assert not [name for name in limited.headers if "reset" in name or "retry" in name]
    stopwatch.advance(hours=15)
    assert (await publish(member)).status_code == 201


async def test_an_image_post_shows_its_alternative_text(member: Member, world: World) -> None:
    owner = {"initializeUploadRequest": {"owner": f"urn:li:person:{member.account}"}}
    value = (await member.post("/rest/images?action=initializeUpload", json=owner)).json()["value"]
    path = value["uploadUrl"].partition("/sandbox/linkedin")[2]
    headers = {"Content-Type": "application/octet-stream"}
    assert (await member.put(path, content=png(), headers=headers)).status_code == 201
    content = {"media": {"id": value["image"], "altText": "A dot"}}
    assert (await publish(member, "Look", content=content)).headers["x-restli-id"].startswith("urn:li:share:")
    assert (await world.ledger())[0]["media"][0]["alt_text"] == "A dot"


@pytest.mark.parametrize(
    ("fault", "commented", "expected"),
    [
        ("quota_exhausted", False, (429, "TOO_MANY_REQUESTS")),
        ("account_action", False, (403, "ACCESS_DENIED")),
        ("duplicate", False, (422, "DUPLICATE_POST")),
        ("duplicate", True, (422, "DUPLICATE_POST")),
        ("unreviewed_app", True, (403, "ACCESS_DENIED")),
        ("listing_lag", True, (404, "NOT_FOUND")),
    ],
)
async def test_members_can_be_ordered_out_of_posting(
    world: World, member: Member, fault: str, commented: bool, expected: tuple[int, str]
) -> None:
    urn = (await publish(member)).headers["x-restli-id"]
    await world.order("linkedin", fault, count=1)
    answer = await comment(member, urn) if commented else await publish(member, "Hello again")
    assert (answer.status_code, answer.json()["code"]) == expected
    assert len(await world.ledger()) == 1


async def test_comments_are_read_with_the_closed_permission(world: World, member: Member) -> None:
    urn = (await publish(member)).headers["x-restli-id"]
    made = (await comment(member, urn)).json()
    path = f"/rest/socialActions/{encoded(urn)}/comments"
    assert (await member.get(path)).status_code == 403
    reader = speaking(world.member("linkedin", "ada", scopes={"r_member_social"}))
    assert (await reader.get(path)).json()["elements"] == [made]
