"""The digest of the code that decides bits: what it sees, what it does not, and that the recorded one is true."""

import functools
import shutil

import pytest
from made import REPOSITORY, output_of, start_python
from test_imports import PACKAGE, modules_of

from npdigits.config import code_digest, identity
from npdigits.config.code_digest import DECIDES, DOES_NOT, hash_bytes, hash_tokens, read_sources, tokens_of
from npdigits.config.numerics import BYTES, CODE, NUMERICS, UNREAD, split_numerics

HOW = "the code changed: python experiments/record_code.py BEFORE proves that no bit did, and records it"


def test_the_recorded_digest_is_true():
    sources = read_sources()
    assert hash_tokens(sources) == CODE, HOW
    assert hash_bytes(sources) == BYTES, HOW


def test_the_code_as_recorded_has_the_numerics_of_before(monkeypatch):
    monkeypatch.setattr(identity, "code_mark", lambda: "")
    assert identity.numerics() == NUMERICS == 6
    monkeypatch.setattr(identity, "code_mark", lambda: "3fa2c1d8")
    assert identity.numerics() == "6+3fa2c1d8"


def names_of(package):
    """Return the names of a package's modules, those of its __init__ files too."""
    modules = modules_of(package).items()
    return {f"{name}.__init__".lstrip(".") if file.stem == "__init__" else name for name, file in modules}


def places_of(name, decides, does_not):
    """Return in how many of two lists a module is: by its own name, or else by its room's."""
    for part in (name, name.partition(".")[0]):
        if found := (part in decides) + sum(part in names for names in does_not.values()):
            return found
    return 0


def test_every_module_either_decides_bits_or_is_excluded_for_a_reason():
    modules = names_of(PACKAGE)
    assert {name: n for name in modules if (n := places_of(name, DECIDES, DOES_NOT)) != 1} == {}
    listed = {*DECIDES, *(name for names in DOES_NOT.values() for name in names)}
    assert listed <= modules | {name.partition(".")[0] for name in modules}, "of modules that are no more"
    # A room in a list stands for modules that nobody has thought of yet.
    assert not {"base", "config", "runs"} & listed
    assert places_of("runs.new", DECIDES, DOES_NOT) == 0 == places_of("config.new", DECIDES, DOES_NOT)
    decisive = {name for name in modules if name in DECIDES or name.partition(".")[0] in DECIDES}
    excluded = {name for names in DOES_NOT.values() for name in names}
    assert set(read_sources()) == decisive - excluded


def test_what_the_mathematics_imports_of_the_base_has_been_thought_of():
    """What it takes from there and that decides nothing is about files, words, time and signals."""
    code = "import sys, npdigits.training.loop, npdigits.config.build\nprint(*sys.modules)"
    loaded = {name.removeprefix("npdigits.") for name in output_of(start_python(code)).split()}
    computing = {name for name in loaded if name.startswith(("nn.", "training.")) or name == "config.build"}
    assert len(computing) > 15 and computing <= set(read_sources())
    assert {name for name in loaded if name.startswith("base.")} >= {"base.arrays", "base.random"}


SOURCE = '''"""What the module is for."""

import numpy as np  # arrays


class A:
    """Of the class."""

    x: int = 1
    "Of the attribute."

    def f(self, y):
        """Of the function."""
        # why
        return f"{y:>{self.x}} is {'so'!r}" rb"\\0" + (
            f"""{ y }
            { {1: 2}[1] } {{}}""",
        )


def g(): "kept, as it is one line"
'''
TOKENS = [
    *("import", "numpy", "as", "np", "\n"),
    *("class", "A", ":", "\n", "\1", "x", ":", "int", "=", "1", "\n"),
    *("def", "f", "(", "self", ",", "y", ")", ":", "\n", "\1", "return"),
    *("f\"{y:>{self.x}} is {'so'!r}\"", 'rb"\\0"', "+", "("),
    *('f"""{ y }\n            { {1: 2}[1] } {{}}"""', ",", ")", "\n", "\2", "\2"),
    *("def", "g", "(", ")", ":", '"kept, as it is one line"', "\n"),
]


def test_tokens_are_those_that_were_written_down_by_hand():
    assert tokens_of(SOURCE.encode()) == TOKENS


