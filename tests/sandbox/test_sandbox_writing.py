"""Writing for any brief and schema: on topic, within limits, clear of what is to be avoided, never twice the same."""

import itertools
import json
import re
import statistics
import time
from typing import Any, Literal

import jsonschema_rs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, Field

from amp.sandbox.writing.brief import forbidden, listed_topics, read_brief
from amp.sandbox.writing.desk import Prompt, Tool, ToolUse, Wish, answer
from amp.sandbox.writing.limits import stated_count, stated_limit, stated_words
from amp.sandbox.writing.prose import Pen
from amp.sandbox.writing.schemas import Filler

INSTRUCTIONS = """You write social media posts for one campaign. Write like a person who knows the subject.
Campaign: Winter Cycling. Get people on bikes in the cold season
Objectives: Announce heated handlebars to commuters; Drive test rides
Voice: warm and honest
Use no placeholders, no invented numbers, names or links."""


def task_of(topic: str = "riding through the first snow", item: str = "1", limit: int = 220) -> str:
    return f"""Write one post for twitter, each post at most {limit} characters.
Pillar: Everyday Riding. Shows how people ride.
Topic: {topic}
This is item {item} of cycle 1; say something new."""


def fill(schema: dict[str, Any], task: str = "", instructions: str = INSTRUCTIONS, seed: str = "seed") -> Any:
    return Filler(schema, read_brief(task or task_of(), instructions), seed).fill()


def post(task: str, instructions: str = INSTRUCTIONS, longest: int = 220) -> str:
    return Pen(read_brief(task, instructions), task).post(longest=longest)


@pytest.mark.parametrize(
    ("text", "limit"),
    [
        ("at most 280 characters", 280),
        ("Maximum of 1,200 characters", 1200),
        ("max 90 chars", 90),
        ("no more than 500 weighted characters", 500),
        ("keep it under 100 characters", 100),
        ("up to 40 letters", 40),
        ("280 characters or fewer", 280),
        ("a 120-character hook", 120),
        ("between 120 and 160 characters", 160),
        ("limit: 300 characters; title up to 60 characters", 60),
        ("each post at most 220 utf-16 units", 220),
        ("five or six words", None),
        ("at most 3 posts", None),
    ],
)
def test_limits_are_read_where_they_are_stated(text: str, limit: int | None) -> None:
    assert stated_limit(text) == limit


def test_word_and_part_counts_are_read() -> None:
    assert stated_words("at most 8 words each") == 8
    assert stated_words("Two to four words") == 4
    assert stated_count("Write a thread of 2 to 5 posts for X") == (2, 5)
    assert stated_count("three to four parts") == (3, 4)


@pytest.mark.parametrize(
    ("prompt", "words"),
    [
        ("Never touch these topics: pricing; competitors", ["pricing", "competitors"]),
        ("Excluded topics, never to be touched: layoffs", ["layoffs"]),
        ("Avoid jargon and hype.", ["jargon", "hype"]),
        ("Do not mention the word synergy.", ["synergy"]),
        ('"excluded_topics": ["politics", "religion"], "x": 1', ["politics", "religion"]),
        ("Use no placeholders, no invented numbers.", []),
        ("You check whether a post touches excluded topics. Answer for every topic.", []),
    ],
)
def test_what_to_keep_out_is_read(prompt: str, words: list[str]) -> None:
    assert forbidden(prompt) == words


@given(st.integers(30, 3000), st.integers(0, 1000))
@settings(max_examples=60)
def test_a_post_is_never_longer_than_stated(limit: int, item: int) -> None:
    text = post(task_of(item=str(item), limit=limit), longest=limit)
    assert 0 < len(text) <= limit


@given(
    st.sampled_from(["team", "meeting", "plan", "calm", "coffee", "idea", "work", "people", "project"]),
    st.integers(0, 500),
)
@settings(max_examples=60)
def test_avoided_words_never_appear(word: str, item: int) -> None:
    text = post(task_of(item=str(item)), f"{INSTRUCTIONS}\nNever touch these topics: {word}", longest=600)
    assert not re.search(rf"\b{word}", text, re.IGNORECASE)


@pytest.mark.parametrize("topic", ["riding through the first snow", "brake checks", "Zürich by bike"])
def test_a_post_speaks_of_its_topic(topic: str) -> None:
    texts = [post(task_of(topic, str(item))) for item in range(10)]
    assert all(topic.split()[0].lower() in text.lower() for text in texts)


