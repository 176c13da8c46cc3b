"""Own components in a configuration: how they are chosen, which keys they have, and what is refused."""

import pickle

import pytest

from npdigits.base.errors import ConfigError, OwnCodeError, UserError
from npdigits.config.compose import compose
from npdigits.config.identity import digest, identity
from npdigits.config.schema import parse_config

SHA256 = "0" * 64
MINE = '''
import numpy as np

def swish(z, *, beta: float = 1.0):
    """z times a sigmoid of it."""
    return z / (1 + np.exp(-beta * z))

def d_swish(z, a, *, beta: float = 1.0):
    return beta * a + (1 - beta * a) / (1 + np.exp(-beta * z))

def Lion(theta, g, m, *, lr, beta1: float = 0.9, beta2: float = 0.99):
    return theta - lr * np.sign(beta1 * m + (1 - beta1) * g), beta2 * m + (1 - beta2) * g

def top(p, y, *, k: int = 2):
    return (np.argsort(p, axis=1)[:, -k:] == y[:, None]).any(axis=1).mean()

def ramp(epoch, *, lr, epochs, start: float = 0.5):
    return lr * (start + (1 - start) * epoch / epochs)

def plain(z):
    return z

def d_plain(z):
    return np.ones_like(z)

def text(epoch, *, lr, kind: str = "a", on: bool = True):
    return lr

def relu(z):
    return np.maximum(z, 0)

d_relu = relu
accuracy = size = lr = top
'''


