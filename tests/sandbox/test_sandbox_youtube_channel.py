"""YouTube: Google's consent, the channel, its uploads, thumbnails, comments, and the analytics report."""

import base64
import hashlib
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx2
import pytest
from pictures import jpeg, mp4, pdf, png
from pretending import Member, Stopwatch, World
from test_sandbox_youtube import PRIVATE, PUBLIC, reason, uploaded, video

pytestmark = pytest.mark.anyio

HOME = "https://app.example/back"
SCOPE = "https://www.googleapis.com/auth/"
ALL = frozenset(
    f"{SCOPE}{name}" for name in ("youtube", "youtube.upload", "youtube.force-ssl", "yt-analytics.readonly")
)


@pytest.fixture
def member(world: World) -> Member:
    return world.member("youtube", scopes=ALL)


async def made(world: World) -> dict[str, Any]:
    return (await world.control("POST", "_accounts", json={"vendor": "youtube", "handle": "acme"})).json()


async def consented(world: World, account: dict[str, Any], **changes: str) -> dict[str, str]:
    query = {
        "client_id": account["client_id"],
        "redirect_uri": HOME,
        "response_type": "code",
        "scope": f"{SCOPE}youtube.upload {SCOPE}youtube",
        "access_type": "offline",
        "prompt": "consent",
        "include_granted_scopes": "true",
        "state": "s",
        "approve": "auto",
    } | changes
    answer = await world.http.get("/sandbox/youtube/o/oauth2/v2/auth", params=query)
    assert answer.status_code == 302, answer.text
    return dict(parse_qsl(urlsplit(answer.headers["location"]).query))


async def token(world: World, account: dict[str, Any], **form: str) -> httpx2.Response:
    keys = {"client_id": account["client_id"], "client_secret": account["client_secret"]}
    return await world.http.post("/sandbox/youtube/token", data=keys | form)


async def by_code(world: World, account: dict[str, Any], code: str, **form: str) -> httpx2.Response:
    return await token(world, account, **{"grant_type": "authorization_code", "redirect_uri": HOME} | form, code=code)


async def test_a_refresh_token_serves_again_and_again(world: World) -> None:
    account = await made(world)
    first = (await by_code(world, account, (await consented(world, account))["code"])).json()
    assert (first["expires_in"], first["token_type"]) == (3599, "Bearer")
    assert first["scope"] == f"{SCOPE}youtube {SCOPE}youtube.upload"
    for _ in range(2):
        form = {"grant_type": "refresh_token", "refresh_token": first["refresh_token"]}
        again = (await token(world, account, **form)).json()
        assert "refresh_token" not in again
        found = await world.http.get(
            "/sandbox/youtube/youtube/v3/channels?part=id&mine=true",
            headers={"Authorization": f"Bearer {again['access_token']}"},
        )
        assert found.json()["items"][0]["id"] == account["account"]
    assert (await world.http.post(f"/sandbox/youtube/revoke?token={first['refresh_token']}")).status_code == 200
    refused = await token(world, account, grant_type="refresh_token", refresh_token=first["refresh_token"])
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_grant")
    assert (await world.http.post(f"/sandbox/youtube/revoke?token={first['refresh_token']}")).status_code == 400


async def test_signed_refresh_tokens_serve_again_and_again(world: World) -> None:
    account = await made(world)
    signed = world.token("youtube", "acme", account=account["account"], refresh=True)
    answers = [await token(world, account, grant_type="refresh_token", refresh_token=signed) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 200]


@pytest.mark.parametrize(
    ("second", "is_there"),
    [({}, True), ({"prompt": "select_account"}, False), ({"access_type": "online"}, False)],
)
async def test_a_refresh_token_comes_with_the_first_consent(
    world: World, second: dict[str, str], is_there: bool
) -> None:
    account = await made(world)
    once = await by_code(world, account, (await consented(world, account, prompt="select_account"))["code"])
    # the account that `_accounts` made has a refresh token of this app already
    assert "refresh_token" not in once.json()
    again = await by_code(world, account, (await consented(world, account, **second))["code"])
    assert ("refresh_token" in again.json()) is is_there


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        ({}, (200, None)),
        ({"code_verifier": "wrong"}, (400, "invalid_grant")),
        ({"redirect_uri": "https://app.example/x"}, (400, "redirect_uri_mismatch")),
        ({"client_secret": "wrong"}, (401, "invalid_client")),
        ({"grant_type": "magic"}, (400, "unsupported_grant_type")),
    ],
)
async def test_the_token_endpoint_refuses(world: World, form: dict[str, str], expected: tuple[int, str | None]) -> None:
    account = await made(world)
    challenge = base64.urlsafe_b64encode(hashlib.sha256(b"verifier").digest()).rstrip(b"=").decode()
    code = (await consented(world, account, code_challenge=challenge, code_challenge_method="S256"))["code"]
    answer = await by_code(world, account, code, **{"code_verifier": "verifier"} | form)
    assert (answer.status_code, answer.json().get("error")) == expected


