"""Runs of earlier versions, made by the commits of then (``former/make.py``): every program reads them, for good."""

import dataclasses
import json
import shutil
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
import yaml
from made import read_summary
from PIL import Image

import npdigits
from npdigits import evaluate, plots, predict, train
from npdigits.base.errors import ConfigError, NewerError, RunDirError
from npdigits.base.npz import read_npz
from npdigits.compare import command as compare
from npdigits.config.compose import compose
from npdigits.config.former import (
    ABSENT,
    BEFORE_0_2_0,
    LAST_COMMIT,
    PART_ONCE,
    RULES_ONCE,
    parse_run_config,
    with_absent,
)
from npdigits.config.identity import (
    NOT_PART,
    NUMERICS,
    as_of_today,
    canonical,
    differences,
    digest,
    identity,
    numerics,
    with_later_keys,
)
from npdigits.config.keys import RULES
from npdigits.export import command as export
from npdigits.runs import metrics, prepare
from npdigits.runs.about_data import OF_BYTES
from npdigits.runs.checkpoint import read_last
from npdigits.runs.metrics import read_metrics
from npdigits.runs.resume import settle
from npdigits.runs.summary import SCHEMA
from npdigits.sweeps.table import lines_of_others
from npdigits.train import run
from npdigits.training.state import Epoch

FORMER = Path(__file__).parent / "former"
# run -> its digest on disk, and the one that it has in today's tables
DIGESTS = {
    "0c23602/run": (
        "4ae7ebd1abab696167aa01dba03cbe32e1c2371d27faf965a3b75aa1808d0be9",
        "4ae7ebd1abab696167aa01dba03cbe32e1c2371d27faf965a3b75aa1808d0be9",
    ),
    "3c68595/cut_off": (
        "d990a797dcc4a2e8be564a07a95a636a4cd23713d35f751a3c0e4633165b6a74",
        "f5e6d4cd83bbd5e8159225ee071dc8584c784e733d7a4104db34e007ecb3a6c2",
    ),
    "3c68595/run": (
        "217364d80c4b4f4c1950529c0f53a6aee491827b5ef5feb7bc57daa9cee399cc",
        "2472303e45bcf77f9b47100bc4ed223b27673bb4a4e60a16989a2747a2a61a00",
    ),
    "4c8f4d0/distorted": (
        "478eb3dd41d706a617acc93b93c54f64c149d0c617c4240c9c08223f2ddd3151",
        "fd42ed35b42ab3a2c64e1c93a47c7116adc299edad7f2fc2728863909f830cf3",
    ),
    "4c8f4d0/run": (
        "71c3b78c22dd020c1fffaf0ee097e4899d37b0d164509e056d9372aa9dccfaf2",
        "82a9149d5a2ed35522bd7dc2e770c6802a711f9cbc2e7905a9da89a37b06ff56",
    ),
    "4c8f4d0/wide": (
        "93d4020e207815d1fdf4857a83d60ad7606514118e320bfb425173116dde7ed0",
        "a61aeacb62c722c2fd97a3442fce9b73134d1f5b7d680bf043580147276a063b",
    ),
    "6f79665/run": (
        "fbd45f370cf7c9a92b03ca5722eac5b376df4f46505b1a9e14115dfdfc49873a",
        "2a6c0d1356236d90ac97c5ea6736a800a8427e9bfc6929c7410d77342021435c",
    ),
    "71dac70/cut_off": (
        "5f4964248345eb21564bbf5532996c07b20c983f7f47e67034b0dc41b0a23842",
        "5f6e680a99b73b731983cc0eab41fad4bec560051809c73e9a29f3977feb8d23",
    ),
    "71dac70/run": (
        "cb2297bab6d21ed2aed221f3aee3084576905337b74ee4cfbe45485393090a03",
        "8b1cdef643c7b02240bdda7faf9ce2df5ecf59a51aa98adecb1a13d018a5fdf3",
    ),
    "7df39d8/run": (
        "18b960021882491de9c1832e2cbcbe358608ad6c93b65d9044aa75f012f6cd82",
        "47f01107df57d79a3b1998e88466de3d6fa84abe577658765172e7e8f75c9eff",
    ),
    "914df2f/run": (
        "89abc163049217f0abf43685357b8f551bb674119388a180565e04d3a4d6d39a",
        "89abc163049217f0abf43685357b8f551bb674119388a180565e04d3a4d6d39a",
    ),
    "9b3b77d/run": (
        "9fdb91dfbbb1c17117472497e1932431eee53f7594c1ca1e3daed387060d8e58",
        "9fdb91dfbbb1c17117472497e1932431eee53f7594c1ca1e3daed387060d8e58",
    ),
    "9b3b77d/too_far": (
        "8de3382f1eaa26c1b8e58856ad019cb09b54bc8fc3b1e5506185062265467ccf",
        "8de3382f1eaa26c1b8e58856ad019cb09b54bc8fc3b1e5506185062265467ccf",
    ),
    "c321c01/cut_off": (
        "f02f61e1a7311b2a930fe026233365261f255c0a0ffacdfd1472d9948a118202",
        "d3356c33639b27eed3e12f30cb61793b7cf41758a996a9aa46b1c49dfaa9ce11",
    ),
    "c321c01/run": (
        "63520fcdb76d77079a7d86aa52d9d093df82ce174a14c0c0068b8ca0dab4ac9d",
        "3fc5fcc27c7b3af79b34f395c1731520a661289c1e30ae3110adf2ff6730c980",
    ),
    "dd95b35/cut_off": (
        "59ff80c1376e951091e61107172e1b232a6fd7bb9892ccbebe1adeaa9de8ff98",
        "9d2cf57d658e3fb0b5176919c7558ae7c096a220bae723312a39bf012cb3b5ae",
    ),
    "dd95b35/run": (
        "d1986a39aa770c7c11aca2a892c09c82477ef1a8b7244ce1dddc6e963368c56d",
        "c3be84c04c6d438aabb057bcaafdcf8cec913e758d75514db0da826d3ed62bd2",
    ),
}
NUMERICS_OF = {name: {"3c68595": 3, "71dac70": 4}.get(name.partition("/")[0], 5) for name in DIGESTS}
FINISHED = [name for name in DIGESTS if name.endswith(("run", "distorted"))]
CUT_OFF = [name for name in DIGESTS if name not in FINISHED]
# Those whose keys a run of today may lack, as former numerics alone stand against going on with them.
LATER_KEYS = [name for name in CUT_OFF if NUMERICS_OF[name] == 5]
PLAIN = ["data=mnist_5k", "hidden=3", "optimizer=sgd", "lr=0.1", "plots=false", "quiet=true"]


