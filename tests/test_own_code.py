"""Own code: what is read, hashed and executed is the same bytes; what cannot be hashed is refused with a way out."""

import pickle
import sys
import textwrap

import pytest

from npdigits.base import own_code
from npdigits.base.errors import OwnCodeError, UntrustedError

SWISH = """
import numpy as np

def swish(z, *, beta: float = 1.0):
    return z / (1 + np.exp(-beta * z))
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An empty folder in which the user stands."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(textwrap.dedent(text), encoding="utf-8")


def test_a_function_is_read_from_where_the_user_stands_and_from_anywhere(folder):
    write(folder / "deep" / "mine.py", SWISH)
    near, far = own_code.read("deep/mine.py:swish"), own_code.read(f"{folder}/deep/mine.py:swish")
    assert near.sha256 == far.sha256 and near.load()(0.0) == 0 and near.load()(2.0, beta=0.0) == 1.0


def test_the_digest_is_of_the_sources_and_not_of_their_places(folder):
    write(folder / "mine.py", SWISH)
    first = own_code.read("mine.py:swish").sha256
    write(folder / "elsewhere" / "other.py", SWISH)
    assert own_code.read("elsewhere/other.py:swish").sha256 == first
    write(folder / "mine.py", SWISH.replace("1 +", "2 +"))
    assert own_code.read("mine.py:swish").sha256 != first


LOCAL = {
    "mine.py": "import helpers\nfrom pack import inner\nfrom pack.deep import three\n\n"
    "def f(z):\n    import late\n    return z + helpers.ONE + inner.TWO + three() + late.FOUR\n",
    "helpers.py": "ONE = 1\n",
    "late.py": "FOUR = 4\n",
    "pack/__init__.py": "",
    "pack/inner.py": "from .constants import TWO\n",
    "pack/constants.py": "TWO = 2\n",
    "pack/deep/__init__.py": "from ..deep.last import three\n",
    "pack/deep/last.py": "def three():\n    return 3\n",
    "unused.py": "raise RuntimeError\n",
}


def test_local_files_that_are_imported_belong_to_the_code(folder):
    for name, text in LOCAL.items():
        write(folder / name, text)
    code = own_code.read("mine.py:f")
    assert {name for name, _ in code.files} == set(LOCAL) - {"unused.py"}
    assert code.load()(0) == 10
    for name in set(LOCAL) - {"unused.py"}:
        write(folder / name, LOCAL[name] + "\n# changed\n")
        assert own_code.read("mine.py:f").sha256 != code.sha256, name
        write(folder / name, LOCAL[name])
    assert not {"mine", "helpers", "pack"} & set(sys.modules)


def test_what_was_read_is_executed_whatever_the_files_have_become(folder):
    write(folder / "mine.py", "import helpers\n\ndef f():\n    return helpers.value()\n")
    write(folder / "helpers.py", "def value():\n    return 1\n")
    before = own_code.read("mine.py:f")
    write(folder / "helpers.py", "def value():\n    return 2\n")
    after = own_code.read("mine.py:f")
    (folder / "helpers.py").unlink()
    (folder / "mine.py").unlink()
    there = pickle.loads(pickle.dumps(before))
    assert (there.load()(), after.load()(), before.load()()) == (1, 2, 1)
    assert there == before and before != after


def test_a_traceback_shows_the_line_that_was_executed(folder):
    write(folder / "mine.py", "def f(z):\n    return z.nothing\n")
    code = own_code.read("mine.py:f")
    with pytest.raises(AttributeError) as caught:
        code.load()(0)
    assert str(caught.traceback[-1].path).endswith("mine.py") and caught.traceback[-1].lineno == 1


def test_a_module_of_the_users_is_read_with_what_it_imports(folder, monkeypatch):
    monkeypatch.syspath_prepend(str(folder))
    write(folder / "ours" / "__init__.py", "")
    write(folder / "ours" / "acts.py", "from .numbers import TWO\n\ndef double(z):\n    return TWO * z\n")
    write(folder / "ours" / "numbers.py", "TWO = 2\n")
    code = own_code.read("ours.acts:double")
    assert {name for name, _ in code.files} == {"ours/__init__.py", "ours/acts.py", "ours/numbers.py"}
    assert code.load()(21) == 42 and not code.distribution


def test_a_package_beside_the_user_is_found_by_either_name(folder):
    write(folder / "pk" / "a.py", "from .sub.h import g\n\ndef f(z):\n    return g(z)\n")
    write(folder / "pk" / "sub" / "h.py", "def g(z):\n    return 2 * z\n")
    by_file, by_module = own_code.read("pk/a.py:f"), own_code.read("pk.a:f")
    assert by_file == by_module and by_file.load()(21) == by_module.load()(21) == 42
    write(folder / "mine.py", SWISH)
    assert own_code.read("mine:swish") == own_code.read("mine.py:swish")


def test_of_an_installed_package_the_file_and_the_version_count():
    code = own_code.read("yaml.tokens:Token")
    assert [name for name, _ in code.files] == ["yaml/tokens.py"] and code.distribution.lower().startswith("pyyaml ")
    import yaml

    assert code.load() is yaml.tokens.Token


REFUSED = {
    "mine.py": r"allowed is FILE\.py:NAME or package\.module:NAME",
    "mine.py:": r"allowed is FILE\.py:NAME",
    "mine.py:a.b": r"allowed is FILE\.py:NAME",
    "nowhere.py:f": r"nowhere\.py: No such file",
    "no_such_module:f": "there is no module no_such_module",
    "broken.py:f": r"broken\.py, line 2: SyntaxError",
    "fails.py:f": r"fails\.py: line 3: ZeroDivisionError: division by zero",
    "mine.py:swich": r"has no swich; did you mean swish\?",
    "mine.py:bend": "has no bend; it has swish",
    "mine.py:swish:x": r"allowed is FILE\.py:NAME",
    "notes.txt:swish": r"allowed is FILE\.py:NAME",
    "exits.py:f": r"exits\.py: line 1: SystemExit: 0",
    "deep.py:f": r"deep\.py: line 3: ModuleNotFoundError",
    "caller.py:f": r"caller\.py: helper\.py, line 2: ZeroDivisionError",
    "math:sin": "no readable source",
}


@pytest.mark.parametrize("spec", REFUSED)
def test_what_cannot_be_used_is_one_line(folder, spec):
    write(folder / "mine.py", SWISH)
    write(folder / "broken.py", "def f(z):\n    return (\n")
    write(folder / "fails.py", "def f(z):\n    return z\nf(1 / 0)\n")
    write(folder / "notes.txt", "swish")
    write(folder / "exits.py", "import sys; sys.exit(0)\n")
    write(folder / "deep.py", "import importlib\n\nimportlib.import_module('no_such_one')\n")
    write(folder / "caller.py", "import helper\n\ndef f(z):\n    return z\n")
    write(folder / "helper.py", "def g():\n    return 1 / 0\n\ng()\n")
    with pytest.raises(OwnCodeError, match=REFUSED[spec]) as caught:
        own_code.read(spec).load()
    assert "\n" not in str(caught.value)


def test_nothing_is_executed_by_reading(folder):
    write(folder / "mine.py", "open('executed', 'w').close()\n\ndef f():\n    pass\n")
    code = own_code.read("mine.py:f")
    assert code.sha256 and not (folder / "executed").exists()
    code.load()
    assert (folder / "executed").exists()


def test_untrusted_code_is_named_and_not_executed(folder):
    write(folder / "mine.py", "open('executed', 'w').close()\n\ndef f():\n    pass\n")
    read = own_code.read("mine.py:f")
    code = own_code.OwnCode(read.spec, read.name, read.main, read.files, read.place, trusted=False)
    for use in (code.load, lambda: code.has("f")):
        with pytest.raises(
            UntrustedError, match=rf"mine\.py \(SHA-256 {code.sha256}\): own code .*--trust.*trust=True"
        ):
            use()
    assert not (folder / "executed").exists()


def imported(folder, monkeypatch, text):
    monkeypatch.syspath_prepend(str(folder))
    monkeypatch.delitem(sys.modules, "imported_one", raising=False)
    write(folder / "imported_one.py", text)
    import imported_one

    return imported_one


def test_a_function_from_python_is_its_file(folder, monkeypatch):
    module = imported(folder, monkeypatch, SWISH)
    assert own_code.of_function(module.swish).sha256 == own_code.read("imported_one.py:swish").sha256


def test_a_function_whose_file_has_changed_since_is_refused(folder, monkeypatch):
    module = imported(folder, monkeypatch, SWISH)
    write(folder / "imported_one.py", SWISH.replace("1 +", "2 +"))
    with pytest.raises(OwnCodeError, match=r"swish: is not what .*imported_one\.py holds now: .*FILE\.py:NAME"):
        own_code.of_function(module.swish)


def test_what_no_hash_sees_is_refused_with_the_way_out(folder, monkeypatch):
    module = imported(folder, monkeypatch, "def make(beta):\n    def f(z):\n        return beta * z\n    return f\n")
    cell: dict = {}
    exec(compile("def swish(z):\n    return z\n", "<cell 1>", "exec"), cell)
    for function in (lambda z: z, module.make(2.0), cell["swish"], len):
        with pytest.raises(OwnCodeError, match=r"put it into a file of its own and name it as FILE\.py:NAME"):
            own_code.of_function(function)
