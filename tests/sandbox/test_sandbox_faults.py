"""Fault orders: what hits whom, how often, and what it leaves behind."""

import anyio
import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pictures import mp4
from pretending import Member, Stopwatch, World
from test_sandbox_linkedin_posts import publish, speaking
from test_sandbox_x_media import chunked, status

from amp.sandbox.faults import Fault, Order, Step, decide


def fired(order: Order, times: int) -> list[str | None]:
    found = [decide(order, asked) for asked in range(1, times + 1)]
    return [misfortune.fault.value if misfortune else None for misfortune in found]


def test_an_order_without_a_measure_is_always() -> None:
    assert fired(Order("twitter", Fault.SLOW), 3) == ["slow"] * 3


def test_a_count_is_the_next_so_many_requests() -> None:
    assert fired(Order("twitter", Fault.SLOW, count=2), 4) == ["slow", "slow", None, None]


def test_a_script_runs_in_order_and_repeats() -> None:
    order = Order("twitter", None, script=("ok", "accept_then_500", "slow"))
    assert fired(order, 5) == [None, "accept_then_500", "slow", None, "accept_then_500"]


@given(st.floats(0.05, 0.95), st.integers(1, 10_000))
def test_a_rate_is_kept_and_repeatable(rate: float, order_id: int) -> None:
    order = Order("twitter", Fault.SLOW, rate=rate, id=order_id)
    outcomes = fired(order, 600)
    assert outcomes == fired(order, 600)
    assert abs(outcomes.count("slow") / 600 - rate) < 0.12


@pytest.mark.parametrize(
    ("fault", "steps"),
    [
        (Fault.ACCEPT_THEN_TIMEOUT, {Step.COMMIT, Step.RELEASE}),
        (Fault.ACCEPT_THEN_500, {Step.COMMIT, Step.RELEASE}),
        (Fault.ACCEPT_THEN_RESET, {Step.COMMIT, Step.RELEASE}),
        (Fault.DUPLICATE, {Step.COMMIT, Step.RELEASE}),
        (Fault.QUOTA_EXHAUSTED, {Step.BEGIN, Step.COMMIT, Step.RELEASE}),
        (Fault.ACCOUNT_ACTION, {Step.BEGIN, Step.COMMIT, Step.RELEASE}),
        (Fault.PROCESSING_FAILED, {Step.PROCESS, Step.RELEASE}),
        (Fault.PROCESSING_SLOW, {Step.PROCESS, Step.RELEASE}),
        (Fault.UNREVIEWED_APP, set()),
        (Fault.LISTING_LAG, set()),
        (Fault.PARTIAL_CHUNK, set()),
        (Fault.RATE_LIMIT, set(Step)),
        (Fault.RATE_LIMIT_NO_HEADERS, set(Step)),
        (Fault.EXPIRED_TOKEN, set(Step)),
        (Fault.REVOKED_TOKEN, set(Step)),
        (Fault.RESET_BEFORE, set(Step)),
        (Fault.SLOW, set(Step)),
        (Fault.MALFORMED, set(Step)),
    ],
)
def test_a_fault_hits_only_where_it_makes_sense(fault: Fault, steps: set[Step]) -> None:
    assert {step for step in Step if Order("twitter", fault).can_hit(step)} == steps


def test_a_script_runs_over_commits_only() -> None:
    assert {step for step in Step if Order("twitter", None, script=("slow",)).can_hit(step)} == {
        Step.COMMIT,
        Step.RELEASE,
    }


async def post(member: Member, text: str = "Hello") -> httpx2.Response:
    return await member.post("/2/tweets", json={"text": text})