def test_without_labels_the_prompts_own_words_are_the_topic() -> None:
    text = post("Write something about sourdough baking for beginners", "", longest=400)
    assert re.search(r"sourdough|baking|beginners", text, re.IGNORECASE)


def test_the_same_prompt_gives_the_same_text_and_another_another() -> None:
    assert post(task_of()) == post(task_of())
    assert post(task_of(item="1")) != post(task_of(item="2"))


def trigrams(text: str) -> set[tuple[str, ...]]:
    words = re.findall(r"\w+", text.lower())
    return set(zip(words, words[1:], words[2:], strict=False))


def overlap(one: str, two: str) -> float:
    first, second = trigrams(one), trigrams(two)
    return len(first & second) / max(1, len(first | second))


def test_different_slots_give_clearly_different_texts() -> None:
    texts = [post(task_of(item=str(item))) for item in range(80)]
    overlaps = [overlap(one, two) for one, two in itertools.combinations(texts, 2)]
    assert statistics.mean(overlaps) < 0.12
    assert sum(one > 0.5 for one in overlaps) / len(overlaps) < 0.005
    assert len(set(texts)) == 80


def test_different_topics_share_even_less() -> None:
    texts = [post(task_of(topic)) for topic in ("brake checks", "winter tyres", "bright lights", "warm gloves")]
    assert max(overlap(one, two) for one, two in itertools.combinations(texts, 2)) < 0.2


@pytest.mark.parametrize("item", range(6))
def test_a_text_is_made_of_sentences_that_stand(item: int) -> None:
    text = post(task_of(item=str(item)), longest=900)
    assert not re.search(r"[{}]| {2}|\ba [aeio]|\d", text)
    assert text[0].isupper()
    assert text[-1] in ".!?"


class Pillar(BaseModel):
    name: str = Field(max_length=40, description="Two to four words")
    angle: str = Field(max_length=120)
    share: float = Field(gt=0, le=1)
    topics: list[str] = Field(min_length=3, max_length=5, description="Concrete topics, at most 8 words each")
    kind: Literal["post", "thread", "image"]
    note: str | None = None


class Plan(BaseModel):
    summary: str = Field(max_length=300)
    pillars: list[Pillar] = Field(min_length=2, max_length=5)


def test_a_plan_has_distinct_pillars_whose_shares_sum_to_one() -> None:
    for seed in range(20):
        plan = Plan.model_validate(fill(Plan.model_json_schema(), seed=str(seed)))
        assert len({pillar.name for pillar in plan.pillars}) == len(plan.pillars)
        assert sum(pillar.share for pillar in plan.pillars) == pytest.approx(1)
        assert all(len(topic.split()) <= 8 for pillar in plan.pillars for topic in pillar.topics)
        assert all(len(pillar.name.split()) <= 4 for pillar in plan.pillars)


def test_bounds_that_an_sdk_moved_into_descriptions_still_hold() -> None:
    name = {"type": "string", "description": "{maxLength: 12}"}
    names = {"type": "array", "items": name, "description": "{minItems: 2, maxItems: 2}"}
    made = fill({"type": "object", "properties": {"names": names}})
    assert len(made["names"]) == 2
    assert all(len(one) <= 12 for one in made["names"])


def test_a_prompts_limit_is_for_its_texts() -> None:
    parts = {"type": "array", "items": {"type": "string"}, "minItems": 2, "maxItems": 6}
    task = task_of(limit=100).replace("one post", "a thread of 2 to 5 posts")
    made = fill({"type": "object", "properties": {"parts": parts}}, task)
    assert 2 <= len(made["parts"]) <= 5
    assert all(0 < len(part) <= 100 for part in made["parts"])
    assert len(set(made["parts"])) == len(made["parts"])


def test_hashtags_are_single_words() -> None:
    tags = fill({"type": "object", "properties": {"hashtags": {"type": "array", "items": {"type": "string"}}}})
    assert all(re.fullmatch(r"[^\W_]+", tag) for tag in tags["hashtags"])


def test_scores_are_generous_and_within_their_range() -> None:
    properties = {
        "score": {"type": "integer", "minimum": 1, "maximum": 10},
        "quality": {"type": "number", "description": "between 0 and 1"},
    }
    made = fill({"type": "object", "properties": properties})
    assert 7 <= made["score"] <= 10
    assert 0.7 <= made["quality"] <= 1


CHECK = "Topics: pricing; competitors\nThe post:\n{}"
ANSWERS: dict[str, Any] = {
    "type": "object",
    "properties": {
        "answers": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "topic": {"type": "string"},
                    "touches": {"enum": ["yes", "no", "unsure"]},
                    "quote": {"type": "string"},
                },
            },
        }
    },
}


