"""The space of a race: what is typed, in Hydra's grammar, in files and by arms, and what is refused."""

import itertools
import math
import re

import pytest
from grid import asked_race, composed
from hypothesis import given
from hypothesis import strategies as st

from npdigits.base.errors import ConfigError, UserError
from npdigits.config import command_line, grammar
from npdigits.config.axes import Axis, points, read_axis
from npdigits.config.completion import readable_line
from npdigits.config.compose import compose, defaults
from npdigits.config.constraint import Constraint
from npdigits.config.keys import RULES
from npdigits.config.race_options import RULES as OF_RACE
from npdigits.config.race_options import RaceOptions
from npdigits.config.space import divide, written_arms
from npdigits.config.typed_race import as_override, spell_out, split_arms

OWN = """
import numpy as np

def swish(z, *, beta: float = 1.0, k: int = 3):
    return z / (1 + np.exp(-beta * z))

def top2(p, y, *, k: int = 2):
    return 0.5

def d_swish(z, f, *, beta: float = 1.0, k: int = 3):
    s = 1 / (1 + np.exp(-beta * z))
    return s + beta * z * s * (1 - s)
"""
EXPERIMENT = """# @package _global_
# of a test
l2: 0.5
race:
  settings: 6
  where: ["lr < 0.05", "sum(hidden) < 40"]
  arms:
    dropout: {dropout: "interval(0, 0.6)", l2: 0}
    lists: {hidden: "20,[30,10]", betas: [0.8, 0.9], lr: 0.02}
    tied: {l2: "${lr},1"}
hydra:
  mode: MULTIRUN
  sweeper:
    params:
      lr: tag(log, interval(1e-3, 1e-1))
      epochs: 5
"""


def axis(typed):
    """The axis of one override."""
    return read_axis(typed.partition("=")[0], grammar.parser().parse_override(typed))


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("lr=0.1", None),
        ("lr=0.1,0.2", {"values": (("0.1", 0.1), ("0.2", 0.2))}),
        ("l2=choice(0,1e-4)", {"values": (("0", 0), ("0.0001", 1e-4))}),
        ("hidden=range(10,13)", {"values": (("10", 10), ("11", 11), ("12", 12))}),
        ("hidden=20,[300,100]", {"values": (("20", 20), ("[300,100]", [300, 100]))}),
        ("lr=interval(0.1,1)", {"low": 0.1, "high": 1.0}),
        ("lr=tag(log, interval(1e-4,1e-1))", {"low": 1e-4, "high": 0.1, "log": True}),
        ("hidden=int(interval(10,100))", {"low": 10, "high": 100, "whole": True}),
        ("hidden=tag(int,log,interval(10,100))", {"low": 10, "high": 100, "whole": True, "log": True}),
        ("hidden=int(tag(log,interval(10,100)))", {"low": 10, "high": 100, "whole": True, "log": True}),
        ("batch_size=interval(16,64)", {"low": 16, "high": 64, "whole": True}),  # a key of whole numbers alone
        ("swish.beta=interval(0.5,2)", {"low": 0.5, "high": 2.0}),
    ],
)
def test_an_axis_is_what_was_typed(typed, expected):
    key, _, text = typed.partition("=")
    assert axis(typed) == (None if expected is None else Axis(key, text, **expected))