async def test_a_consent_may_be_denied_or_smaller(world: World) -> None:
    account = await made(world)
    assert (await consented(world, account, approve="no"))["error"] == "access_denied"
    code = (await consented(world, account, grant=f"{SCOPE}youtube.upload"))["code"]
    less = (await by_code(world, account, code)).json()
    assert (less["scope"], "refresh_token" in less) == (f"{SCOPE}youtube.upload", True)


async def test_the_channel_names_its_uploads(member: Member) -> None:
    await uploaded(member, status=PUBLIC)
    await uploaded(member)
    answer = await member.get("/youtube/v3/channels?part=snippet,contentDetails,statistics&mine=true")
    [channel] = answer.json()["items"]
    assert (channel["snippet"]["title"], channel["snippet"]["customUrl"]) == ("Acme", "@acme")
    assert channel["statistics"]["videoCount"] == "1"
    assert set(channel["statistics"]["subscriberCount"][3:]) <= {"0"}
    assert channel["contentDetails"]["relatedPlaylists"]["uploads"].startswith("UU")


async def test_uploads_are_listed_newest_first_private_ones_too(
    world: World, member: Member, stopwatch: Stopwatch
) -> None:
    ids: list[str] = []
    for number in range(3):
        ids.insert(0, (await uploaded(member, snippet={"title": f"Video {number}"}))["id"])
        stopwatch.advance(minutes=1)
    playlist = f"UU{member.account}"
    path = f"/youtube/v3/playlistItems?part=snippet,contentDetails,status&playlistId={playlist}&maxResults=2"
    first = (await member.get(path)).json()
    rest = (await member.get(f"{path}&pageToken={first['nextPageToken']}")).json()
    items = first["items"] + rest["items"]
    assert [item["contentDetails"]["videoId"] for item in items] == ids
    assert {item["status"]["privacyStatus"] for item in items} == {"private"}
    assert "nextPageToken" not in rest
    hits = (await member.get("/youtube/v3/search?part=snippet&forMine=true&type=video&q=video 1")).json()["items"]
    assert [hit["id"]["videoId"] for hit in hits] == [ids[1]]
    await world.order("youtube", "listing_lag", seconds=150)
    assert len((await member.get(path)).json()["items"]) == 1


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/youtube/v3/playlistItems?part=id&playlistId=UUx", (404, "playlistNotFound")),
        ("/youtube/v3/videos?part=id", (400, "missingRequiredParameter")),
        ("/youtube/v3/videos?part=sound&id=x", (400, "unknownPart")),
        ("/youtube/v3/videos?id=x", (400, "missingRequiredParameter")),
        ("/youtube/v3/videos?part=id&ids=x", (400, "badRequest")),
        (f"/youtube/v3/videos?part=id&id={','.join('x' * 51)}", (400, "invalidParameter")),
        ("/youtube/v3/channels?part=id", (400, "missingRequiredParameter")),
        ("/youtube/v3/search?part=id&forMine=true", (400, "invalidSearchFilter")),
        ("/youtube/v3/nothing", (404, "notFound")),
        ("/v2/reports?ids=channel==other", (400, "badRequest")),
    ],
)
async def test_reading_is_checked(member: Member, path: str, expected: tuple[int, str]) -> None:
    assert reason(await member.get(path)) == expected


@pytest.mark.parametrize(
    ("scope", "method", "path"),
    [
        ("youtube.upload", "GET", "/youtube/v3/channels?part=id&mine=true"),
        ("youtube.readonly", "DELETE", "/youtube/v3/videos?id=x"),
        ("youtube.readonly", "POST", "/upload/youtube/v3/videos?uploadType=resumable&part=id"),
        ("youtube", "POST", "/youtube/v3/commentThreads?part=snippet"),
        ("youtube.upload", "GET", "/v2/reports?ids=channel==MINE"),
    ],
)
async def test_calls_need_one_of_their_scopes(world: World, scope: str, method: str, path: str) -> None:
    member = world.member("youtube", scopes={SCOPE + scope})
    assert reason(await member.send(method, path)) == (403, "insufficientPermissions")


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (png(), 200),
        (jpeg(), 200),
        (b"", (400, "mediaBodyRequired")),
        (pdf(), (400, "invalidImage")),
        (png(size=(2 << 20) + 1), (413, "uploadTooLarge")),
    ],
    ids=["png", "jpeg", "nothing", "a document", "over 2 MB"],
)
async def test_a_thumbnail_is_a_small_picture(member: Member, content: bytes, expected: int | tuple[int, str]) -> None:
    made = await uploaded(member)
    answer = await member.post(f"/upload/youtube/v3/thumbnails/set?videoId={made['id']}", content=content)
    if isinstance(expected, tuple):
        assert reason(answer) == expected
    else:
        assert (answer.status_code, answer.json()["kind"]) == (200, "youtube#thumbnailSetResponse")


