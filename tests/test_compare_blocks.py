"""Several metrics and baselines, a margin, rows that are not paired, environments together: what is tested and said."""

import dataclasses
import itertools
import math
from fractions import Fraction

import numpy as np
import pytest
from made_runs import ENVIRONMENT, made_run, made_sweep

from npdigits.base.errors import ConfigError
from npdigits.compare.comparison import compare
from npdigits.compare.difference import PERMUTATION, SIGN_FLIP
from npdigits.compare.family import Plan, make_blocks, make_family
from npdigits.compare.margin import Margin, parse_margins
from npdigits.compare.outcomes import outcome_in_words, outcome_of
from npdigits.compare.rows import ComparisonRow, Section
from npdigits.compare.statistics import ALPHA
from npdigits.compare.verdict import footnotes, left_out, verdict
from npdigits.compare.views import configurations
from npdigits.config.compose import compose
from npdigits.runs.table import read_runs

DEFAULT = compose().as_dict()
BASE = [0.90, 0.91, 0.92, 0.93, 0.90, 0.91, 0.92, 0.93]
# To 20: 50 is better by 0.01; 40 better by 0.0004; 30 is worse and better by 0.0002 in turn; 10 by 0.012 and 0.01.
WIDTH = {
    20: BASE,
    50: [x + 0.01 for x in BASE],
    40: [x + 0.0004 for x in BASE],
    30: [x + (0.0002 if i % 2 else -0.0002) for i, x in enumerate(BASE)],
    10: [x + (0.01 if i % 2 else -0.012) for i, x in enumerate(BASE)],
}
WHERE = Section("", 0, "")


@pytest.fixture(scope="module")
def width(tmp_path_factory):
    return read_runs([made_sweep(tmp_path_factory.mktemp("width"), "hidden", WIDTH)])


def row_of(seeds, figures, name="", **others):
    """Return a row with these figures of the metric "acc", and of others."""
    every = {"acc": figures, **others}
    runs = tuple(f"{name}{seed}" for seed in seeds)
    return ComparisonRow(
        {"setting": name}, WHERE, tuple(seeds), runs, {key: np.array(x, float) for key, x in every.items()}
    )


def by_key(comparison, key="hidden"):
    return {row.values[key]: row for row in comparison.rows}


def test_two_metrics_are_two_looks_and_corrected_over_both(width):
    one = compare(width, metrics=["val_accuracy"], default=DEFAULT)
    both = compare(width, metrics=["val_accuracy", "test_cost"], default=DEFAULT)
    assert (one.family.comparisons, both.family.comparisons) == (4, 8)
    row = by_key(both)[50]
    # 2/256 is the least of all; 50 and 40 have it by both metrics: 8 and 7, 6, 5 times, of which the highest holds
    assert [block.differences[row].corrected for block in both.blocks] == [8 * 2 / 256] * 2
    assert one.family.differences[by_key(one)[50]].corrected == 4 * 2 / 256
    text = " ".join(verdict(both))
    assert "corrected (Holm) over all 8 comparisons of 2 metrics" in text and "by test cost:" in text
    # with eight comparisons of eight pairs, nothing could have come out
    assert outcome_of(both, row) == "too few" and outcome_of(one, by_key(one)[50]) == "better"


def test_the_table_has_the_tests_beside_each_metric(width):
    view = configurations(compare(width, metrics=["val_accuracy", "val_cost"], shown=["seconds"], default=DEFAULT))
    tests = ["Δ", "p", "verdict"]
    assert view.columns[1:] == ["n", "val_accuracy %", *tests, "val_cost nats", *tests, "seconds", "best_epoch"]
    first = view.frame.iloc[0]
    assert first["difference"] == pytest.approx(0.01) and first["difference:val_cost"] == pytest.approx(-0.01)
    assert len(set(view.frame.columns)) == len(view.frame.columns)


def test_what_is_only_shown_is_said(width):
    comparison = compare(width, metrics=["val_accuracy"], shown=["test_accuracy", "val_cost"], default=DEFAULT)
    assert comparison.family.comparisons == 4
    assert "test_accuracy and val_cost are shown and not tested." in verdict(comparison)
    assert not any("shown and not tested" in line for line in verdict(compare(width, default=DEFAULT)))


