"""The comparison of hand-made runs: which rows there are, every figure by pencil, what is tested and what is said."""

import json
import math

import numpy as np
import pytest
from made_runs import ENVIRONMENT, made_run, made_sweep
from scipy import stats

from npdigits.base.errors import ConfigError
from npdigits.compare.comparison import compare
from npdigits.compare.verdict import footnotes, left_out, outcome_of, verdict
from npdigits.compare.views import configurations, every_run, pivot
from npdigits.config.compose import compose
from npdigits.config.identity import digest
from npdigits.config.numerics import NUMERICS
from npdigits.runs.table import read_runs

DEFAULT = compose().as_dict()
# Eight seeds: differences to 20 are 0.01 everywhere for 50; for 10 they are −0.012 and 0.01 in turn.
BASE = [0.90, 0.91, 0.92, 0.93, 0.90, 0.91, 0.92, 0.93]
WIDTH = {
    20: BASE,
    50: [x + 0.01 for x in BASE],
    10: [x + (0.01 if i % 2 else -0.012) for i, x in enumerate(BASE)],
}


@pytest.fixture
def width(tmp_path):
    return read_runs([made_sweep(tmp_path / "width", "hidden", WIDTH)])


def by_key(comparison, key):
    return {row.values[key]: row for row in comparison.rows}


def test_every_figure_by_pencil(width):
    comparison = compare(width, default=DEFAULT)
    assert comparison.keys == ("hidden",) and comparison.baseline == "the default"
    assert [row.values["hidden"] for row in comparison.rows] == [50, 20, 10]
    rows = by_key(comparison, "hidden")
    # BASE: mean 0.915; deviations ±0.015, ±0.005 twice each: s² = 4·(0.015² + 0.005²)/7; t(0.975; 7) = 2.36462
    mean, half, n = rows[20].interval("val_accuracy")
    assert (mean, n) == (pytest.approx(0.915), 8)
    assert half == pytest.approx(2.36462 * math.sqrt(0.001 / 7 / 8), rel=1e-5)
    better, open_ = (comparison.family.differences[rows[hidden]] for hidden in (50, 10))
    assert better.interval == (pytest.approx(0.01), pytest.approx(0, abs=1e-12), 8)
    assert better.p == 2 / 256 and better.corrected == 4 / 256 and better.real
    # −0.012 and 0.01 in turn: mean −0.001, deviations ±0.011, so s = 0.011·√(8/7)
    assert open_.interval == (pytest.approx(-0.001), pytest.approx(2.36462 * 0.011 / math.sqrt(7), rel=1e-5), 8)
    # i of the four 12s and j of the four 10s have the other sign than the rest: C(4, i)·C(4, j) ways
    sums = [abs(12 * (4 - 2 * i) + 10 * (4 - 2 * j)) for i in range(5) for j in range(5)]
    ways = [math.comb(4, i) * math.comb(4, j) for i in range(5) for j in range(5)]
    assert open_.p == sum(n for n, total in zip(ways, sums, strict=True) if total >= 8) / 256
    assert open_.corrected == open_.p and not open_.real
    assert comparison.family.comparisons == 2 and not better.undecidable and not open_.undecidable


def test_the_table_of_it(width):
    view = configurations(compare(width, default=DEFAULT))
    assert view.columns == [
        *("hidden", "n", "val_accuracy %", "Δ", "p", "verdict", "test_accuracy %", "best_epoch", "seconds")
    ]
    assert view.cells[0] == [
        *("50", "8", "92.50 ± 1.00", "+1.00 ± 0.00", "0.016", "better", "91.50 ± 1.00", "2.0 ± 0.0", "2.0 ± 0.0")
    ]
    assert view.cells[1][3:6] == ["", "", "baseline"]
    assert view.cells[2][3] == "−0.10 ± 0.98" and view.cells[2][5] == "open"
    first = view.frame.iloc[0]
    assert first.val_accuracy == pytest.approx(0.925) and first.p == 2 / 256 and first.pairs == 8


def test_the_verdict_of_it(width):
    lines = verdict(compare(width, default=DEFAULT))
    assert lines[0] == (
        "Compared with the default, hidden=20 (validation accuracy 91.50 ± 1.00 %, 8 seeds), by validation accuracy:"
    )
    assert lines[1] == "Better: hidden=50 by +1.00 ± 0.00 points (p = 0.016)."
    assert lines[2].startswith("Open: hidden=10 by ") and lines[2].endswith("not shown to differ, nor to be equal.")
    assert "exact sign-flip test" in lines[3] and "(Holm) over 2 comparisons" in lines[3]


