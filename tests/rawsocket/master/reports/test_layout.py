from rawsocket.master.reports import layout


def test_sentences_are_wrapped_and_long_words_are_not_cut() -> None:
    lines = layout.wrapped("a " * 50 + "runs/" + "x" * 90, "    ", "  ")
    assert lines[0].startswith("  a a")
    assert all(line.startswith("    ") for line in lines[1:])
    assert max(map(len, lines[:-1])) <= 79
    assert lines[-1].endswith("x" * 90)


def test_an_empty_text_is_one_line() -> None:
    assert layout.wrapped("", "  ", "name  ") == ["name"]


def test_pairs_go_on_in_their_own_column() -> None:
    lines = layout.pairs([("held", "1"), ("connections failed", "1000 refused, " * 8)])
    assert lines[0] == "held                1"
    assert all(line.startswith(" " * 20) for line in lines[2:])


def test_columns_are_aligned() -> None:
    assert layout.columns([("name", "limit"), ("p", "1000")], (False, True)) == ["name  limit", "p      1000"]
