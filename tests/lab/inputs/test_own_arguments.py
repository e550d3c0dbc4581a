import argparse

import pytest

from lab.inputs import own_arguments
from lab.verbs import VERBS


@pytest.mark.parametrize("verb", own_arguments.TABLE)
def test_each_verb_with_arguments_of_its_own_is_a_verb_with_flags(verb: str) -> None:
    parser = argparse.ArgumentParser()
    own_arguments.TABLE[verb].add_flags(verb, parser)
    assert verb in VERBS
    assert len(parser._actions) > 1


def test_other_verbs_take_settings() -> None:
    assert (own_arguments.about("load"), own_arguments.about("new")) == ("[--SETTING VALUE ...]", "DIR")
    assert own_arguments.about("check") == "SCENARIO [--SETTING VALUE ...]"
