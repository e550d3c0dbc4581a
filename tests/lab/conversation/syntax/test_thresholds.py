import pytest

from lab.conversation.syntax.source import Mistake
from lab.conversation.syntax.structure import given, structure
from lab.conversation.syntax.thresholds import ThresholdsEntry
from tests.support.yaml_nodes import value


def test_limits_of_all_rows_and_of_single_ones() -> None:
    text = "{p99: {set: 20ms, all: 1s}, p50: 5ms, failures: {set: 0.1%}, held: 10, messages_s: 100}"
    found = given(structure(value(text), ThresholdsEntry))
    assert {name: leaf.value for name, leaf in found.items()} == {
        "p99": {"set": 0.02, "": 1},
        "p50": {"": 0.005},
        "failures": {"set": "0.1%"},
        "held": 10,
        "messages_s": {"": 100},
    }


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("{p99: 20}", "f.yaml:1:10: `20` is not valid; expected a time with its unit"),
        ("{p99: {set: 20}}", "f.yaml:1:16: `20` is not valid"),
        ("{p98: 20ms}", "f.yaml:1:5: unknown key `p98`; did you mean p99?"),
        ("{failures: many}", "f.yaml:1:15: `many` is not valid; expected a number of failures"),
    ],
)
def test_limits_with_a_mistake(text: str, line: str) -> None:
    with pytest.raises(Mistake) as refused:
        structure(value(text), ThresholdsEntry)
    assert str(refused.value).startswith(line)