def test_differences_are_scipys(tmp_path):
    rng = np.random.default_rng(1)
    sweep = {hidden: rng.normal(0.9, 0.01, 7).round(4).tolist() for hidden in (5, 10, 20, 50)}
    comparison = compare(read_runs([made_sweep(tmp_path, "hidden", sweep)]), default=DEFAULT)
    rows = by_key(comparison, "hidden")
    p = {}
    for hidden in (5, 10, 50):
        d = np.array(sweep[hidden]) - sweep[20]
        one = comparison.family.differences[rows[hidden]]
        low, high = stats.ttest_rel(sweep[hidden], sweep[20]).confidence_interval()
        assert (one.interval.low, one.interval.high) == (pytest.approx(low), pytest.approx(high))
        p[hidden] = stats.permutation_test(
            (d,), np.sum, permutation_type="samples", n_resamples=np.inf, vectorized=False
        ).pvalue
        assert one.p == pytest.approx(p[hidden])
    holm = sorted(p, key=p.get)
    corrected, highest = {}, 0
    for rank, hidden in enumerate(holm):
        highest = corrected[hidden] = max(highest, min(1, (3 - rank) * p[hidden]))
    for hidden, value in corrected.items():
        assert comparison.family.differences[rows[hidden]].corrected == pytest.approx(value)


def test_against_the_best_observed_all_pairs_count(width):
    comparison = compare(width, baseline="best", default=DEFAULT)
    family = comparison.family
    assert (comparison.baseline, family.fixed, family.comparisons) == ("the best observed", False, 3)
    rows = by_key(comparison, "hidden")
    assert [family.references[row.section] is rows[50] for row in comparison.rows] == [True] * 3
    # 50 − 20 has p = 2/256; 50 − 10 is 0.022 and 0 in turn, so 2/16; 20 − 10 has more: Holm over three
    assert family.differences[rows[20]].corrected == pytest.approx(3 * 2 / 256)
    assert family.differences[rows[10]].corrected == pytest.approx(2 * 2 / 16)
    assert "all 3 pairs, as any row could have come out best" in " ".join(verdict(comparison))
    assert outcome_of(comparison, rows[50]) == "best"


def test_without_the_default_the_best_observed_is_the_baseline(tmp_path):
    comparison = compare(read_runs([made_sweep(tmp_path, "hidden", {10: BASE, 50: BASE})]), default=DEFAULT)
    assert comparison.baseline == "the best observed" and not comparison.family.fixed


def test_what_all_rows_have_in_common_does_not_unmake_the_default(tmp_path):
    for hidden in (20, 50):
        for seed in range(3):
            made_run(tmp_path / f"{hidden}{seed}", 0.9, f"hidden={hidden}", f"seed={seed}", "epochs=60")
    comparison = compare(read_runs([tmp_path]), default=DEFAULT)
    assert comparison.baseline == "the default" and comparison.constant == {"epochs": 60}
    assert "All rows have, other than by default: epochs=60." in verdict(comparison)


def test_few_seeds_cannot_decide_and_it_is_said_how_many_could(tmp_path):
    sweep = {hidden: [0.1 * (hidden / 50 + 1) + seed / 100 for seed in range(6)] for hidden in (10, 20, 30, 40, 50)}
    comparison = compare(read_runs([made_sweep(tmp_path, "hidden", sweep)]), default=DEFAULT)
    assert all(one.undecidable for one in comparison.family.differences.values())
    assert {one.p for one in comparison.family.differences.values()} == {2 / 64}
    text = " ".join(verdict(comparison))
    # 4·2^(1−6) = 0.125; 4·2^(1−8) = 0.031
    assert "Too few seeds to tell: hidden=50 by " in text
    assert "Of 6 pairs of seeds p is at least 0.031, over 4 comparisons 0.12: to tell takes 8 seeds or more" in text
    assert {outcome_of(comparison, row) for row in comparison.rows} == {"baseline", "too few"}