@pytest.mark.parametrize(
    ("text", "touched"),
    [
        ("We ride in the snow.", []),
        ("Our prices are low.", ["pricing"]),
        ("No competitor comes close", ["competitors"]),
    ],
)
def test_a_check_answers_for_every_topic_with_the_exact_words(text: str, touched: list[str]) -> None:
    made = fill(ANSWERS, CHECK.format(text), "You check whether a post touches excluded topics. Quote exactly.")
    assert [one["topic"] for one in made["answers"]] == ["pricing", "competitors"]
    assert [one["topic"] for one in made["answers"] if one["touches"] == "yes"] == touched
    assert all((one["quote"] in text) == bool(one["quote"]) for one in made["answers"] if one["quote"])


@pytest.mark.parametrize("name", ["mentions_topic", "violates", "duplicate", "same_message", "flagged", "is_off_topic"])
def test_verdicts_are_no_unless_the_text_says_otherwise(name: str) -> None:
    schema = {"type": "object", "properties": {name: {"type": "boolean"}}}
    assert fill(schema, CHECK.format("We ride in the snow."), "") == {name: False}


@pytest.mark.parametrize(
    ("name", "text", "verdict"),
    [
        ("mentions_topic", "Our prices are low.", True),
        ("violates", "Our prices are low.", True),
        ("passes", "Our prices are low.", False),
        ("passes", "We ride.", True),
        ("mentions_pricing", "Our prices are low.", True),
    ],
)
def test_verdicts_follow_the_words_of_the_text(name: str, text: str, verdict: bool) -> None:
    schema = {"type": "object", "properties": {name: {"type": "boolean"}}}
    assert fill(schema, CHECK.format(text), "") == {name: verdict}


@pytest.mark.parametrize(("second", "same"), [("We ride in the snow!", True), ("Brakes need care in spring.", False)])
def test_two_texts_are_the_same_only_in_nearly_the_same_words(second: str, same: bool) -> None:
    schema = {"type": "object", "properties": {"same_message": {"type": "boolean"}, "duplicate": {"type": "boolean"}}}
    made = fill(schema, f"First:\nWe ride in the snow\n\nSecond:\n{second}", "You compare two posts.")
    assert made == {"same_message": same, "duplicate": same}


def test_asked_for_related_words_it_lists_them_by_topic() -> None:
    words = {"type": "array", "items": {"type": "string"}, "maxItems": 12}
    item = {"type": "object", "properties": {"topic": {"type": "string"}, "words": words}}
    schema = {"type": "object", "properties": {"topics": {"type": "array", "items": item}}}
    task = "List the words by which a post would touch on each of these topics: pricing; gardening"
    made = fill(schema, task, "You help editors keep excluded topics out.")
    assert [one["topic"] for one in made["topics"]] == ["pricing", "gardening"]
    assert "price" in made["topics"][0]["words"]
    assert "gardening" in made["topics"][1]["words"]


def test_listed_topics_are_those_asked_about_and_not_those_forbidden() -> None:
    assert listed_topics("Topics: a; b c\nThe post:\nx") == ["a", "b c"]
    assert listed_topics("Never touch these topics: a; b") == []


names = st.sampled_from(
    [
        "text",
        "title",
        "topics",
        "hashtags",
        "score",
        "count",
        "share",
        "url",
        "created_at",
        "words",
        "hook",
        "cta",
        "kind",
        "is_ok",
        "violates",
        "reason",
        "x",
    ]
)


