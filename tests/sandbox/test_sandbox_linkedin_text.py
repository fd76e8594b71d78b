"""LinkedIn's little text: what readers see."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from amp.sandbox.social._linkedin_text import length, shown

RESERVED = r"|{}@[]()<>#\*_~"


@pytest.mark.parametrize(
    ("commentary", "text"),
    [
        pytest.param("Plain text", "Plain text", id="plain text stays"),
        pytest.param(r"Five \(5\) of them", "Five (5) of them", id="escaped parentheses are shown"),
        pytest.param("Five (5) of them", "Five ", id="an unescaped parenthesis ends the text"),
        pytest.param("Smile :) and go on", "Smile :", id="a closing one does too"),
        pytest.param("A #hashtag here", "A #hashtag here", id="a bare hashtag is a hashtag"),
        pytest.param(r"A {hashtag|\#|word} here", "A #word here", id="a hashtag template"),
        pytest.param(r"No \#hashtag", "No #hashtag", id="an escaped hash is shown"),
        pytest.param("Hi @[Acme Inc](urn:li:organization:12)!", "Hi Acme Inc!", id="a mention shows the name"),
        pytest.param(r"C:\\temp \| \{a\} \[b\] \<c\> \* \_ \~ \@", "C:\\temp | {a} [b] <c> * _ ~ @", id="all others"),
        pytest.param("a\nb", "a\nb", id="lines stay"),
    ],
)
def test_little_text_is_read_as_readers_see_it(commentary: str, text: str) -> None:
    assert shown(commentary) == text


@given(st.text(max_size=200))
def test_a_fully_escaped_text_is_shown_whole(text: str) -> None:
    escaped = "".join(f"\\{char}" if char in RESERVED else char for char in text)
    assert shown(escaped) == text
    assert length(escaped) == len(text)
