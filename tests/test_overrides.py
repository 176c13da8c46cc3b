"""What was typed is read in our words: what cannot be is refused in one line, with what was meant where it is clear."""

import itertools

import pytest

from npdigits.base.errors import ConfigError, UserError
from npdigits.config import command_line, options, reading
from npdigits.config.compose import compose
from npdigits.config.override import Override

RANGE = "allowed is range(stop), range(start,stop) or range(start,stop,step) of numbers"
# What a shell hands over of what people type -> what the line says.
TYPED = {
    ("hidden=(300,100)",): "hidden=(300,100): a list is written with brackets: hidden=[300,100]",
    ("hidden=(300,)",): "hidden=(300,): a list is written with brackets: hidden=[300]",
    ("hidden=[20,", "10]"): "hidden=[20, 10]: without spaces: hidden=[20,10]",
    ("hidden=[20,", "10,", "5]", "lr=0.1"): "hidden=[20, 10, 5]: without spaces: hidden=[20,10,5]",
    ("hidden=[20,10",): "hidden=[20,10: a bracket is not closed: hidden=[20,10]",
    ("hidden=[20]]",): "hidden=[20]]: a bracket closes nothing: hidden=[20]",
    ("hidden=[20,]",): "hidden=[20,]: a comma has nothing beside it: hidden=[20]",
    ("hidden=[300;100]",): "hidden=[300;100]: values are separated by commas: hidden=[300,100]",
    (
        "hidden=300x100",
    ): "hidden=300x100: allowed is a whole number ≥ 1, or a list of them, such as 20, [300,100] or []; "
    "did you mean [300,100]?",
    ("hidden=20", "20"): "hidden=20 20: a list is written with brackets: hidden=[20,20]",
    ("hidden=10,", "20"): "hidden=10, 20: without spaces: hidden=10,20",
    ("hidden='[20,10]'",): "hidden=[20,10]: allowed is a whole number ≥ 1, or a list of them, such as 20, [300,100] or "
    "[]; it is a text: without quotes, or as ${oc.decode:…}",
    ("hidden=[range(3)]",): "hidden=[range(3)]: allowed in a list are values; a sweep over lists is hidden=[…],[…]",
    ("lr=0.01,",): "lr=0.01,: a comma has nothing beside it: lr=0.01",
    ("lr=0,01",): "lr=0,01: decimals have a point: lr=0.01; for a sweep over the values add --multirun",
    ("lr=", "0.01"): "lr= 0.01: without a space: lr=0.01",
    ("lr", "=0.01"): "lr =0.01: allowed is key=value: lr=0.01",
    ("lr", "=", "0.01"): "lr = 0.01: allowed is key=value: lr=0.01",
    ("lr =0.01",): "lr =0.01: without spaces: lr=0.01",
    ("lr", "0.01"): "lr 0.01: allowed is key=value: lr=0.01",
    ("lr:0.01",): "lr:0.01: allowed is key=value: lr=0.01",
    ("lr",): "lr: a key needs a value: lr=…",
    ("lr", "hidden=20"): "lr: a key needs a value: lr=…",
    ("--lr", "0.01"): "--lr 0.01: keys have no dashes: lr=0.01",
    ("--lr=0.01",): "--lr=0.01: keys have no dashes: lr=0.01",
    ("-hidden=20",): "-hidden=20: keys have no dashes: hidden=20",
    ("--batch-size", "32"): "--batch-size 32: keys have no dashes: batch_size=32",
    ("--learning-rate", "1"): "--learning-rate 1: keys have no dashes: lr=1",
    ("--resume",): "--resume: keys have no dashes: resume=…",
    ("learning-rate=0.1",): "learning-rate=0.1: unknown key; did you mean lr?",
    ("batch-size=5",): "batch-size=5: unknown key; did you mean batch_size?",
    ("--foo",): "--foo: there is no such option, and keys have no dashes: hidden=20; --help lists them all",
    ("--cfg",): "argument --cfg/-c: expected one argument; --help lists what is allowed",
    ("lr=“0.1”",): "lr=“0.1”: typographic characters are no quotes and no signs: lr=0.1",
    ("lr=1e−2",): "lr=1e−2: typographic characters are no quotes and no signs: lr=1e-2",
    ("lr='0.1",): "lr='0.1: a quote is not closed",
    ("lr='0.1'",): "lr=0.1: allowed is a number > 0; it is a text: without quotes, or as ${oc.decode:…}",
    (
        "lr=0.01 hidden=20",
    ): "lr=0.01 hidden=20: two keys are two arguments: hidden=… stands apart, outside of the quotes",
    ("-m", "seed=0,1", "seed=2,3"): "seed=0,1 seed=2,3: seed is there twice, and one sweep would be lost: "
    "allowed is seed=a,b,c",
    ("lr=#",): "lr=#: cannot be read; --help shows what lr looks like",
    ("foo=#",): "foo=#: cannot be read: a value with such characters needs quotes twice: \"foo='…'\"",
    (
        "lr=range(0.1,0.4,0.1)",
    ): "lr=range(0.1,0.4,0.1): allowed is one value; for a sweep over the values add --multirun",
    ("seed=0,1",): "seed=0,1: allowed is one value; for a sweep over the values add --multirun",
    ("hidden=20,30",): "hidden=20,30: write a list as key=[a,b]; for a sweep over the values add --multirun",
    ("out=a,b",): "out=a,b: a text with a comma needs quotes twice: \"out='a,b'\"; "
    "for a sweep over the values add --multirun",
    ("-m", "seed=range(a)"): f"seed=range(a): {RANGE}",
    ("-m", "seed=range(9999999999)"): "seed=range(9999999999): 9,999,999,999 values: allowed are at most 100,000",
    ("-m", "seed=ramge(5)"): "seed=ramge(5): there is no ramge(…)",
    (
        "-m",
        "seed=0..9",
    ): "seed=0..9: allowed is a whole number ≥ 0; for a sweep over them: --multirun 'seed=range(0,10)'",
    ("seed=1-10",): "seed=1-10: allowed is a whole number ≥ 0; for a sweep over them: --multirun 'seed=range(1,11)'",
    (
        "data=MNIST",
    ): "data=MNIST: allowed is one of fashion_mnist, file, idx, kmnist, mnist, mnist_5k, own; did you mean mnist?",
    ("data=./digits",): "data=./digits: allowed is one of fashion_mnist, file, idx, kmnist, mnist, mnist_5k, own; "
    "did you mean data=file data.path=./digits?",
    ("experiment/published=softmax",): "experiment/published=softmax: did you mean experiment=published/softmax?",
    ("learning_rate=0.1",): "learning_rate=0.1: unknown key; did you mean lr?",
    ("epoch=5",): "epoch=5: unknown key; did you mean epochs?",
    ("layers=20",): "layers=20: unknown key; did you mean hidden?",
    ("output_dir=x",): "output_dir=x: unknown key; did you mean out?",
    ("schedule=none",): "schedule=none: allowed is one of constant, exponential, step, cosine; did you mean constant?",
    ("schedule=null",): "schedule=null: allowed is one of constant, exponential, step, cosine; did you mean constant?",
    ("stop_on=never",): "stop_on=never: allowed is one of val_cost, gap, variance, none; did you mean none?",
    ("activation=ReLU",): "activation=ReLU: allowed is one of swish, leaky_relu, relu, tanh, sigmoid, identity, gelu, "
    "silu, softplus; did you mean relu?",
    ("swish",): "swish: allowed is key=value; did you mean activation=swish?",
    ("adamw",): "adamw: allowed is key=value; did you mean optimizer=adamw?",
    ("optimizer=sgd", "nesterov=true"): "nesterov=true: allowed is momentum > 0 with it, not 0.0",
    ("cost=crossentropy",): "cost=crossentropy: allowed is one of cross_entropy, mse; did you mean cross_entropy?",
    ("compare",): "compare: allowed is key=value; did you mean npdigits-compare?",
    ("evaluate", "runs/a"): "evaluate: allowed is key=value; did you mean python -m npdigits.evaluate?",
    ("help",): "help: allowed is key=value; did you mean --help?",
    ("runs/a/config.yaml",): "runs/a/config.yaml: allowed is key=value; resume=runs/a goes on with a run",
    ("runs/a",): "runs/a: allowed is key=value; resume=runs/a goes on with a run",
    ("mnist_5k",): "mnist_5k: allowed is key=value; did you mean data=mnist_5k?",
    ("Adam",): "Adam: allowed is key=value; did you mean optimizer=adam?",
    ("published/softmax",): "published/softmax: allowed is key=value; did you mean experiment=published/softmax?",
    ("hiden",): "hiden: allowed is key=value, such as hidden=20; did you mean hidden=…?",
    ("20",): "20: allowed is key=value, such as hidden=20",
    ("",): "'': allowed is key=value, such as hidden=20",
    ("=",): "=: allowed is key=value, such as hidden=20",
    ("/x=3",): "/x=3: /x is no key; --help lists them all",
    ("data@x=idx",): "data@x=idx: data@x is no key; --help lists them all",
    ("hydra.searchpath=[nowhere]",): "hydra.searchpath=[nowhere]: there is no folder nowhere",
    ("hydra.searchpath=x",): "hydra.searchpath=x: allowed is a list of folders: hydra.searchpath=[DIR]",
    ("out=it's, mine",): 'out=it\'s, mine: a text with a comma needs quotes twice: "out=\\"it\'s, mine\\""; '
    "for a sweep over the values add --multirun",
    ("out='a",): "out='a: a quote is not closed",
    ("out=“a”",): "out=“a”: typographic characters are no quotes and no signs: out=a",
}