@pytest.fixture
def copied(tmp_path):
    """Return a function that copies a run of an earlier version, so that it can be written."""
    return lambda name: Path(shutil.copytree(FORMER / name, tmp_path / name))


@pytest.fixture
def typed(monkeypatch, capsys):
    """Return a function that calls a program in this process, and returns its exit code, output and errors."""

    def type_it(main, *arguments):
        monkeypatch.setattr(sys, "argv", ["program", *map(str, arguments)])
        with pytest.raises(SystemExit) as end:
            main()
        said = capsys.readouterr()
        return end.value.code or 0, said.out, said.err

    return type_it


@pytest.fixture
def picture(tmp_path, mnist_5k):
    """A digit of the test set as a file, ink on paper."""
    image = mnist_5k.test.images[mnist_5k.test.rows[0]].reshape(28, 28)
    Image.fromarray(255 - image).save(tmp_path / "digit.png")
    return tmp_path / "digit.png"


def tree(path):
    return {file: file.read_bytes() for file in path.rglob("*") if file.is_file()}


def keys_of(name):
    """Return the keys that a run's config.yaml has, with their values."""
    return yaml.safe_load((FORMER / name / "config.yaml").read_text())


def test_every_run_that_is_kept_is_tested():
    kept = {str(path.parent.relative_to(FORMER)) for path in FORMER.glob("*/*/summary.json")}
    assert kept == set(DIGESTS) and len(kept) == 17
    assert sum(file.stat().st_size for file in FORMER.rglob("*") if file.is_file()) < 1_500_000