@pytest.mark.parametrize(
    ("typed", "why"),
    [
        ("lr=interval(0,1)", "lr=0 is not allowed; allowed is a number > 0"),
        ("momentum=interval(0,1)", "momentum=1 is not allowed; allowed is a number from 0 to below 1"),
        ("lr=interval(1,0.1)", "upside down: allowed is interval(low,high) with low < high"),
        ("lr=interval(1,1)", "from 1.0 to 1.0 there are no two numbers"),
        ("lr=tag(log,interval(0,1))", "the lower end of a logarithmic interval is above 0, not 0"),
        ("lr=tag(log,interval(-1,1))", "the lower end of a logarithmic interval is above 0, not -1"),
        ("lr=tag(lag,interval(0.1,1))", "lag: allowed tags are log and int"),
        ("lr=tag(log,choice(1,2))", "a tag is read with interval(low,high) only"),
        ("hidden=tag(int,interval(1.5,4))", "the ends of an interval of whole numbers are whole"),
        ("activation=interval(0,1)", "activation takes no numbers from an interval"),
        ("betas=interval(0,0.5)", "betas takes no numbers from an interval"),
        ("lr=interval(0.1,1),2", "an interval stands alone"),
        ("lr=shuffle(0.1,1)", "a race draws the order itself"),
        ("batch_size=10.5,11", "batch_size=10.5 is not allowed; allowed is a whole number ≥ 1"),
        ("hidden=range(0,3)", "hidden=0 is not allowed"),
        ("hidden=range(3,3)", "nothing fits"),
    ],
)
def test_what_no_race_can_choose_from_is_refused(typed, why):
    with pytest.raises(ConfigError, match=f"^{re.escape(typed)}: {re.escape(why)}"):
        axis(typed)


@pytest.mark.parametrize("ends", ["0.1", "0.1,1,2", "a,b", "0.1,inf", "nan,1", "0.1,1e400"])
def test_an_interval_of_other_than_two_numbers_is_refused(ends):
    with pytest.raises(ConfigError, match=r"allowed is interval\(low,high\) of two numbers"):
        grammar.parses("lr", f"interval({ends})")


ENDS = st.tuples(st.floats(1e-300, 1e300), st.floats(1e-300, 1e300)).filter(lambda ends: ends[0] < ends[1])


@given(ENDS, st.booleans(), st.floats(0, 1, exclude_max=True))
def test_a_number_is_within_its_interval_and_is_what_its_text_says(ends, log, place):
    text, value = Axis("lr", "", (), *ends, log).at(place)
    assert ends[0] <= value <= ends[1]
    assert float(text) == value
    assert grammar.parser().parse_override(f"lr={text}").value() == value


@pytest.mark.parametrize("log", [False, True])
def test_values_have_equal_shares(log):
    places = [(i + 0.5) / 9000 for i in range(9000)]
    numbers = [Axis("lr", "", (), 1e-3, 1e3, log).at(place)[1] for place in places]
    middle = 1.0 if log else 500.0005
    assert sum(number < middle for number in numbers) == pytest.approx(4500, abs=45)
    whole = [Axis("hidden", "", (), 1, 9, log, True).at(place)[1] for place in places]
    widths = [math.log((n + 0.5) / (n - 0.5)) if log else 1 for n in range(1, 10)]
    for n, width in enumerate(widths, 1):
        assert whole.count(n) == pytest.approx(9000 * width / sum(widths), abs=2)
    chosen = [Axis("l2", "", (("0", 0), ("1", 1), ("2", 2))).at(place)[1] for place in places]
    assert [chosen.count(n) for n in range(3)] == [3000, 3000, 3000]


def test_a_number_has_few_digits():
    assert Axis("lr", "", (), 1e-4, 1e-1, True).at(0.5) == ("0.00316", 0.00316)
    assert Axis("dropout", "", (), 0.0, 0.9).at(1 / 7) == ("0.129", 0.129)
    assert Axis("lr", "", (), -1.0, 1.0).at(0.49999)[0] == "0.0"  # without a sign
    assert [points([axis]) for axis in (Axis("lr", "", (), 0.0, 1.0), Axis("lr", "", (), 1, 9, whole=True))] == [
        None,
        9,
    ]


