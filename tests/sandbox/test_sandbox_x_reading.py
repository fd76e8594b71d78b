"""X: the profile, lookups, the timeline that answers "did it go out?", and numbers over time."""

from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
from pretending import Member, Stopwatch, World

pytestmark = pytest.mark.anyio

ALL_METRICS = "created_at,public_metrics,non_public_metrics,organic_metrics"


async def published(member: Member, text: str, **body: Any) -> str:
    return (await member.post("/2/tweets", json={"text": text, **body})).json()["data"]["id"]


async def test_the_profile_has_the_fields_asked_for(world: World) -> None:
    member = world.member("twitter")
    plain = (await member.get("/2/users/me")).json()["data"]
    assert plain == {"id": member.account, "name": "Acme", "username": "acme"}
    await published(member, "One")
    full = (await member.get("/2/users/me?user.fields=profile_image_url,verified,public_metrics")).json()["data"]
    assert set(full) == {"id", "name", "username", "profile_image_url", "verified", "public_metrics"}
    counts = full["public_metrics"]
    assert set(counts) == {
        "followers_count", "following_count", "post_count", "listed_count", "like_count", "media_count",
    }  # fmt: skip
    assert counts["post_count"] == 1
    assert counts["followers_count"] > 0


async def test_who_asks_with_tweet_fields_is_answered_in_the_old_spelling(world: World) -> None:
    member = world.member("twitter")
    post_id = await published(member, "One")
    new = (await member.get(f"/2/tweets?ids={post_id}&post.fields=public_metrics")).json()["data"][0]
    old = (await member.get(f"/2/tweets?ids={post_id}&tweet.fields=public_metrics")).json()["data"][0]
    assert "repost_count" in new["public_metrics"]
    assert "edit_history_post_ids" in new
    assert "retweet_count" in old["public_metrics"]
    assert "edit_history_tweet_ids" in old
    me = await member.get("/2/users/me?user.fields=public_metrics&tweet.fields=text")
    assert "tweet_count" in me.json()["data"]["public_metrics"]


async def test_missing_posts_are_errors_beside_the_found_ones(world: World) -> None:
    member = world.member("twitter")
    post_id = await published(member, "One")
    answer = await member.get(f"/2/tweets?ids={post_id},12")
    assert answer.status_code == 200
    assert [post["id"] for post in answer.json()["data"]] == [post_id]
    error = answer.json()["errors"][0]
    assert (error["value"], error["type"].rpartition("/")[2]) == ("12", "resource-not-found")


async def test_when_nothing_is_found_there_is_no_data(world: World) -> None:
    answer = await world.member("twitter").get("/2/tweets?ids=12")
    assert (answer.status_code, "data" in answer.json()) == (200, False)


async def test_one_post_by_id(world: World) -> None:
    member = world.member("twitter")
    post_id = await published(member, "One")
    assert (await member.get(f"/2/tweets/{post_id}")).json()["data"]["text"] == "One"
    assert (await member.get("/2/tweets/12")).status_code == 404


@pytest.mark.parametrize(
    ("path", "parameter"),
    [
        ("/2/tweets", "ids"),
        ("/2/tweets?ids=" + ",".join(map(str, range(101))), "ids"),
        ("/2/tweets?ids=abc", "ids"),
        ("/2/tweets?ids=1&post.fields=mood", "post.fields"),
        ("/2/tweets?ids=1&post.fields=referenced_posts", "post.fields"),
        ("/2/tweets?ids=1&colour=red", "colour"),
        ("/2/users/me?user.fields=mood", "user.fields"),
        ("/2/users/{me}/tweets?max_results=4", "max_results"),
        ("/2/users/{me}/tweets?max_results=101", "max_results"),
        ("/2/users/{me}/tweets?start_time=yesterday", "start_time"),
        ("/2/users/{me}/tweets?start_time=2026-11-20T09:00:00", "start_time"),
        ("/2/users/{me}/tweets?exclude=quotes", "exclude"),
        ("/2/users/{me}/tweets?pagination_token=zzz", "pagination_token"),
        ("/2/tweets/analytics?ids=1&end_time=2026-11-20T09:00:00Z", "start_time"),
        ("/2/tweets/analytics?ids=1&start_time=2026-11-20T09:00:00Z&end_time=2026-11-20T09:00:00Z", "end_time"),
    ],
)
async def test_wrong_parameters_are_a_400_naming_them(world: World, path: str, parameter: str) -> None:
    member = world.member("twitter")
    answer = await member.get(path.replace("{me}", member.account))
    assert answer.status_code == 400
    assert parameter in [name for error in answer.json()["errors"] for name in error["parameters"]]