async def comment(member: Member, video_id: str, text: str = "First!") -> httpx2.Response:
    body = {"snippet": {"videoId": video_id, "topLevelComment": {"snippet": {"textOriginal": text}}}}
    return await member.post("/youtube/v3/commentThreads?part=snippet", json=body)


@pytest.mark.parametrize(
    ("status", "text", "expected"),
    [
        (PUBLIC, "First!", None),
        (PUBLIC, " ", (400, "commentTextRequired")),
        (PRIVATE, "First!", (403, "commentsDisabled")),
        (PUBLIC | {"selfDeclaredMadeForKids": True}, "First!", (403, "commentsDisabled")),
    ],
)
async def test_a_comment_needs_a_video_that_takes_one(
    world: World, member: Member, status: dict[str, Any], text: str, expected: tuple[int, str] | None
) -> None:
    made = await uploaded(member, status=status)
    answer = await comment(member, made["id"], text)
    if expected:
        assert reason(answer) == expected
        return
    assert answer.json()["snippet"]["topLevelComment"]["snippet"]["textOriginal"] == text
    listed = (await member.get(f"/youtube/v3/commentThreads?part=snippet&videoId={made['id']}")).json()["items"]
    assert [item["id"] for item in listed] == [answer.json()["id"]]
    assert [post["kind"] for post in await world.ledger()] == ["video", "comment"]


async def test_a_lost_answer_to_a_comment_is_found_by_reading(world: World, member: Member) -> None:
    made = await uploaded(member, status=PUBLIC)
    await world.order("youtube", "accept_then_500", count=1)
    assert reason(await comment(member, made["id"])) == (500, "backendError")
    listed = await member.get(f"/youtube/v3/commentThreads?part=snippet&videoId={made['id']}")
    assert len(listed.json()["items"]) == 1


async def test_an_update_sets_all_of_the_named_parts(world: World, member: Member) -> None:
    made = await uploaded(member)
    body = {"id": made["id"], "snippet": {"title": "Better", "categoryId": "24"}}
    answer = await member.put("/youtube/v3/videos?part=snippet", json=body)
    snippet = (await video(member, made["id"]))["snippet"]
    assert answer.status_code == 200
    assert (snippet["title"], snippet["description"], snippet["tags"]) == ("Better", "", [])
    assert (await world.ledger())[0]["text"] == "Better"


async def test_a_deleted_video_is_gone(world: World, member: Member) -> None:
    made = await uploaded(member)
    path = f"/youtube/v3/videos?id={made['id']}"
    assert reason(await world.member("youtube", "other").delete(path)) == (403, "forbidden")
    assert (await member.delete(path)).status_code == 204
    assert reason(await member.delete(path)) == (404, "videoNotFound")
    assert await video(member, made["id"]) is None
    assert (await world.ledger())[0]["deleted_at"]


async def test_units_are_spent_by_what_calls_cost(world: World, member: Member) -> None:
    for _ in range(200):
        await member.delete("/youtube/v3/videos?id=x")
    assert reason(await member.get("/youtube/v3/channels?part=id&mine=true")) == (403, "quotaExceeded")


async def test_the_report_is_two_days_late(member: Member, stopwatch: Stopwatch) -> None:
    made = await uploaded(member, mp4(), status=PUBLIC)
    stopwatch.advance(days=3)
    query = "ids=channel==MINE&startDate=2026-11-19&endDate=2026-11-23&metrics=views,likes&dimensions=day"
    table = (await member.get(f"/v2/reports?{query}&filters=video=={made['id']}")).json()
    assert [header["name"] for header in table["columnHeaders"]] == ["day", "views", "likes"]
    assert [row[0] for row in table["rows"]] == ["2026-11-19", "2026-11-20", "2026-11-21"]
    assert table["rows"][0][1] == 0 < table["rows"][1][1]
    by_video = "&dimensions=video&sort=-views&maxResults=10".join(query.split("&dimensions=day"))
    by_video = by_video.replace("2026-11-19", "2005-04-23")
    total = sum(row[1] for row in table["rows"])
    assert (await member.get(f"/v2/reports?{by_video}")).json()["rows"][0][:2] == [made["id"], total]


async def test_numbers_are_read_fifty_at_once(member: Member) -> None:
    made = [(await uploaded(member, status=PUBLIC))["id"] for _ in range(2)]
    stats = await member.get("/youtube/v3/videos:batchGetStats", params={"part": "statistics", "id": made})
    assert [item["id"] for item in stats.json()["items"]] == made
