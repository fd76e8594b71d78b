"""X: making, threading and deleting posts, with the statuses and bodies of the contract."""

from typing import Any

import httpx2
import pytest
from pretending import Member, Stopwatch, World

pytestmark = pytest.mark.anyio


async def published(member: Member, text: str, **body: Any) -> str:
    answer = await member.post("/2/tweets", json={"text": text, **body})
    assert answer.status_code == 201, answer.text
    return answer.json()["data"]["id"]


def kind_of_problem(answer: httpx2.Response) -> str:
    """The last segment of a problem's type, which is all that clients compare."""
    return answer.json()["type"].rpartition("/")[2]


async def test_a_post_answers_201_with_its_id_and_text(world: World) -> None:
    answer = await world.member("twitter").post("/2/tweets", json={"text": "Hello"})
    assert answer.status_code == 201
    data = answer.json()["data"]
    assert data["text"] == "Hello"
    assert data["id"].isdecimal()
    assert len(data["id"]) == 19
    assert data["edit_history_post_ids"] == [data["id"]]


async def test_ids_rise_with_time(world: World, stopwatch: Stopwatch) -> None:
    member = world.member("twitter")
    ids: list[int] = []
    for number in range(5):
        ids.append(int(await published(member, f"Post {number}")))
        stopwatch.advance(milliseconds=number % 2)
    assert ids == sorted(set(ids))


async def test_links_come_back_as_t_co(world: World) -> None:
    answer = await world.member("twitter").post("/2/tweets", json={"text": "Read https://example.com/long?a=b"})
    assert answer.json()["data"]["text"].startswith("Read https://t.co/")
    assert (await world.ledger())[0]["text"] == "Read https://example.com/long?a=b"


@pytest.mark.parametrize(
    ("body", "parameter"),
    [
        pytest.param({"text": "a", "colour": "red"}, "colour", id="an unknown member"),
        pytest.param({"text": "a", "reply": {"in_reply_to": "1"}}, "reply.in_reply_to", id="an unknown inner member"),
        pytest.param({"text": 7}, "text", id="a number for a text"),
        pytest.param({}, "text", id="nothing at all"),
        pytest.param({"text": "   "}, "text", id="only blanks"),
        pytest.param({"text": "a", "media": {"media_ids": []}}, "media.media_ids", id="no media ids"),
        pytest.param({"text": "a", "media": {"media_ids": ["1"] * 5}}, "media.media_ids", id="five media ids"),
        pytest.param({"text": "a", "media": {"media_ids": ["x"]}}, "media.media_ids.0", id="an id that is no number"),
        pytest.param({"text": "a", "media": {"media_ids": ["1"]}}, "media.media_ids", id="an unknown media id"),
        pytest.param({"text": "a", "poll": {"options": ["b"], "duration_minutes": 5}}, "poll.options", id="one option"),
        pytest.param(
            {"text": "a", "poll": {"options": ["b", "c"], "duration_minutes": 4}}, "poll.duration_minutes", id="4 min"
        ),
        pytest.param(
            {"text": "a", "poll": {"options": ["b" * 26, "c"], "duration_minutes": 5}}, "poll.options.0", id="26"
        ),
        pytest.param({"text": "a", "reply_settings": "friends"}, "reply_settings", id="an unknown audience"),
        pytest.param(
            {"text": "a", "reply": {"in_reply_to_tweet_id": "12"}}, "reply.in_reply_to_tweet_id", id="an unknown parent"
        ),
        pytest.param({"text": "a", "quote_tweet_id": "12"}, "quote_tweet_id", id="an unknown quoted post"),
        pytest.param(
            {"text": "a", "quote_tweet_id": "12", "poll": {"options": ["b", "c"], "duration_minutes": 5}},
            "poll",
            id="a quote and a poll",
        ),
    ],
)
async def test_a_wrong_body_is_a_400_naming_the_parameter(world: World, body: dict[str, Any], parameter: str) -> None:
    answer = await world.member("twitter").post("/2/tweets", json=body)
    assert answer.status_code == 400
    assert kind_of_problem(answer) == "invalid-request"
    assert answer.json()["title"] == "Invalid Request"
    assert parameter in [name for error in answer.json()["errors"] for name in error["parameters"]]
    assert await world.ledger() == []


async def test_json_is_the_only_content_type(world: World) -> None:
    answer = await world.member("twitter").post("/2/tweets", data={"text": "a"})
    assert answer.status_code == 415


