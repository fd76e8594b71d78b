"""TikTok: Login Kit and the Display API: who the user is, and what the public sees."""

import hashlib
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx2
import pytest
from pretending import Member, Stopwatch, World
from test_sandbox_tiktok import OK, publish, said

pytestmark = pytest.mark.anyio

HOME = "https://app.example/back"
FIELDS = "open_id,union_id,avatar_url,display_name,username,follower_count,following_count,likes_count,video_count"
VIDEO = "id,create_time,title,share_url,view_count,like_count,comment_count,share_count,duration"


async def made(world: World) -> dict[str, Any]:
    return (await world.control("POST", "_accounts", json={"vendor": "tiktok", "handle": "acme"})).json()


async def consented(world: World, account: dict[str, Any], **changes: str | None) -> dict[str, str]:
    """What comes back to the app's address."""
    query = {
        "client_key": account["client_id"],
        "scope": "user.info.basic,video.publish",
        "response_type": "code",
        "redirect_uri": HOME,
        "state": "s",
        "approve": "auto",
    } | changes
    answer = await world.http.get("/sandbox/tiktok/v2/auth/authorize/", params=query)
    assert answer.status_code == 302, answer.text
    return dict(parse_qsl(urlsplit(answer.headers["location"]).query))


async def token(world: World, account: dict[str, Any], **form: str) -> httpx2.Response:
    keys = {"client_key": account["client_id"], "client_secret": account["client_secret"]}
    return await world.http.post("/sandbox/tiktok/v2/oauth/token/", data=keys | form)


async def by_code(world: World, account: dict[str, Any], code: str, **form: str) -> httpx2.Response:
    return await token(world, account, grant_type="authorization_code", code=code, **{"redirect_uri": HOME} | form)


async def test_a_consent_gives_tokens_and_a_refresh_rotates(world: World) -> None:
    account = await made(world)
    back = await consented(world, account)
    assert back["state"] == "s"
    first = (await by_code(world, account, back["code"])).json()
    assert (first["expires_in"], first["refresh_expires_in"], first["token_type"]) == (86_400, 31_536_000, "Bearer")
    assert (first["open_id"], first["scope"]) == (account["account"], "user.info.basic,video.publish")
    refresh = {"grant_type": "refresh_token", "refresh_token": first["refresh_token"]}
    second = (await token(world, account, **refresh)).json()
    assert second["refresh_token"] != first["refresh_token"]
    again = await token(world, account, **refresh)
    assert (again.status_code, again.json()["error"]) == (400, "invalid_grant")
    assert again.json()["log_id"]


@pytest.mark.parametrize(("digest", "status"), [("hexdigest", 200), ("base64", 400)])
async def test_the_challenge_is_hex(world: World, digest: str, status: int) -> None:
    account, proof = await made(world), hashlib.sha256(b"verifier")
    challenge = proof.hexdigest() if digest == "hexdigest" else "iMnq5o6zALKXGivsnlom_0F5_WYda32GHkxlV7mq7hQ"
    back = await consented(world, account, code_challenge=challenge, code_challenge_method="S256")
    assert (await by_code(world, account, back["code"], code_verifier="verifier")).status_code == status
    assert (await by_code(world, account, back["code"], code_verifier="verifier")).status_code == 400  # used up


@pytest.mark.parametrize(
    ("form", "status", "error"),
    [
        ({"client_secret": "wrong"}, 401, "invalid_client"),
        ({"client_key": "wrong"}, 401, "invalid_client"),
        ({"redirect_uri": "https://app.example/other"}, 400, "invalid_grant"),
        ({"grant_type": "password"}, 400, "unsupported_grant_type"),
    ],
)
async def test_the_token_endpoint_refuses(world: World, form: dict[str, str], status: int, error: str) -> None:
    account = await made(world)
    code = (await consented(world, account))["code"]
    sent = {"grant_type": "authorization_code", "code": code, "redirect_uri": HOME} | form
    answer = await token(world, account, **sent)
    assert (answer.status_code, answer.json()["error"]) == (status, error)


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"approve": "no"}, "access_denied"),
        ({"scope": "user.info.basic video.publish"}, "invalid_scope"),
        ({"response_type": "token"}, "unsupported_response_type"),
    ],
)
async def test_a_consent_can_fail(world: World, changes: dict[str, str], error: str) -> None:
    assert (await consented(world, await made(world), **changes))["error"] == error