def test_six_seeds_can_decide_one_comparison(tmp_path):
    sweep = {20: BASE[:6], 50: [x + 0.01 for x in BASE[:6]]}
    comparison = compare(read_runs([made_sweep(tmp_path, "hidden", sweep)]), default=DEFAULT)
    (one,) = comparison.family.differences.values()
    assert (one.p, one.corrected, one.real) == (2 / 64, 2 / 64, True)


def test_only_seeds_that_both_have_are_paired(tmp_path):
    made_sweep(tmp_path, "hidden", {20: BASE})
    for seed in (2, 3, 11):
        made_run(tmp_path / f"50-{seed}", BASE[seed % 8] + 0.02, "hidden=50", f"seed={seed}")
    comparison = compare(read_runs([tmp_path]), default=DEFAULT)
    (one,) = comparison.family.differences.values()
    assert one.interval.n == 2 and one.interval.mean == pytest.approx(0.02)
    assert by_key(comparison, "hidden")[50].interval("val_accuracy").n == 3


def test_a_single_run_without_a_seed_in_common_is_no_test(tmp_path):
    made_sweep(tmp_path, "hidden", {20: BASE[:2]})
    made_run(tmp_path / "50-7", 0.95, "hidden=50", "seed=7")
    comparison = compare(read_runs([tmp_path]), default=DEFAULT)
    assert "Not tested: hidden=50 (a single run, and no seed in common)." in verdict(comparison)
    assert configurations(comparison).cells[0][4:6] == ["–", "untested"]


def test_single_runs_are_compared_on_their_test_digits(tmp_path):
    # of 20 digits 20 reads 12 right, 50 reads those and all of the other 8: b = 8, c = 0, p = 2·(½)⁸
    made_run(tmp_path / "a", 0.90, "hidden=20", right=[True] * 12 + [False] * 8)
    made_run(tmp_path / "b", 0.91, "hidden=50", right=[True] * 20)
    comparison = compare(read_runs([tmp_path]), default=DEFAULT)
    (one,) = comparison.family.differences.values()
    assert (comparison.family.test, one.p, one.interval) == ("McNemar", 2 / 256, (0.4, None, 1))
    view = configurations(comparison)
    assert view.columns[3:5] == ["Δ test_accuracy", "p (McNemar)"] and view.cells[0][3] == "+40.00"
    text = " ".join(verdict(comparison))
    assert "McNemar's exact test" in text and "not of their settings: for those run more seeds" in text
    assert "one seed)" in text


def test_single_runs_without_predictions_are_not_tested(tmp_path):
    made_run(tmp_path / "a", 0.90, "hidden=20", right=[True] * 12)
    path = made_run(tmp_path / "b", 0.91, "hidden=50")
    (path / "predictions.npz").write_bytes(b"PK\x03\x04 torn")
    comparison = compare(read_runs([tmp_path]), default=DEFAULT)
    assert "hidden=50 (no test predictions)" in " ".join(verdict(comparison))
    assert any("predictions.npz: damaged" in line for line in footnotes(comparison))


def test_unfinished_runs_are_listed_and_never_averaged(tmp_path):
    made_sweep(tmp_path, "hidden", WIDTH)
    made_run(tmp_path / "x", 0.0, "hidden=50", "seed=8", status="diverged", diverged_in_epoch=3, val_accuracy_=0.1)
    made_run(tmp_path / "y", 0.0, "hidden=50", "seed=9", status="failed", reason="MemoryError")
    made_run(tmp_path / "z", 0.0, "hidden=99", status="interrupted")
    comparison = compare(read_runs([tmp_path]), default=DEFAULT)
    assert set(by_key(comparison, "hidden")) == {10, 20, 50}
    row = by_key(comparison, "hidden")[50]
    assert row.interval("val_accuracy").mean == pytest.approx(0.925) and row.lost == 2
    assert configurations(comparison).cells[0][1] == "8 of 10"
    assert "Did not finish: hidden=50 2 of 10." in " ".join(verdict(comparison))
    assert left_out(comparison) == [
        "1 run diverged, and in no mean:",
        f"  {tmp_path / 'x'}: the cost stopped being finite in epoch 3",
        "1 run failed, and in no mean:",
        f"  {tmp_path / 'y'}: MemoryError",
        "1 run interrupted, and in no mean:",
        f"  {tmp_path / 'z'}: after epoch 2; the same command goes on",
    ]


