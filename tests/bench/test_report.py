"""Who takes turns with whom, what is made of the figures, and how they are reported.

Nothing is timed here, and no other library is needed.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest
from lxml import etree

from tests.bench.benches import BENCHES
from tests.bench.figures import median
from tests.bench.model import Bench, Case, Panel, Results, Samples, add_all, interleaved
from tests.bench.pictures import picture
from tests.bench.report import page, write
from tests.bench.targets import TARGETS, Target, Yardstick


def never(*_: object) -> Samples:
    raise AssertionError("nothing is measured here")


BENCH = Bench(
    key="opening",
    title="Opening",
    notes="Doors are opened.",
    cases=(Case("cpu", "processor", "ms"), Case("memory", "memory", "KiB")),
    libraries=("amqpconn", "other", "script"),
    base="script",
    measure=never,
    panels=(Panel("processor, ms", ("cpu",)), Panel("all & all", ("cpu", "memory"))),
    why_not={"memory/script": "it keeps nothing"},
)
TARGET = Target(
    "opening",
    "processor",
    2,
    "x",
    lambda results: results.ratio("opening", "cpu", "amqpconn", "script"),
)


def results() -> Results:
    cpu = {"amqpconn": [0.003, 0.001, 0.002], "other": [0.008, 0.008, 0.008], "script": [0.001]}
    memory = {"amqpconn": [2048.0], "other": [4096.0]}
    return Results({"opening": {"cpu": cpu, "memory": memory}}, {"machine": "2 x abacus"})


def test_contenders_take_turns_in_every_round() -> None:
    order: list[str] = []

    def contender(name: str) -> dict[str, float]:
        order.append(name)
        return {"cpu": float(len(order))}

    samples = interleaved(2, {name: partial(contender, name) for name in "abc"})
    assert "".join(order) == "abcabc"
    assert samples == {"cpu": {"a": [1.0, 4.0], "b": [2.0, 5.0], "c": [3.0, 6.0]}}


def test_samples_of_several_processes_are_put_together() -> None:
    samples: Samples = {"cpu": {"a": [1.0]}}
    add_all(samples, {"cpu": {"a": [2.0], "b": [3.0]}, "wall": {"a": [4.0]}})
    assert samples == {"cpu": {"a": [1.0, 2.0], "b": [3.0]}, "wall": {"a": [4.0]}}


def test_ratios_are_of_medians() -> None:
    assert results().median("opening", "cpu", "amqpconn") == 0.002
    assert results().ratio("opening", "cpu", "other", "amqpconn") == pytest.approx(4.0)


def test_a_mean_of_ratios_is_geometric() -> None:
    mean = results().mean_ratio("opening", ("cpu", "memory"), "other", "amqpconn")
    assert mean == pytest.approx(8**0.5)


def test_the_spread_is_half_of_what_lies_between_the_quartiles() -> None:
    assert results().spread("opening", "cpu", "amqpconn") == pytest.approx(0.25)
    assert results().spread("opening", "cpu", "script") == 0.0


def test_a_value_is_shown_in_the_unit_of_its_case() -> None:
    assert [Case("", "", unit).shown(0.0123456) for unit in ("ms", "us", "s")] == [
        "12.3",
        "12,346",
        "0.01",
    ]


def test_results_are_the_same_when_they_are_read_again(tmp_path: Path) -> None:
    results().save(tmp_path / "kept" / "results.json")
    again = Results.load(tmp_path / "kept" / "results.json")
    assert (again.samples, again.about) == (results().samples, results().about)


def test_the_page_has_figures_ratios_targets_and_the_reason_for_a_dash() -> None:
    text = page(results(), [BENCH], [TARGET])
    assert "| amqpconn | 2.00 ±25 % (2.00 x) | 2.00 |" in text
    assert "| script | 1.00 | - |" in text
    assert "- script: it keeps nothing." in text
    assert "| Opening | processor | at most 2 x | 2.00 x | reached |" in text
    assert "| machine | 2 x abacus |" in text


def test_a_benchmark_that_did_not_run_is_not_on_the_page() -> None:
    text = page(Results({}, {}), [BENCH], [TARGET])
    assert "Doors" not in text
    assert "| Opening | processor | at most 2 x | - | not measured |" in text


def test_pictures_are_well_formed_and_the_same_each_time(tmp_path: Path) -> None:
    write(tmp_path, results(), [BENCH], [TARGET])
    drawn = (tmp_path / "speed-opening.svg").read_text()
    assert drawn == picture(BENCH, results())
    texts = [element.text for element in etree.fromstring(drawn.encode()).iter()]
    assert "all & all" in texts
    assert "prefers-color-scheme: dark" in drawn
    # There is a mean of ratios only where all were measured, and to a base that was.
    assert texts.count("script") == 1


@pytest.mark.parametrize(
    ("value", "at_least", "reached"),
    [(2.0, False, True), (2.1, False, False), (2.0, True, True), (1.9, True, False)],
)
def test_a_target_is_reached_at_its_limit(value: float, at_least: bool, reached: bool) -> None:
    target = Target("opening", "", 2, "x", lambda _: value, at_least=at_least)
    assert target.verdict(results()) == ("reached" if reached else "missed")


def test_a_figure_by_a_yardstick_is_that_of_the_machine_where_the_limit_was_set() -> None:
    slow = Yardstick("other", 0.004, lambda results: results.median("opening", "cpu", "other"))
    ours = median("opening", "cpu", "amqpconn")
    target = Target("opening", "processor", 1, "ms", ours, 1e-3, yardstick=slow)
    assert target.row(results())[2:] == ("1.00 ms by other (2.00 ms here)", "reached")


def figures() -> Results:
    """All that there is to measure, with the same figures for each case."""
    samples = {
        bench.key: {
            case.key: {
                library: [1.0 + number]
                for number, library in enumerate(bench.libraries)
                if bench.reason(case.key, library) is None
            }
            for case in bench.cases
        }
        for bench in BENCHES.values()
    }
    return Results(samples, {})


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: f"{target.bench}: {target.what}")
def test_every_target_is_about_something_that_is_measured(target: Target) -> None:
    assert target.value(figures()) is not None


def test_all_benchmarks_can_be_reported() -> None:
    text = page(figures(), list(BENCHES.values()), TARGETS)
    assert all(f"## {bench.title}" in text for bench in BENCHES.values())
    assert "not measured" not in text.partition("## What is not measured")[0]