@pytest.mark.parametrize(
    ("values", "line"),
    [
        ({"settings": 1}, "race.settings=1: allowed is a whole number from 2 to 10000"),
        ({"settings": 4, "budget": 0}, "race.budget=0: allowed is null or a whole number ≥ 1"),
        (
            {"settings": 4, "search": "tp"},
            "race.search=tp: allowed is null or one of grid, sobol, tpe, gp, random, cmaes",
        ),
        ({"settings": 4, "confirm": 1}, "race.confirm=1: allowed is a whole number from 2 to 1000"),
        ({"settings": 4, "finalists": 0}, "race.finalists=0: allowed is null or a whole number from 1 to 100"),
        ({"settings": 4, "seed": -1}, "race.seed=-1: allowed is a whole number ≥ 0"),
        ({"settings": 4, "where": [3]}, "race.where=[3]: allowed is a constraint such as"),
        ({"settings": 4, "reference": "lr"}, "race.reference=lr: allowed is null or the overrides of one setting"),
        ({"setings": 4}, "race.setings=4: unknown key; allowed are settings, budget,"),
    ],
)
def test_keys_of_a_race_are_checked(values, line):
    with pytest.raises(ConfigError, match=f"^{re.escape(line)}"):
        RaceOptions.of(values)


def test_the_table_of_a_race_has_the_defaults_of_train_yaml():
    import yaml

    from npdigits.config.conf_files import CONF

    table = yaml.safe_load((CONF / "train.yaml").read_text(encoding="utf-8"))["race"]
    assert table.keys() == {*OF_RACE, "arms"}
    assert RaceOptions.of(table | {"settings": 4}) == RaceOptions(4)
    assert "race" not in defaults()


def test_what_is_typed_of_a_race_is_spelled_out():
    given = ["race=64", "race.where=parameters <= 9", "lr=1", "race.where=['l2 < 1',\"lr > 2\"]"]
    assert spell_out(given) == ["race.settings=64", "lr=1", "race.where=['parameters <= 9','l2 < 1','lr > 2']"]
    assert spell_out(["race.where=[a < 1,len(b) < 2]"]) == ["race.where=['a < 1','len(b) < 2']"]
    assert spell_out(["race.where=null", "race={settings:3}"]) == ["race={settings:3}", "race.where=[]"]
    assert spell_out(["race.reference=[lr=1,l2=0]"]) == ["race.reference='lr=1,l2=0'"]


def test_arms_are_told_apart():
    assert split_arms(["-m", "lr=1"]) == (["-m", "lr=1"], {})
    words = ["race=4", "--arm", "a", "lr=1", "-m", "--arm=b", "l2=0,1", "hidden=[3]"]
    common, arms = split_arms(words)
    assert (common, arms) == (["race=4"], {"a": ["lr=1", "-m"], "b": ["l2=0,1", "hidden=[3]"]})
    read = grammar.parser().parse_override(as_override({"a": ["lr=1"], "b": ["++swish.beta=0,'x'"]}))
    assert (read.key_or_group, grammar.plain(read.value())) == (
        "race.arms",
        {"a": {"lr": "1"}, "b": {"swish.beta": "0,'x'"}},
    )


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["--arm"], "--arm: a name is missing"),
        (["--arm", "lr=1"], "--arm: a name is missing"),
        (["--arm", "-m"], "--arm: a name is missing"),
        (["--arm", "a b"], "--arm a b: allowed in the name of an arm are letters"),
        (["--arm", "x" * 41], f"--arm {'x' * 41}: allowed in the name of an arm"),
        (["--arm", "a", "--arm", "a"], "--arm a: there are two arms of this name"),
    ],
)
def test_a_name_that_no_arm_can_have_is_refused(words, line):
    with pytest.raises(ConfigError, match=f"^{re.escape(line)}"):
        split_arms(words)


def read(*typed):
    """Overrides by key."""
    return {one.get_key_element(): one for one in grammar.parser().parse_overrides(list(typed))}


def test_what_is_searched_in_all_arms_is_searched_in_each_that_says_nothing_of_it():
    arms = {"a": read("lr=0.5", "l2=0,1"), "b": read("hidden=3", "optimizer=adam,sgd")}
    axes, fixed, fixed_of = divide(read("lr=1,2", "epochs=3"), arms)
    assert {name: [axis.key for axis in found] for name, found in axes.items()} == {
        "a": ["l2"],
        "b": ["lr", "optimizer"],
    }
    assert (fixed, fixed_of) == (["epochs=3"], {"a": ("lr=0.5",), "b": ("hidden=3",)})


