"""What a process imports, and so how fast it starts; which module may import which; how long files may be."""

import ast
import functools
import graphlib
import shutil
import sys

import pytest
from made import REPOSITORY, output_of, start_python, write_set

PACKAGE = REPOSITORY / "npdigits"

LOADED = "*sorted({name.partition('.')[0] for name in sys.modules})"
NN = [f"npdigits.nn.{path.stem}" for path in sorted((PACKAGE / "nn").glob("[!_]*.py"))]
MATHEMATICS = (*NN, "npdigits.training.stopping")
HEAVY = {"torch", "torchvision", "pandas", "mlxtend", "sklearn", "scipy"}


def test_the_mathematics_takes_numpy_and_nothing_more():
    numpy_alone = output_of(start_python(f"import sys, numpy, numpy.random; print({LOADED})"))
    loaded = output_of(start_python(f"import sys, {', '.join(MATHEMATICS)}; print({LOADED})"))
    new = set(loaded.split()) - set(numpy_alone.split()) - set(sys.stdlib_module_names)
    assert new == {"npdigits"}
    assert {"npdigits.nn.network", "npdigits.nn.plain"} < set(NN)


def test_the_network_knows_nothing_of_processes_data_or_runs():
    code = f"import sys, {', '.join(NN)}; print(*(name for name in sys.modules if name.startswith('npdigits.')))"
    loaded = set(output_of(start_python(code)).split())
    base = {"npdigits.former_names", "npdigits.base"} | {
        f"npdigits.base.{name}" for name in ("arrays", "errors", "random")
    }
    assert set(NN) < loaded <= {*NN, "npdigits.nn"} | base


@pytest.mark.parametrize("name", ["mnist", "idx"])
def test_a_run_whose_data_is_at_hand_imports_none_of_the_heavy_packages(tmp_path, isolated, name):
    folder = write_set(isolated / "data" / "MNIST" / "raw")  # where NPDIGITS_DATA points
    where = f"data.dir={folder}" if name == "idx" else "data.root=null"
    code = "import sys; from npdigits.train import main\ntry: main()\n"
    code += f"except SystemExit as end: print(end.code, {LOADED})"
    command = (f"data={name}", where, "epochs=1", f"out={tmp_path / 'run'}")
    code, *loaded = output_of(start_python(code, *command)).splitlines()[-1].split()
    assert code == "0" and {"hydra", "matplotlib", "numpy"} <= set(loaded)
    assert not HEAVY & set(loaded)
    assert (tmp_path / "run" / "plots" / "cost.png").is_file()


# package or module -> what it may import besides itself
SOURCES = {"sources": {"base"}}
CALCULATION = {"base": set(), "nn": {"base"}, "data": {"base"}, "pictures": {"base"}}
TRAINING = {"training": {*CALCULATION}}
CONFIG = {"config": {*CALCULATION, *TRAINING}}
FORMS = {"forms": {*CALCULATION}}
RUNS = {"runs": {*CALCULATION, *TRAINING, *CONFIG, *FORMS}}
BELOW_RUNS = {*CALCULATION, *TRAINING, *CONFIG, *FORMS, *RUNS}
ABOVE = {
    "race": BELOW_RUNS,
    "compare": {*BELOW_RUNS, *SOURCES, "race"},
    "export": BELOW_RUNS,
    "classifier": BELOW_RUNS,
    "sweeps": {*BELOW_RUNS, "race", "compare"},
    "live": {*BELOW_RUNS, "race", "compare", "sweeps", "export"},
    "lessons": {*BELOW_RUNS, "race", "compare"},
}
MAY_IMPORT = {
    **SOURCES,
    **CALCULATION,
    **TRAINING,
    **CONFIG,
    **FORMS,
    **RUNS,
    **ABOVE,
    "former_names": set(),
    "": {"former_names"},
}
# They may import everything but each other; nothing imports them.
PROGRAMS = {
    *("__main__", "console", "train", "evaluate", "predict", "plots", "check_gradient"),
    *("compare.command", "compare.__main__", "export.command", "export.__main__", "data.command", "data.__main__"),
    *("live.command", "live.__main__"),
}
MOST_LINES, MOST_LINES_OF_A_FUNCTION = 300, 60


def modules_of(package):
    """Return the modules of a package: name without the package's, "" for its __init__ -> file."""
    found = {}
    for file in sorted(package.rglob("*.py")):
        parts = file.relative_to(package).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = file
    return found