@pytest.mark.anyio
class TestInProcess:
    async def test_accept_then_500_does_the_work_and_denies_it(self, world: World) -> None:
        member = world.member("twitter")
        await world.order("twitter", "accept_then_500", count=1)
        answer = await post(member)
        assert (answer.status_code, answer.json()["title"]) == (500, "Internal Server Error")
        assert answer.headers["x-rate-limit-remaining"] == "99"
        assert len(await world.ledger()) == 1
        assert (await post(member)).status_code == 403  # the resend proves it: duplicate

    async def test_malformed_does_the_work_and_answers_garbage(self, world: World) -> None:
        await world.order("twitter", "malformed", count=1)
        answer = await post(world.member("twitter"))
        assert answer.status_code == 201
        with pytest.raises(ValueError, match="Expecting value"):
            answer.json()
        assert len(await world.ledger()) == 1

    async def test_a_malformed_linkedin_answer_names_no_urn(self, world: World) -> None:
        await world.order("linkedin", "malformed", count=1)
        answer = await publish(speaking(world.member("linkedin")))
        assert "x-restli-id" not in answer.headers

    async def test_slow_answers_late(self, world: World) -> None:
        await world.order("twitter", "slow", count=1, seconds=0.2)
        began = anyio.current_time()
        assert (await post(world.member("twitter"))).status_code == 201
        assert anyio.current_time() - began >= 0.2

    async def test_rate_limit_says_until_when(self, world: World, stopwatch: Stopwatch) -> None:
        await world.order("twitter", "rate_limit", count=1)
        answer = await post(world.member("twitter"))
        assert answer.status_code == 429
        assert answer.headers["x-rate-limit-remaining"] == "0"
        assert int(answer.headers["x-rate-limit-reset"]) > stopwatch.now().timestamp()
        assert await world.ledger() == []

    async def test_rate_limit_no_headers_says_it_in_the_older_words(self, world: World) -> None:
        await world.order("twitter", "rate_limit_no_headers", count=1)
        answer = await post(world.member("twitter"))
        assert (answer.status_code, answer.json()) == (
            429,
            {"errors": [{"code": 88, "message": "Rate limit exceeded"}]},
        )
        assert not [name for name in answer.headers if name.startswith("x-rate-limit")]

    async def test_an_expired_token_stays_expired_and_a_refreshed_one_works(self, world: World) -> None:
        made = (await world.control("POST", "_accounts", json={"vendor": "twitter"})).json()
        member = Member(world.http, "twitter", made["account"], made["handle"], made["access_token"])
        await world.order("twitter", "expired_token", count=1)
        assert [(await post(member)).status_code for _ in range(2)] == [401, 401]
        form = {"grant_type": "refresh_token", "refresh_token": made["refresh_token"]}
        path, auth = "/sandbox/twitter/2/oauth2/token", (made["client_id"], made["client_secret"])
        member.token = (await world.http.post(path, data=form, auth=auth)).json()["access_token"]
        assert (await post(member)).status_code == 201

    async def test_a_revoked_account_refuses_every_token_and_refresh(self, world: World) -> None:
        made = (await world.control("POST", "_accounts", json={"vendor": "twitter"})).json()
        member = Member(world.http, "twitter", made["account"], made["handle"], made["access_token"])
        await world.order("twitter", "revoked_token", count=1)
        assert (await post(member)).status_code == 401
        form = {"grant_type": "refresh_token", "refresh_token": made["refresh_token"]}
        path, auth = "/sandbox/twitter/2/oauth2/token", (made["client_id"], made["client_secret"])
        assert (await world.http.post(path, data=form, auth=auth)).status_code == 400

    @pytest.mark.parametrize(
        ("fault", "code", "number"),
        [("expired_token", "EXPIRED_ACCESS_TOKEN", 65602), ("revoked_token", "REVOKED_ACCESS_TOKEN", 65601)],
    )
    async def test_linkedin_tells_expired_from_revoked(self, world: World, fault: str, code: str, number: int) -> None:
        member = speaking(world.member("linkedin"))
        await world.order("linkedin", fault, count=1)
        for answer in (await publish(member), await publish(member)):
            assert answer.status_code == 401
            assert (answer.json()["code"], answer.json()["serviceErrorCode"]) == (code, number)

    @pytest.mark.parametrize("fault", ["expired_token", "revoked_token"])
    async def test_cancelling_orders_restores_what_they_did_to_tokens(self, world: World, fault: str) -> None:
        member = world.member("twitter")
        await world.order("twitter", fault, count=1)
        assert (await post(member)).status_code == 401
        assert (await world.control("DELETE", "_faults", params={"vendor": "twitter"})).json() == {"cancelled": 1}
        assert (await post(member)).status_code == 201

    async def test_a_dead_token_uses_no_orders_up(self, world: World) -> None:
        member = world.member("twitter")
        await world.order("twitter", "expired_token", count=1)
        await post(member)
        await world.order("twitter", "slow", count=1)
        await post(member)
        assert [order["asked"] for order in (await world.control("GET", "_faults")).json()["data"]] == [1, 0]

    async def test_an_ordered_duplicate_does_no_work(self, world: World) -> None:
        await world.order("twitter", "duplicate", count=1)
        answer = await post(world.member("twitter"))
        assert answer.json()["detail"] == "You are not allowed to create a Tweet with duplicate content."
        await world.order("linkedin", "duplicate", count=1)
        refused = await publish(speaking(world.member("linkedin")))
        assert (refused.status_code, "duplicate of urn:li:share:" in refused.json()["message"]) == (422, True)
        assert await world.ledger() == []

    async def test_processing_fails_or_drags_on_at_will(self, world: World, stopwatch: Stopwatch) -> None:
        member = world.member("twitter")
        await world.order("twitter", "processing_failed", count=1)
        await world.order("twitter", "processing_slow", count=1, seconds=3600)
        failing, slow = [(await chunked(member, mp4(size, 10, 720, 1280)))["id"] for size in (80_000, 90_000)]
        stopwatch.advance(minutes=30)
        assert (await status(member, failing))["processing_info"]["state"] == "failed"
        assert (await status(member, slow))["processing_info"]["state"] == "in_progress"
        stopwatch.advance(minutes=31)
        assert (await status(member, slow))["processing_info"]["state"] == "succeeded"

    async def test_an_order_can_name_one_connection(self, world: World) -> None:
        one, two = world.member("twitter", "one"), world.member("twitter", "two")
        await world.order("twitter", "rate_limit", connection="one")
        await world.order("twitter", "accept_then_500", connection=two.account)
        assert [(await post(member)).status_code for member in (one, two)] == [429, 500]

    async def test_orders_touch_neither_other_vendors_nor_other_owners(self, world: World) -> None:
        await world.order("twitter", "rate_limit")
        assert (await publish(speaking(world.member("linkedin")))).status_code == 201
        assert (await post(World(world.http).member("twitter"))).status_code == 201

    async def test_reads_are_no_commits(self, world: World) -> None:
        member = world.member("twitter")
        await world.order("twitter", "accept_then_500")
        assert (await member.get("/2/users/me")).status_code == 200

    async def test_a_refused_request_keeps_its_refusal(self, world: World) -> None:
        await world.order("twitter", "accept_then_500")
        answer = await world.member("twitter").post("/2/tweets", json={"text": "a", "colour": "red"})
        assert answer.status_code == 400

    async def test_a_script_over_commits(self, world: World) -> None:
        member = world.member("twitter")
        await world.order("twitter", script=["ok", "accept_then_500", "rate_limit"])
        answers = [(await post(member, f"Post {number}")).status_code for number in range(4)]
        assert answers == [201, 500, 429, 201]

    async def test_simultaneous_requests_share_one_count(self, world: World) -> None:
        members = [world.member("twitter", f"m{number}") for number in range(8)]
        await world.order("twitter", "rate_limit", count=3)
        answers: list[int] = []

        async def one(member: Member) -> None:
            answers.append((await post(member)).status_code)

        async with anyio.create_task_group() as group:
            for member in members:
                group.start_soon(one, member)
        assert sorted(answers) == [201] * 5 + [429] * 3

    async def test_simultaneous_identical_posts_become_one(self, world: World) -> None:
        member, answers = world.member("twitter"), list[int]()

        async def one() -> None:
            answers.append((await post(member, "At once")).status_code)

        async with anyio.create_task_group() as group:
            for _ in range(6):
                group.start_soon(one)
        assert sorted(answers) == [201] + [403] * 5
        assert len(await world.ledger()) == 1


