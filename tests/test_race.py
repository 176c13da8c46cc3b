"""Races end to end on a small set of digits: the same wherever and however often they are begun."""

import csv
import dataclasses
import json
import os
import re
import shutil
from types import SimpleNamespace

import pytest
from made import write_set

import npdigits
from npdigits.base.errors import ConfigError, HeldError, OwnCodeError, RunDirError
from npdigits.compare import race_report
from npdigits.config.command_line import Acts, dispatch
from npdigits.race.definition import read_race
from npdigits.race.ledger import Ledger, read_runs
from npdigits.race.seeds import fresh_seeds, with_seeds
from npdigits.race.table import format_race
from npdigits.race.told import tell
from npdigits.runs.hold import Hold
from npdigits.runs.summary import Status
from npdigits.sweeps import race, race_conclusion, race_runs, sweep
from npdigits.sweeps.points import Outcome
from npdigits.sweeps.race import run_race
from npdigits.sweeps.race_changes import refuse_changed
from npdigits.sweeps.race_plan import refuse_foreign

FINISHED, INCOMPLETE, DIVERGED = 0, 1, 3
LR = "lr=tag(log,interval(1e-3,1e-1))"
RESULTS = ("metrics.csv", "predictions.npz", "checkpoints/last.npz", "checkpoints/best.npz")


def refuse(*_):
    raise AssertionError("this is no race")


def hold(*typed):
    """Hold the race that is typed, in this process; return the exit code."""
    return dispatch(Acts(refuse, refuse, run_race), ["-m", *map(str, typed)])


