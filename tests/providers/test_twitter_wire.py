"""Reading X: both spellings of its fields, and knowing one's own post again after X rewrote it."""

import pytest
from files import File

from amp.domain.publishing.port import Part
from amp.providers.social._twitter_wire import Post, Posts, Sought

TEXT = "Tips & tricks <now> see https://acme.com/a?x=1 and acme.io"
REWRITTEN = "Tips &amp; tricks &lt;now&gt; see https://t.co/AbCdEf1234 and https://t.co/GhIjKl5678"


def post(text: str, conversation: str | None = "1", remote_id: str = "1") -> Post:
    return Post(id=remote_id, text=text, conversation_id=conversation)


@pytest.mark.parametrize("spelling", ["repost_count", "retweet_count"])
def test_counters_are_read_in_the_old_and_the_new_spelling(spelling: str):
    numbers = {
        "impression_count": 90,
        "like_count": 5,
        "reply_count": 4,
        spelling: 3,
        "quote_count": 2,
        "bookmark_count": 1,
    }
    assert Post(id="1", public_metrics=numbers).counters() == {
        "impressions": 90,
        "likes": 5,
        "comments": 4,
        "shares": 5,
        "saves": 1,
    }


def test_private_numbers_come_on_top_of_the_public_ones():
    counters = Post(
        id="1",
        public_metrics={"impression_count": 90, "like_count": 5},
        non_public_metrics={"impression_count": 95, "url_link_clicks": 7},
    ).counters()
    assert counters == {"impressions": 95, "likes": 5, "clicks": 7}


def test_what_x_does_not_say_is_left_out():
    assert Post(id="1", public_metrics={"like_count": None}).counters() == {}


def test_a_hidden_field_hides_the_post_and_a_missing_post_is_gone():
    page = Posts.model_validate(
        {
            "data": [{"id": "1"}],
            "errors": [
                {"resource_id": "1", "type": "https://api.twitter.com/2/problems/field-unauthorized"},
                {"resource_id": "2", "type": "https://api.x.com/2/problems/not-authorized-for-field"},
                {"value": "3", "type": "https://api.x.com/2/problems/resource-not-found"},
            ],
        }
    )
    assert page.hidden() == {"2"}


def sought(
    text: str = TEXT, *, pictures: int = 0, thread: str | None = None, known: str = "", keys: str = ""
) -> Sought:
    part = Part(text, (File("med_1"),) * pictures)
    return Sought(part, thread, frozenset(known.split()), frozenset(keys.split()))


@pytest.mark.parametrize(
    "theirs", [TEXT, REWRITTEN, f"  {REWRITTEN} ", REWRITTEN.replace(" see ", "\nsee ")], ids=str.strip
)
def test_a_post_is_known_again_whatever_x_did_to_its_links(theirs: str):
    assert sought().is_it(post(theirs))


@pytest.mark.parametrize("theirs", [REWRITTEN + " too", "Tips", "", "https://t.co/AbCdEf1234"])
def test_another_text_is_another_post(theirs: str):
    assert not sought().is_it(post(theirs))


def test_an_image_may_append_a_link_of_its_own():
    with_link = f"{REWRITTEN} https://t.co/MeDiA12345"
    assert sought(pictures=1).is_it(post(with_link))
    assert sought("", pictures=1).is_it(post("https://t.co/MeDiA12345"))
    assert not sought().is_it(post(with_link))


def test_the_same_words_with_other_images_are_another_post():
    pictured = post(TEXT).model_copy(update={"attachments": Post.model_validate(PICTURED).attachments})
    assert sought(pictures=2, keys="3_1 3_2").is_it(pictured)
    assert not sought(pictures=2, keys="3_1 3_9").is_it(pictured)
    assert sought(pictures=2).is_it(pictured)
    assert sought(pictures=2, keys="3_1 3_2").is_it(post(TEXT))


PICTURED = {"id": "1", "attachments": {"media_keys": ["3_1", "3_2"]}}


def test_the_first_post_stands_in_a_conversation_of_its_own():
    assert sought().is_it(post(TEXT, conversation="1", remote_id="1"))
    assert not sought().is_it(post(TEXT, conversation="7", remote_id="1"))


def test_a_part_of_a_thread_stands_in_the_conversation_of_the_thread():
    assert sought(thread="7").is_it(post(TEXT, conversation="7", remote_id="9"))
    assert not sought(thread="7").is_it(post(TEXT, conversation="9", remote_id="9"))


def test_a_part_that_is_known_is_not_taken_for_another_with_the_same_words():
    assert not sought(thread="7", known="7 9").is_it(post(TEXT, conversation="7", remote_id="9"))