def test_two_baselines_are_corrected_together_and_a_pair_counts_once(width):
    comparison = compare(width, baseline=[{"hidden": 20}, {"hidden": 50}], default=DEFAULT)
    # four rows against each, and 20 against 50 is 50 against 20
    assert comparison.family.comparisons == 7
    first, second = comparison.blocks
    rows = by_key(comparison)
    assert first.differences[rows[50]].interval.mean == -second.differences[rows[20]].interval.mean
    assert first.differences[rows[50]].corrected == second.differences[rows[20]].corrected
    view = configurations(comparison)
    assert [title for title in view.columns if title.startswith("Δ")] == ["Δ to hidden=20", "Δ to hidden=50"]
    assert {"p_corrected", "p_corrected:hidden=50", "verdict:hidden=50"} <= set(view.frame.columns)
    assert sum(line.startswith("Compared with hidden=") for line in verdict(comparison)) == 2
    with pytest.raises(ConfigError, match="two of them are the same row"):
        compare(width, baseline=[{"hidden": 20}, {"hidden": 20}])


def test_beside_the_best_observed_all_pairs_count_once(width):
    comparison = compare(width, baseline=[{"hidden": 20}, "best"], default=DEFAULT)
    assert comparison.family.comparisons == 10 and [block.fixed for block in comparison.blocks] == [True, False]


def test_within_a_margin_by_pencil(width):
    comparison = compare(width, margin="0.1", default=DEFAULT)
    rows, block = by_key(comparison), comparison.family
    assert block.margin == Margin("0.1", 0.001)
    # all eight of d + 0.001 are above 0 and all of d − 0.001 below: one assignment of 256 each
    for hidden in (40, 30):
        one = block.differences[rows[hidden]]
        assert one.within_p == 1 / 256 and one.within and one.within_corrected == 4 / 256
    assert not block.differences[rows[50]].within and block.differences[rows[50]].within_p == 1
    said = {hidden: outcome_in_words(comparison, row, block) for hidden, row in rows.items()}
    assert said == {
        **{50: "better", 40: "better, by less than 0.1", 30: "same within 0.1", 20: "baseline", 10: "open"},
    }
    text = verdict(comparison)
    assert any(line.startswith("Better, by less than 0.1 points: hidden=40 by +0.04 ± 0.00 points") for line in text)
    assert any(line.startswith("Same within 0.1 points: hidden=30 by ") for line in text)
    assert any("lie symmetrically about their mean" in line and "at 5 % each" in line for line in text)
    frame = configurations(comparison).frame.set_index("hidden")
    assert frame.within[40] and not frame.within[50] and frame.verdict[30] == "same"


def test_how_many_seeds_would_tell_is_said_for_open_rows_alone(width):
    comparison = compare(width, margin="0.1", default=DEFAULT)
    lines = [line for line in verdict(comparison) if "Seeds of each row that would show" in line]
    (line,) = lines
    frame = configurations(comparison).frame.set_index("hidden")
    assert line.startswith("Open: hidden=10") and line.endswith(f": hidden=10 {frame.seeds_to_tell[10]:.0f}.")
    assert frame.seeds_to_tell[10] > 100 and math.isnan(frame.seeds_to_tell[50])
    assert not any("Seeds of each row" in line for line in verdict(compare(width, default=DEFAULT)))


def test_the_margin_is_printed_as_typed_and_measured_as_shown():
    assert parse_margins("0.10", ["val_accuracy"]) == {"val_accuracy": Margin("0.10", 0.001)}
    assert parse_margins(" 1e-2", ["val_cost"])["val_cost"] == Margin("1e-2", 0.01)
    assert parse_margins("0.1", ["acc"], foreign=True)["acc"].size == 0.1
    assert parse_margins("0.1", ["val_accuracy", "test_accuracy"]).keys() == {"val_accuracy", "test_accuracy"}
    assert parse_margins("val_cost=0.1", ["val_accuracy", "val_cost"]) == {"val_cost": Margin("0.1", 0.1)}


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        *(
            (typed, "a number above 0")
            for typed in ("0", "-1", "nan", "inf", "1e999", "1e-999999999", "1/3", "x", "1,2")
        ),
        ("val_cost=1", "allowed are the metrics that are tested"),
        ("val_accuracy=1,val_accuracy=2", "there twice"),
    ],
)
def test_a_margin_is_a_number_above_0(typed, message):
    with pytest.raises(ConfigError, match=message):
        parse_margins(typed, ["val_accuracy"])


