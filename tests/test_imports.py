"""What a process imports, and so how fast it starts: checked in a fresh one."""

import sys

import pytest
from made import output_of, start_python, write_set

LOADED = "*sorted({name.partition('.')[0] for name in sys.modules})"
MATHEMATICS = ("nn.network", "nn.optimizers", "nn.initializers", "nn.schedules", "training.stopping")
HEAVY = {"torch", "torchvision", "pandas", "mlxtend", "sklearn", "scipy"}


def test_the_mathematics_takes_numpy_and_nothing_more():
    numpy_alone = output_of(start_python(f"import sys, numpy, numpy.random; print({LOADED})"))
    modules = ", ".join(f"npdigits.{name}" for name in MATHEMATICS)
    loaded = output_of(start_python(f"import sys, {modules}; print({LOADED})"))
    new = set(loaded.split()) - set(numpy_alone.split()) - set(sys.stdlib_module_names)
    assert new == {"npdigits"}


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
