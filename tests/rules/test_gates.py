"""The gates of a proposed item: what passes, what fails, what is unsure, and the words that prove it."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from amp.domain.pipeline.gates import (
    Proposal,
    SameMessage,
    Topic,
    TopicAnswer,
    TopicAnswers,
    Verdict,
    duplicate_gate,
    platform_gate,
    same_message_verdict,
    shape_gate,
    topic_answers,
    topics_gate,
    topics_verdict,
)
from amp.domain.pipeline.similarity import Earlier
from amp.domain.platforms.port import Capabilities, TextRule
from amp.domain.platforms.text_length import weighted_length

POST = Proposal(
    type="post",
    pillar="craft",
    topic="release notes",
    parts=("Release notes people read: three habits of our writers. https://acme.com/notes",),
    hashtags=("#Writing",),
)
BOARD = Capabilities("board", "Board", TextRule(120, weighted_length), text_only=True, max_thread_parts=3)
PRICING = Topic("pricing", synonyms=("cost", "how much"))


def shape(proposal: Proposal) -> Verdict:
    return shape_gate(proposal, pillars=["craft", "people"])


def test_a_whole_item_passes_with_the_version_of_the_gate():
    assert shape(POST) == Verdict("shape", 1, "pass")
    assert shape(replace(POST, type="thread", parts=("One", "Two"))).outcome == "pass"


@pytest.mark.parametrize(
    ("proposal", "evidence"),
    [
        (replace(POST, type="poem"), "poem"),
        (replace(POST, type="thread"), "thread"),
        (replace(POST, parts=("a", "b")), "post"),
        (replace(POST, pillar="gossip"), "gossip"),
        (replace(POST, hashtags=("Writing",)), "Writing"),
        (replace(POST, hashtags=("#release notes",)), "#release notes"),
        (replace(POST, hashtags=("#AI", "#ai")), "#AI #ai"),
        (replace(POST, hashtags=tuple(f"#a{n}" for n in range(6))), "#a0 #a1 #a2 #a3 #a4 #a5"),
        (replace(POST, link="https://acme.com/other"), "https://acme.com/notes https://acme.com/other"),
        (replace(POST, parts=("See acme.com and acme.io",)), "acme.com acme.io"),
    ],
)
def test_a_broken_item_fails_with_the_part_that_is_wrong(proposal: Proposal, evidence: str):
    verdict = shape(proposal)
    assert (verdict.outcome, verdict.evidence) == ("fail", (evidence,))


def test_a_text_may_name_the_page_its_link_leads_to():
    proposal = replace(
        POST, parts=("All of it on acme.com/notes today",), link="https://www.acme.com/notes/?utm_source=x"
    )
    assert shape(proposal).outcome == "pass"


def test_an_item_without_a_topic_fails():
    assert shape(replace(POST, topic=" ")).reason == "it names no topic"


@pytest.mark.parametrize(
    "blank",
    [
        "[Your Company]",
        "[link]",
        "{{first_name}}",
        "{product}",
        "<insert date>",
        "Insert link here",
        "Lorem ipsum",
        "TODO",
        "XXX",
        "yourwebsite.com",
    ],
)
def test_a_placeholder_that_was_left_in_fails(blank: str):
    verdict = shape(replace(POST, parts=(f"Meet us: {blank} today",)))
    assert (verdict.outcome, verdict.evidence) == ("fail", (blank,))


@pytest.mark.parametrize("text", ["A dict is {1: 2}", "arr[0] is first", "x < y and y > x", "todo lists", "[sic]"])
def test_brackets_alone_are_no_placeholder(text: str):
    assert shape(replace(POST, parts=(text,))).outcome == "pass"


def test_all_problems_of_an_item_are_given_at_once():
    verdict = shape(replace(POST, pillar="x", hashtags=("y",), topic=""))
    assert verdict.reason.count(";") == 2


def test_the_platform_counts_hashtags_and_link_too():
    assert platform_gate(POST, BOARD).outcome == "pass"
    long = replace(POST, hashtags=("#" + "x" * 90,))
    assert (platform_gate(long, BOARD).outcome, platform_gate(long, BOARD).evidence) == ("fail", ("text",))


@pytest.mark.parametrize(
    ("text", "quote"),
    [
        ("Our pricing is simple", "pricing"),
        ("New PRICES from May", "PRICES"),
        ("Priced to please", "Priced"),
        ("A price for everyone", "price"),
    ],
)
def test_an_excluded_topic_fails_in_every_form_of_its_word(text: str, quote: str):
    verdict = topics_gate(text, [PRICING])
    assert (verdict.outcome, verdict.evidence) == ("fail", (quote,))


def test_a_synonym_only_raises_the_question():
    verdict = topics_gate("The cost of context switching, and how much of it is noise", [PRICING])
    assert (verdict.outcome, verdict.evidence) == ("unsure", ("cost", "how much"))


def test_the_word_itself_outweighs_a_synonym():
    assert topics_gate("What does our pricing cost?", [PRICING]).outcome == "fail"


@pytest.mark.parametrize("text", ["A priceless moment", "costume party", "how very much", ""])
def test_a_word_inside_another_is_not_the_topic(text: str):
    assert topics_gate(text, [PRICING]).outcome == "pass"


def test_a_topic_of_several_words_matches_as_a_phrase():
    layoffs = Topic("lay offs")
    assert topics_gate("They lay  off-shore cables", [layoffs]).evidence == ("lay  off",)
    assert topics_gate("Lay it off", [layoffs]).outcome == "pass"


@given(st.text(alphabet=st.characters(categories=["Ll", "Zs"]), max_size=80))
def test_whatever_stands_around_it_an_excluded_word_is_found(around: str):
    assert topics_gate(f"{around} pricing {around}", [PRICING]).outcome == "fail"


EARLIER = [Earlier("cnt_1", "Release notes people read: three habits of our writers."), Earlier("cnt_2", "Hello")]


def test_the_same_text_in_other_clothes_fails():
    verdict = duplicate_gate("RELEASE NOTES people read — three habits of our writers! https://a.com/1", EARLIER)
    assert (verdict.outcome, verdict.evidence) == ("fail", ("cnt_1",))


def test_a_copy_with_a_word_changed_fails():
    verdict = duplicate_gate("Release notes people read: the three habits of our writers.", EARLIER)
    assert (verdict.outcome, verdict.reason) == ("fail", "89% like an earlier text")


def test_the_grey_zone_is_unsure_and_names_the_earlier_item():
    verdict = duplicate_gate("Release notes people read need three habits; ask any writer.", EARLIER)
    assert (verdict.outcome, verdict.evidence) == ("unsure", ("cnt_1",))


def test_a_text_of_its_own_passes():
    assert duplicate_gate("How we test on a train with no network", EARLIER).outcome == "pass"
    assert duplicate_gate("Anything", []).outcome == "pass"


TEXT = "Start free, upgrade for seats"


def answered(touches: str, quote: str = "") -> TopicAnswers:
    return TopicAnswers(answers=[TopicAnswer.model_validate({"topic": "Pricing", "touches": touches, "quote": quote})])


@pytest.mark.parametrize(
    ("answers", "outcome"),
    [
        (answered("yes", "upgrade for seats"), "fail"),
        (answered("yes", "words that are not there"), "unsure"),
        (answered("yes"), "unsure"),
        (answered("unsure"), "unsure"),
        (answered("no"), "pass"),
        (TopicAnswers(answers=[]), "unsure"),
    ],
)
def test_a_model_is_believed_when_it_quotes_the_text(answers: TopicAnswers, outcome: str):
    assert topics_verdict(answers, [PRICING], TEXT).outcome == outcome


def test_a_question_about_topics_cannot_leave_one_out():
    topics = [Topic("politics"), PRICING]
    sheet = topic_answers(topics)
    no, yes = {"touches": "no"}, {"touches": "yes", "quote": "upgrade for seats"}
    assert topics_verdict(sheet.model_validate({"topic_0": no, "topic_1": no}), topics, TEXT).outcome == "pass"
    verdict = topics_verdict(sheet.model_validate({"topic_0": no, "topic_1": yes}), topics, TEXT)
    assert (verdict.outcome, verdict.evidence) == ("fail", ("upgrade for seats",))
    with pytest.raises(ValidationError):
        sheet.model_validate({"topic_0": no})


def test_one_topic_that_is_touched_outweighs_the_others():
    answers = TopicAnswers(
        answers=[
            TopicAnswer(topic="politics", touches="unsure"),
            TopicAnswer(topic="pricing", touches="yes", quote="free"),
        ]
    )
    verdict = topics_verdict(answers, [Topic("politics"), PRICING], TEXT)
    assert (verdict.outcome, verdict.evidence) == ("fail", ("free",))


@pytest.mark.parametrize(("same", "outcome"), [("yes", "fail"), ("no", "pass"), ("unsure", "unsure")])
def test_a_model_settles_the_grey_zone(same: str, outcome: str):
    answer = SameMessage.model_validate({"same": same})
    assert same_message_verdict(answer, EARLIER[0]).outcome == outcome