@pytest.mark.parametrize("foreign", [False, True])
def test_one_margin_of_two_units_is_none(foreign):
    with pytest.raises(ConfigError, match="of which metric"):
        parse_margins("0.1", ["val_accuracy", "val_cost"], foreign)


def test_looks_that_were_planned_share_the_five_per_cent(width):
    one, three = (compare(width, default=DEFAULT, looks=looks) for looks in (1, 3))
    row = by_key(three)[50]
    corrected = three.family.differences[row].corrected
    # 4·2/256 is below 0.05 and above 0.05/3, which eight seeds cannot reach: 4·3·2^(1−n) takes nine
    assert ALPHA / 3 < corrected <= ALPHA and corrected == one.family.differences[by_key(one)[50]].corrected
    assert outcome_of(three, row) == "too few" and three.family.seeds_needed == 9
    assert "real where p ≤ 0.0167 (0.05 over 3 looks)" in " ".join(verdict(three))


# ---- paired or not


def test_a_row_without_a_seed_in_common_is_compared_as_a_group(tmp_path):
    made_sweep(tmp_path, "hidden", {20: BASE[:4], 50: [x + 0.02 for x in BASE[:4]]})
    for seed in range(7, 11):
        made_run(tmp_path / f"30-{seed}", 0.95 + seed / 1000, "hidden=30", f"seed={seed}")
    comparison = compare(read_runs([tmp_path]), default=DEFAULT)
    rows = by_key(comparison)
    assert {h: one.test for h in (30, 50) for one in [comparison.family.differences[rows[h]]]} == {
        **{30: PERMUTATION, 50: SIGN_FLIP}
    }
    # all four above all four: 2 of the 70 splits
    assert comparison.family.differences[rows[30]].p == 2 / 70
    text = " ".join(verdict(comparison))
    assert "(unpaired, p = 0.057)" in text and "of rows marked unpaired, of which no seed is in both" in text
    cells = {row[0]: row[3] for row in configurations(comparison).cells}
    assert cells["30"].endswith("(unpaired)") and "unpaired" not in cells["50"]
    assert comparison.family.test == "sign-flip, permutation"


def test_unpaired_as_asked_pairs_nothing(width):
    comparison = compare(width, unpaired=True, default=DEFAULT)
    assert {one.test for one in comparison.family.differences.values()} == {PERMUTATION}
    # the spread between seeds hides what pairs show
    assert outcome_of(comparison, by_key(comparison)[40]) == "open"
    assert "unpaired as asked" in " ".join(verdict(comparison))


def test_whether_rows_are_paired_is_asked_of_the_seeds_and_not_of_the_figures():
    nan = math.nan
    reference = row_of([0, 1, 2], [0.1, nan, nan])
    found = make_family(
        [reference, row_of([0, 3, 4], [nan, 0.2, 0.3])], "acc", {WHERE: reference}, True, lambda row: None
    )
    (one,) = found.differences.values()
    assert one.test == SIGN_FLIP and one.p is None and one.why == "no pair of seeds has both figures"


def test_runs_in_no_pair_are_counted_in_words(tmp_path):
    made_sweep(tmp_path, "hidden", {20: BASE, 50: [x + 0.01 for x in BASE[:7]]})
    made_run(tmp_path / "blind", 0.93, "hidden=50", "seed=11")
    comparison = compare(read_runs([tmp_path]), default=DEFAULT)
    said = "Left out of the differences: hidden=50 2 runs whose seed only one of the two rows has."
    assert said in verdict(comparison)
    assert not any(
        "Left out" in line for line in verdict(compare(read_runs([tmp_path]), default=DEFAULT, unpaired=True))
    )


def test_pairs_without_a_figure_are_counted_in_words(width):
    table = width.table.copy()
    table.loc[(table.hidden == 50) & (table.seed == 3), "val_accuracy"] = math.nan
    comparison = compare(dataclasses.replace(width, table=table), default=DEFAULT)
    assert comparison.family.differences[by_key(comparison)[50]].interval.n == 7
    assert "Left out of the differences: hidden=50 1 pair without validation accuracy." in verdict(comparison)


