"""What a race claims: by its last complete confirmation alone, at its level, with what was tried and what limits it."""

import dataclasses
import itertools
import json
import math
import re
import shutil

import numpy as np
import pytest
from made_race import EPOCHS, SEARCHED, made_part, made_race
from made_runs import made_run
from scipy import stats

import npdigits
from npdigits import evaluate, plots
from npdigits.base.errors import ConfigError, RunDirError
from npdigits.base.files import Folder
from npdigits.compare import command
from npdigits.compare.race_report import compare_race, report
from npdigits.export.exported import read_exported
from npdigits.export.tidy import tidy_csv
from npdigits.race.definition import Confirmation, Race, Setting, read_race, write_race
from npdigits.race.ledger import without_seeds
from npdigits.race.table import baseline_lost, format_race
from npdigits.race.told import tell
from npdigits.runs.json_table import load_identity
from npdigits.runs.trained import find_best_run, load_trained, run_of

FRESH, FRESHER = tuple(range(100, 110)), tuple(range(200, 210))
REFERENCE = ("lr=0.01", "l2=0.0")
SETTINGS = [
    ("", ("lr=0.001", "l2=0.001"), [0.93]),
    ("", ("lr=0.003", "l2=0.001"), [0.971, 0.973, 0.972]),
    ("", ("lr=0.004", "l2=0.001"), [0.970, 0.968, 0.969]),
    ("", ("lr=0.05", "l2=0.0"), [0.95, 0.951, 0.949]),
]
# Against BASE p = 6/1024, by 0.21 points.
UP = [0.962, 0.963, 0.9625, 0.961, 0.964, 0.9635, 0.962, 0.963, 0.9615, 0.9595]
# p = 24/1024, between the levels of the first and the second confirmation.
SOME = [0.963, 0.963, 0.9595, 0.961, 0.9645, 0.962, 0.9597, 0.9632, 0.9617, 0.96]
# p = 0.94.
LIKE = [0.9603, 0.9601, 0.9596, 0.9602, 0.9599, 0.9605, 0.9598, 0.9600, 0.9604, 0.9597]
BASE = [0.960, 0.9602, 0.9599, 0.9605, 0.9603, 0.9597, 0.9600, 0.9601, 0.9598, 0.9602]
FIRST = ((1, 2, 3), REFERENCE, FRESH, (UP, SOME, LIKE, BASE))


@pytest.fixture(scope="module")
def race(tmp_path_factory):
    """A race with one confirmation, to be read."""
    return made_race(tmp_path_factory.mktemp("of_all") / "race_lr", SETTINGS, [FIRST])


@pytest.fixture
def own_race(race, tmp_path):
    """A copy of it, to be changed."""
    return shutil.copytree(race, tmp_path / "race_lr")


def of_runs(folder):
    """Return (lr, l2) -> seed -> validation accuracy, read from the files by nothing of npdigits."""
    found = {}
    for file in folder.glob("*/summary.json"):
        identity = json.loads((file.parent / "identity.json").read_text())
        accuracy = json.loads(file.read_text())["val_accuracy"]
        found.setdefault((identity["lr"], identity["l2"]), {})[identity["seed"]] = accuracy
    return found


def flipped_p(differences):
    """Return the p of the sign-flip test, by all 2^n sums of decimals that are exact as whole numbers."""
    whole = [round(10_000 * one) for one in differences]
    seen = abs(sum(whole))
    return np.mean([abs(sum(s * d for s, d in zip(signs, whole, strict=True))) >= seen for signs in SIGNS])


SIGNS = list(itertools.product((-1, 1), repeat=10))