def test_every_key_says_what_its_absence_stands_for():
    """Where this fails a key is new: ``former.ABSENT`` needs the value by which runs of before stay what they are."""
    first, release = keys_of("3c68595/run").keys(), keys_of("914df2f/run").keys()
    assert BEFORE_0_2_0.keys() == release - first
    assert ABSENT.keys() == compose().as_dict().keys() - release
    assert set(RULES) <= {*first, *BEFORE_0_2_0, *ABSENT}


def test_what_absence_stands_for_is_what_a_configuration_holds():
    values = keys_of("914df2f/run")
    assert with_absent({key: value for key, value in values.items() if key not in BEFORE_0_2_0}) == values | ABSENT


@pytest.mark.parametrize("name", DIGESTS)
def test_the_digests_stay(name):
    found = json.loads((FORMER / name / "identity.json").read_text())
    table = npdigits.load_runs(FORMER / name)
    assert (read_summary(FORMER / name)["identity"], table.identity[0]) == DIGESTS[name]
    assert (digest(found), digest(canonical(found))) == DIGESTS[name]


@pytest.mark.parametrize("name", DIGESTS)
def test_every_program_reads_a_run_of_before(name, typed, copied, picture, tmp_path, warm_cache, mnist_5k):
    path, summary, finished = copied(name), read_summary(FORMER / name), name in FINISHED
    before = tree(path)
    for main, arguments, line in (
        (evaluate.main, (), f"\n{path}: {summary['test_accuracy']:.2%} (" if finished else f"\n{path}: "),
        (predict.main, (picture, "--csv", "-"), "digit.png,"),
        (export.main, ("--html", tmp_path / "a.html", "--onnx", tmp_path / "a.onnx"), "a.onnx: 0.01 MB\n"),
    ):
        code, out, err = typed(main, path, *arguments)
        said = [] if finished else [f"{path}: status interrupted: its best epoch so far is used"]
        assert code == 0 and [one.partition("WARNING: ")[2] for one in err.splitlines()] == said and line in out
    p = npdigits.Classifier.load(path).predict_proba(mnist_5k.test.images[mnist_5k.test.rows])
    assert p.shape == (500, 10)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        runs, epochs = npdigits.load_runs(path), npdigits.load_metrics(path)
    assert (runs.status[0], runs.numerics[0], runs.threads[0]) == (summary["status"], NUMERICS_OF[name], 1)
    assert len(epochs) == summary["epochs_run"]
    code, out, err = typed(compare.main, path)
    assert code == 0 and err == "" if finished else code == 1 and "interrupted" in out + err
    assert tree(path) == before
    if finished:
        np.testing.assert_allclose(p, read_npz(path / "predictions.npz")["probabilities"], atol=1e-5)
        code, out, err = typed(plots.main, path)
        assert (code, err) == (0, "") and out.count(".png") == (8 if name.endswith("distorted") else 7)


@pytest.fixture(scope="module")
def fresh(tmp_path_factory, mnist_5k):
    """A run of today, with the settings of those that are kept."""
    folder = tmp_path_factory.mktemp("fresh") / "run"
    run(compose([*PLAIN, "epochs=2", "seed=100"]), folder, source=mnist_5k)
    return folder


@pytest.fixture
def beside(fresh, copied, tmp_path):
    """That run among all others, as if they had been made on this machine: those of another have rows of their own."""
    for name in FINISHED:
        shutil.copy(fresh / "environment.json", copied(name) / "environment.json")
    shutil.copytree(fresh, tmp_path / "fresh")
    return tmp_path