@pytest.fixture(scope="module", autouse=True)
def without_fsync():
    """Spare the disk: what a crash of the machine leaves is no matter here."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda file: None)
        yield


@pytest.fixture(scope="module")
def small_set(tmp_path_factory):
    return write_set(tmp_path_factory.mktemp("set"), train=400, test=60)


@pytest.fixture(scope="module")
def keys(small_set):
    return ("data=idx", f"data.dir={small_set}", "epochs=3", "hidden=4", "workers=0")


@pytest.fixture(scope="module")
def common(keys):
    """What is typed of the race that most tests begin with."""
    return (LR, "race=6", "race.confirm=2", "race.finalists=1", *keys)


@pytest.fixture(scope="module")
def undisturbed(common, tmp_path_factory):
    """The folder of a race that was held without any trouble: to be read, or copied."""
    folder = tmp_path_factory.mktemp("races") / "undisturbed"
    assert hold(*common, f"out={folder}") == FINISHED
    return folder


@pytest.fixture(autouse=True)
def brief(monkeypatch):
    """Neither draw nor compare at the end of every race: that of ``undisturbed`` has done both."""
    monkeypatch.setattr(race_conclusion, "draw_picture", lambda *_: None)
    monkeypatch.setattr(race_conclusion, "say_claim", lambda *_: None)


@pytest.fixture
def copied(undisturbed, tmp_path):
    return shutil.copytree(undisturbed, tmp_path / "copied")


def rows(folder):
    with (folder / "race.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def results(folder):
    """What must be equal between two races: the bytes of all results, with the summaries but for their times."""
    found = {"race.csv": (folder / "race.csv").read_bytes()}
    for run in sorted(path.parent for path in folder.glob("*/*/summary.json")):
        summary = json.loads((run / "summary.json").read_text())
        found[run.name] = {key: value for key, value in summary.items() if key not in ("seconds", "seconds_shared")}
        found |= {f"{run.name}/{name}": (run / name).read_bytes() for name in RESULTS if (run / name).exists()}
    return found


def runs_of(folder):
    return sorted(path.parent.name for path in folder.glob("race/*/summary.json"))


def test_a_race_says_who_raced_who_was_dropped_and_who_won(undisturbed):
    race, table = read_race(undisturbed), rows(undisturbed)
    assert (undisturbed / "race.png").stat().st_size > 10_000
    assert [row["setting"] for row in table] == list("012345")
    assert [row["status"] for row in table].count("won") == 1
    assert {row["status"] for row in table} <= {"won", "alive", "dropped"}
    dropped = [row for row in table if row["status"] == "dropped"]
    assert dropped and all(re.match("rank|t = ", row["why"]) and row["dropped_after_rung"] for row in dropped)
    for row in table:
        ran = [
            run
            for run in Ledger(undisturbed, race).runs.values()
            if run.identity == race.settings[int(row["setting"])].identity
        ]
        assert int(row["epochs"]) == sum(len(run.history) for run in ran)
        assert float(row["lr"]) == float(race.settings[int(row["setting"])].overrides[0].removeprefix("lr="))


def test_a_race_takes_no_more_than_its_budget_and_confirms_on_seeds_that_it_never_had(undisturbed):
    told = tell(undisturbed)
    race, (confirmation,) = told.race, told.race.confirmations
    confirmed = read_runs(undisturbed / "confirmation-1")
    trained = sum(len(run.history) for run in (*told.ledger.runs.values(), *confirmed.values()))
    assert trained <= race.budget and told.used == sum(len(run.history) for run in told.ledger.runs.values())
    assert {seed for _, seed in told.ledger.runs} == set(race.seeds)
    assert {seed for _, seed in confirmed} == set(confirmation.seeds) and not {*race.seeds} & {*confirmation.seeds}
    assert len(confirmed) == 2 * 2 and {run.summary.status for run in confirmed.values()} == {Status.FINISHED}
    assert confirmation.alpha == 0.025 and confirmation.finalists == (tell(undisturbed).courses[""].alive[0],)


def test_two_processes_hold_the_same_race(common, undisturbed, tmp_path):
    assert hold(*common, "workers=2", f"out={tmp_path / 'two'}") == FINISHED
    assert results(tmp_path / "two") == results(undisturbed)


def test_a_race_that_is_interrupted_again_and_again_is_the_same(common, undisturbed, tmp_path, monkeypatch):
    carry_out, done = sweep.carry_out, []

    def interrupted(*arguments, **options):
        done.append(1)
        if len(done) % 6 == 0:
            raise KeyboardInterrupt
        return carry_out(*arguments, **options)

    monkeypatch.setattr(sweep, "carry_out", interrupted)
    folder, interruptions = tmp_path / "cut", 0
    while True:
        try:
            code = hold(*common, f"out={folder}")
            break
        except KeyboardInterrupt:
            interruptions += 1
            assert (folder / "race.csv").is_file() and read_race(folder).settings
    assert code == FINISHED and interruptions >= 3
    assert results(folder) == results(undisturbed)


def test_a_run_whose_process_was_killed_before_it_paused_is_paused(common, undisturbed, copied):
    race = read_race(copied)
    dropped = next(row for row in rows(copied) if row["dropped_after_rung"] == "1")
    identity = race.settings[int(dropped["setting"])].identity
    path = Ledger(copied, race).runs[identity, race.seeds[0]].path
    summary = json.loads((path / "summary.json").read_text())
    assert summary["status"] == "paused"
    (path / "summary.json").write_text(json.dumps(summary | {"status": "running"}))
    assert tell(copied).courses[""].jobs  # though metrics.csv has all rows that the rung asks for
    assert hold(*common, f"out={copied}") == FINISHED
    assert results(copied) == results(undisturbed)


def test_runs_that_are_torn_or_another_s_are_not_the_race_s(common, undisturbed, copied):
    race = read_race(copied)
    runs = sorted(Ledger(copied, race).runs.values(), key=lambda run: run.path)
    (runs[0].path / "identity.json").write_text("{}")
    metrics = (runs[1].path / "metrics.csv").read_bytes()
    (runs[1].path / "metrics.csv").write_bytes(metrics[:-5])
    shutil.copytree(runs[2].path, copied / "race" / "twice")
    (copied / "race" / "notes.txt").write_text("mine")
    left = Ledger(copied, race).runs
    assert len(left) == len(runs) - 1
    assert len(left[runs[1].identity, runs[1].seed].history) == len(runs[1].history) - 1
    assert hold(*common, f"out={copied}") == FINISHED
    assert (copied / "race.csv").read_bytes() == (undisturbed / "race.csv").read_bytes()


def test_a_race_that_is_over_does_nothing_when_it_is_typed_again(common, copied, monkeypatch):
    monkeypatch.setattr(sweep, "carry_out", refuse)
    before = results(copied), (copied / "race.json").read_bytes()
    assert hold(*common, f"out={copied}") == FINISHED
    assert (results(copied), (copied / "race.json").read_bytes()) == before


def test_a_larger_budget_goes_on_and_confirms_again_on_unused_seeds(common, undisturbed, copied, tmp_path):
    larger = read_race(undisturbed).budget + 60
    before = {path: path.stat().st_mtime_ns for path in copied.glob("*/*/summary.json")}
    assert hold(*common, f"race.budget={larger}", f"out={copied}") == FINISHED
    race = read_race(copied)
    first, second = race.confirmations
    assert (first, *race.seeds[: len(read_race(undisturbed).seeds)]) == (
        read_race(undisturbed).confirmations[0],
        *read_race(undisturbed).seeds,
    )
    assert second.alpha == 0.0125 and not {*second.seeds} & {*first.seeds, *race.seeds}
    assert len(runs_of(copied)) > len(runs_of(undisturbed))
    ended = [path for path in before if json.loads(path.read_text())["status"] == "finished"]
    assert {path for path in ended if path.stat().st_mtime_ns == before[path]} >= {
        path for path in ended if path.parent.parent.name == "confirmation-1"
    }
    # The same as one that was given all this from its begin, but for what the first confirmation took.
    whole = tmp_path / "whole"
    assert hold(*common, f"race.budget={larger - first.planned}", f"out={whole}") == FINISHED
    of_race = ("setting", "lr", "dropped_after_rung", "why", "epochs", "seeds", "val_accuracy")
    assert [[row[key] for key in of_race] for row in rows(copied)] == [
        [row[key] for key in of_race] for row in rows(whole)
    ]


def test_more_settings_are_welcome_and_fewer_undo_nothing(common, undisturbed, copied, capsys):
    assert hold(*common, "race=4", f"out={copied}") == FINISHED
    assert "race=4: 6 settings are in this race, and stay" in capsys.readouterr().out
    assert results(copied) == results(undisturbed)
    assert hold(*common, "race=8", f"out={copied}") == FINISHED
    race = read_race(copied)
    assert race.settings[:6] == read_race(undisturbed).settings and len(race.settings) == 8
    assert [one.settings for one in race.confirmations] == [6, 8]
    assert told_and_on_disk(copied)[0] == told_and_on_disk(copied)[1] == race.confirmations[1].used


def told_and_on_disk(folder):
    """What is told to have been used, and what the runs of the search have written."""
    lines = sum(len(file.read_text().splitlines()) - 1 for file in folder.glob("race/*/metrics.csv"))
    table = csv.DictReader(format_race(tell(folder)).splitlines())
    assert sum(int(row["epochs"]) for row in table) == lines
    return tell(folder).used, lines


def test_every_epoch_counts_though_a_race_that_has_grown_asks_for_fewer(common, keys, copied):
    race, (first,) = read_race(copied), read_race(copied).confirmations
    # Somebody has trained the settings that were dropped to their end.
    for setting in race.settings:
        run = Ledger(copied, race).run(setting.number, 0)
        if run.summary.status == Status.PAUSED:
            npdigits.run(npdigits.compose([*keys, *setting.overrides, "plots=false", f"seed={run.seed}"]), run.path)
    used, lines = told_and_on_disk(copied)
    assert used == lines > first.used
    assert hold(*common, f"out={copied}") == FINISHED  # of the same settings nothing is refused, and nothing follows
    assert told_and_on_disk(copied) == (used, lines)
    with pytest.raises(ConfigError, match="allowed are") as refused:
        hold(*common, "race=9", "race.budget=40", f"out={copied}")
    least = int(re.search(r"allowed are (\d+) epochs", str(refused.value))[1])
    assert least > lines + 2 * first.planned
    assert hold(*common, "race=9", f"race.budget={least}", f"out={copied}") == FINISHED
    used, lines = told_and_on_disk(copied)
    assert used == lines <= least - 2 * first.planned and tell(copied).courses[""].rung.seeds >= 2


def test_a_smaller_budget_undoes_nothing(common, undisturbed, copied, capsys):
    told = tell(undisturbed)
    taken = told.used + told.race.confirmations[0].planned
    assert hold(*common, f"race.budget={taken - 5}", f"out={copied}") == FINISHED
    assert (
        f"race.budget={taken - 5}: {taken} epochs are taken or put aside already, and stay" in capsys.readouterr().out
    )
    assert results(copied) == results(undisturbed)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        (
            {"space": {"": {"lr": "interval(0.001,0.1)"}}},
            "lr=tag(log,interval(1e-3,1e-1)), here lr=interval(0.001,0.1)",
        ),
        ({"space": {"": {"lr": LR[3:], "l2": "choice(0,1e-3)"}}}, "no l2, here l2=choice(0,1e-3)"),
        ({"space": {"": {"l2": "choice(0,1e-3)"}}}, f"{LR}, here no lr"),
        ({"space": {"a": {"lr": "interval(0.001,0.1)"}, "b": {"l2": "0,1"}}}, "the arms none, here a, b"),
        ({"epochs": 4}, "epochs=3, here 4"),
        ({"seed": 1}, "race.seed=0, here 1"),
        ({"where": ("lr<1", "l2>0")}, "race.where: nothing, here lr<1 and l2>0"),
        ({"search": "tpe"}, "race.search=sobol, here tpe"),
        ({"data": "0" * 64}, "a race on other digits than data=idx"),
        ({"code": "5+abc"}, "a race of other code of npdigits"),
        ({"rules": {"alpha": 2}}, "a race by other rules (short, "),
    ],
)
def test_another_race_is_told_by_what_changed(undisturbed, changed, said):
    before = read_race(undisturbed)
    base = SimpleNamespace(data=SimpleNamespace(name="idx"))
    refuse_changed(SimpleNamespace(folder=undisturbed, before=before, now=before, base=base))
    now = dataclasses.replace(before, **changed)
    with pytest.raises(ConfigError) as refused:
        refuse_changed(SimpleNamespace(folder=undisturbed, before=before, now=now, base=base))
    assert f"holds {'a race with ' * (', here' in said)}{said}" in str(refused.value)
    assert "that is another race: name=… or out=… gives it a folder of its own" in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_race_on_other_digits_is_another(common, copied, tmp_path):
    other = write_set(tmp_path / "other", train=300, test=60)
    with pytest.raises(ConfigError, match="a race on other digits than data=idx: that is another race"):
        hold(*common, f"data.dir={other}", f"out={copied}")


def test_a_race_with_another_fixed_key_is_another(common, copied):
    with pytest.raises(ConfigError, match="holds a race with hidden=4, here hidden=5 l2=1: that is another race"):
        hold(*common, "hidden=5", "l2=1", f"out={copied}")


def test_a_setting_may_be_written_otherwise(common, undisturbed, copied):
    assert hold(*common[::-1], "hidden=[4]", "quiet=true", f"out={copied}") == FINISHED
    assert results(copied) == results(undisturbed)


def test_where_the_data_lies_and_how_runs_are_done_is_no_part_of_a_race(
    common, copied, small_set, tmp_path, monkeypatch
):
    monkeypatch.setattr(sweep, "carry_out", refuse)
    moved = shutil.copytree(small_set, tmp_path / "moved")
    assert hold(*common, f"data.dir={moved}", "quiet=true", "race.reference=null", f"out={copied}") == FINISHED


def test_a_confirmation_that_cannot_show_anything_is_announced_once(common, undisturbed, copied, capsys):
    hopeless = "confirmation 2 cannot show any difference, whatever comes out: the least p of 2 seeds, 2/2^2, is above"
    assert hold(*common, "race.reference='lr=0.02'", f"out={copied}") == FINISHED
    assert capsys.readouterr().err.count(hopeless) == 1
    assert hold(*common, "race.reference='lr=0.02'", f"out={copied}") == FINISHED  # nothing is due any more
    assert "cannot show" not in capsys.readouterr().err


def test_a_reference_that_is_a_finalist_is_run_once(common, undisturbed, copied, capsys):
    lr = read_race(copied).settings[read_race(copied).confirmations[0].finalists[0]].overrides[0]
    assert hold(*common, f"race.reference='{lr}'", f"out={copied}") == FINISHED
    said = capsys.readouterr().out
    assert "; 2 runs of 3 epochs to do" in said and "18 for 2 confirmations (24 put aside), of" in said
    assert len(list(copied.glob("confirmation-2/*/summary.json"))) == 2


def test_another_reference_is_another_confirmation(common, copied):
    assert hold(*common, "race.reference='lr=0.02'", f"out={copied}") == FINISHED
    first, second = read_race(copied).confirmations
    assert (first.reference, second.reference) == ((), ("lr=0.02",)) and first.finalists == second.finalists


def test_a_budget_that_is_too_small_is_told_with_the_least_that_will_do(common, tmp_path):
    folder = tmp_path / "race"
    with pytest.raises(
        ConfigError, match=r"race.budget=5: too small for 6 settings of 3 epochs: allowed are \d+"
    ) as refused:
        hold(*common, "race.budget=5", f"out={folder}")
    assert not folder.exists()
    least = int(re.search(r"allowed are (\d+)", str(refused.value))[1])
    assert hold(*common, f"race.budget={least}", f"out={folder}") == FINISHED
    told = tell(folder)
    assert told.courses[""].rung.seeds >= 2 and told.race.confirmations


def test_a_confirmation_that_grows_takes_nothing_from_the_race(common, undisturbed, copied):
    used = tell(undisturbed).used
    budget = read_race(undisturbed).budget
    with pytest.raises(ConfigError, match=rf"allowed are {used + 12 + 2 * 4 * 3} epochs or more"):
        hold(*common, "race.confirm=4", f"race.budget={budget}", f"out={copied}")
    assert hold(*common, "race.confirm=4", f"out={copied}") == FINISHED
    assert tell(copied).used == used and [len(one.seeds) for one in read_race(copied).confirmations] == [2, 4]


def test_a_race_that_another_process_holds_is_left_alone(common, copied):
    with Hold.take(copied), pytest.raises(HeldError, match="another process is holding this race"):
        hold(*common, f"out={copied}")


@pytest.mark.parametrize("held", ["race/x/notes.txt", "notes.txt", "summary.json", "confirmation-1/x"])
def test_a_folder_of_something_else_is_no_race_s(tmp_path, held):
    (tmp_path / held).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / held).write_text("mine")
    with pytest.raises(RunDirError, match="choose another"):
        refuse_foreign(tmp_path)


def test_a_folder_that_is_empty_or_of_a_race_that_was_killed_at_once_is_taken(tmp_path):
    refuse_foreign(tmp_path / "new")
    for name in (".lock", ".race.json.0123abcd.tmp"):
        (tmp_path / name).write_text("")
    refuse_foreign(tmp_path)


def test_settings_that_diverge_lose_and_are_listed(keys, tmp_path, capsys):
    folder = tmp_path / "wild"
    typed = ("lr=tag(log,interval(1e-2,1e6))", "optimizer=sgd", "weight_decay=0", "race=6", "race.confirm=2", *keys)
    assert hold(*typed, "race.finalists=1", f"out={folder}") == FINISHED
    lost = [row for row in rows(folder) if row["status"] == "diverged"]
    assert lost and all(float(row["lr"]) > 1 and row["why"] == "diverged" for row in lost)
    said = capsys.readouterr().err
    assert all(f"setting {row['setting']} (lr={row['lr']}) lost: diverged" in said for row in lost)


def test_a_race_whose_settings_all_diverge_has_nothing_to_confirm(keys, tmp_path, capsys):
    typed = ("lr=tag(log,interval(1e5,1e6))", "optimizer=sgd", "weight_decay=0", "race=2", *keys)
    assert hold(*typed, f"out={tmp_path / 'wild'}") == DIVERGED
    assert "every setting diverged or failed: there is nothing to confirm" in capsys.readouterr().err
    assert {row["status"] for row in rows(tmp_path / "wild")} == {"diverged"}


OWN = """
def rate(epoch, *, at: int = 9, odd: float = 0.0):
    if odd > 0.5:
        raise ValueError("too odd")
    if epoch == at:
        raise ArithmeticError("no rate any more")
    return 0.01
