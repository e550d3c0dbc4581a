from bench.results.section import Section, columns, piped

TABLE = [["server", "CPU"], ["select", "8 µs"], ["a|b", "-"]]


def test_a_table_is_aligned_for_a_terminal() -> None:
    assert columns(TABLE) == "server  CPU\n-----------\nselect  8 µs\na|b     -"


def test_table_in_markdown() -> None:
    assert piped(TABLE) == "| server | CPU |\n| --- | --- |\n| select | 8 µs |\n| a\\|b | - |"


def test_section_has_a_title_a_table_and_notes() -> None:
    section = Section("curve", "Cost", TABLE, ["one note"])
    assert section.text().splitlines()[0] == "Cost"
    assert section.text().endswith("\none note")
    assert section.markdown() == f"### Cost\n\n{piped(TABLE)}\n\n- one note"
    assert Section("curve", "Cost", TABLE, []).markdown().endswith(" |")