def test_runs_of_before_stand_in_a_row_for_all_that_compute_the_same_bits(beside, typed):
    table = npdigits.load_runs(beside).set_index("run")
    last = table.configuration[str(beside / "914df2f/run")]
    alike = {Path(path).relative_to(beside).as_posix() for path in table.index[table.configuration == last]}
    assert alike == {name for name in FINISHED if name.endswith("run") and NUMERICS_OF[name] == 5} and len(alike) == 8
    code, out, _ = typed(compare.main, beside, "--csv", "-")
    header, *cells = [line.split(",") for line in out.splitlines()]
    assert code == 0 and "threads" not in header
    counted = sorted((row[header.index("numerics")], row[header.index("n")]) for row in cells)
    assert counted == [("3", "1"), ("4", "1"), ("5", "1"), ("5", "8"), (str(NUMERICS), "1")]


def test_no_cell_of_a_run_of_before_is_empty(beside):
    """The columns are today's and what was part of an identity once, in the order of today, whichever is read first."""
    today = npdigits.load_runs(beside / "fresh")
    for paths in ([beside / "3c68595", beside], [beside / "fresh", beside]):
        table = npdigits.load_runs(paths)
        assert len(table) == 12 and [name for name in table.columns if name not in PART_ONCE] == list(today.columns)
        keys = [name for name in table.columns if name in RULES and name != "seed"]
        assert keys == [name for name in RULES if name in keys] and set(keys) > PART_ONCE.keys()
    first = npdigits.load_runs(beside / "3c68595")
    assert list(first.columns) == list(table.columns)
    once = table.set_index("run")[list(PART_ONCE)]
    assert (once.drop(str(beside / "fresh")) == list(PART_ONCE.values())).to_numpy().all()
    assert (once.loc[str(beside / "fresh")] == "–").all()
    assert not (table.drop(columns=list(PART_ONCE)) == "–").to_numpy().any()
    assert set(BEFORE_0_2_0) - NOT_PART <= set(table.columns)


def test_two_runs_of_different_states_are_compared_key_by_key(typed, beside):
    code, out, err = typed(compare.main, "--diff", beside / "dd95b35/run", beside / "914df2f/run")
    assert (code, err) == (0, "") and "seed" in out and "dropout" not in out
    code, out, err = typed(compare.main, "--diff", beside / "dd95b35/run", beside / "fresh")
    assert (code, err) == (0, "") and "numerics" in out and "dropout" not in out and "threads" not in out
    code, out, err = typed(compare.main, "--diff", beside / "3c68595/run", beside / "4c8f4d0/distorted")
    assert (code, err) == (0, "") and "dropout" in out and "numerics" in out


def overrides_of(name):
    """Return what was typed for a run that is kept here, but for where it was to lie."""
    typed = yaml.safe_load((FORMER / name / "overrides.yaml").read_text())
    return [override for override in typed if not override.startswith("out=")]


@pytest.fixture
def without_later_keys(mnist_5k, monkeypatch):
    """Return a function that makes a run by the code of today whose files lack the keys that came after a kept one.

    So are the files of a release, once a later one with new keys computes the same bits. Of today's numerics none is
    kept that lacks a key.
    """

    def make(name, path, epochs=None):
        kept = json.loads((FORMER / name / "identity.json").read_text())

        def of_before(config, data_sha256):
            return {key: value for key, value in identity(config, data_sha256).items() if key in kept}

        def stop():
            return count_rows(path) == epochs

        with monkeypatch.context() as before:
            before.setattr(prepare, "identity", of_before)
            run(parse_run_config(keys_of(name)), path, overrides_of(name), source=mnist_5k, stop=stop)
        config = yaml.safe_load((path / "config.yaml").read_text())
        config = {key: value for key, value in config.items() if key in keys_of(name)}
        (path / "config.yaml").write_text(yaml.safe_dump(config, sort_keys=False))
        found = json.loads((path / "identity.json").read_text())
        assert found.keys() == kept.keys() - PART_ONCE.keys()
        assert found == read_last(path / "checkpoints", pytest.fail).identity
        assert digest(found) == read_summary(path)["identity"]
        return path

    return make


def count_rows(path):
    """Return how many epochs metrics.csv has; -1 where it is not there yet."""
    return (path / "metrics.csv").read_text().count("\n") - 1 if (path / "metrics.csv").exists() else -1