def test_a_seed_that_is_there_twice_is_named_and_counted_once(width):
    again = width.table[(width.table.hidden == 50) & (width.table.seed == 3)].assign(run="again", identity="other")
    table = width.table.__class__(np.vstack([width.table.values, again.values]), columns=width.table.columns)
    comparison = compare(dataclasses.replace(width, table=table.infer_objects()), default=DEFAULT)
    assert len(by_key(comparison)[50]) == 8
    assert any("again: seed 3 of its row is counted once, as" in line for line in left_out(comparison))


def test_rows_with_few_seeds_say_what_each_test_takes():
    reference = row_of([0, 1, 2], [0.1, 0.2, 0.3])
    rows = [reference, row_of([0, 1, 2], [0.2, 0.3, 0.4], "p"), row_of([7, 8, 9], [0.4, 0.5, 0.6], "u")]
    block = make_family(rows, "acc", {WHERE: reference}, True, lambda row: None)
    # 2·2^(1−6) = 0.0625 and 2·2^(1−7) = 0.031; 2·2/C(8, 4) = 0.057 and 2·2/C(10, 5) = 0.016
    assert (block.seeds_needed, block.unpaired_seeds_needed) == (7, 5)
    assert all(one.undecidable for one in block.differences.values())


# ---- environments


@pytest.fixture
def of_two_machines(tmp_path):
    haswell = ENVIRONMENT | {"blas": [ENVIRONMENT["blas"][0] | {"architecture": "Haswell"}]}
    for seed in range(8):
        there = haswell if seed < 3 else ENVIRONMENT
        made_run(tmp_path / f"20-{seed}", BASE[seed], f"seed={seed}", environment=ENVIRONMENT)
        made_run(tmp_path / f"50-{seed}", BASE[seed] + 0.02, "hidden=50", f"seed={seed}", environment=there)
    made_run(tmp_path / "50-5-again", 0.5, "hidden=50", "seed=5", environment=haswell)
    return read_runs([tmp_path])


def test_environments_are_compared_where_that_is_asked_for(of_two_machines):
    apart = compare(of_two_machines, default=DEFAULT)
    assert len(apart.rows) == 3
    comparison = compare(of_two_machines, default=DEFAULT, pooled=True)
    rows = by_key(comparison)
    assert len(comparison.rows) == 2 and len(rows[50]) == 8 and outcome_of(comparison, rows[50]) == "better"
    assert comparison.keys == ("environment", "hidden") and " + " in rows[50].values["environment"]
    text = " ".join(verdict(comparison))
    assert "Across 2 environments, as asked" in text and "Pairs of runs of two environments: hidden=50 3 of 8." in text
    assert "not compared with each other" not in text
    # seed 5 was run on both: the one of the environment with the most runs counts
    assert rows[50].figures["val_accuracy"][5] == pytest.approx(BASE[5] + 0.02)
    assert any("50-5-again: seed 5 of its row is counted once, as" in line for line in left_out(comparison))
    assert any("Haswell" in line for line in footnotes(comparison))


def test_where_nothing_is_tested_for_the_environments_the_option_is_named(tmp_path):
    haswell = ENVIRONMENT | {"blas": [ENVIRONMENT["blas"][0] | {"architecture": "Haswell"}]}
    for seed in range(2):
        made_run(tmp_path / f"20-{seed}", 0.9, f"seed={seed}")
        made_run(tmp_path / f"50-{seed}", 0.9, "hidden=50", f"seed={seed}", environment=haswell)
    runs = read_runs([tmp_path])
    assert "--across-environments" in verdict(compare(runs, default=DEFAULT))[0]
    assert compare(runs, default=DEFAULT, pooled=True).family.differences


# ---- against a reference that has nothing in common with the code


def reference_p(d, above):
    """Return the share of all assignments of signs whose sum is as far from 0, or as high, in rational numbers."""
    total = sum(d)
    sums = [sum(x * s for x, s in zip(d, signs, strict=True)) for signs in itertools.product((1, -1), repeat=len(d))]
    return Fraction(sum(s >= total if above else abs(s) >= abs(total) for s in sums), len(sums))