async def test_the_timeline_is_newest_first_and_pages(world: World, stopwatch: Stopwatch) -> None:
    member = world.member("twitter")
    ids: list[str] = []
    for number in range(12):
        ids.insert(0, await published(member, f"Post {number}"))
        stopwatch.advance(minutes=1)
    path = f"/2/users/{member.account}/tweets?max_results=5"
    first = (await member.get(path)).json()
    assert [post["id"] for post in first["data"]] == ids[:5]
    assert first["meta"]["result_count"] == 5
    assert (first["meta"]["newest_id"], first["meta"]["oldest_id"]) == (ids[0], ids[4])
    second = (await member.get(f"{path}&pagination_token={first['meta']['next_token']}")).json()
    third = (await member.get(f"{path}&pagination_token={second['meta']['next_token']}")).json()
    assert [post["id"] for page in (first, second, third) for post in page["data"]] == ids
    assert "next_token" not in third["meta"]


async def test_an_empty_timeline_has_no_data(world: World) -> None:
    member = world.member("twitter")
    assert (await member.get(f"/2/users/{member.account}/tweets")).json() == {"meta": {"result_count": 0}}


async def test_the_timeline_can_start_at_the_moment_of_the_intent(world: World, stopwatch: Stopwatch) -> None:
    member = world.member("twitter")
    await published(member, "Before")
    stopwatch.advance(seconds=30)
    intent = stopwatch.now().strftime("%Y-%m-%dT%H:%M:%SZ")
    after = await published(member, "After")
    page = await member.get(f"/2/users/{member.account}/tweets?start_time={intent}&post.fields=created_at,text")
    assert [(post["id"], post["text"]) for post in page.json()["data"]] == [(after, "After")]
    assert page.json()["data"][0]["created_at"] == "2026-11-20T09:00:30.000Z"


async def test_replies_can_be_left_out_and_deleted_posts_always_are(world: World) -> None:
    member = world.member("twitter")
    first = await published(member, "First")
    await published(member, "Reply", reply={"in_reply_to_tweet_id": first})
    gone = await published(member, "Gone")
    await member.delete(f"/2/tweets/{gone}")
    page = await member.get(f"/2/users/{member.account}/tweets?exclude=replies,retweets")
    assert [post["id"] for post in page.json()["data"]] == [first]


async def test_since_and_until_compare_ids_as_numbers(world: World, stopwatch: Stopwatch) -> None:
    member = world.member("twitter")
    ids: list[str] = []
    for number in range(3):
        ids.append(await published(member, f"Post {number}"))
        stopwatch.advance(seconds=1)
    path = f"/2/users/{member.account}/tweets"
    assert [post["id"] for post in (await member.get(f"{path}?since_id={ids[1]}")).json()["data"]] == [ids[2]]
    assert [post["id"] for post in (await member.get(f"{path}?until_id={ids[1]}")).json()["data"]] == [ids[0]]
    assert len((await member.get(f"{path}?since_id=9")).json()["data"]) == 3


async def test_an_unknown_user_has_no_timeline(world: World) -> None:
    answer = await world.member("twitter").get("/2/users/12/tweets")
    assert answer.json()["errors"][0]["resource_type"] == "user"