def digest_of_today(name):
    """Return the digest of what a run that is kept here is by the code of today."""
    kept = json.loads((FORMER / name / "identity.json").read_text())
    return digest(as_of_today(canonical(kept)) | {"numerics": numerics()})


@pytest.mark.parametrize("by", ["resume", "the same command"])
@pytest.mark.parametrize("name", LATER_KEYS)
def test_a_run_without_later_keys_goes_on_as_one_of_today(name, by, without_later_keys, tmp_path, mnist_5k):
    path, typed = without_later_keys(name, tmp_path / "run", epochs=1), overrides_of(name)
    assert (read_summary(path)["status"], read_summary(path)["epochs_run"]) == ("interrupted", 1)
    wide = set(RULES_ONCE) & {override.partition("=")[0] for override in typed}
    if by == "resume":
        run(compose([f"resume={path}", "quiet=true"]), None, [f"resume={path}", "quiet=true"], source=mnist_5k)
    elif wide:
        with pytest.raises(ConfigError, match=f"^({'|'.join(wide)})=.*: allowed is"):
            compose(typed)
        return
    else:
        run(compose([*typed, "quiet=true"]), path, typed, source=mnist_5k)
    summary, settings = read_summary(path), parse_run_config(keys_of(name))
    assert (summary["status"], summary["epochs_run"], summary["schema"]) == ("finished", 3, OF_BYTES)
    today = json.loads((path / "identity.json").read_text())
    assert digest(today) == summary["identity"] == digest_of_today(name)
    assert yaml.safe_load((path / "config.yaml").read_text()).keys() == compose().as_dict().keys()
    run(settings, tmp_path / "alone", source=mnist_5k)
    assert json.loads((tmp_path / "alone/identity.json").read_text()) == today
    for file in ("metrics.csv", "predictions.npz"):
        assert (path / file).read_bytes() == (tmp_path / "alone" / file).read_bytes()


def test_a_finished_run_without_later_keys_is_done_or_grows(without_later_keys, fresh, tmp_path, mnist_5k):
    path = without_later_keys("dd95b35/run", tmp_path / "run")
    assert npdigits.load_runs([path, fresh]).configuration.nunique() == 1  # of other seeds
    before, typed = tree(path), [*PLAIN, "epochs=2", "seed=2"]
    assert run(compose(typed), path, typed, source=mnist_5k)["status"] == "finished"
    assert tree(path) == before
    longer = [f"resume={path}", "epochs=3", "quiet=true"]
    assert run(compose(longer), None, longer, source=mnist_5k)["epochs_run"] == 3


def swept(typed, folder, *keys):
    """Do a sweep over the seeds of three runs that are kept; return what it says, its rows and its files but those."""
    values = [*PLAIN, "epochs=2", "seed=2,3,4", "workers=0", f"out={folder}", *keys]
    code, out, err = typed(train.main, "-m", *values)
    after = tree(folder)
    table = after.pop(folder / "sweep.csv").decode().splitlines()
    assert code == 0
    return out, err, [line.partition(",finished,") for line in table[1:]], after


def test_the_same_sweep_finds_its_runs_without_later_keys(without_later_keys, typed, tmp_path, warm_cache):
    for name in ("dd95b35/run", "c321c01/run", "4c8f4d0/run"):
        without_later_keys(name, tmp_path / "sweep" / name.replace("/", "-"))
    before = tree(tmp_path / "sweep")
    _, err, rows, after = swept(typed, tmp_path / "sweep")
    assert err == "" and after == before and [row[0] for row in rows] == ["2", "3", "4"]


