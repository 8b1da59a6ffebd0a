"""Labels out of prompts: what a rule holds for, in which order, and how far the rules reach."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.errors import BadInput
from core.generators.prompt_rules import Rule, frequent_words, parse

PETS = parse(["# pets", "", "dog, pupp*, golden retriever, !hot dog -> dog", "cat,kitten → cat"])


@pytest.mark.parametrize(("prompt", "label"), [
    ("A DOG in the snow", "dog"),
    ("three puppies", "dog"),
    ("1girl, golden_retriever, solo", "dog"),
    ("golden\n retriever", "dog"),
    ("a (dog:1.3), best quality", "dog"),
    ("a hot dog with mustard", None),
    ("hot dog beside a kitten", "cat"),
    ("concatenation of categories", None),
    ("two dogs", "dog"), ("dogsled", None),
    ("<lora:dog_style:0.8> a horse", None),
    ("a cat and a dog", "dog"),
    ("", None),
])  # fmt: skip
def test_labels(prompt, label):
    assert PETS.label_of(prompt) == label


def test_rules_come_back_as_they_were_written():
    rule = Rule(("dog", "pupp*", "golden retriever"), "dog", ("hot dog",))
    assert PETS.rules[0] == rule
    assert parse([str(rule)]).rules[0] == rule
    assert PETS.labels == ("dog", "cat")


def test_share_matched():
    found = PETS.match(["a dog", "a cat and a dog", "a kitten", "a horse", "", "a mule"])
    assert (found.total, found.with_prompt, found.matched, found.both) == (6, 5, 3, 1)
    assert dict(found.labels) == {"dog": 2, "cat": 1}
    assert found.unmatched == ["a horse", "a mule"]


@pytest.mark.parametrize("lines", [[], ["", "# x"], ["dog"], ["-> dog"], ["dog ->"], ["!dog -> cat"], ["a -> b -> c"]])
def test_what_is_no_rule_is_told_in_a_sentence(lines):
    with pytest.raises(BadInput, match="such as: dog, puppy -> dog|after its arrow"):
        parse(lines)


def test_frequent_words_leave_out_what_says_nothing():
    prompts = ["masterpiece, a dog, snow", "best quality dog dog", "a photo of a cat, snow"]
    assert dict(frequent_words(prompts)) == {"dog": 2, "snow": 2, "cat": 1}


@given(st.text(max_size=40), st.text(max_size=80))
def test_any_word_can_be_a_rule_and_any_text_a_prompt(word, prompt):
    try:
        rules = parse([f"{word} -> x"])
    except BadInput:
        return
    assert rules.label_of(prompt) in (None, "x")