@pytest.mark.anyio
class TestOverASocket:
    """What only a real connection can show."""

    @pytest.mark.parametrize(("fault", "published"), [("accept_then_reset", 1), ("reset_before", 0)])
    async def test_a_reset_breaks_the_connection(self, served: World, fault: str, published: int) -> None:
        member = served.member("twitter")
        await served.order("twitter", fault, count=1)
        with pytest.raises(httpx2.RemoteProtocolError):
            await post(member)
        assert len(await served.ledger()) == published
        assert (await post(member, "The next one")).status_code == 201

    async def test_linkedin_resets_alike(self, served: World) -> None:
        member = speaking(served.member("linkedin"))
        await served.order("linkedin", "accept_then_reset", count=1)
        with pytest.raises(httpx2.RemoteProtocolError):
            await publish(member, "Once")
        urn = (await served.ledger())[0]["remote_id"]
        resent = await publish(member, "Once")
        assert resent.json()["message"].endswith(urn)

    async def test_a_reset_in_the_middle_of_an_upload(self, served: World) -> None:
        member = served.member("twitter")
        body = {"media_type": "video/mp4", "total_bytes": 1000, "media_category": "tweet_video"}
        media_id = (await member.post("/2/media/upload/initialize", json=body)).json()["data"]["id"]
        await served.order("twitter", "reset_before", count=1)
        path, form = f"/2/media/upload/{media_id}/append", {"segment_index": "0"}
        with pytest.raises(httpx2.RemoteProtocolError):
            await member.post(path, data=form, files={"media": ("part", mp4(1000))})
        assert (await member.post(path, data=form, files={"media": ("part", mp4(1000))})).status_code == 200

    async def test_a_held_answer_outlasts_the_clients_patience(self, served: World) -> None:
        member = served.member("twitter")
        await served.order("twitter", "accept_then_timeout", count=1)
        with pytest.raises(httpx2.ReadTimeout):
            await member.post("/2/tweets", json={"text": "Held"}, timeout=0.3)
        assert [row["text"] for row in await served.ledger()] == ["Held"]

    async def test_a_hold_of_given_length_ends_in_a_broken_connection(self, served: World) -> None:
        member = served.member("twitter")
        await served.order("twitter", "accept_then_timeout", count=1, seconds=0.2)
        began = anyio.current_time()
        with pytest.raises(httpx2.RemoteProtocolError):
            await post(member)
        assert anyio.current_time() - began >= 0.2

    async def test_fast_answers_are_not_held_up_by_a_hold(self, served: World) -> None:
        slow, quick = served.member("twitter", "slow"), served.member("twitter", "quick")
        await served.order("twitter", "accept_then_timeout", connection="slow", seconds=5)

        async def wait_in_vain(number: int) -> None:
            with pytest.raises(httpx2.ReadTimeout):
                await slow.post("/2/tweets", json={"text": f"Held {number}"}, timeout=1)

        async with anyio.create_task_group() as group:
            for number in range(3):
                group.start_soon(wait_in_vain, number)
            with anyio.fail_after(1):
                assert (await post(quick)).status_code == 201

    async def test_uploads_are_stopped_at_their_limit(self, served: World) -> None:
        member = served.member("twitter")
        answer = await member.post("/2/tweets", json={"text": "a" * (2 << 20)})
        assert answer.status_code == 413