def reference_holm(p):
    """Return the corrected p's by the closed form: the largest of (m − rank)·p over the smaller ones."""
    return [max(min(Fraction(1), (len(p) - sum(q < r for q in p)) * r) for r in p if r <= one) for one in p]


def test_random_tables_with_ties_zeros_nan_and_missing_seeds_are_as_the_reference_says():
    rng = np.random.default_rng(7)
    margin, outcomes = Fraction(3, 1000), []
    for _ in range(60):
        digits = rng.integers(0, 4, (4, 8)) + rng.choice([0, 0, 3, 9], (4, 1))
        missing = rng.random((4, 8)) < 0.03
        seeds = [sorted(rng.choice(9, 8, replace=False).tolist()) for _ in range(4)]
        rows = [
            row_of(some, np.where(gone, np.nan, values / 1000), str(place))
            for place, (some, values, gone) in enumerate(zip(seeds, digits, missing, strict=True))
        ]
        plan = Plan("acc", {WHERE: rows[0]}, True, "as asked", Margin("0.003", 0.003))
        (block,) = make_blocks(rows, [plan], lambda row: None)
        expected = []
        for place in range(1, 4):
            pairs = [
                Fraction(int(digits[place][seeds[place].index(seed)] - digits[0][seeds[0].index(seed)]), 1000)
                for seed in seeds[0]
                if seed in seeds[place]
                and not missing[place][seeds[place].index(seed)]
                and not missing[0][seeds[0].index(seed)]
            ]
            within = max(reference_p([margin + d for d in pairs], True), reference_p([margin - d for d in pairs], True))
            expected.append((len(pairs), reference_p(pairs, False), within))
        found = [block.differences[row] for row in rows[1:]]
        assert [(one.interval.n, one.p, one.within_p) for one in found] == [
            (n, float(p), float(within)) for n, p, within in expected
        ]
        for index, attribute in ((1, "corrected"), (2, "within_corrected")):
            corrected = reference_holm([one[index] for one in expected])
            assert [getattr(one, attribute) for one in found] == pytest.approx([float(p) for p in corrected], abs=1e-12)
            outcomes += [p <= ALPHA for p in corrected]
        for one, p, within in zip(found, *(reference_holm([e[i] for e in expected]) for i in (1, 2)), strict=True):
            assert (one.real, one.within) == (p <= Fraction(1, 20), within <= Fraction(1, 20))
    assert 0.05 < np.mean(outcomes) < 0.95  # or nothing would have been compared


def test_figures_close_to_a_bound_are_named(tmp_path):
    # 1, 1, 1, 0.9: mean 0.975, s 0.05, so the bound is half a spread away; of BASE it is six
    sweep = {20: BASE[:4], 50: [1.0, 1.0, 1.0, 0.9]}
    comparison = compare(read_runs([made_sweep(tmp_path, "hidden", sweep)]), default=DEFAULT)
    (line,) = [line for line in verdict(comparison) if "close to a bound" in line]
    assert line.startswith("Figures close to a bound: hidden=50. There the 95 % t interval")


@pytest.mark.parametrize("paired", [True, False])
def test_ties_of_decimals_stay_ties_in_single_precision(paired):
    """0.3 − 0.1 and 0.5 − 0.3 are equal, and not so once TensorBoard has stored them."""
    first = [0.3, 0.5, 0.6, 0.4, 0.7, 0.9, 0.8]
    second = [0.1, 0.3, 0.8, 0.2, 0.5, 0.7, 1.0]
    found = []
    for stored in (np.float64, np.float32):
        seeds = range(7), range(7) if paired else range(10, 17)
        single = frozenset({"acc"} if stored is np.float32 else ())
        rows = (row_of(s, np.array(x, stored), n) for s, x, n in zip(seeds, (first, second), "ab", strict=True))
        a, b = (dataclasses.replace(row, single=single) for row in rows)
        plan = Plan("acc", {WHERE: b}, True, margin=Margin("0.2", 0.2))
        difference = make_blocks([a, b], [plan], None, False, 1)[0].differences[a]
        found.append((difference.test, difference.p, difference.within_p))
    assert found[0] == found[1] and found[0][0] == (SIGN_FLIP if paired else PERMUTATION)