"""


def test_settings_that_own_code_fails_lose_at_once_or_when_it_fails(keys, tmp_path, capsys):
    (tmp_path / "mine.py").write_text(OWN)
    schedule = f"schedule={tmp_path / 'mine.py'}:rate"
    typed = (schedule, "rate.at=choice(1,9)", "rate.odd=choice(0.0,0.9)", "race=4", "race.confirm=2", *keys)
    assert hold(*typed, "race.finalists=1", f"out={tmp_path / 'own'}") == FINISHED
    by_values = {(row["rate.at"], float(row["rate.odd"])): row for row in rows(tmp_path / "own")}
    assert by_values["9", 0.0]["status"] == "won"
    for values, why, epochs in (
        (("1", 0.0), "no rate any more", "1"),
        (("9", 0.9), "too odd", "0"),
        (("1", 0.9), "too odd", "0"),
    ):
        row = by_values[values]
        assert row["status"] == "failed" and why in row["why"] and row["epochs"] == epochs, row
    assert "too odd" in capsys.readouterr().err
    (tmp_path / "mine.py").write_text(OWN.replace("0.01", "0.02"))
    with pytest.raises(ConfigError, match=r"setting 0 .* is another: schedule=.*: the code of rate has changed"):
        hold(*typed, "race.finalists=1", f"out={tmp_path / 'own'}")


@pytest.fixture
def own(tmp_path, keys):
    """What is typed of a race over own code."""
    (tmp_path / "mine.py").write_text(OWN)
    schedule = (f"schedule={tmp_path / 'mine.py'}:rate", LR, "rate.at=choice(8,9)")
    return (*schedule, "race=3", "race.confirm=2", "race.finalists=1", *keys, f"out={tmp_path / 'own'}")


def test_a_reference_whose_own_code_fails_in_the_trial_is_refused_before_anything_is_written(own, tmp_path):
    with pytest.raises(OwnCodeError, match=r"the reference \(rate.odd=0.9; .*too odd") as refused:
        hold(*own, "race.reference='rate.odd=0.9'")
    assert "\n" not in str(refused.value) and not (tmp_path / "own").exists()


@pytest.mark.parametrize(
    ("reference", "why"),
    [("rate.at=1 lr=0.01", "failed: .*no rate any more"), ("optimizer=sgd weight_decay=0 rate.at=-1", "diverged")],
)
def test_a_reference_that_is_lost_is_said_and_not_tried_again(own, reference, why, tmp_path, capsys, monkeypatch):
    if why == "diverged":
        (tmp_path / "mine.py").write_text(OWN.replace("return 0.01", "return 1e9 if at < 0 else 0.01"))
    folder = tmp_path / "own"
    assert hold(*own, f"race.reference='{reference}'") == DIVERGED
    assert re.search(rf"the reference {why}.*: nothing is tested in confirmation 1", capsys.readouterr().err)
    said = race_report.report(folder)
    assert re.search(rf"the reference {why}", said), said
    assert "Winner" not in said and "tested on fresh" not in said and "at work" not in said
    assert "won" not in {row["status"] for row in rows(folder)}
    monkeypatch.setattr(sweep, "carry_out", refuse)
    assert hold(*own, f"race.reference='{reference}'") == DIVERGED


def test_a_reference_that_fails_before_it_leaves_anything_is_noted(own, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(race, "try_reference", lambda *_: None)
    assert hold(*own, "race.reference='rate.odd=0.9'") == DIVERGED
    assert re.search(r"the reference failed: .*too odd", capsys.readouterr().err)
    (one,) = read_race(tmp_path / "own").confirmations
    assert list(one.lost) == [one.against]
    assert re.search("the reference failed: .*too odd", race_report.report(tmp_path / "own"))
    monkeypatch.setattr(sweep, "carry_out", refuse)
    assert hold(*own, "race.reference='rate.odd=0.9'") == DIVERGED


def test_own_code_that_fails_every_setting_is_refused_before_anything_is_written(keys, tmp_path):
    (tmp_path / "mine.py").write_text(OWN)
    with pytest.raises(OwnCodeError, match="too odd"):
        hold(f"schedule={tmp_path / 'mine.py'}:rate", "rate.odd=0.9", LR, "race=4", *keys, f"out={tmp_path / 'own'}")
    assert not (tmp_path / "own").exists()


def test_a_run_whose_place_fails_is_tried_again_then_the_race_stops_and_goes_on_later(
    common, undisturbed, tmp_path, monkeypatch, capsys
):
    monkeypatch.setattr(race_runs, "AGAIN", 0)
    do, tried = sweep.do, []

    def failing(folder, sources, point, shared, stop):
        tried.append(point.name)
        if point.name == tried[min(3, len(tried) - 1)] and len(tried) > 3:
            return Outcome(point, Status.FAILED, "OSError: no space left")
        return do(folder, sources, point, shared, stop)

    with monkeypatch.context() as patched:
        patched.setattr(race, "do", failing)
        assert hold(*common, f"out={tmp_path / 'full'}") == INCOMPLETE
    said = capsys.readouterr().err
    assert tried.count(tried[3]) == race_runs.ATTEMPTS
    assert f"failed: {tried[3]}: OSError: no space left" in said
    assert "the race has stopped, as 1 run cannot be had; the same command goes on" in said
    assert (tmp_path / "full" / "race.csv").is_file()
    assert hold(*common, f"out={tmp_path / 'full'}") == FINISHED
    assert results(tmp_path / "full") == results(undisturbed)


def test_quiet_says_nothing_but_the_folder(common, copied, capsys):
    assert hold(*common, "quiet=true", f"out={copied}") == FINISHED
    assert capsys.readouterr() == (f"{copied}\n", "")


def test_arms_get_the_same_budget_and_one_finalist_each(keys, tmp_path):
    typed = (LR, "race=8", "race.confirm=2", *keys, f"out={tmp_path / 'arms'}")
    arms = [("--arm", name, f"activation={name}", "l2=choice(0,1e-3)") for name in ("relu", "tanh")]
    assert hold(*typed, *arms[0], *arms[1]) == FINISHED
    told = tell(tmp_path / "arms")
    (confirmation,) = told.race.confirmations
    assert [told.race.settings[number].arm for number in confirmation.finalists] == ["relu", "tanh"]
    assert confirmation.reference is None
    assert {arm: len(told.race.settings_of(arm)) for arm in told.race.arms} == {"relu": 4, "tanh": 4}
    most = (told.race.budget - confirmation.planned) // 2
    assert all(course.used <= most for course in told.courses.values())


def test_seeds_are_never_drawn_twice_and_depend_on_the_race_alone(undisturbed):
    race = read_race(undisturbed)
    longer = with_seeds(race, 50)
    assert longer.seeds[: len(race.seeds)] == race.seeds and len(set(longer.seeds)) == 50
    assert with_seeds(with_seeds(race, 30), 50) == longer
    fresh = fresh_seeds(longer, 40)
    assert fresh == fresh_seeds(race, 40) and not set(fresh) & {*longer.seeds, *race.confirmations[0].seeds}