def test_other_data_numerics_and_environments_never_share_a_row(tmp_path):
    haswell = ENVIRONMENT | {"blas": [ENVIRONMENT["blas"][0] | {"architecture": "Haswell"}]}
    kinds = {
        "plain": {},
        "other digits": {"sha256": "b" * 64},
        "other set": {"sha256": "c" * 64, "data": "kmnist"},
        "other bits": {"numerics": 1},
        "other kernel": {"environment": haswell},
        "lost": {"environment": None},
    }
    for name, kind in kinds.items():
        for seed in range(2):
            for hidden in (20, 50):
                made_run(tmp_path / f"{name}-{hidden}-{seed}", 0.9, f"hidden={hidden}", f"seed={seed}", **kind)
    comparison = compare(read_runs([tmp_path]), default=DEFAULT)
    assert len(comparison.rows) == 12 and all(len(row) == 2 for row in comparison.rows)
    assert comparison.keys == ("data", "numerics", "environment", "hidden")
    marks = {tuple(row.values[key] for key in comparison.keys) for row in comparison.rows}
    assert len(marks) == 12
    assert {row.values["data"] for row in comparison.rows} == {"mnist aaaaaaaa", "mnist bbbbbbbb", "kmnist"}
    for row, one in comparison.family.differences.items():
        assert row.section == one.against.section and one.against.values["hidden"] == 20
    assert comparison.family.comparisons == 6
    assert any("Haswell" in line for line in footnotes(comparison))


@pytest.fixture
def made_of_two_versions(tmp_path):
    """Return a function that compares runs of two widths: of before, shared by so many processes, and today's."""

    def make(*threads, today=True):
        kinds = [(f"by {n}", {"numerics": 5, "once": {"threads": n}}) for n in threads] + [("today", {})] * today
        for name, kind in kinds:
            for hidden in (20, 50):
                for seed in range(2):
                    made_run(tmp_path / f"{name}-{hidden}-{seed}", 0.9, f"hidden={hidden}", f"seed={seed}", **kind)
        return compare(read_runs([tmp_path]), default=DEFAULT)

    return make


def test_what_was_part_of_an_identity_once_tells_rows_of_then_apart_and_none_of_today(made_of_two_versions):
    comparison = made_of_two_versions(1, 2)
    assert comparison.keys == ("numerics", "hidden", "threads") and comparison.baseline == "the default"
    values = {tuple(row.values[key] for key in comparison.keys) for row in comparison.rows}
    assert values == {
        *((5, hidden, threads) for hidden in (20, 50) for threads in (1, 2)),
        *((NUMERICS, hidden, "–") for hidden in (20, 50)),
    }
    # Each is compared with the default of its version.
    found = {row.section.numerics: row.values["threads"] for row in comparison.family.references.values()}
    assert found == {5: 1, NUMERICS: "–"} and comparison.family.comparisons == 4
    assert not any("the baseline is not there" in note for note in comparison.notes)


@pytest.mark.parametrize("today", [True, False])
def test_where_all_of_then_are_alike_nothing_is_said_of_what_was_part_once(made_of_two_versions, today):
    comparison = made_of_two_versions(1, today=today)
    assert comparison.keys == (("numerics",) if today else ()) + ("hidden",) and comparison.constant == {}
    assert comparison.baseline == "the default"


def test_what_all_of_then_have_is_said_where_it_was_not_the_default(made_of_two_versions):
    assert made_of_two_versions(2, today=False).constant == {"threads": 2}


def test_whether_seeds_can_decide_is_said_of_each_row(tmp_path):
    made_sweep(tmp_path, "hidden", {20: BASE, 50: [x + 0.01 for x in BASE], 30: [x + 0.02 for x in BASE[:4]]})
    comparison = compare(read_runs([tmp_path]), default=DEFAULT)
    rows = by_key(comparison, "hidden")
    assert [outcome_of(comparison, rows[hidden]) for hidden in (50, 30)] == ["better", "too few"]
    assert {row[0]: row[3] for row in configurations(comparison).cells}["30"] == "+2.00 ± 0.00 (4 pairs)"
    assert "Of 4 pairs of seeds p is at least 0.12, over 2 comparisons 0.25" in " ".join(verdict(comparison))