@pytest.fixture(autouse=True)
def mine(tmp_path, monkeypatch):
    """The user's file, where the user stands."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.py").write_text(MINE, encoding="utf-8")
    return tmp_path / "mine.py"


def numbers(*overrides):
    return {key: value for key, value in compose(overrides).as_dict().items() if "." in key}


def test_numbers_are_keys_under_the_components_name():
    assert numbers("activation=mine.py:swish") == {"swish.beta": 1.0}
    chosen = ["optimizer=mine.py:Lion", "Lion.beta2=0.5", "schedule=mine.py:ramp", "ramp.start=0"]
    assert numbers(*chosen) == {"Lion.beta1": 0.9, "Lion.beta2": 0.5, "ramp.start": 0.0}
    assert numbers("metrics=[mine.py:top]", "top.k=3") == {"top.k": 3}
    assert numbers("activation=mine.py:plain") == {}
    assert numbers("schedule=mine.py:text", "text.kind=b", "text.on=false") == {"text.kind": "b", "text.on": False}


def test_the_order_of_the_overrides_is_free():
    assert compose(["swish.beta=2", "activation=mine.py:swish"]) == compose(
        ["activation=mine.py:swish", "swish.beta=2.0"]
    )


def test_the_configuration_names_the_code_by_its_digest(mine):
    first = compose(["activation=mine.py:swish"])
    assert first.activation == f"swish@{first.own[0].code.sha256}"
    mine.write_text(MINE.replace("1 +", "2 +"), encoding="utf-8")
    second = compose(["activation=mine.py:swish"])
    ids = [identity(config, SHA256) for config in (first, second)]
    assert digest(ids[0]) != digest(ids[1]) and ids[0].keys() == ids[1].keys()
    assert [key for key in ids[0] if ids[0][key] != ids[1][key]] == ["activation"]


def test_numbers_are_part_of_the_identity_and_those_of_others_are_not():
    with_beta = identity(compose(["activation=mine.py:swish", "swish.beta=2"]), SHA256)
    assert with_beta["swish.beta"] == 2.0 and "leak" in with_beta
    assert not [key for key in identity(compose(["activation=relu"]), SHA256) if "." in key]
    # leak is not read with an own activation, nor betas with an own optimizer.
    for key, choice in (("leak=0.1", "activation=mine.py:swish"), ("betas=[0,0]", "optimizer=mine.py:Lion")):
        assert identity(compose([choice, key]), SHA256) == identity(compose([choice]), SHA256)


def test_a_configuration_can_be_pickled_and_copied():
    config = compose(["activation=mine.py:swish", "optimizer=mine.py:Lion", "metrics=[mine.py:top]"])
    there = pickle.loads(pickle.dumps(config))
    assert there == config and hash(there.own) == hash(config.own)
    assert there.own_component("activation").function()(0.0) == 0.0


def test_a_kept_configuration_reads_back_without_executing_anything(mine):
    config = compose(["activation=mine.py:swish", "swish.beta=3", "metrics=[mine.py:top]"])
    kept = {component.code.marked: component.code for component in config.own}
    mine.unlink()
    assert parse_config(config.as_dict(), kept=kept) == config
    with pytest.raises(OwnCodeError, match=r"activation=swish@.*: the run directory does not keep this code"):
        parse_config(config.as_dict(), kept={})
    # What a run directory names is never a file of the user's.
    mine.write_text("open('executed', 'w').close()\n" + MINE, encoding="utf-8")
    with pytest.raises(OwnCodeError, match="does not keep this code"):
        parse_config({**config.as_dict(), "activation": "mine.py:swish"}, kept=kept)
    assert not (mine.parent / "executed").exists()


REFUSED = {
    "activation=mine.py:swich": r"activation=mine\.py:swich: .*has no swich; did you mean swish\?$",
    "activation=mine.py:swish swish.bata=2": r"^swish\.bata=2: mine\.py:swish has .*; did you mean swish\.beta\?$",
    "activation=mine.py:swish swish.beta=x": r"swish\.beta=x: allowed is a number$",
    "activation=mine.py:swish swish.beta=true": r"swish\.beta=true: allowed is a number$",
    "activation=mine.py:swish swish.beta=.inf": r"swish\.beta=.*inf: allowed is a number$",
    "metrics=[mine.py:top] top.k=2.5": r"top\.k=2\.5: allowed is a whole number$",
    "schedule=mine.py:text text.on=1": r"text\.on=1: allowed is true or false$",
    "schedule=mine.py:text text.kind=1": r"text\.kind=1: allowed is a text of at most 10,000 characters$",
    "activation=mine.py:top": "activation=mine.py:top: its derivative d_top must stand beside it",
    "metrics=[mine.py:plain]": r"takes 1 positional arguments; allowed is a function such as top2\(p, y",
    "activation=mine.py:np": "is a module; allowed is a function such as swish",
    "activation=mine.py": r"did you mean mine\.py:NAME",
    "activation=[mine.py:swish]": r"^activation=\['mine\.py:swish'\]: allowed is one of",
    "activation=mish": r"allowed is one of .*, or your own as FILE\.py:NAME$",
    "activation=mine.py:relu": "relu is built in: call the function otherwise",
    "metrics=[mine.py:lr]": "lr is a key: call the function otherwise",
    "metrics=[mine.py:accuracy]": "test_accuracy is a column already",
    "metrics=[mine.py:size]": "val_size is a column already",
    "metrics=[mine.py:top,mine.py:top]": "another component that was chosen is called top too",
    "metrics=[top]": r"metrics=.*: allowed is a list of your own functions, such as \[mine\.py:top2\]",
    "swish.beta=1": r"swish\.beta=1: unknown key",
    "activation=relu swish.beta=1": r"swish\.beta=1: unknown key",
    "data=own": r"data\.source: missing",
    "data=mnist_5k +data.source=mine.py:top": r"data\.source=.*: this data set has no such key",
    "cost=mine.py:plain output=sigmoid": "takes 1 positional",
}


@pytest.mark.parametrize("typed", REFUSED)
def test_what_cannot_be_chosen_is_one_line(typed):
    with pytest.raises(UserError, match=REFUSED[typed]) as caught:
        compose(typed.split())
    assert "\n" not in str(caught.value)


def test_a_function_can_be_given_in_python(mine, monkeypatch):
    monkeypatch.syspath_prepend(str(mine.parent))
    mine.rename(mine.with_name("mine_in_python.py"))
    import mine_in_python as user

    config = compose(["swish.beta=2"], activation=user.swish, metrics=[user.top])
    assert [component.code.name for component in config.own] == ["swish", "top"]
    assert config == compose(["activation=mine_in_python.py:swish", "metrics=[mine_in_python.py:top]", "swish.beta=2"])
    with pytest.raises(ConfigError, match="leak: allowed for functions of your own are activation, "):
        compose(leak=user.swish)
