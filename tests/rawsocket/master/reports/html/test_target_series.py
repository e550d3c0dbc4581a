from rawsocket.master.reports.html.target_series import lines, usage_lines
from rawsocket.master.reports.html.words import UNKNOWN


def test_line_of_a_series_has_its_figures_and_a_picture_with_gaps() -> None:
    (line,) = lines({"rate(jobs_total)": [1000.0, None, 2000.5, 1500.0]})
    assert (line.name, line.lowest, line.mean, line.highest, line.last) == (
        "rate(jobs_total)", "1,000", "1,500", "2,000", "1,500"
    )  # fmt: skip
    assert (line.path, line.points) == ("M0 20.0M2 0.0L3 10.0", 3)


def test_series_without_values_or_without_change() -> None:
    unknown, flat = lines({"new": [None, None], "flat": [0.25, 0.25]})
    assert (unknown.lowest, unknown.last, unknown.path) == (UNKNOWN, UNKNOWN, "")
    assert (flat.lowest, flat.path) == ("0.25", "M0 10.0L1 10.0")


def test_picture_of_a_long_run_has_a_bounded_size() -> None:
    (line,) = lines({"threads": [float(second) for second in range(100_000)]})
    assert line.points < 120


def test_cpu_and_memory_are_in_units_for_readers() -> None:
    cpu, memory = usage_lines({"server_cpu_share": [0.5, None, 1.0], "server_memory_bytes": [12e6, 13e6, 14e6]})
    assert (cpu.name, cpu.lowest, cpu.highest) == ("CPU, in % of a core", "50", "100")
    assert (memory.name, memory.mean) == ("memory, in MB", "13")