@pytest.mark.parametrize(
    ("common", "arms", "line"),
    [
        ((), {}, "nothing is searched"),
        (("lr=choice(1)",), {}, "lr=choice(1): the space has one point; a race needs two at least"),
        (("lr=1,2", "seed=3"), {}, "seed=3: a race draws the seeds of its runs itself"),
        (("lr=1,2", "split_seed=0,1"), {}, "split_seed=0,1: a race draws the seeds of its runs itself"),
        (("lr=1,2", "epochs=3,4"), {}, "epochs=3,4: allowed in a race is one value: the rungs"),
        (("val_size=300,400",), {}, "val_size=300,400: allowed in a race is one value"),
        (("data=mnist,kmnist",), {}, "data=mnist,kmnist: allowed in a race is one value: all settings"),
        *(
            ((f"{key}=true,false",), {}, f"{key}=true,false: allowed in a race")
            for key in ("portable", "plots", "quiet")
        ),
        *(
            ((f"{key}=a,b",), {}, f"{key}=a,b: allowed in a race is one")
            for key in ("out", "resume", "name", "data.root")
        ),
        ((), {"a": ("lr=1,2",), "b": ("l2=0",)}, "--arm b: nothing is searched"),
        (("lr=1,2",), {"a": ("l2=0",), "b": ("l2=0",)}, "--arm a and --arm b are alike"),
        (
            ("lr=1,2",),
            {"a": ("epochs=3",), "b": ("l2=0",)},
            "--arm a epochs=3: allowed is epochs before the first --arm",
        ),
        (("lr=1,2",), {"a": ("data=mnist",), "b": ("l2=0",)}, "--arm a data=mnist: allowed is data before"),
        (("lr=1,2",), {"a": ("race.seed=3",), "b": ("l2=0",)}, "--arm a race.seed=3: allowed is race.seed before"),
        (("lr=1,2",), {"a": ("seed=3",), "b": ("l2=0",)}, "seed=3: a race draws the seeds"),
    ],
)
def test_a_space_that_no_race_can_have_is_refused(common, arms, line):
    with pytest.raises(ConfigError, match=f"^{re.escape(line)}"):
        divide(read(*common), {name: read(*typed) for name, typed in arms.items()})


def test_arms_of_a_file_are_read_and_checked():
    table = {"a": {"swish": {"beta": "1,2"}, "lr": 0.1}, "b": {"swish.k": 3, "hidden": [3, 4], "max_norm": None}}
    read_so = {"a": {"swish.beta": "1,2", "lr": "0.1"}, "b": {"swish.k": "3", "hidden": "[3,4]", "max_norm": "null"}}
    assert (written_arms(table), written_arms(None)) == (read_so, {})
    for value in (3, ["a"], {"a": 3, "b": {}}, {"a": {"lr": 3}}):
        with pytest.raises(ConfigError, match=r"^race\.arms|^--arm a: a race with arms has two at least"):
            written_arms(value)