@pytest.mark.parametrize(
    "same",
    [
        lambda text: text.replace("# why", "# because"),
        lambda text: text.replace("        # why\n", ""),
        lambda text: text.replace('"""Of the function."""', "'''Of\n\n   it.'''"),
        lambda text: text.replace('    """Of the class."""\n', ""),
        lambda text: text.replace("    ", "  ").replace("y }\n      {", "y }\n            {"),
        lambda text: text.replace("self, y", "self ,\n y"),
        lambda text: text.replace("\n\n\n", "\n"),
        lambda text: "\ufeff" + text,
        lambda text: text.rstrip("\n"),
    ],
)
def test_comments_docstrings_and_white_space_do_not_count(same):
    assert same(SOURCE) != SOURCE
    assert tokens_of(same(SOURCE).encode()) == TOKENS


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("= 1", "= 2"),
        ("{y:>", "{y:<"),
        ("is {", "is  {"),
        ('!r}"', '}"'),
        ("{1: 2}", "{1: 3}"),
        ("{{}}", "{{}} "),
        ('rb"', 'b"'),
        ("def g", "async def g"),
        ("        return", "    return"),
        ('"Of the attribute."', "f'{1 / 0}'"),
        ('"Of the attribute."', "print('Of the attribute.')"),
    ],
)
def test_every_other_change_counts(old, new):
    assert old in SOURCE
    assert tokens_of(SOURCE.replace(old, new, 1).encode()) != TOKENS


def test_what_is_no_python_counts_byte_by_byte():
    assert tokens_of(b"x = (") == ["x = ("] and tokens_of(b"x = '\xff'") == ["x = '\xff'"]


def test_modules_are_told_apart_by_their_names():
    assert hash_tokens({"a": b"x = 1\n", "b": b""}) != hash_tokens({"a": b"", "b": b"x = 1\n"})


@pytest.fixture
def package(tmp_path):
    return shutil.copytree(PACKAGE, tmp_path / "npdigits", ignore=shutil.ignore_patterns("__pycache__", "conf"))


def mark_of(package, monkeypatch):
    """Return the mark that the code of a copy of the package has."""
    monkeypatch.setattr(code_digest, "read_sources", functools.partial(read_sources, package))
    monkeypatch.setattr(code_digest, "BYTES", hash_bytes(read_sources()))
    monkeypatch.setattr(code_digest, "CODE", hash_tokens(read_sources()))
    return code_digest.code_mark.__wrapped__()


def edit(file, old, new):
    content = file.read_bytes()
    assert old in content
    file.write_bytes(content.replace(old, new))


def test_a_copy_has_no_mark_whatever_its_line_ends_and_comments(package, monkeypatch):
    assert mark_of(package, monkeypatch) == ""
    for file in package.rglob("*.py"):
        file.write_bytes(file.read_bytes().replace(b"\n", b"\r\n"))
    assert b"\r\n" in (package / "nn" / "costs.py").read_bytes()
    assert hash_bytes(read_sources(package)) == hash_bytes(read_sources())
    with (package / "nn" / "costs.py").open("ab") as end:
        end.write(b"# a comment\r\n")
    assert hash_bytes(read_sources(package)) != hash_bytes(read_sources())
    assert mark_of(package, monkeypatch) == ""


def test_an_edited_formula_and_a_new_module_have_a_mark_of_their_own(package, monkeypatch):
    edit(package / "compare" / "statistics.py", b"ALPHA = 0.05", b"ALPHA = 0.06")
    edit(package / "nn" / "plain.py", b"import", b"import sys\nimport")
    assert mark_of(package, monkeypatch) == ""
    (package / "nn" / "new.py").write_text("x = 1\n")
    first = mark_of(package, monkeypatch)
    edit(package / "nn" / "activations.py", b"np.maximum(z, 0, out=z)", b"np.maximum(z, 1, out=z)")
    second = mark_of(package, monkeypatch)
    assert len({first, second, ""}) == 3
    assert all(len(mark) == 8 and int(mark, 16) >= 0 for mark in (first, second))


@pytest.mark.parametrize("file", ["nn/costs.pyc", None])
def test_code_without_its_source_has_a_mark_too(package, monkeypatch, file):
    if file:
        (package / file).write_bytes(b"")
    else:
        (package / "base" / "random.py").unlink()
    assert mark_of(package, monkeypatch) == UNREAD


@pytest.mark.parametrize(
    ("value", "parts"),
    [
        (5, (5, "")),
        ("5+3fa2c1d8", (5, "3fa2c1d8")),
        ("12+unread", (12, "unread")),
        ("5", ("5", "")),
        (None, (None, "")),
        ([5], ([5], "")),
        ("five+x", ("five+x", "")),
    ],
)
def test_numerics_are_split(value, parts):
    assert split_numerics(value) == parts


@pytest.fixture
def record_code(monkeypatch):
    monkeypatch.syspath_prepend(str(REPOSITORY / "experiments"))
    import record_code

    return record_code


@pytest.fixture
def checkout(tmp_path, package, record_code):
    """A checkout whose recorded digest is true."""
    shutil.copytree(REPOSITORY / "conf", tmp_path / "conf")
    record_code.same_bits.record_digests(tmp_path, record_code.same_bits.digests_of(tmp_path))
    return tmp_path


