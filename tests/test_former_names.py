"""What was written or pickled before the modules were put into packages goes on."""

import importlib
import pickle
import warnings
from pathlib import Path

import numpy as np
import pytest
from made import output_of, start_python

from npdigits import former_names
from npdigits.base.errors import ConfigError
from npdigits.sweeps.launcher import Place

FORMER = Path(__file__).parent / "former"


def test_an_estimator_that_version_0_1_pickled_predicts_as_it_did():
    # A fresh process: nothing has been imported that the pickle names. Trained and pickled by commit e4f6fae.
    code = f"""
import pickle, warnings
from pathlib import Path
warnings.simplefilter("ignore")  # scikit-learn's, of its own version
print(pickle.loads(Path({str(FORMER / "classifier.pkl")!r}).read_bytes()).predict_proba(
    __import__("numpy").load({str(FORMER / "classifier.npz")!r})["x"]).tolist())
"""
    p = np.array(eval(output_of(start_python(code))))
    np.testing.assert_allclose(p, np.load(FORMER / "classifier.npz")["p"], rtol=1e-5)


def test_the_pickled_estimator_can_be_asked_and_pickled_again():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        estimator = pickle.loads((FORMER / "classifier.pkl").read_bytes())
    assert estimator.get_params()["hidden"] == (5,)
    again = pickle.loads(pickle.dumps(estimator))
    x = np.load(FORMER / "classifier.npz")["x"]
    assert (again.predict_proba(x) == estimator.predict_proba(x)).all()


@pytest.mark.parametrize(("former", "today"), former_names.NAMES.items())
def test_a_former_name_is_the_same_module(former, today):
    module = importlib.import_module(f"npdigits.{former}")
    assert module is importlib.import_module(f"npdigits.{today}")
    assert module.__name__ == module.__spec__.name == f"npdigits.{today}"


def test_the_documented_api_of_version_0_1_goes_on():
    code = "from npdigits.cli import compose; from npdigits.train import run; print(compose(['hidden=3']).hidden, run)"
    assert output_of(start_python(code)).startswith("(3,) <function run")


def test_what_a_module_that_is_now_a_package_had_is_found_there_when_asked_for():
    code = """
import sys, npdigits.data
assert "npdigits.data.sets" not in sys.modules
from npdigits.data import Data, Split, data_root, hold_out, load
from npdigits.data import sets
assert (Data, Split, data_root, hold_out, load) == (
    sets.Data, sets.Split, sets.data_root, sets.hold_out, sets.load)
print(hasattr(npdigits.data, "lode"))
"""
    assert output_of(start_python(code)).split() == ["False"]


def test_a_launchers_file_may_name_the_place_of_version_0_1():
    assert Place.of({"_target_": "npdigits.launcher.Place", "workers": 2}) == Place(workers=2)
    with pytest.raises(
        ConfigError, match=r"^hydra\.launcher\._target_=npdigits\.launcher\.Other: allowed is npdigits\."
    ):
        Place.of({"_target_": "npdigits.launcher.Other"})


def test_a_name_that_never_was_is_unknown():
    with pytest.raises(ModuleNotFoundError, match=r"npdigits\.netwrok"):
        importlib.import_module("npdigits.netwrok")