def test_the_same_sweep_does_runs_of_former_numerics_anew_beside_them(copied, typed, tmp_path, warm_cache):
    folder = tmp_path / "sweep"
    for name in ("dd95b35/run", "c321c01/run", "4c8f4d0/run"):
        shutil.copytree(copied(name), folder / name.replace("/", "-"))
    before = tree(folder)
    out, err, rows, after = swept(typed, folder, "quiet=false")
    why = f"3 runs in {folder} were made by other code of npdigits (5 there, {NUMERICS} here): done anew beside"
    assert err == f"npdigits: WARNING: {why}\n" and "3 finished;" in out
    assert {path: after[path] for path in before} == before
    assert sorted(row[0] for row in rows) == sorted(f"{seed},{n}" for seed in (2, 3, 4) for n in (5, NUMERICS))
    out, err, again, unchanged = swept(typed, folder, "quiet=false", "threads=1")
    assert err == "" and "3 finished (3 before)" in out and again == rows
    logs = {path for path in after if path.name == "train.log"}
    assert {path for path in after if unchanged[path] != after[path]} <= logs and unchanged.keys() == after.keys()


def test_a_run_of_before_goes_on_without_its_config_yaml(copied):
    """What a key's absence stands for is part of the run then, too, not what is typed today."""
    path, said = copied("dd95b35/cut_off"), []
    (path / "config.yaml").unlink()
    typed = compose(["dropout=0.5", "data=mnist_5k", "score_size=7"])
    config, _ = settle(path, typed, [], said.append)
    assert (config.dropout, config.score_size, config.seed) == ((0.0,), None, 2) and len(said) == 1


@pytest.mark.parametrize("name", DIGESTS)
def test_where_the_numerics_are_others_a_line_says_what_goes_on(name, copied, mnist_5k):
    path, commit, typed = copied(name), LAST_COMMIT[NUMERICS_OF[name]], overrides_of(name)
    before = tree(path)
    which = f"made by a version of npdigits that computes other bits; commit {commit} of npdigits goes on with it"
    for more in ([], ["threads=2"], ["epochs=9"]):
        resume = [f"resume={path}", *more]
        with pytest.raises(RunDirError) as refused:
            run(compose(resume), None, resume, source=mnist_5k)
        assert str(refused.value).startswith(f"resume={path}: cannot go on here: ") and which in str(refused.value)
        assert more == ["epochs=9"] or str(refused.value) == f"resume={path}: cannot go on here: {which}"
    same = parse_run_config(keys_of(name))  # as typed: some of it is allowed no more
    with pytest.raises(RunDirError) as refused:
        run(same, path, typed, source=mnist_5k)
    assert str(refused.value) == f"out={path}: holds another run ({which}); choose another directory or empty it"
    assert tree(path) == before


def test_what_was_allowed_once_is_allowed_in_a_run_only():
    values = keys_of("914df2f/run")
    for key, value in {"dropout": [0.995], "input_dropout": 0.995, "alpha": 1e5, "sigma": 2e3, "shift": 2e3}.items():
        assert getattr(parse_run_config(values | {key: value}), key) == (tuple(value) if key == "dropout" else value)
        with pytest.raises(ConfigError, match=f"^{key}="):
            compose([f"{key}={value[0] if key == 'dropout' else value}"])
    for key, value in {"dropout": [1.0], "alpha": -1.0, "lr": 0.0}.items():
        with pytest.raises(ConfigError, match=f"^{key}="):
            parse_run_config(values | {key: value})


def test_a_key_that_every_version_has_must_be_there():
    values = {key: value for key, value in keys_of("3c68595/run").items() if key != "lr"}
    with pytest.raises(ConfigError, match=r"^lr: missing"):
        parse_run_config(values)
    with pytest.raises(ConfigError, match=r"^leak: missing"):
        compose(["~leak"])


def test_a_new_key_renames_no_run(monkeypatch):
    before = json.loads((FORMER / "914df2f/run/identity.json").read_text())
    monkeypatch.setitem(ABSENT, "colour", "grey")
    assert digest(canonical(before | {"colour": "grey"})) == digest(canonical(before)) == digest(before)
    assert differences(canonical(before | {"colour": "red"}), canonical(before)) == ["colour"]
    later = {key: value for key, value in ABSENT.items() if key not in NOT_PART}
    assert with_later_keys(canonical(before)) == before | later and later["colour"] == "grey"
    assert with_absent({"colour": "red"})["colour"] == "red"
    table = npdigits.load_runs(FORMER / "914df2f/run")
    assert table.colour.tolist() == ["grey"] and table.identity[0] == DIGESTS["914df2f/run"][0]