def test_a_lucky_single_seed_is_not_the_best_observed(tmp_path):
    made_sweep(tmp_path, "hidden", {30: BASE, 50: [x + 0.01 for x in BASE], 10: [0.99]})
    comparison = compare(read_runs([tmp_path]), default=DEFAULT)
    (best,) = comparison.family.references.values()
    assert best.values["hidden"] == 50
    rows = by_key(comparison, "hidden")
    assert [outcome_of(comparison, rows[hidden]) for hidden in (30, 10)] == ["worse", "too few"]


def test_seconds_measured_beside_other_runs_are_not_tested(tmp_path):
    for hidden in (20, 50):
        for seed in range(6):
            made_run(
                tmp_path / f"{hidden}-{seed}",
                0.9,
                f"hidden={hidden}",
                f"seed={seed}",
                seconds=hidden,
                seconds_shared=True,
            )
    comparison = compare(read_runs([tmp_path]), metrics=["seconds"], default=DEFAULT)
    assert not comparison.family.differences and "other runs shared the machine" in verdict(comparison)[0]


def test_a_key_that_a_run_did_not_know_yet_is_a_dash(tmp_path):
    made_run(tmp_path / "new", 0.9, "hidden=20")
    old = made_run(tmp_path / "old", 0.9, "hidden=50")
    identity = json.loads((old / "identity.json").read_text())
    del identity["warmup"]
    (old / "identity.json").write_text(json.dumps(identity))
    summary = json.loads((old / "summary.json").read_text()) | {"identity": digest(identity)}
    (old / "summary.json").write_text(json.dumps(summary))
    comparison = compare(read_runs([tmp_path]), default=DEFAULT)
    assert comparison.keys == ("hidden", "warmup") and comparison.baseline == "the default"
    assert {row.values["warmup"] for row in comparison.rows} == {0, "–"}


def test_a_run_that_is_there_twice_counts_once_and_needs_no_word(tmp_path):
    for place in ("a", "b"):
        made_sweep(tmp_path / place, "hidden", {20: BASE, 50: BASE})
    comparison = compare(read_runs([tmp_path]), default=DEFAULT)
    assert [len(row) for row in comparison.rows] == [8, 8] and comparison.notes == ()
    assert left_out(comparison) == ["16 runs there more than once, and counted once."]


def test_one_configuration_is_one_row_and_one_seed_has_no_interval(tmp_path):
    made_run(tmp_path / "a", 0.9)
    comparison = compare(read_runs([tmp_path]), default=DEFAULT)
    assert verdict(comparison)[0] == ("One row: validation accuracy 90.00 % of one seed, so without interval.")
    assert configurations(comparison).cells == [["1", "90.00", "89.00", "2.0", "2.0"]]


def crossed(folder, skip=()):
    """initializer × lr, where lr=0.1 is better by 0.02, and seeds differ by 0.001."""
    for initializer in ("he", "xavier_he"):
        for lr in (0.01, 0.1):
            for seed in range(3):
                if (initializer, lr, seed) not in skip:
                    accuracy = 0.9 + (0.02 if lr == 0.1 else 0) + (0.004 if initializer == "he" else 0) + seed / 1000
                    typed = (f"initializer={initializer}", f"lr={lr}", f"seed={seed}")
                    made_run(folder / f"{initializer}-{lr}-{seed}", accuracy, *typed)
    return read_runs([folder])


def test_marginal_means_by_pencil(tmp_path):
    comparison = compare(crossed(tmp_path), by=["initializer"], default=DEFAULT)
    assert comparison.keys == ("initializer",) and comparison.baseline == "the default"
    rows = by_key(comparison, "initializer")
    assert set(rows) == {"he_normal", "xavier_he"}
    # each seed: the mean over both rates, 0.91 + seed/1000, and 0.004 more
    assert rows["xavier_he"].figures["val_accuracy"] == pytest.approx([0.910, 0.911, 0.912])
    assert rows["he_normal"].interval("val_accuracy").mean == pytest.approx(0.915)
    (one,) = comparison.family.differences.values()
    assert one.interval == (pytest.approx(0.004), pytest.approx(0, abs=1e-12), 3) and one.p == 2 / 8