def schemas(depth: int = 2) -> st.SearchStrategy[dict[str, Any]]:
    lengths = st.tuples(st.integers(0, 40), st.integers(1, 400)).map(sorted)
    leaf = st.one_of(
        lengths.map(lambda pair: {"type": "string", "minLength": pair[0], "maxLength": pair[1]}),
        st.just({"type": "string"}),
        st.sampled_from(["date-time", "date", "uuid", "email", "uri"]).map(lambda f: {"type": "string", "format": f}),
        st.tuples(st.integers(-50, 50), st.integers(0, 90)).map(
            lambda pair: {"type": "integer", "minimum": pair[0], "maximum": pair[0] + pair[1]}
        ),
        st.tuples(st.floats(-9, 9), st.floats(0.5, 9)).map(
            lambda pair: {"type": "number", "minimum": pair[0], "maximum": pair[0] + pair[1]}
        ),
        st.just({"type": "boolean"}),
        st.just({"type": "null"}),
        st.lists(st.sampled_from(["a", "b", 3, None]), min_size=1, max_size=3, unique_by=str).map(
            lambda v: {"enum": v}
        ),
        st.just({"const": "fixed"}),
        st.just({"$ref": "#/$defs/Inner"}),
    )
    if not depth:
        return leaf
    inner = schemas(depth - 1)
    return st.one_of(
        leaf,
        st.tuples(inner, st.integers(0, 3), st.integers(0, 3)).map(
            lambda t: {"type": "array", "items": t[0], "minItems": t[1], "maxItems": t[1] + t[2]}
        ),
        st.dictionaries(names, inner, max_size=4).map(
            lambda p: {"type": "object", "properties": p, "required": sorted(p), "additionalProperties": False}
        ),
        st.lists(inner, min_size=1, max_size=3).map(lambda forms: {"anyOf": forms}),
        st.tuples(inner, st.just({"type": "null"})).map(lambda forms: {"anyOf": list(forms)}),
    )


INNER = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "maxLength": 20},
        "more": {"anyOf": [{"$ref": "#/$defs/Inner"}, {"type": "null"}]},
    },
    "required": ["name"],
}


@given(schemas(), st.integers(0, 99))
@settings(max_examples=150, deadline=None)
def test_any_schema_is_filled_with_what_fits_it(schema: dict[str, Any], seed: int) -> None:
    """Judged by a validator that is not ours."""
    whole = {**schema, "$defs": {"Inner": INNER}} if "$ref" not in schema else {"$defs": {"Inner": INNER}, **schema}
    made = fill(whole, seed=str(seed))
    jsonschema_rs.validate(whole, made)
    json.dumps(made)


ENDLESS: dict[str, Any] = {
    "$ref": "#/$defs/Node",
    "$defs": {
        "Node": {
            "type": "object",
            "properties": {f"part{number}": {"$ref": "#/$defs/Node"} for number in range(20)},
            "required": ["part0"],
        }
    },
}


def test_a_schema_without_an_end_is_given_up_on() -> None:
    assert len(json.dumps(fill(ENDLESS))) < 1 << 20


def test_a_very_long_prompt_is_read_at_both_ends() -> None:
    noise = "first second: text (a) because of it; " * 20_000
    began = time.process_time()
    used = answer(
        prompt(f"Topic: brake checks\n{noise}\nat most 90 characters", "Never mention: brakes"), Wish(schema=OBJECT)
    )
    assert len(json.loads(str(used))["text"]) <= 90
    assert time.process_time() - began < 5


@pytest.mark.parametrize("pattern", [r"^#[A-Z]\w+$", r"^\d{2}:\d{2}$", r"^[a-z]+(-[a-z]+)*$", r"^[A-Z]+$", r"^\d+$"])
def test_the_usual_patterns_are_met(pattern: str) -> None:
    made = fill({"type": "object", "properties": {"value": {"type": "string", "pattern": pattern}}})
    assert re.search(pattern, made["value"])


def prompt(task: str, instructions: str = "") -> Prompt:
    return Prompt(instructions, task, f"{instructions}{task}")


OBJECT = {"type": "object", "properties": {"text": {"type": "string"}}}


def test_a_forced_tool_is_the_one_that_ends_the_conversation() -> None:
    tools = [Tool("look_up", OBJECT), Tool("final_result", OBJECT)]
    used = answer(prompt("Write"), Wish(tools=tools, must_use=True))
    assert isinstance(used, ToolUse)
    assert used.name == "final_result"


def test_an_optional_tool_is_used_once_and_then_words_follow() -> None:
    tools = [Tool("look_up", OBJECT)]
    assert isinstance(answer(prompt("Write"), Wish(tools=tools)), ToolUse)
    assert isinstance(answer(prompt("Write"), Wish(tools=tools, used_before=frozenset({"look_up"}))), str)


def test_a_schema_written_into_the_prompt_is_filled_and_its_numbers_are_no_limits() -> None:
    schema = {"properties": {"name": {"type": "string", "maxLength": 9}, "text": {"type": "string"}}, "type": "object"}
    written = answer(prompt("Write about rain", f"Respond with JSON for this schema:\n{json.dumps(schema)}"), Wish())
    assert isinstance(written, str)
    made = json.loads(written)
    assert len(made["name"]) <= 9
    assert len(made["text"]) > 60


def test_json_without_a_schema_is_still_json() -> None:
    assert set(json.loads(str(answer(prompt("Write about rain"), Wish(as_json=True))))) == {"text"}