async def test_links_are_expanded_in_the_entities(world: World) -> None:
    member = world.member("twitter")
    post_id = await published(member, "Read https://example.com/a now")
    post = (await member.get(f"/2/tweets?ids={post_id}&post.fields=entities")).json()["data"][0]
    link = post["entities"]["urls"][0]
    assert link["expanded_url"] == "https://example.com/a"
    assert post["text"][link["start"] : link["end"]] == link["url"]


async def test_numbers_grow_and_the_public_ones_are_always_there(world: World, stopwatch: Stopwatch) -> None:
    member = world.member("twitter")
    post_id = await published(member, "A post that people like")
    seen: list[dict[str, int]] = []
    for hours in (0, 1, 23, 200):
        stopwatch.advance(hours=hours)
        post = (await member.get(f"/2/tweets?ids={post_id}&post.fields={ALL_METRICS}")).json()["data"][0]
        seen.append(post["public_metrics"])
        assert post["non_public_metrics"]["impression_count"] == post["public_metrics"]["impression_count"]
    assert set(seen[0].values()) == {0}
    for earlier, later in pairwise(seen):
        assert all(earlier[name] <= later[name] for name in earlier)
    assert seen[-1]["impression_count"] > seen[1]["impression_count"] > 0


async def test_private_numbers_are_for_the_author_and_for_thirty_days(world: World, stopwatch: Stopwatch) -> None:
    author, reader = world.member("twitter", "one"), world.member("twitter", "two")
    post_id = await published(author, "Mine")
    path = f"/2/tweets?ids={post_id}&post.fields={ALL_METRICS}"
    foreign = (await reader.get(path)).json()
    stopwatch.advance(days=31)
    old = (await author.get(path)).json()
    for body in (foreign, old):
        assert "non_public_metrics" not in body["data"][0]
        assert "public_metrics" in body["data"][0]
        assert {error["type"].rpartition("/")[2] for error in body["errors"]} == {"not-authorized-for-field"}


async def test_analytics_add_up_to_the_counters(world: World, stopwatch: Stopwatch) -> None:
    member = world.member("twitter")
    start = stopwatch.now() - timedelta(hours=1)
    post_id = await published(member, "Counted")
    stopwatch.advance(hours=5)
    span = f"start_time={start:%Y-%m-%dT%H:%M:%SZ}&end_time={stopwatch.now():%Y-%m-%dT%H:%M:%SZ}"
    path = f"/2/tweets/analytics?ids={post_id}&{span}&analytics.fields=impressions,likes"
    hourly = (await member.get(f"{path}&granularity=hourly")).json()["data"][0]["timestamped_metrics"]
    total = (await member.get(f"{path}&granularity=total")).json()["data"][0]["timestamped_metrics"]
    public = (await member.get(f"/2/tweets?ids={post_id}&post.fields=public_metrics")).json()["data"][0]
    assert len(hourly) == 6
    assert hourly[0]["metrics"] == {"impressions": 0, "likes": 0}
    assert sum(bucket["metrics"]["likes"] for bucket in hourly) == total[0]["metrics"]["likes"]
    assert total[0]["metrics"]["impressions"] == public["public_metrics"]["impression_count"]


async def test_analytics_are_for_ones_own_posts(world: World, stopwatch: Stopwatch) -> None:
    post_id = await published(world.member("twitter", "one"), "Mine")
    span = "start_time=2026-11-20T00:00:00Z&end_time=2026-11-21T00:00:00Z"
    answer = await world.member("twitter", "two").get(f"/2/tweets/analytics?ids={post_id}&{span}")
    assert (answer.json()["data"], len(answer.json()["errors"])) == ([], 1)


async def test_a_timeline_can_be_ordered_to_lag(world: World, stopwatch: Stopwatch) -> None:
    member = world.member("twitter")
    await member.post("/2/tweets", json={"text": "Hello"})
    await world.order("twitter", "listing_lag", seconds=30)
    counts: list[int] = []
    for _ in range(2):
        timeline = await member.get(f"/2/users/{member.account}/tweets")
        counts.append(timeline.json()["meta"]["result_count"])
        stopwatch.advance(seconds=31)
    assert counts == [0, 1]