def test_marginal_means_compare_like_with_like(tmp_path):
    # Without "he" at the worse rate, he's mean over what is there would be better by far more than 0.004.
    skip = {("he", 0.01, seed) for seed in range(3)}
    comparison = compare(crossed(tmp_path, skip), by=["initializer"], default=DEFAULT)
    (one,) = comparison.family.differences.values()
    assert one.interval.mean == pytest.approx(0.004)
    assert comparison.notes == (
        "3 runs left out of the means: not every initializer was run with their other settings and seed",
    )


@pytest.mark.parametrize(("first", "mean"), [((0, 1), 0.9), ((2, 3), 0.95)])
def test_marginal_means_are_over_the_same_settings_for_every_seed(tmp_path, first, mean):
    # The other rate's seeds are others: in one mean they would make the rates' difference look like one of seeds.
    for initializer in ("he", "xavier_he"):
        for lr, seeds in ((0.01, first), (0.1, tuple({0, 1, 2, 3} - {*first}))):
            for seed in seeds:
                typed = (f"initializer={initializer}", f"lr={lr}", f"seed={seed}")
                made_run(tmp_path / "-".join(typed), 0.9 + (lr > 0.05) * 0.05, *typed)
    comparison = compare(read_runs([tmp_path]), by=["initializer"], default=DEFAULT)
    # As many seeds, as many settings: the lowest seeds decide, and no order in which the rows happen to be.
    assert [row.seeds for row in comparison.rows] == [(0, 1)] * 2
    for row in comparison.rows:
        assert row.figures["val_accuracy"].tolist() == pytest.approx([mean] * 2)
    assert comparison.notes[0].startswith("4 runs left out of the means")


def test_a_pivot_by_pencil(tmp_path):
    view = pivot(compare(crossed(tmp_path), by=["initializer", "lr"], default=DEFAULT))
    # 0.900, 0.901, 0.902: s = 0.001, t(0.975; 2) = 4.30265, /√3: 0.00248
    assert view.columns == ["initializer \\ lr", "0.01", "0.1"]
    assert view.cells == [
        ["he_normal", "90.50 ± 0.25", "92.50 ± 0.25"],
        ["xavier_he", "90.10 ± 0.25", "92.10 ± 0.25"],
    ]


def test_a_pivot_compares_like_with_like(tmp_path):
    # width × decay: hidden=20 with two decays, 50 with one; the mean over what is there would favour hidden=20
    for hidden, decay, accuracy in ((20, 0.06, 0.90), (20, 0.0, 0.96), (50, 0.06, 0.92)):
        for seed in range(2):
            made_run(
                tmp_path / f"{hidden}-{decay}-{seed}",
                accuracy,
                f"hidden={hidden}",
                f"weight_decay={decay}",
                f"seed={seed}",
            )
    comparison = compare(read_runs([tmp_path]), by=["hidden", "batch_size"], default=DEFAULT)
    assert pivot(comparison).cells == [["20", "90.00 ± 0.00"], ["50", "92.00 ± 0.00"]]
    assert comparison.averaged == ("weight_decay",) and "2 runs left out of the means" in comparison.notes[0]
    # and with no setting in common there is no mean at all
    for seed in range(2):
        made_run(tmp_path / f"30-{seed}", 0.9, "hidden=30", "weight_decay=0.5", f"seed={seed}")
    assert compare(read_runs([tmp_path]), by=["hidden", "batch_size"]).rows == ()


def test_a_pivot_keeps_data_sets_apart_and_tells_lost_runs(tmp_path):
    for sha256, accuracy in (("a" * 64, 0.9), ("b" * 64, 0.6)):
        for hidden in (20, 50):
            made_run(tmp_path / f"{hidden}{sha256[0]}", accuracy, f"hidden={hidden}", sha256=sha256)
    made_run(tmp_path / "lost", 0.5, "hidden=50", "seed=1", sha256="b" * 64, status="diverged")
    view = pivot(compare(read_runs([tmp_path]), by=["lr", "hidden"], default=DEFAULT))
    assert view.columns == ["data", "lr \\ hidden", "20", "50"]
    assert view.cells == [
        ["mnist aaaaaaaa", "0.01", "90.00", "90.00"],
        ["mnist bbbbbbbb", "0.01", "60.00", "60.00 (n 1 of 2)"],
    ]