async def test_a_body_over_a_megabyte_is_refused(world: World) -> None:
    answer = await world.member("twitter").post("/2/tweets", json={"text": "a" * (1 << 20)})
    assert answer.status_code == 413


@pytest.mark.parametrize(
    ("text", "status"),
    [
        pytest.param("a" * 280, 201, id="280 letters fit"),
        pytest.param("a" * 281, 403, id="281 do not"),
        pytest.param("語" * 140, 201, id="140 Chinese characters fit"),
        pytest.param("語" * 141, 403, id="141 do not"),
        pytest.param("a" * 256 + " https://example.com/" + "b" * 300, 201, id="a link weighs 23 at any length"),
        pytest.param("buy $AAPL", 201, id="one cashtag"),
        pytest.param("buy $AAPL and $MSFT", 403, id="two cashtags"),
    ],
)
async def test_breaches_of_text_rules_are_the_general_403(world: World, text: str, status: int) -> None:
    answer = await world.member("twitter").post("/2/tweets", json={"text": text})
    assert answer.status_code == status
    if status == 403:
        assert answer.json()["detail"] == "You are not permitted to perform this action."


async def test_the_same_text_twice_is_a_403_that_names_no_id(world: World) -> None:
    member = world.member("twitter")
    await published(member, "Once")
    answer = await member.post("/2/tweets", json={"text": "Once"})
    assert answer.status_code == 403
    assert answer.json()["detail"] == "You are not allowed to create a Tweet with duplicate content."
    assert len(await world.ledger()) == 1


async def test_a_deleted_text_may_be_said_again(world: World) -> None:
    member = world.member("twitter")
    await member.delete(f"/2/tweets/{await published(member, 'Again')}")
    await published(member, "Again")


async def test_another_account_may_say_the_same(world: World) -> None:
    await published(world.member("twitter", "one"), "Same")
    await published(world.member("twitter", "two"), "Same")


async def test_a_thread_is_a_chain_of_replies_in_one_conversation(world: World) -> None:
    member = world.member("twitter")
    first = await published(member, "Part one")
    second = await published(member, "Part two", reply={"in_reply_to_tweet_id": first})
    third = await published(member, "Part three", reply={"in_reply_to_tweet_id": second})
    listed = await member.get(f"/2/tweets?ids={first},{second},{third}&post.fields=conversation_id")
    assert {post["conversation_id"] for post in listed.json()["data"]} == {first}
    assert [row["kind"] for row in await world.ledger()] == ["post", "reply", "reply"]


async def test_replies_to_others_need_their_summons(world: World) -> None:
    one, two = world.member("twitter", "one"), world.member("twitter", "two")
    silent = await published(one, "Nobody asked you")
    summons = await published(one, "What do you think, @two?")
    refused = await two.post("/2/tweets", json={"text": "But", "reply": {"in_reply_to_tweet_id": silent}})
    assert refused.status_code == 403
    await published(two, "Thanks", reply={"in_reply_to_tweet_id": summons})


async def test_polls_settings_and_disclosures_are_taken(world: World) -> None:
    poll = {"options": ["Yes", "No"], "duration_minutes": 60}
    await published(world.member("twitter"), "Q?", poll=poll, reply_settings="following", made_with_ai=True)


async def test_a_delete_says_so(world: World, stopwatch: Stopwatch) -> None:
    member = world.member("twitter")
    post_id = await published(member, "Gone soon")
    stopwatch.advance(minutes=1)
    answer = await member.delete(f"/2/tweets/{post_id}")
    assert (answer.status_code, answer.json()) == (200, {"data": {"deleted": True}})
    assert (await world.ledger())[0]["deleted_at"] == "2026-11-20T09:01:00.000000Z"


async def test_deleting_what_is_not_there_is_a_404_with_the_not_found_problem(world: World) -> None:
    answer = await world.member("twitter").delete("/2/tweets/1234")
    assert answer.status_code == 404
    error = answer.json()["errors"][0]
    assert error["type"].endswith("/resource-not-found")
    assert (error["value"], error["resource_type"]) == ("1234", "tweet")


async def test_deleting_somebody_elses_post_is_a_403(world: World) -> None:
    post_id = await published(world.member("twitter", "one"), "Mine")
    answer = await world.member("twitter", "two").delete(f"/2/tweets/{post_id}")
    assert (answer.status_code, answer.json()["title"]) == (403, "Forbidden")