class Imports(ast.NodeVisitor):
    """Collects what a module imports of the package, also within functions; not what only type checkers see.

    What is imported by a name in a string, as ``importlib`` does, is not seen.
    """

    def __init__(self, name, is_package, modules):
        self.place = ["npdigits", *(name.split(".") if name else [])]
        self.place = self.place if is_package else self.place[:-1]
        self.modules, self.found = modules, set()

    def visit_If(self, node):
        checked = ast.unparse(node.test) in ("TYPE_CHECKING", "typing.TYPE_CHECKING")
        for statement in [*([] if checked else node.body), *node.orelse]:
            self.visit(statement)

    def visit_Import(self, node):
        for alias in node.names:
            self.add(alias.name)

    def visit_ImportFrom(self, node):
        above = self.place[: len(self.place) + 1 - node.level] if node.level else []
        source = ".".join([*above, *([node.module] if node.module else [])])
        for alias in node.names:
            self.add(f"{source}.{alias.name}", source)

    def add(self, *names):
        """Add the first of these names that is a module of the package."""
        for name in names:
            package, _, module = name.partition(".")
            if package == "npdigits" and module in self.modules:
                self.found.add(module)
                return


def imports_in(package):
    """Return each module's imports of modules of the package."""
    modules = modules_of(package)
    return {
        name: imports_of(name, file.name == "__init__.py", file.read_text(encoding="utf-8"), frozenset(modules))
        for name, file in modules.items()
    }


@functools.cache  # most modules of a copy are those of the package
def imports_of(name, is_package, text, modules):
    """Return what a module of this text imports, of these modules."""
    visitor = Imports(name, is_package, modules)
    visitor.visit(ast.parse(text))
    return visitor.found - {name}


def wrong_imports(graph):
    """Return the imports that go against the order of the house, "module -> module" each."""
    wrong = set()
    for name, imported in graph.items():
        room = name.partition(".")[0]
        for other in imported:
            inside = other.partition(".")[0] in {room, *MAY_IMPORT.get(room, ())}
            main = name.endswith("__main__") and other == name.replace("__main__", "command")
            if (other in PROGRAMS and not main) or not (inside or name in PROGRAMS):
                wrong.add(f"{name} -> {other}")
    return wrong


def circle_in(graph):
    """Return the modules of a circle of imports, the first one last as well; none if there is none."""
    try:
        list(graphlib.TopologicalSorter(graph).static_order())
    except graphlib.CycleError as error:
        return error.args[1]
    return []


def test_every_module_stands_in_a_room_of_the_house():
    modules = modules_of(PACKAGE)
    assert modules.keys() > PROGRAMS
    assert {name.partition(".")[0] for name in modules.keys() - PROGRAMS} == MAY_IMPORT.keys()


def test_imports_go_in_one_direction_only_and_nothing_imports_a_program():
    assert wrong_imports(imports_in(PACKAGE)) == set()


def test_no_imports_go_round_in_a_circle():
    assert circle_in(imports_in(PACKAGE)) == []


@pytest.mark.parametrize(
    ("file", "added", "wrong"),
    [
        ("nn/costs.py", "from npdigits.training.stopping import MIN_DELTA", "nn.costs -> training.stopping"),
        ("data/idx.py", "from npdigits.nn import costs", "data.idx -> nn.costs"),
        ("base/text.py", "def late():\n    import npdigits.runs.report", "base.text -> runs.report"),
        ("runs/results.py", "from npdigits import plots", "runs.results -> plots"),
        ("runs/find.py", "from ..compare.rows import Row", "runs.find -> compare.rows"),
        ("sweeps/progress.py", "from npdigits.export.page import page", "sweeps.progress -> export.page"),
        ("export/page.py", "from npdigits.export import command", "export.page -> export.command"),
        ("predict.py", "from npdigits import evaluate", "predict -> evaluate"),
        ("base/clock.py", "if TYPE_CHECKING:\n    import npdigits.train", None),
        ("compare/page.py", "from npdigits.runs.find import find_runs", None),
    ],
)
def test_a_wrong_import_is_found(tmp_path, file, added, wrong):
    package = shutil.copytree(PACKAGE, tmp_path / "npdigits", ignore=shutil.ignore_patterns("__pycache__", "conf"))
    with (package / file).open("a", encoding="utf-8") as end:
        end.write(f"\n\n{added}\n")
    assert wrong_imports(imports_in(package)) - wrong_imports(imports_in(PACKAGE)) == ({wrong} if wrong else set())


def test_a_circle_is_found(tmp_path):
    for name, content in (("a", "import npdigits.b"), ("b", "def late():\n    from npdigits import c"), ("c", "")):
        (tmp_path / f"{name}.py").write_text(content)
    assert circle_in(imports_in(tmp_path)) == []
    (tmp_path / "c.py").write_text("from npdigits.a import d")
    assert sorted(set(circle_in(imports_in(tmp_path)))) == ["a", "b", "c"]


def test_files_and_functions_are_short():
    long = []
    for file in modules_of(PACKAGE).values():
        text = file.read_text(encoding="utf-8")
        if (n := len(text.splitlines())) > MOST_LINES:
            long.append(f"{file.relative_to(PACKAGE)}: {n} lines")
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.end_lineno is not None:
                n = node.end_lineno - node.lineno + 1
                if n > MOST_LINES_OF_A_FUNCTION:
                    long.append(f"{file.relative_to(PACKAGE)}: {node.name}: {n} lines")
    assert long == []