def test_a_row_a_run(width):
    comparison = compare(width, default=DEFAULT)
    view = every_run(width, comparison)
    assert len(view.cells) == 24
    assert view.columns[:3] == ["hidden", "seed", "val_accuracy %"] and view.columns[-1] == "run"
    assert view.cells[0][:6] == ["50", "0", "91.00", "90.00", "2", "2"]


@pytest.mark.parametrize(
    ("sort", "order"),
    [("hidden", [10, 20, 50]), ("-hidden", [50, 20, 10]), ("val_cost", [50, 20, 10]), ("-val_cost", [10, 20, 50])],
)
def test_rows_are_sorted_as_told(width, sort, order):
    assert [row.values["hidden"] for row in compare(width, default=DEFAULT, sort=sort).rows] == order


def test_test_columns_choose_nothing(tmp_path):
    made_run(tmp_path / "a", 0.90, "hidden=20", test_accuracy=0.99)
    made_run(tmp_path / "b", 0.91, "hidden=50", test_accuracy=0.80)
    made_run(tmp_path / "c", 0.92, "hidden=10", test_accuracy=0.70)
    comparison = compare(read_runs([tmp_path]), metrics=["test_accuracy"], baseline="best")
    assert [row.values["hidden"] for row in comparison.rows] == [10, 50, 20]
    assert comparison.family.references[comparison.rows[0].section].values["hidden"] == 10
    with pytest.raises(ConfigError, match="nothing is chosen by them"):
        compare(read_runs([tmp_path]), sort="-test_accuracy")


@pytest.mark.parametrize("metric", ["val_cost", "seconds", "best_epoch"])
def test_of_costs_and_seconds_less_is_better(tmp_path, metric):
    for seed in range(6):
        made_run(tmp_path / f"a{seed}", 0.9, f"seed={seed}", seconds=3.0 + seed, best_epoch=5, epochs=5)
        made_run(tmp_path / f"b{seed}", 0.95, f"seed={seed}", "hidden=50", seconds=2.0 + seed, best_epoch=4, epochs=5)
    comparison = compare(read_runs([tmp_path]), metrics=[metric], default=DEFAULT)
    assert [outcome_of(comparison, row) for row in comparison.rows] == ["better", "baseline"]
    assert len(configurations(comparison).columns) == len(set(configurations(comparison).columns))


def test_without_validation_data_there_is_no_best_to_compare_with(tmp_path):
    for hidden in (10, 50):
        made_run(tmp_path / str(hidden), 0.9, f"hidden={hidden}", "val_size=0", validated=False)
    comparison = compare(read_runs([tmp_path]), default=DEFAULT)
    assert not comparison.family.differences and "Nothing is tested" in verdict(comparison)[0]
    assert configurations(comparison).cells[0][2:4] == ["–", "89.00"]


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ({"hidden": 30}, "--baseline hidden=30: no finished run has that"),
        ({"activation": "leaky_relu"}, "several configurations are that"),
    ],
)
def test_a_baseline_must_be_one_row(width, wanted, message):
    with pytest.raises(ConfigError, match=message):
        compare(width, baseline=wanted)


def test_a_baseline_may_be_named(width):
    comparison = compare(width, baseline={"hidden": 50}, default=DEFAULT)
    assert comparison.baseline == "as asked"
    assert {one.against.values["hidden"] for one in comparison.family.differences.values()} == {50}
    assert verdict(comparison)[0].startswith("Compared with hidden=50 (validation accuracy 92.50")


@pytest.mark.parametrize("option", [{"metrics": ["accuracy"]}, {"by": ["hiden"]}, {"sort": "loss"}])
def test_unknown_names_are_errors(width, option):
    with pytest.raises(ConfigError, match="allowed is one of"):
        compare(width, **option)


def test_many_single_runs_are_not_read_one_by_one(tmp_path, monkeypatch):
    monkeypatch.setattr("npdigits.compare.family.MOST_SINGLE", 2)
    monkeypatch.setattr("npdigits.compare.verdict.MOST_SINGLE", 2)
    for hidden in (10, 20, 50):
        made_run(tmp_path / str(hidden), 0.9, f"hidden={hidden}", right=[True])
    comparison = compare(read_runs([tmp_path]), default=DEFAULT)
    assert comparison.family.test == "sign-flip"
    assert all(one.undecidable for one in comparison.family.differences.values())
    assert "--diff compares two" in " ".join(verdict(comparison))
