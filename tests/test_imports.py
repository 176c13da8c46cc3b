"""What a process imports, and so how fast it starts: checked in a fresh one."""

import sys

import pytest
from made import REPOSITORY, output_of, start_python, write_set

LOADED = "*sorted({name.partition('.')[0] for name in sys.modules})"
NN = [f"npdigits.nn.{path.stem}" for path in sorted((REPOSITORY / "npdigits" / "nn").glob("[!_]*.py"))]
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