KNOWN = tuple(RULES)
SETTING = {"lr": 0.1, "hidden": [20, 10], "parameters": 16000, "max_norm": None, "optimizer": "sgd", "nesterov": True}


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("parameters <= 16000", True),
        ("parameters ≤ 15_999", False),
        ("sum(hidden) == 30 and len(hidden) >= 2", True),
        ("min(hidden) > 10 or not nesterov", False),
        ("optimizer in ['sgd', 'adam'] and optimizer != 'adam'", True),
        ("hidden == [20, 10]", True),
        ("max_norm == null or max_norm < 3", True),
        ("0 < lr * 2 - 0.1 <= -(-1) / 4", True),
        ("true != nesterov", False),
        ("swish.beta == null", True),
    ],
)
def test_a_constraint_says_whether_it_holds(text, holds):
    constraint = Constraint.of(text, KNOWN, ["swish"])
    assert constraint.holds(SETTING) is holds
    assert constraint.holds(SETTING | {"hidden": tuple(SETTING["hidden"])}) is holds


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("parameters = 3", "cannot be read: allowed is a condition such as"),
        ("paramters < 3", "there is no key paramters; did you mean parameters?"),
        ("swishy.beta < 3", "there is no key swishy.beta"),
        ("__import__('os')", "allowed functions are len(key)"),
        ("hidden.__class__ == 3", "there is no key hidden.__class__"),
        ("(lambda: 3)() == 3", "allowed functions are len(key)"),
        ("[x for x in hidden] == 3", "cannot be read"),
        ("lr ** 3 < 1", "allowed are + − * / // %"),
        ("lr < 3 if nesterov else true", "cannot be read"),
        ("hidden[0] < 3", "cannot be read"),
        ("f'{lr}' == 3", "cannot be read"),
        ("lr <" + " 1 +" * 200 + " 1", "allowed are at most 500 characters"),
        ("lr is null", "allowed are < <= > >= == != in"),
        ("lr", "lr is no condition"),
        ("lr and nesterov", "lr is no condition"),
        ("max_norm < 3", "null is no number, so nothing is above or below it; a setting has max_norm=null"),
        ("lr < 1 / 0", "1 / 0: "),
        ("optimizer + 1 < 3", "optimizer is no number"),
        ("len(lr) < 3", "len(…) is of a list of numbers, not of 0.1"),
        ("lr in 3", "allowed behind `in` is a list"),
        ("True", "names no key: allowed is a condition such as"),
        ("1 < 2 or false", "names no key"),
    ],
)
def test_what_is_no_constraint_is_refused(text, why):
    with pytest.raises(ConfigError, match=re.escape(why)) as refused:
        Constraint.of(text, KNOWN, ["swish"]).holds(SETTING)
    assert str(refused.value).startswith("race.where=")


@given(st.text("abl2.()[]<>=+-*/ '\"andor,not0hidensum", max_size=40))
def test_any_text_is_a_constraint_or_refused(text):
    try:
        assert type(Constraint.of(text, KNOWN).holds(SETTING)) is bool
    except ConfigError as error:
        assert str(error).startswith("race.where=")


@pytest.fixture(scope="module")
def own(tmp_path_factory):
    """A folder with an experiment that is a race, and a component."""
    folder = tmp_path_factory.mktemp("own")
    (folder / "experiment").mkdir()
    (folder / "experiment" / "mine.yaml").write_text(EXPERIMENT)
    (folder / "mine.py").write_text(OWN)
    return folder


def test_a_race_is_read_from_a_file_and_what_is_typed_wins(own):
    asked = asked_race([f"hydra.searchpath=[file://{own}]", "experiment=mine", "lr=0.01,0.02"])
    assert asked.options == RaceOptions(6, where=("lr < 0.05", "sum(hidden) < 40"))
    assert asked.fixed == (f"hydra.searchpath=['file://{own}']", "experiment=mine", "epochs=5")
    assert asked.fixed_of == {"dropout": ("l2=0",), "lists": ("betas=[0.8,0.9]", "lr=0.02"), "tied": ()}
    typed = {arm: {axis.key: axis.text for axis in axes} for arm, axes in asked.axes.items()}
    assert typed == {
        "dropout": {"lr": "0.01,0.02", "dropout": "interval(0, 0.6)"},
        "lists": {"hidden": "20,[30,10]"},
        "tied": {"lr": "0.01,0.02", "l2": "${lr},1"},
    }
    assert asked.reference is None
    lists = asked.compose("lists", ["hidden=[30,10]", "seed=12"])
    assert (lists.hidden, lists.betas, lists.lr, lists.l2, lists.epochs, lists.seed) == (
        (30, 10),
        (0.8, 0.9),
        0.02,
        0.5,
        5,
        12,
    )
    assert asked.compose("dropout", ["dropout=0.25", "lr=0.01"]).l2 == 0
    assert asked.compose("tied", ["lr=0.02", "l2=${lr}"]).l2 == 0.02
    replaced = asked_race(
        [f"hydra.searchpath=[file://{own}]", "experiment=mine", "race=8", "--arm", "x", "l2=0,1", "--arm", "y", "l2=2"]
    )
    assert (replaced.options.settings, list(replaced.axes)) == (8, ["x", "y"])