async def test_the_apps_id_is_called_client_key(world: World) -> None:
    query = {"client_id": (await made(world))["client_id"], "response_type": "code", "redirect_uri": HOME}
    assert (await world.http.get("/sandbox/tiktok/v2/auth/authorize/", params=query)).status_code == 400


async def test_a_revoked_token_is_invalid(world: World) -> None:
    account = await made(world)
    member = Member(world.http, "tiktok", account["account"], "acme", account["access_token"])
    keys = {"client_key": account["client_id"], "client_secret": account["client_secret"]}
    path = "/sandbox/tiktok/v2/oauth/revoke/"
    assert (await world.http.post(path, data=keys | {"token": member.token})).status_code == 200
    assert said(await member.get("/v2/user/info/?fields=open_id")) == (401, "access_token_invalid")


async def test_the_user_has_the_fields_that_were_asked_for(world: World) -> None:
    answer = await world.member("tiktok").get(f"/v2/user/info/?fields={FIELDS}")
    user = answer.json()["data"]["user"]
    assert said(answer) == OK
    assert list(user) == FIELDS.split(",")
    assert (user["username"], user["display_name"], user["video_count"]) == ("acme", "Acme", 0)


@pytest.mark.parametrize(
    ("scopes", "query", "expected"),
    [
        ({"user.info.basic"}, "?fields=display_name", OK),
        ({"user.info.basic"}, "?fields=username", (401, "scope_not_authorized")),
        ({"user.info.basic", "user.info.profile"}, "?fields=follower_count", (401, "scope_not_authorized")),
        ({"video.list"}, "?fields=open_id", (401, "scope_not_authorized")),
        ({"user.info.basic"}, "", (400, "invalid_params")),
        ({"user.info.basic"}, "?fields=email", (400, "invalid_params")),
    ],
)
async def test_fields_need_their_scopes(world: World, scopes: set[str], query: str, expected: tuple[int, str]) -> None:
    assert said(await world.member("tiktok", scopes=scopes).get(f"/v2/user/info/{query}")) == expected


async def test_public_videos_are_listed_newest_first_and_earn_views(world: World, stopwatch: Stopwatch) -> None:
    member = world.member("tiktok")
    for number in range(3):
        await publish(member, post_info={"title": f"Video {number}"})
        stopwatch.advance(minutes=1)
    path = f"/v2/video/list/?fields={VIDEO}"
    first = (await member.post(path, json={"max_count": 2})).json()["data"]
    rest = (await member.post(path, json={"max_count": 2, "cursor": first["cursor"]})).json()["data"]
    assert [video["title"] for video in first["videos"] + rest["videos"]] == ["Video 2", "Video 1", "Video 0"]
    assert (first["has_more"], rest["has_more"]) == (True, False)
    stopwatch.advance(days=1)
    ids = [first["videos"][0]["id"], "1"]
    answer = await member.post(f"/v2/video/query/?fields={VIDEO}", json={"filters": {"video_ids": ids}})
    [video] = answer.json()["data"]["videos"]
    assert (video["view_count"] > first["videos"][0]["view_count"], video["duration"]) == (True, 10)
    assert video["share_url"] == f"https://www.tiktok.com/@acme/video/{ids[0]}"


async def test_a_listing_can_be_ordered_to_lag(world: World, stopwatch: Stopwatch) -> None:
    member = world.member("tiktok")
    await publish(member)
    stopwatch.advance(seconds=20)
    await world.order("tiktok", "listing_lag", seconds=60)
    shown: list[int] = []
    for _ in range(2):
        shown.append(len((await member.post("/v2/video/list/?fields=id", json={})).json()["data"]["videos"]))
        stopwatch.advance(seconds=60)
    assert shown == [0, 1]


@pytest.mark.parametrize("body", [{"max_count": 21}, {"max_count": "2"}, {"page": 1}])
async def test_listings_are_checked(world: World, body: dict[str, Any]) -> None:
    answer = await world.member("tiktok").post("/v2/video/list/?fields=id", json=body)
    assert said(answer) == (400, "invalid_params")


async def test_an_unknown_path_has_the_envelope_too(world: World) -> None:
    assert (await world.member("tiktok").get("/v2/user/info?fields=open_id")).json()["error"]["log_id"]