@pytest.mark.parametrize("typed", TYPED, ids=" ".join)
def test_what_cannot_be_read_is_one_line_in_our_words(typed, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    started = []
    with pytest.raises(UserError) as caught:
        command_line.in_our_words(
            lambda: command_line.dispatch(
                command_line.Acts(*itertools.repeat(lambda *_: started.append(1) or 0, 3)), list(typed)
            ),
            list(typed),
        )
    assert str(caught.value) == TYPED[typed]
    assert not started


TEXTS = [
    "2026_11_28",
    "12e5678",
    "007",
    "1.50",
    "true",
    "nan",
    "a b",
    "it's",
    "a(b)",
    "a=b",
    "~/runs",
    "größe",
    "C:\\digits\\x",
    "100%",
    "#3",
    "a;b&c",
    "[draft",
    "[2026]",
    "[a,b]",
    "a=b[1]",
    "{now}",
    "{a:b}",
    "x'y\"z",
    "http://host/?a=b&c",
]


@pytest.mark.parametrize("text", TEXTS)
def test_texts_stay_what_was_typed(text):
    config = compose([f"name={text}", f"out={text}", f"resume={text}", f"data.root={text}", f"data.mirror={text}"])
    assert {config.name, config.out, config.resume, config.data.root, config.data.mirror} == {text}
    assert compose(["data=idx", f"data.dir={text}"]).data.dir == text
    assert reading.read_overrides([f"out={text}"], {}) == reading.read_overrides(
        reading.read_overrides([f"out={text}"], {}), {}
    )


NAMES = [
    "my digits [2026], a=b",
    "a,b",
    "[2026],x",
    "range(3)",
    "choice(a,b)",
    "x ${y}",
    "“x”",
    "it's, mine",
    "end ",
    "5",
]


@pytest.mark.parametrize("option", [[], ["-m"]], ids=["one run", "sweep"])
@pytest.mark.parametrize("name", NAMES)
def test_the_name_of_what_is_there_is_what_was_typed(name, option, monkeypatch, tmp_path):
    """Also where Hydra's grammar reads a sweep, a function or an interpolation."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / name).mkdir()
    for typed in (name, f"{tmp_path}/{name}", f"./{name}"):
        found = []
        acts = command_line.Acts(
            lambda config, _, found=found: found.append(config.data.dir) or 0,
            lambda points, *_, found=found: found.extend(config.data.dir for _, config in points) or 0,
            race=lambda _: 1,
        )
        command_line.dispatch(
            acts,
            [*option, "data=idx", f"data.dir={typed}"],
        )
        assert found == [typed]


def test_commas_separate_folders_unless_one_has_them_in_its_name(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)

    def folders(typed):
        found = []
        many = lambda points, *_: found.extend(config.data.dir for _, config in points) or 0  # noqa: E731
        command_line.dispatch(
            command_line.Acts(lambda *_: 1, many, lambda _: 1), ["-m", "data=idx", f"data.dir={typed}"]
        )
        return found

    (tmp_path / "p[1]").mkdir()
    (tmp_path / "q=2").mkdir()
    assert folders("p[1],q=2") == ["p[1]", "q=2"]
    (tmp_path / "p[1],q=2").mkdir()
    with pytest.raises(ConfigError) as caught:
        folders("p[1],q=2")
    assert str(caught.value) == (
        "data.dir=p[1],q=2: all of them are there, and one of that name: "
        "write \"data.dir='p[1],q=2'\", or \"data.dir='p[1]','q=2'\" for a sweep"
    )
    assert (folders("'p[1],q=2'"), folders("'p[1]','q=2'")) == (["p[1],q=2"], ["p[1]", "q=2"])
    (tmp_path / "q=2").rmdir()
    assert folders("p[1],q=2") == ["p[1],q=2"]


def test_null_quotes_and_interpolations_of_texts_are_what_they_are():
    read = compose(["out=null", "name='null'", "data.root='a,b'", "data.mirror=x${seed}/ü"])
    assert (read.out, read.name, read.data.root, read.data.mirror) == (None, "null", "a,b", "x0/ü")


def test_a_plus_before_a_key_that_is_there_means_the_key():
    assert compose(["+lr=0.5", "++hidden=3", "+data=mnist_5k", "+out=x"]) == compose(
        ["lr=0.5", "hidden=3", "data=mnist_5k", "out=x"]
    )
    with pytest.raises(ConfigError, match=r"^data\.dir=x: this data set has no such key"):
        compose(["+data.dir=x"])


def test_hydras_options_may_stand_anywhere():
    arguments = ["hidden=3", "-cd", "mine", "lr=1", "--cfg", "job", "-m", "seed=0,1", "-p", "hydra"]
    assert options.split(arguments) == (
        ["-cd", "mine", "--cfg", "job", "-m", "-p", "hydra"],
        ["hidden=3", "lr=1", "seed=0,1"],
    )
    assert options.shows(["--cfg", "job"]) and not options.shows(["-m"])
    assert options.completes(["-sc"]) and not options.completes(["-m"])


@pytest.mark.parametrize(
    ("typed", "parts"),
    [
        ("lr=0.1", ("", "lr", "0.1")),
        ("++data.dir=a=b", ("++", "data.dir", "a=b")),
        ("+out=", ("+", "out", "")),
        ("~data.root", ("~", "data.root", None)),
        ("data.dir=~/x", ("", "data.dir", "~/x")),
        ("hidden", ("", "hidden", None)),
        ("=+lr", ("", "", "+lr")),
    ],
)
def test_an_override_is_taken_apart_at_its_first_equals_sign(typed, parts):
    override = Override.of(typed)
    assert (override.sign, override.key, override.value) == parts and override.typed == typed
    assert override.top == parts[1].partition(".")[0] and override.deletes == ("~" in parts[0])


@pytest.mark.parametrize("where", ["hydra.searchpath=[{}]", "hydra.searchpath=[file://{}]", "-cd={}"])
def test_experiments_of_ones_own_are_found_with_and_without_multirun(tmp_path, where):
    (tmp_path / "experiment").mkdir()
    (tmp_path / "experiment" / "mine.yaml").write_text("# @package _global_\n# of a test\nhidden: 7\n")
    done = []
    acts = command_line.Acts(
        lambda config, typed: done.append(config.hidden) or 0,
        lambda points, *_: done.append(points[0][1].hidden) or 0,
        race=lambda _: 1,
    )
    for option in ([], ["-m"]):
        command_line.dispatch(acts, ["experiment=mine", where.format(tmp_path), *option, "seed=1"])
    assert done == [(7,), (7,)]


@pytest.mark.parametrize("option", [[], ["-m"], ["-r"], ["-cd={}"], ["-r", "-cd={}"]])
def test_an_experiment_may_ask_for_a_sweep_whatever_the_options(tmp_path, option):
    (tmp_path / "experiment").mkdir()
    sweep = "hydra: {mode: MULTIRUN, sweeper: {params: {seed: '3,4'}}}"
    (tmp_path / "experiment" / "mine.yaml").write_text(f"# @package _global_\n# of a test\n{sweep}\n")
    where = [] if "-cd={}" in option else [f"hydra.searchpath=[{tmp_path}]"]
    done = []
    arguments = [*(word.format(tmp_path) for word in option), *where, "experiment=mine", "hidden=3,4"]
    sweep_of = lambda points, *_: done.extend((c.hidden, c.seed) for _, c in points) or 0  # noqa: E731
    command_line.dispatch(command_line.Acts(lambda *_: 1, sweep_of, lambda _: 1), arguments)
    assert done == [((3,), 3), ((4,), 3), ((3,), 4), ((4,), 4)]


def test_hydras_mode_may_be_typed_as_a_key():
    done = []
    acts = command_line.Acts(lambda *_: 1, lambda points, *_: done.append(len(points)) or 0, lambda _: 1)
    command_line.dispatch(acts, ["hydra.mode=MULTIRUN", "seed=0,1"])
    assert done == [2]