def test_the_table_is_recomputed_from_the_confirmations_files(race, typed):
    code, out, err = typed(race, "--json", "-")
    assert (code, err) == (0, "")
    rows = {row["setting"]: row for row in json.loads(out)["rows"]}
    found = of_runs(race / "confirmation-1")
    base = found.pop((0.01, 0.0))
    names = {(0.003, 0.001): "1", (0.004, 0.001): "2", (0.05, 0.0): "3"}
    assert set(rows) == {*names.values(), "reference"} and found.keys() == names.keys()
    p = {}
    for key, name in names.items():
        values = [found[key][seed] for seed in FRESH]
        d = np.subtract(values, [base[seed] for seed in FRESH])
        half = stats.t.ppf(0.975, 9) * np.std(d, ddof=1) / math.sqrt(10)
        assert rows[name]["val_accuracy"] == pytest.approx(np.mean(values), abs=1e-12)
        assert rows[name]["difference"] == pytest.approx(np.mean(d), abs=1e-12)
        assert rows[name]["difference_half"] == pytest.approx(half, rel=1e-9) and rows[name]["n"] == 10
        p[name] = flipped_p(d)
        assert rows[name]["p"] == pytest.approx(p[name], abs=1e-12)
        settings = {str(k): accuracies for k, (_, _, accuracies) in enumerate(SETTINGS)}
        welch = stats.ttest_ind(settings[name], values, equal_var=False).confidence_interval(0.95)
        assert rows[name]["fell"] == pytest.approx(np.mean(settings[name]) - np.mean(values), abs=1e-12)
        assert rows[name]["fell_half"] == pytest.approx((welch.high - welch.low) / 2, rel=1e-9)
        assert rows[name]["in_race"] == pytest.approx(np.mean(settings[name])) and rows[name]["in_race_n"] == 3
    ordered = sorted(p, key=p.get)
    corrected = np.maximum.accumulate([min(1, (3 - i) * p[name]) for i, name in enumerate(ordered)])
    for name, one in zip(ordered, corrected, strict=True):
        assert rows[name]["p_corrected"] == pytest.approx(one, abs=1e-12)
        assert rows[name]["verdict"] == ("better" if one <= 0.025 else "open")
    assert [rows[name]["verdict"] for name in ("1", "2", "3", "reference")] == ["better", "open", "open", "baseline"]


def test_the_races_own_runs_are_in_no_mean_and_no_test(race, tmp_path):
    others = [(arm, typed, [accuracy - 0.05 for accuracy in of_race]) for arm, typed, of_race in SETTINGS]
    one, other = compare_race(race), compare_race(made_race(tmp_path / "other", others, [FIRST]))
    for row, same in zip(one.rows, other.rows, strict=True):
        assert row.values == same.values and set(row.seeds) == set(FRESH)
        assert all("confirmation-1" in run for run in row.runs)
        assert row.figures["val_accuracy"].tolist() == same.figures["val_accuracy"].tolist()
        if row.values["setting"] != "reference":
            assert one.claim.in_race(row).mean == pytest.approx(other.claim.in_race(same).mean + 0.05)
    p = [{row.values["setting"]: d.corrected for row, d in c.family.differences.items()} for c in (one, other)]
    assert p[0] == p[1] and set(p[0]) == {"1", "2", "3"}


def test_what_is_said_of_a_race(race):
    said = report(race)
    for part in (
        "Confirmation 1 of a race of 4 settings: 3 finalists and the reference on 10 fresh seeds.",
        "Compared with the reference, lr=0.01 l2=0 (validation accuracy 96.01 ± 0.02 %, 10 seeds), by validation",
        "Better: setting=1 lr=0.003 l2=0.001 by +0.21 ± 0.10 points",
        "Open: setting=2",
        "Winner: setting=1 lr=0.003 l2=0.001, of 3 finalists the one with the highest mean, 96.22 ± 0.09 %; it is",
        "it is better than the reference.",
        "Finalists are tested against the reference alone, not against each other.",
        "corrected (Holm) over 3 comparisons; real where p ≤ 0.025 (confirmation 1 of this race: 0.05/2^1).",
        "setting=1 lr=0.003 l2=0.001 97.20 % (3 seeds), here 96.22 ± 0.09: it fell by 0.98 ± 0.19 points",
        "4 settings tried; budget 160 training epochs, of which the race took 40 and this confirmation 80; 3",
        "Seeds of the race: 7, 8, 9; of the confirmation, which the race never had: 100, 101, 102,",
        "from the same 60,000 digits of mnist, by which the finalists were chosen: the claim is about these digits",
    ):
        assert part in said, part


def test_an_estimate_that_rose_is_said_to_have_risen(tmp_path):
    settings = [("", ("lr=0.003",), [0.95, 0.951])]
    said = report(made_race(tmp_path / "r", settings, [((0,), ("lr=0.02",), FRESH, (UP, BASE))]))
    assert "95.05 % (2 seeds), here 96.22 ± 0.09: it rose by 1.17 ±" in said and "the only finalist" in said
    assert said.splitlines()[1].split()[-1] and "−1.17 ±" in said