def test_a_digest_is_recorded_only_once_no_bit_has_changed(checkout, record_code, tmp_path_factory, capsys):
    same_bits, record = record_code.same_bits, record_code.record
    before = shutil.copytree(checkout, tmp_path_factory.mktemp("before") / "checkout")
    asked = []

    def compare(*checkouts, differ=0):
        asked.append(checkouts)
        return differ

    assert record(checkout, None, compare) == 0 and capsys.readouterr().out.startswith("nothing to record")
    formula = checkout / "npdigits" / "nn" / "activations.py"
    edit(formula, b"import numpy", b"# NumPy\nimport numpy")
    assert record(checkout, None, compare) == 0 and "no token has changed" in capsys.readouterr().out
    recorded = same_bits.digests_recorded(checkout)
    assert recorded == same_bits.digests_of(checkout) and recorded["BYTES"] != same_bits.digests_of(before)["BYTES"]
    assert asked == []

    edit(formula, b"np.maximum(z, 0, out=z)", b"np.maximum(0, z, out=z)")
    with pytest.raises(record_code.ConfigError, match="BEFORE: needed"):
        record(checkout, None, compare)
    with pytest.raises(record_code.ConfigError, match="its own recorded digest is not true"):
        record(checkout, checkout, compare)
    assert record(checkout, before, functools.partial(compare, differ=1)) == 1
    assert "not recorded" in capsys.readouterr().out and same_bits.digests_recorded(checkout) == recorded
    assert record(checkout, before, compare) == 0 and "no byte of a result has changed" in capsys.readouterr().out
    assert same_bits.digests_recorded(checkout) == same_bits.digests_of(checkout) != recorded
    assert asked == [(before, checkout)] * 2


def test_where_other_bits_are_meant_nothing_is_proved(checkout, record_code, tmp_path_factory, capsys):
    before = shutil.copytree(checkout, tmp_path_factory.mktemp("before") / "checkout")
    edit(checkout / "npdigits" / "nn" / "activations.py", b"np.maximum(z, 0, out=z)", b"np.maximum(z, 1, out=z)")
    edit(checkout / record_code.same_bits.RECORD, b"NUMERICS = %d" % NUMERICS, b"NUMERICS = %d" % (NUMERICS + 1))
    assert record_code.record(checkout, before, lambda *_: pytest.fail("compared")) == 0
    assert f"NUMERICS was {NUMERICS} and is {NUMERICS + 1}" in capsys.readouterr().out


def test_edited_code_is_compared_as_if_it_were_recorded(checkout, record_code, tmp_path_factory):
    """Else every identity.json would differ, and every checkpoint with it."""
    same_bits, folder = record_code.same_bits, tmp_path_factory.mktemp("copy")
    assert same_bits.with_recorded_code(checkout, folder) == checkout and not any(folder.iterdir())
    edit(checkout / "npdigits" / "nn" / "activations.py", b"np.maximum(z, 0, out=z)", b"np.maximum(z, 1, out=z)")
    assert same_bits.with_recorded_code(checkout, folder) == folder
    assert same_bits.digests_recorded(folder) == same_bits.digests_of(folder) == same_bits.digests_of(checkout)
    assert same_bits.digests_recorded(checkout) != same_bits.digests_of(checkout)
    code = (
        "import sys; sys.path.insert(0, sys.argv[1])\nfrom npdigits.config.identity import numerics; print(numerics())"
    )
    assert output_of(start_python(code, folder)) == str(NUMERICS)


def test_a_checkout_of_before_there_was_a_digest_is_compared_as_it_is(record_code, tmp_path):
    (tmp_path / "npdigits" / "config").mkdir(parents=True)
    assert record_code.same_bits.with_recorded_code(tmp_path, tmp_path / "copy") == tmp_path


@pytest.mark.parametrize(
    ("other", "code"), [([], 0), (["a/plots/cost.png"], 0), (["a/metrics.csv"], 1), (["a/b.png", "a/n.npz"], 1)]
)
def test_plots_drawn_otherwise_are_named_and_are_no_other_result(
    record_code, monkeypatch, tmp_path, capsys, other, code
):
    same_bits, files = (
        record_code.same_bits,
        {"a/metrics.csv": "1", "a/n.npz": "2", "a/plots/cost.png": "3", "a/b.png": "4"},
    )
    seen = iter([files, files | dict.fromkeys(other, "changed")])
    monkeypatch.setattr(same_bits, "with_recorded_code", lambda checkout, folder: checkout)
    monkeypatch.setattr(same_bits, "train_all", lambda checkout, out: next(seen))
    assert same_bits.compare(tmp_path, tmp_path) == code
    said = capsys.readouterr().out
    assert said.splitlines()[: len(other)] == sorted(other) and f"{len(other)} of 4 files differ" in said
    assert ("only plots differ" in said) == (bool(other) and code == 0)
