"""Looking for posts in Meta's lists, and asking for numbers of which Meta does not know some."""

import pytest
from courier import Notebook, Owner, account_at, attempt, deliver, kinds, sample

from amp.domain.publishing.port import Done
from amp.kit.errors import ProviderFailed, Unknown
from amp.kit.web import vendor_client
from amp.providers.discovery import Social
from amp.providers.social._facebook_wire import ERRORS
from amp.providers.social._graph import Graph, Insights
from amp.providers.social._graph_reading import counters, same_words

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("name", ["instagram", "facebook", "threads"])
async def test_what_a_list_does_not_show_yet_is_waited_for(owner: Owner, social: Social, name: str):
    platform = social.of(name, "test")
    account, now = account_at(owner, platform), owner.sandbox.clock.now()
    delivery = sample(kinds(platform.capabilities)[0], platform, account, now, owner.sandbox.url)
    await owner.order(name, "listing_lag", seconds=15)

    async def lose(_step: str) -> None:
        book.before = None
        await owner.order(name, "accept_then_reset")

    book = Notebook(owner.sandbox.clock, before=lose)
    with pytest.raises(ProviderFailed) as lost:
        await attempt(platform, delivery, book)
    assert lost.value.remedy == Unknown()
    await deliver(platform, delivery, book, unsure=True)
    assert len(await owner.posts(name)) == 1


async def test_a_post_is_found_behind_a_page_of_newer_ones(owner: Owner, social: Social):
    platform = social.of("facebook", "test")
    account, now = account_at(owner, platform), owner.sandbox.clock.now()
    delivery = sample("text", platform, account, now)
    done = await deliver(platform, delivery, Notebook(owner.sandbox.clock))
    for _ in range(50):
        await platform.publish(sample("text", platform, account, now), Notebook(owner.sandbox.clock))
    found = await platform.find(delivery, Notebook(owner.sandbox.clock))
    assert isinstance(found, Done)
    assert found.remote_id == done.remote_id


async def test_a_number_that_meta_does_not_know_does_not_hide_the_others(owner: Owner, social: Social):
    platform = social.of("facebook", "test")
    account = account_at(owner, platform)
    done = await deliver(
        platform, sample("text", platform, account, owner.sandbox.clock.now()), Notebook(owner.sandbox.clock)
    )
    async with vendor_client(f"{owner.sandbox.url}/facebook") as client:
        graph = Graph("Facebook", client, ERRORS, owner.sandbox.clock)
        names = {"post_media_view": "impressions", "post_impressions": "reach", "post_clicks": "clicks"}
        found = await counters(graph, f"/v26.0/{done.remote_id}/insights", account.access_token, names)
    assert set(found) == {"impressions", "clicks"}


def test_numbers_are_added_up_where_several_are_one_of_ours():
    told = Insights.model_validate(
        {
            "data": [
                {"name": "reposts", "period": "lifetime", "values": [{"value": 3}]},
                {"name": "quotes", "period": "lifetime", "values": [{"value": 4}]},
                {"name": "post_media_view", "values": [{"value": {"paid": 10, "organic": 32}}]},
                {"name": "post_clicks", "values": []},
                {"name": "unasked", "values": [{"value": 9}]},
            ]
        }
    )
    names = {"reposts": "shares", "quotes": "shares", "post_media_view": "impressions", "post_clicks": "clicks"}
    assert told.counters(names) == {"shares": 7, "impressions": 42}


@pytest.mark.parametrize(
    ("ours", "theirs", "same"),
    [
        ("Hello  there\n\nyou ", "Hello there\nyou", True),
        ("Cafe\u0301", "Caf\u00e9", True),
        ("Hello", "Hello!", False),
        ("", "", True),
    ],
)
def test_texts_are_the_same_but_for_spaces(ours: str, theirs: str, same: bool):
    assert same_words(ours, theirs) is same