def test_own_components_and_their_keys_are_searched(own):
    chosen = f"activation=relu,{own / 'mine.py'}:swish"
    asked = asked_race(
        ["-m", "race=4", chosen, "swish.beta=interval(0.5,2)", "race.where=swish.beta == null or lr > 0"]
    )
    config = asked.compose("", [f"activation={own / 'mine.py'}:swish", "swish.beta=1.5"])
    assert config.own_component("activation").keys == {"swish.beta": 1.5, "swish.k": 3}
    assert asked.compose("", ["activation=relu"]).own == ()
    assert (asked.reference, asked.compose("", ()).activation) == ((), "leaky_relu")
    with pytest.raises(ConfigError, match=r"swish\.k is a whole number: swish\.k=int\(interval\(1,5\)\)$"):
        asked_race(["-m", "race=4", f"activation={own / 'mine.py'}:swish", "swish.k=interval(1,5)"])
    with pytest.raises(ConfigError, match=r"^top2\.k=1,2: allowed in a race is one value: all settings share metrics$"):
        asked_race(["-m", "race=4", f"metrics=[{own / 'mine.py'}:top2]", "top2.k=1,2"])


def test_the_reference_is_one_setting():
    asked = asked_race(["-m", "race=4", "lr=1,2", "race.reference=lr=0.5 hidden=[3,4],l2=0"])
    assert asked.reference == ("lr=0.5", "hidden=[3,4]", "l2=0")
    assert asked.compose("", asked.reference).hidden == (3, 4)


@pytest.mark.parametrize(
    ("typed", "line"),
    [
        ("-m race=8,16 lr=1,2", "race.settings=8,16: allowed is one value"),
        ("-m race.budget=9 lr=1,2", "race.budget=9: is read in a race only"),
        ("-m --arm a lr=1,2 --arm b l2=0,1", "--arm: is read in a race only"),
        ("race=4 lr=1", "race=4: a race is many runs: add --multirun"),
        ("race.seed=4", "race.seed=4: is read in a race only"),
        (
            "lr=interval(1,2)",
            "lr=interval(1,2): allowed is one value; a race draws from an interval: --multirun race=64",
        ),
        (
            "-m lr=interval(1,2)",
            "lr=interval(1,2): allowed in a sweep are lists, choices, ranges and globs; race=64 draws",
        ),
        ("-m rase=8 lr=1,2", "rase=8: unknown key; did you mean race?"),
        ("-m race.budgt=8 lr=1,2", "race.budgt=8: unknown key; did you mean race.budget?"),
        ("-m race=9 --arm a lr=1,2 --arm b l2=0,1", "race.settings=9: each of 2 arms gets as many"),
        ("-m race=4 val_size=0 lr=1,2", "val_size=0: a race chooses by validation accuracy"),
        ("-m race=4 resume=x lr=1,2", "resume=x: not allowed in a race: the same command goes on with it"),
        ("-m race=4 momentum=0,0.9", "momentum=0,0.9: no setting reads it: it is read with optimizer=sgd only"),
        ("-m race=4 race.search=grid lr=interval(1,2)", "race.search=grid: lr=interval(1,2) has endlessly many values"),
        ("-m race=4 race.search=grid lr=range(1,9)", "race.search=grid: the grid has 8 points: race=8 races them all"),
        ("-m race=4 race.reference=seed=3 lr=1,2", "race.reference=seed=3: a race draws the seeds"),
        ("-m race=4 race.where= lr=1,2", "race.where=: allowed is a constraint such as"),
        *(
            (f"-m race=4 race.reference={reference} lr=1,2", f"race.reference={reference}: {why}")
            for reference, why in {
                "lr=interval(0.1,1)": "lr=interval(0.1,1): allowed is one value",
                "lr=0.1,0.2": "lr=0.1,0.2: allowed is one value",
                "foo=1": "foo=1: unknown key",
                "lr=-1": "lr=-1: allowed is a number > 0",
                "lr=1,lr=2": "lr is there twice",
                "race=8": "race: allowed are keys of one setting",
            }.items()
        ),
        ("-m race=4 swish.beta=interval(0,1)", "swish.beta=interval(0,1): unknown key"),
        ("-m race=4 activation=x.py:swish swish.beta=interval(a,1)", "swish.beta=interval(a,1): allowed is interval"),
        ("-m race=4 activation=x.py:swish swish.beta=interval(1,0)", "swish.beta=interval(1,0): upside down"),
        ("-m race=4 lr=interval(0.1,${l2})", "lr=interval(0.1,${l2}): the ends of an interval are numbers: an inter"),
        ("-m race=4 race.where=paramters<3 lr=1,2", "race.where=paramters<3: there is no key paramters"),
        ("-m race=4 experiment=glob(l*)", "experiment=glob(l*): allowed in a race is one experiment"),
    ],
)
def test_what_no_race_can_be_is_refused_in_a_line(typed, line):
    with pytest.raises(UserError, match=f"^{re.escape(line)}"):
        asked_race(typed.split())