def test_a_column_that_came_later_is_missing_in_runs_of_before(monkeypatch):
    """There is none since 3c68595; so one is added here, as a later version would add it."""

    @dataclasses.dataclass(frozen=True)
    class LaterEpoch(Epoch):
        sharpness: float | None = None

    text = (FORMER / "3c68595/run/metrics.csv").read_text()
    today = metrics.parse_metrics(text)
    monkeypatch.setattr(metrics, "Epoch", LaterEpoch)
    monkeypatch.setattr(metrics, "COLUMNS", [*metrics.COLUMNS, "sharpness"])
    later = metrics.parse_metrics(text)
    assert later == [LaterEpoch(**vars(epoch)) for epoch in today] and later[1].sharpness is None
    assert metrics.parse_metrics(metrics.format_metrics(later)) == later
    columns = read_metrics(FORMER / "3c68595/run")
    assert columns["val_cost"] == [epoch.val_cost for epoch in today] and np.isnan(columns["sharpness"]).all()
    for first in metrics.FIRST_COLUMNS:
        with pytest.raises(ValueError, match="the header"):
            metrics.parse_metrics(text.replace(first, "sharpness", 1))


def test_the_first_columns_are_those_of_the_first_run():
    assert ",".join(metrics.FIRST_COLUMNS) + "\n" == (FORMER / "3c68595/run/metrics.csv").read_text().partition("1,")[0]


@pytest.fixture
def newer(copied):
    """A run that a newer version has written, and the line that is said of it."""
    path = copied("914df2f/run")
    summary = read_summary(path) | {"schema": SCHEMA + 1, "status": "splendid"}
    (path / "summary.json").write_text(json.dumps(summary))
    identity = json.loads((path / "identity.json").read_text())
    (path / "identity.json").write_text(json.dumps(identity | {"colour": "red"}))
    (path / "config.yaml").write_text(yaml.safe_dump(keys_of("914df2f/run") | {"colour": "red"}))
    (path / "checkpoints/last.npz").unlink()
    said = f"{path}/summary.json: is of schema {SCHEMA + 1}, this version of npdigits reads up to {SCHEMA}"
    return path, f"{said}: update npdigits"


def test_what_a_newer_version_wrote_is_refused_by_every_reader(newer, typed, picture, tmp_path, mnist_5k):
    path, said = newer
    before = tree(path)
    for main, *arguments in (
        (evaluate.main, path),
        (predict.main, path, picture),
        (export.main, path, "--html", tmp_path / "page.html"),
        (plots.main, path),
    ):
        code, out, err = typed(main, *arguments)
        assert (code, out) == (2, "") and err.partition(": ")[2] == f"{said}\n"
    code, _, err = typed(compare.main, path)
    assert code == 1 and f"skipped: {said}\n" in err
    for load in (npdigits.load_runs, npdigits.load_metrics):
        with pytest.warns(UserWarning, match="update npdigits$"):
            assert len(load(path)) == 0
    same = [*PLAIN, "epochs=2", "seed=9"]
    for attempt in (
        lambda: npdigits.Classifier.load(path),
        lambda: run(compose([f"resume={path}"]), None, [f"resume={path}"]),
        lambda: run(compose(same), path, same, source=mnist_5k),
    ):
        with pytest.raises(NewerError) as refused:
            attempt()
        assert str(refused.value) == said
    assert lines_of_others(path.parent, set()) == []
    assert tree(path) == before and not (tmp_path / "page.html").exists()


def test_a_run_of_today_says_its_schema_in_one_place(fresh):
    summary, identity = read_summary(fresh), json.loads((fresh / "identity.json").read_text())
    assert summary["schema"] == OF_BYTES and "schema" not in identity
    assert "schema" not in (fresh / "metrics.csv").read_text() and "schema" not in keys_of("914df2f/run")