async def test_every_answer_says_how_much_of_the_window_is_left(world: World, stopwatch: Stopwatch) -> None:
    member = world.member("twitter")
    first = await member.post("/2/tweets", json={"text": "One"})
    wrong = await member.post("/2/tweets", json={"text": "Two", "colour": "red"})
    assert [answer.headers["x-rate-limit-remaining"] for answer in (first, wrong)] == ["99", "98"]
    assert first.headers["x-rate-limit-limit"] == "100"
    reset = int(first.headers["x-rate-limit-reset"])
    assert 0 < reset - stopwatch.now().timestamp() <= 900
    assert first.headers["x-request-id"]
    assert first.headers["x-access-level"] == "read-write"


async def test_the_hundred_and_first_post_of_a_window_is_a_429_until_the_window_ends(
    world: World, stopwatch: Stopwatch
) -> None:
    member = world.member("twitter")
    for _ in range(100):
        assert (await member.post("/2/tweets", json={})).status_code == 400  # refused posts count too
    limited = await member.post("/2/tweets", json={"text": "Too many"})
    assert limited.status_code == 429
    assert limited.json() == {
        "title": "Too Many Requests",
        "detail": "Too Many Requests",
        "type": "about:blank",
        "status": 429,
    }
    assert limited.headers["x-rate-limit-remaining"] == "0"
    stopwatch.advance(seconds=int(limited.headers["x-rate-limit-reset"]) - stopwatch.now().timestamp())
    await published(member, "A new window")


@pytest.mark.parametrize(
    ("token", "status", "problem"),
    [
        pytest.param(None, 401, "about:blank", id="no token"),
        pytest.param("nonsense", 401, "about:blank", id="an unknown token"),
        pytest.param("sbx.e30.AAAA", 401, "about:blank", id="a forged token"),
    ],
)
async def test_a_caller_without_a_token_that_counts_is_a_401(
    world: World, token: str | None, status: int, problem: str
) -> None:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    answer = await world.http.post("/sandbox/twitter/2/tweets", json={"text": "a"}, headers=headers)
    assert answer.status_code == status
    assert answer.json() == {"title": "Unauthorized", "type": problem, "status": 401, "detail": "Unauthorized"}
    assert answer.headers["x-rate-limit-limit"] == "100"


async def test_a_token_without_the_scope_is_a_403(world: World) -> None:
    reader = world.member("twitter", scopes={"tweet.read", "users.read"})
    answer = await reader.post("/2/tweets", json={"text": "a"})
    assert answer.status_code == 403
    assert answer.json()["detail"] == "You are not permitted to perform this action."


async def test_an_app_token_on_a_members_endpoint_is_unsupported_authentication(world: World) -> None:
    app = world.member("twitter")
    app.token = world.token("twitter", account="")
    answer = await app.get("/2/users/me")
    assert answer.status_code == 403
    assert answer.json()["errors"][0]["type"].endswith("/unsupported-authentication")


async def test_an_unknown_path_is_a_404_in_the_vendors_words(world: World) -> None:
    answer = await world.member("twitter").get("/2/tweetz")
    assert (answer.status_code, answer.json()["title"]) == (404, "Not Found")


async def test_the_inbound_request_id_stands_in_the_ledger(world: World) -> None:
    await world.member("twitter").post("/2/tweets", json={"text": "a"}, headers={"X-Request-ID": "req_123"})
    assert (await world.ledger())[0]["request_id"] == "req_123"


async def test_all_accounts_of_an_app_share_a_day(world: World) -> None:
    left: list[str] = []
    for handle in ("one", "two"):
        answer = await world.member("twitter", handle).post("/2/tweets", json={"text": "Hello"})
        assert answer.headers["x-rate-limit-remaining"] == "99"
        left.append(answer.headers["x-app-limit-24hour-remaining"])
    assert left == ["9999", "9998"]


@pytest.mark.parametrize(
    ("fault", "status", "member", "said"),
    [
        ("quota_exhausted", 429, "type", "https://api.x.com/2/problems/usage-capped"),
        ("account_action", 402, "title", "CreditsDepleted"),
    ],
)
async def test_an_app_can_be_at_its_end(world: World, fault: str, status: int, member: str, said: str) -> None:
    await world.order("twitter", fault, count=1)
    answer = await world.member("twitter").post("/2/tweets", json={"text": "Hello"})
    assert (answer.status_code, answer.json()[member]) == (status, said)
    assert await world.ledger() == []
