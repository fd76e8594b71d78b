"""Copies are told from texts of their own; what lies between is left to somebody who understands it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from amp.domain.pipeline.similarity import COPY, GREY, Earlier, closest, fingerprint, similarity

LAUNCH = "Today we launch Acme Flow: plan, write and publish from one place. Try it at https://acme.com/flow"


@pytest.mark.parametrize(
    "other",
    [
        LAUNCH.upper(),
        LAUNCH.replace("https://acme.com/flow", "https://acme.com/flow?utm_source=x"),
        "  Today we launch Acme Flow — plan, write and publish from one place! Try it at 🎉",
    ],
)
def test_links_case_spacing_and_punctuation_do_not_make_a_new_text(other: str):
    assert fingerprint(other) == fingerprint(LAUNCH)


def test_other_words_make_a_new_text():
    assert fingerprint(LAUNCH.replace("Flow", "Grow")) != fingerprint(LAUNCH)


@pytest.mark.parametrize(
    ("other", "least", "most"),
    [
        (LAUNCH.replace("Today", "This Monday"), COPY, 1.0),
        ("Acme Flow is here: plan, write and publish from one place.", GREY, COPY),
        ("Five habits of teams that write well, measured over a year.", 0.0, GREY),
    ],
)
def test_copies_score_high_and_strangers_low(other: str, least: float, most: float):
    assert least <= similarity(LAUNCH, other) < most


def test_the_closest_of_the_earlier_texts_is_named():
    earlier = [Earlier("cnt_1", "Something else entirely"), Earlier("cnt_2", LAUNCH + " now")]
    likeness = closest(LAUNCH, earlier)
    assert likeness is not None
    assert likeness.earlier.content_id == "cnt_2"


def test_nothing_is_close_to_nothing():
    assert closest(LAUNCH, []) is None


@given(st.text(), st.text())
def test_similarity_is_symmetric_and_between_nothing_and_everything(first: str, second: str):
    assert 0 <= similarity(first, second) == similarity(second, first) <= 1


@given(st.text())
def test_a_text_is_wholly_like_itself(text: str):
    assert similarity(text, text) == 1