def test_a_second_confirmation_has_half_the_level_and_its_own_runs_alone(tmp_path, typed):
    seven = ((1,), REFERENCE, FRESH, (SOME, BASE))
    again = ((1,), REFERENCE, FRESHER, (SOME, BASE))
    once = made_race(tmp_path / "once", SETTINGS, [seven])
    twice = made_race(tmp_path / "twice", SETTINGS, [seven, again])
    p = [json.loads(typed(folder, "--json", "-")[1]) for folder in (once, twice)]
    assert [one["alpha"] for one in p] == [0.025, 0.0125]
    first, second = (next(row for row in one["rows"] if row["setting"] == "1") for one in p)
    assert first["p_corrected"] == second["p_corrected"] == flipped_p(np.subtract(SOME, BASE))
    assert 0.0125 < first["p_corrected"] <= 0.025
    assert (first["verdict"], second["verdict"]) == ("better", "open") and second["n"] == 10
    assert "p ≤ 0.0125 (confirmation 2 of this race: 0.05/2^2)" in report(twice)
    assert all("confirmation-2" in run for row in compare_race(twice).rows for run in row.runs)


def test_one_at_work_is_not_tested_and_the_complete_one_before_is_shown(tmp_path, typed):
    few = [*UP[:4], *[None] * 6]
    at_work = ((1,), REFERENCE, FRESH, (few, [*BASE[:9], "interrupted"]))
    folder = made_race(tmp_path / "at_work", SETTINGS, [at_work])
    code, out, err = typed(folder)
    assert (code, err) == (0, "")
    assert "Nothing is tested: confirmation 1 is at work, 13 of its 20 runs have ended" in out
    assert "Winner" not in out and "p ≤" not in out and "better" not in out
    assert [line.split()[0] for line in out.splitlines()[1:3]] == ["1", "reference"]
    facts = json.loads(typed(folder, "--json", "-")[1])
    assert facts["race"]["complete"] is False and all(row["p"] is None for row in facts["rows"])
    later = (FIRST, ((1,), REFERENCE, FRESHER, (few, BASE)))
    said = report(made_race(tmp_path / "later", SETTINGS, later))
    assert "Confirmation 1 of a race" in said and "Confirmation 2 is at work, and shown once it is complete." in said
    assert "0.05/2^1" in said and "Winner: setting=1" in said