@pytest.mark.parametrize(
    ("typed", "lines"),
    [
        ("momentum=0.3 lr=1,2", ["momentum=0.3 has no effect: it is read with optimizer=sgd only"]),
        ("momentum=0.3 optimizer=adam,sgd", []),
        (
            "race.reference=momentum=0.3 lr=1,2",
            ["race.reference=momentum=0.3: momentum=0.3 has no effect: it is read with optimizer=sgd only"],
        ),
        (
            "--arm a lr=1,2 momentum=0.3 --arm b lr=2,3",
            ["--arm a: momentum=0.3 has no effect: it is read with optimizer=sgd only"],
        ),
        ("momentum=0.3 --arm a optimizer=adam lr=1,2 --arm b optimizer=sgd lr=2,3", []),
    ],
)
def test_what_no_setting_reads_is_warned_of(typed, lines, capsys):
    asked_race(["-m", "race=4", *typed.split()])
    assert capsys.readouterr().err.splitlines() == [f"npdigits: WARNING: {line}" for line in lines]


def test_compose_makes_no_race_and_a_grid_knows_of_none():
    with pytest.raises(ConfigError, match=r"^race=64: a race is many runs: add --multirun$"):
        compose(["race=64"])
    with pytest.raises(ConfigError, match=r"^race\.budget=3: is read in a race only"):
        compose(["race.budget=3"])
    assert compose(["race=null"]) == compose()
    points, swept, fixed, _ = composed(["race=null", "lr=1,2"])
    assert ([typed for typed, _ in points], swept, fixed) == ([["lr=1"], ["lr=2"]], ["lr"], [])


@pytest.mark.parametrize(
    ("line", "readable"),
    [
        ("npdigits -m race=64 --arm a lr=0.1 hid", "npdigits -m race=64 lr=0.1 hid"),
        ("npdigits -m --arm=a ", "npdigits -m "),
        ("npdigits -m 'lr=tag(log, interval(1,2))' hid", "npdigits -m hid"),
        ("npdigits data=idx lr=(1 data.d", "npdigits data=idx data.d"),
        ("npdigits", "npdigits"),
        ("", ""),
    ],
)
def test_tab_completion_reads_what_it_can(line, readable):
    assert readable_line(line) == readable


def test_arms_can_be_shown():
    words = ["--cfg", "job", "race=4", "--arm", "a", "lr=1,2", "--arm", "b", "l2=0"]
    acts = command_line.Acts(*itertools.repeat(lambda *_: 1, 3))
    assert command_line.dispatch(acts, words) == 0