def test_without_a_confirmation_it_says_where_the_race_stands(tmp_path, typed):
    folder = made_race(tmp_path / "r", SETTINGS)
    code, out, err = typed(folder, "--json", tmp_path / "table.json")
    assert (code, out) == (1, "") and not (tmp_path / "table.json").exists()
    assert "a race of 4 settings; it claims nothing yet." in err and "settings alive" in err
    assert "of 160 training epochs" in err and "No confirmation was begun" in err
    assert "val_accuracy" not in err and "±" not in err
    begun = made_race(tmp_path / "begun", SETTINGS, [((1,), REFERENCE, FRESH, ([None] * 10, ["running", *[None] * 9]))])
    code, out, err = typed(begun)
    assert (code, out) == (1, "") and "Confirmation 1 is at work, 0 of its 20 runs have ended" in err
    assert report(begun).splitlines() == err.splitlines()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--baseline", "lr=0.003"), "--baseline: "),
        (("--metric", "test_accuracy"), "--metric test_accuracy: "),
        (("--metric", "val_accuracy,val_cost"), "--metric val_accuracy,val_cost: "),
        (("--filter", "lr < 0.02"), "--filter: "),
        (("--by", "lr"), "--by: "),
        (("--pivot", "lr", "l2"), "--pivot: "),
        (("--spread",), "--spread: "),
        (("--unpaired",), "--unpaired: "),
        (("--looks", "3"), "--looks: "),
        (("--lower",), "--lower: "),
        (("--seed", "seed"), "--seed: "),
        (("--figure", "differences.pdf"), "--figure differences.pdf: "),
        (("--all", "--html", "page.html"), "--html: not allowed with --all"),
        (("--all", "--figure", "intervals.pdf"), "--figure: not allowed with --all"),
        (("--show", "nothing"), "--show nothing"),
        (("--sort", "nothing"), "--sort nothing"),
        (("--margin", "nothing"), "--margin nothing"),
    ],
)
def test_what_would_change_the_claim_is_refused_in_one_line(race, typed, arguments, said, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    code, out, err = typed(race, *arguments)
    assert (code, out) == (2, "") and len(err.splitlines()) == 1 and said in err
    assert not list(tmp_path.iterdir())


def test_a_race_stands_by_itself(race, tmp_path, typed):
    other = made_run(tmp_path / "other", 0.9)
    code, out, err = typed(race, other)
    assert (code, out) == (2, "") and len(err.splitlines()) == 1 and "the folder of a race" in err


def test_what_is_harmless_is_allowed_and_marked(race, typed, tmp_path):
    plain = typed(race)[1]
    assert typed(race, "--metric", "val_accuracy", "--across-environments")[1] == plain  # a second look is none
    code, out, _ = typed(race, "--show", "val_cost", "--margin", "0.1", "--sort=-lr")
    assert code == 0 and "val_cost is shown and not tested." in out and "Same within 0.1 points: setting=3" in out
    assert [line.split()[0] for line in out.splitlines()[1:5]] == ["3", "reference", "2", "1"]
    files = [tmp_path / "curves.svg", tmp_path / "intervals.svg"]
    assert typed(race, "--figure", files[0], "--figure", files[1])[0] == 0 and all(
        file.stat().st_size for file in files
    )


def test_all_shows_every_finished_run_and_lists_the_others(own_race, typed):
    made_part(own_race / "race" / "paused", "paused", ("lr=0.07", "seed=7"))
    code, out, err = typed(own_race, "--all")
    assert code == 0 and not err
    table = out.split("\n\n")[0].splitlines()
    assert "race_part" in table[0].split() and len(table) == 1 + 10 + 40
    assert sum(" race " in line for line in table) == 10 and sum("confirmation-1 " in line for line in table) == 40
    assert "1 run paused, and in no mean:" in out
    assert len(typed(own_race, "--all", "--filter", "race_part == 'race'")[1].split("\n\n")[0].splitlines()) == 11


def test_the_runs_of_a_search_are_in_no_mean_of_folders_above_and_below(own_race, tmp_path, typed):
    made_run(tmp_path / "other", 0.9, "lr=0.2", "seed=7")
    code, out, err = typed(tmp_path)
    assert (
        code == 0 and "10 runs are of a race's search, and in no mean" in err and "40 runs are of a race's conf" in err
    )
    assert [line.split()[0] for line in out.split("\n\n")[0].splitlines()[1:]] == [
        "0.003",
        "0.004",
        "0.01",
        "0.05",
        "0.2",
    ]
    code, out, err = typed(own_race / "race")
    assert (code, out) == (1, "") and err.splitlines() == [
        "npdigits-compare: nothing to compare: 10 runs are of a race's search, and in no mean (--all shows them); "
        f"npdigits-compare {own_race} takes it whole"
    ]
    runs = npdigits.load_runs(tmp_path)
    assert runs.race_part.value_counts().to_dict() == {"confirmation-1": 40, "race": 10, "": 1}
    compared = npdigits.compare_runs(runs, "val_accuracy")
    assert compared.rows.n.tolist() == [10, 10, 10, 10, 1]
    assert any("10 runs are of a race's search" in line for line in compared.verdict)
    assert npdigits.compare_runs(runs.drop(columns="race_part"), "val_accuracy").rows.n.sum() == 51


def test_a_search_run_does_not_hide_the_same_run_elsewhere(own_race, tmp_path, typed):
    made_run(tmp_path / "same", 0.93, "lr=0.001", "l2=0.001", "seed=7")
    code, out, _ = typed(tmp_path, "--json", "-")
    assert code == 0 and [row["n"] for row in json.loads(out)["rows"] if row["lr"] == 0.001] == [1]


def test_arms_are_compared_by_their_best(tmp_path, typed):
    settings = [
        ("l2", ("l2=0.001", "lr=0.003"), [0.97, 0.971]),
        ("l2", ("l2=0.01", "lr=0.003"), [0.95]),
        ("dropout", ("dropout=0.2", "lr=0.01"), [0.972, 0.97]),
    ]
    folder = made_race(tmp_path / "arms", settings, [((0, 2), None, FRESH, (BASE, UP))], arms=("l2", "dropout"))
    code, out, err = typed(folder)
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert lines[0].split()[:2] == ["arm", "setting"] and lines[1].split()[:2] == ["dropout", "2"]
    assert "Confirmation 1 of a race of 3 settings (2 of l2, 1 of dropout): 2 finalists on 10 fresh seeds." in out
    assert "Compared with the best of the arm l2, arm=l2 setting=0" in out
    assert "Winner: arm=dropout setting=2" in out and "it is better than the best of the arm l2." in out
    assert (
        "1 finalist tested on fresh seeds alone at 0.025" in out and "3 settings tried (2 of l2, 1 of dropout)" in out
    )
    assert json.loads(typed(folder, "--json", "-")[1])["race"]["settings_of_arms"] == {"l2": 2, "dropout": 1}
    worse = made_race(tmp_path / "worse", settings, [((0, 2), None, FRESH, (UP, BASE))], arms=("l2", "dropout"))
    assert "Winner: arm=l2 setting=0" in report(
        worse
    ) and "; it is the best of the arm l2, and the other is shown to be worse." in report(worse)


def test_a_key_that_a_setting_does_not_read_is_empty_and_numbers_sort_as_numbers(tmp_path, typed):
    settings = [("", ("optimizer=adam", f"lr={k}e-4"), [0.9]) for k in range(1, 11)]
    settings += [("", ("optimizer=sgd", "momentum=0.5", "lr=0.1"), [0.95])]
    space = {"": {"optimizer": "adam,sgd", "momentum": "interval(0.0,0.9)", "lr": "interval(0.0,0.1)"}}
    confirmed = [((2, 10, 8), ("optimizer=adam", "lr=0.5"), FRESH, (UP, LIKE, SOME, BASE))]
    folder = made_race(tmp_path / "r", settings, confirmed, space=space)
    rows = {row["setting"]: row for row in json.loads(typed(folder, "--json", "-")[1])["rows"]}
    assert rows["10"]["momentum"] == 0.5
    assert {rows[name]["momentum"] for name in ("2", "8", "reference")} == {"–"}
    said = typed(folder, "--sort", "setting")[1]
    assert [line.split()[0] for line in said.splitlines()[1:5]] == ["2", "8", "10", "reference"]
    assert "momentum=0.5" in said and "momentum=0 " not in said and "momentum= " not in said


def test_a_reference_of_no_arm_has_no_arm_in_sentences(tmp_path):
    settings = [(arm, (f"lr={lr}",), [0.97]) for arm, lr in (("a", 0.003), ("b", 0.004))]
    folder = made_race(tmp_path / "r", settings, [((0, 1), ("lr=0.5",), FRESH, (LIKE, UP, BASE))], arms=("a", "b"))
    said = report(folder)
    assert "arm=b setting=1" in said and "arm= " not in said and "the reference, lr=0.5" in said


def test_what_earlier_confirmations_took_is_said_so_that_all_adds_up(tmp_path, typed):
    folder = made_race(tmp_path / "r", SETTINGS, [FIRST, ((1,), ("lr=0.003", "l2=0.001"), FRESHER, (SOME,))])
    assert "took 40, earlier confirmations 80 and this confirmation 20;" in report(
        folder
    )  # the reference is a finalist
    facts = json.loads(typed(folder, "--json", "-")[1])["race"]
    assert (facts["epochs_of_confirmation"], facts["epochs_of_earlier_confirmations"]) == (20, 80)


def test_a_reference_of_which_a_run_is_lost_leaves_nothing_tested(tmp_path, typed):
    folder = made_race(tmp_path / "r", SETTINGS, [((1,), REFERENCE, FRESH, (UP, [*BASE[:9], "diverged"]))])
    code, out, _ = typed(folder)
    assert code == 0 and "Nothing is tested: the reference diverged" in out
    assert "Winner" not in out and "at work" not in out and "tested on fresh" not in out and "better" not in out
    assert {row["p"] for row in json.loads(typed(folder, "--json", "-")[1])["rows"]} == {None}
    assert baseline_lost(tell(folder)) == "the reference diverged"


def test_runs_that_could_not_begin_are_counted_as_ended(tmp_path, typed):
    folder = made_race(tmp_path / "r", SETTINGS, [((1,), REFERENCE, FRESH, (UP, [*BASE[:7], None, None, None]))])
    assert "confirmation 1 is at work, 17 of its 20 runs" in report(folder)
    race = read_race(folder)
    (one,) = race.confirmations
    noted = dataclasses.replace(one, lost={one.against: "failed: too odd"})
    write_race(Folder(folder), dataclasses.replace(race, confirmations=(noted,)))
    said = report(folder)
    assert "at work" not in said and "Nothing is tested: the reference failed: too odd" in said
    facts = json.loads(typed(folder, "--json", "-")[1])["race"]
    assert facts["complete"] and facts["epochs_of_confirmation"] == 17 * EPOCHS


def test_a_tie_is_one_in_race_csv_too(tmp_path):
    settings = [("", ("lr=0.003",), [0.97]), ("", ("lr=0.004",), [0.96]), ("", ("lr=0.005",), [0.96])]
    tied = made_race(tmp_path / "tied", settings, [((0, 1, 2), ("lr=0.1",), FRESH, (UP, UP, LIKE, BASE))])
    assert "No single winner" in report(tied)
    assert [line.split(",")[2] for line in format_race(tell(tied)).splitlines()[1:]] == ["tied", "tied", "finalist"]
    work = made_race(tmp_path / "work", settings, [((0, 1), ("lr=0.1",), FRESH, (UP, LIKE, [*BASE[:9], None]))])
    assert "won" not in format_race(tell(work)) and "Winner" not in report(work)


def test_a_tie_and_no_difference_are_said_as_they_are(tmp_path):
    settings = [("", ("lr=0.003",), [0.97]), ("", ("lr=0.004",), [0.96])]
    tie = report(made_race(tmp_path / "tie", settings, [((0, 1), ("lr=0.02",), FRESH, (LIKE, LIKE, BASE))]))
    assert "No single winner: setting=0 lr=0.003 and setting=1 lr=0.004 have the same highest mean" in tie
    none = report(made_race(tmp_path / "none", settings, [((0,), ("lr=0.02",), FRESH, (LIKE, BASE))]))
    assert "it is not shown to differ from the reference, nor to be equal to it" in none and "Open: setting=0" in none
    few = (BASE[:2], UP[:2])
    short = report(made_race(tmp_path / "few", settings, [((0,), ("lr=0.02",), FRESH[:2], few)]))
    assert "the seeds are too few to tell it from the reference" in short and "takes 7 seeds or more" in short


def test_of_one_fresh_seed_nothing_is_tested_least_of_all_on_test_digits(tmp_path):
    right = {"right": np.array([True] * 40)}
    folder = made_race(tmp_path / "r", SETTINGS, [((1,), REFERENCE, FRESH[:1], (UP[:1], BASE[:1]))])
    for place, of in ((0, right), (1, {"right": np.array([False] * 40)})):
        shutil.rmtree(folder / "confirmation-1" / f"{place}-100")
        typed = (SETTINGS[1][1], REFERENCE)[place]
        made_run(folder / "confirmation-1" / f"{place}-100", 0.9, *typed, "seed=100", **of)
    said = report(folder)
    assert "Not tested: setting=1 lr=0.003 l2=0.001 (one run a row)." in said and "McNemar" not in said
    assert "it is not tested against the reference" in said


def test_a_finalist_that_diverged_has_lost_and_is_not_tested(tmp_path):
    broken = [*[accuracy + 0.01 for accuracy in UP[:9]], "diverged"]
    folder = made_race(tmp_path / "r", SETTINGS, [((1, 2, 3), REFERENCE, FRESH, (broken, UP, LIKE, BASE))])
    said = report(folder)
    assert "Not tested: setting=1 lr=0.003 l2=0.001 (1 of its runs was lost (diverged))." in said
    assert "Winner: setting=2" in said and "9 of 10" in said and "1 run diverged, and in no mean:" in said
    row = next(row for row in compare_race(folder).rows if row.values["setting"] == "2")
    one = compare_race(folder).family
    found = next(difference for other, difference in one.differences.items() if other.values["setting"] == "2")
    assert row.interval("val_accuracy").n == 10
    assert found.corrected == 3 * flipped_p(np.subtract(UP, BASE))  # it was one of three
    every = ((1,), REFERENCE, FRESH, ([*UP[:9], "diverged"], BASE))
    assert "There is no winner: of every finalist a run was lost." in report(
        made_race(tmp_path / "all", SETTINGS, [every])
    )


def test_a_finalist_that_is_the_reference_or_of_two_arms_is_one_row(tmp_path):
    same = report(made_race(tmp_path / "same", SETTINGS, [((1, 2), SETTINGS[2][1], FRESH, (UP, BASE))]))
    rows = [line.split()[:4] for line in same.splitlines()[1:3]]
    assert rows == [["1", "0.003", "10", "96.22"], ["2", "(reference)", "0.004", "10"]]
    assert "Better: setting=1" in same and "corrected (Holm)" not in same.partition("\n\n")[2].partition("tested")[0]
    arms = [(arm, ("lr=0.003",), [0.97]) for arm in ("a", "b")]
    both = report(made_race(tmp_path / "both", arms, [((0, 1), None, FRESH, (UP,))], arms=("a", "b")))
    assert both.splitlines()[1].startswith("10 ") or ("0, 1" in both and "One row: " in both)


def test_strays_are_named_and_in_no_row(own_race, typed):
    made_part(own_race / "confirmation-1" / "other", 0.99, ("lr=0.3", "seed=100"))
    made_part(own_race / "confirmation-1" / "older", 0.99, (*SETTINGS[1][1], "seed=5"))
    code, out, _ = typed(own_race)
    assert (
        code == 0
        and "Note: in no row, as not of confirmation 1, or there twice: " in out
        and out.count("confirmation-1/o") == 2
    )
    assert "0.3" not in out.split("\n\n")[0] and "60,000" in out
    assert json.loads(typed(own_race, "--json", "-")[1])["race"]["epochs_of_confirmation"] == 4 * 10 * EPOCHS


def test_a_file_that_was_torn_since_takes_no_claim_away(own_race):
    file = own_race / "confirmation-1" / "0-100" / "metrics.csv"
    file.write_text(file.read_text()[:-1])
    said = report(own_race)
    assert "Winner: setting=1" in said and "0-100/metrics.csv: torn: " in said


def test_the_limit_says_when_the_validation_digits_are_those_of_the_race(tmp_path):
    confirmed = [((1,), REFERENCE, (*FRESH[:9], 5), (UP, BASE))]  # one of whose seeds is the split's, too
    folder = made_race(tmp_path / "r", SETTINGS, confirmed, fixed=("split_seed=5",))
    said = report(folder)
    assert "Limit: split_seed is fixed, so fresh seeds have the same validation digits as the race" in said
    assert "fresh seeds draw the validation digits anew" not in said
    assert [len(row) for row in compare_race(folder).rows] == [10, 10]


def test_runs_of_several_environments_share_the_rows(tmp_path):
    folder = made_race(tmp_path / "r", SETTINGS, [((1,), REFERENCE, FRESH, (UP, BASE))])
    for place in (0, 1):
        file = folder / "confirmation-1" / f"{place}-{FRESH[place]}" / "environment.json"
        environment = json.loads(file.read_text())
        file.write_text(json.dumps(environment | {"processor": "another"}))
    said = report(folder)
    assert [row.interval("val_accuracy").n for row in compare_race(folder).rows] == [10, 10]
    assert "Across 2 environments: a difference may come from where runs were made." in said and "as asked" not in said


def test_every_notation_says_what_was_tried(race, typed, tmp_path, compiled_latex):
    files = {notation: tmp_path / f"table.{notation}" for notation in command.NOTATIONS}
    options = [part for notation, path in files.items() for part in (f"--{notation}", path)]
    assert typed(race, *options)[0] == 0
    texts = {notation: path.read_text() for notation, path in files.items()}
    for notation in ("markdown", "latex", "json", "html"):
        assert "4 settings tried; budget 160 training epochs" in texts[notation], notation
        assert "60,000 digits" in texts[notation] and "Winner: " in texts[notation], notation
    below = texts["latex"].partition(r"\end{tabular}")[2]
    shown = [line for line in below.splitlines() if not line.startswith("%")]
    assert sum("settings tried" in line for line in shown) == 1 and below.count("settings tried") == 1
    assert compiled_latex(texts["latex"]) == ""
    assert "in_race,in_race_n,fell,fell_half" in texts["csv"].splitlines()[0]
    facts = json.loads(texts["json"])["race"]
    assert facts | {"race_seeds": list(SEARCHED), "confirmation_seeds": list(FRESH), "finalists": [1, 2, 3]} == facts
    assert (facts["settings"], facts["budget"], facts["epochs_used"], facts["alpha"]) == (4, 160, 40, 0.025)
    assert facts["epochs_of_confirmation"] == 4 * 10 * EPOCHS and facts["complete"] is True


def test_hostile_names_of_arms_stay_text(tmp_path, typed, compiled_latex):
    arms = ("<b>\\input{x}", "\x1b[31m%$&_#")
    settings = [(arm, (f"lr={lr}",), [0.97]) for arm, lr in zip(arms, (0.003, 0.004), strict=True)]
    folder = made_race(tmp_path / "r", settings, [((0, 1), None, FRESH, (BASE, UP))], arms=arms)
    out = typed(folder)[1]
    assert "\x1b" not in out
    assert compiled_latex(typed(folder, "--latex", "-")[1]) == ""
    assert "<b>" not in typed(folder, "--html", "-")[1].partition('id="content">')[2].partition("</script>")[0]


def test_a_damaged_definition_is_one_line(own_race, typed):
    file = own_race / "race.json"
    file.write_text(file.read_text()[:-20])
    code, out, err = typed(own_race)
    assert (code, out) == (2, "") and len(err.splitlines()) == 1 and "race.json: damaged" in err


def test_the_best_run_of_a_race_is_one_of_its_confirmation(race):
    assert find_best_run(race).parent.name == "confirmation-1"
    assert find_best_run(race / "race").parent.name == "race"


def test_where_a_run_is_wanted_the_folder_of_a_race_says_which_and_its_best_is_one(race):
    for folder, part in ((race, "confirmation-1"), (race / "race", "race")):
        assert run_of(folder / "best").parent.name == part
        assert [run.path for run in read_exported([folder / "best"], print)] == [run_of(folder / "best")]
        with pytest.raises(RunDirError, match=f"name one of its runs, or {re.escape(str(folder / 'best'))}, the best"):
            load_trained(folder)
        with pytest.raises(RunDirError, match="name one of its runs"):
            plots.act([folder])
    with pytest.raises(RunDirError, match=f"{re.escape(str(run_of(race / 'best')))}: "):  # whose plots nobody can draw
        plots.act([race / "best"])
    assert evaluate._divided([str(race / "best"), str(race)]) == ([race / "best", race], None)


def test_confirmations_are_tested_with_their_race_alone(tmp_path, typed):
    second = (FIRST[0], REFERENCE, FRESHER, FIRST[3])
    folder = made_race(tmp_path / "r", SETTINGS, [FIRST, second])
    parts = [folder / "confirmation-1", folder / "confirmation-2"]
    for given in (parts[:1], parts):
        code, out, err = typed(*given)
        assert (code, out) == (2, "") and len(err.splitlines()) == 1
        assert f"npdigits-compare {folder} tests them, at the race's level" in err
    assert typed(parts[0], "--all")[0] == 0
    said = npdigits.compare_runs(npdigits.load_runs(folder), "val_accuracy").verdict
    assert any("80 runs are of 2 confirmations of races, put together here" in line for line in said)


def test_an_export_tells_the_runs_of_a_race_apart(own_race, tmp_path):
    made_part(own_race / "race" / "paused", "paused", ("lr=0.07", "seed=7"))
    said = []
    runs = read_exported([own_race], said.append)
    assert len(runs) == 51 and [line for line in said if "(paused)" in line]
    assert {run.tags["race_part"] for run in runs} == {"race", "confirmation-1"}
    head, first, *_ = tidy_csv(runs).splitlines()
    assert head.startswith("run,data,race_part,") and ",mnist,confirmation-1," in first
    assert "race_part" not in tidy_csv(read_exported([made_run(tmp_path / "run", 0.9)], said.append))


def test_the_same_is_said_of_a_race_of_real_runs(tmp_path, warm_cache, typed, capsys):
    shared = ("data=mnist_5k", "epochs=1", "plots=false")
    folder, rows = tmp_path / "race_real", {"wide": ("hidden=12",), "narrow": ("hidden=2",)}

    def run(below, name, seed):
        path = folder / below / f"{name}-{seed}"
        npdigits.run(npdigits.compose([*shared, *rows[name], f"seed={seed}"]), path)
        return without_seeds(load_identity(path))

    wide = Setting(0, "", rows["wide"], run("race", "wide", 1))
    seeds = (11, 12)
    against = [run("confirmation-1", name, seed) for seed in seeds for name in rows][-1]
    confirmation = Confirmation(1, (0,), rows["narrow"], seeds, 1, 5, 1, 1, 4, against)
    race = Race(
        *(shared, {}, {"": {"hidden": "choice(2,12)"}}, (), "grid", 0, 1, 5, 1, 2),
        **{"wanted": 1, "data": "a" * 64, "seeds": (1,), "rules": {}, "code": 6},
        **{"settings": (wide,), "confirmations": (confirmation,)},
    )
    write_race(Folder(folder), race)
    assert read_race(folder) == race
    capsys.readouterr()  # what the runs said
    code, out, err = typed(folder)
    assert (code, err) == (0, "")
    assert [line.split()[:3] for line in out.splitlines()[1:3]] == [["0", "12", "2"], ["reference", "2", "2"]]
    assert "from the same 4,500 digits of mnist_5k" in out and "Winner: setting=0 hidden=12, the only finalist" in out


def test_from_python_a_name_that_is_not_there_is_refused(race):
    with pytest.raises(ConfigError, match="--show nothing"):
        compare_race(race, shown=["nothing"])
