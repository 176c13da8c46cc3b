"""The estimator: scikit-learn's own checks, the same bits as a run's, and what it refuses."""

import dataclasses
import os
import pickle
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import hydra
import numpy as np
import pandas as pd
import pytest
import yaml
from made import REPOSITORY, digits, write_set
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.ensemble import BaggingClassifier, StackingClassifier, VotingClassifier
from sklearn.model_selection import GridSearchCV, RepeatedKFold, cross_val_score, cross_validate
from sklearn.multiclass import OutputCodeClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_info

import npdigits
from npdigits import classifier
from npdigits.base import blas, portable
from npdigits.base.npz import read_npz
from npdigits.config.compose import compose, defaults, version_base
from npdigits.config.conf_files import CONF
from npdigits.config.schema import parse_config
from npdigits.data.samples import flatten_images
from npdigits.data.sets import make_data
from npdigits.forms.found import Meaning
from npdigits.forms.value_range import to_bytes
from npdigits.train import run

# Keys of a run that decide nothing of what is learned, or where digits come from.
NOT_PARAMETERS = {
    *("data", "name", "workers", "out", "resume", "plots", "track", "inspect", "history", "quiet", "score_size"),
    *("metrics", "check_gradient", "trust"),
}
TRAIN, TEST = digits(600, seed=5), digits(100, seed=4)  # the halves of write_set


@pytest.fixture(scope="module")
def a_run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    config = compose(["data=idx", f"data.dir={write_set(folder / 'set')}", "epochs=6", "plots=false", "quiet=true"])
    run(config, folder / "run")
    return folder / "run"


CHECKS = """
import sys
from sklearn.utils.estimator_checks import check_estimator
from npdigits import Classifier
results = check_estimator(Classifier())
assert len(results) > 50 and {one["status"] for one in results} == {"passed"}, results
assert not any(one["expected_to_fail"] for one in results)
"""


def test_scikit_learns_own_checks_pass_in_full():
    # Without the variable the check of array API input would be skipped.
    environment = os.environ | {"SCIPY_ARRAY_API": "1"}
    subprocess.run([sys.executable, "-c", CHECKS], env=environment, check=True)


def test_parameters_and_defaults_are_those_of_a_run():
    defaults = compose().as_dict()
    ours = npdigits.Classifier().get_params()
    assert ours.pop("own") is None  # numbers of own components, which have keys of their own
    assert ours.pop("random_state") is None  # scikit-learn's name of the seed, which runs do not have
    assert set(ours) == set(defaults) - NOT_PARAMETERS
    written = yaml.safe_load((REPOSITORY / "conf" / "train.yaml").read_text(encoding="utf-8"))
    for name, value in ours.items():
        assert value == (tuple(written[name]) if isinstance(written[name], list) else written[name]), name


def test_the_defaults_are_read_without_hydra_as_hydra_composes_them():
    assert parse_config(defaults()) == compose()


def test_fits_in_threads_and_within_another_hydra_program_are_what_they_are_alone(tmp_path):
    """Batches of 128, as of 100 and more two BLAS threads give other bits than one."""
    X, y = load_digits(return_X_y=True)
    folds = [np.random.default_rng(k).permutation(len(y))[:600] for k in range(6)]

    def weights(fold):
        return npdigits.Classifier(epochs=2, hidden=100, batch_size=128).fit(X[fold], y[fold]).weights_

    alone = [weights(fold) for fold in folds]
    with hydra.initialize_config_dir(str(CONF), **version_base()), ThreadPoolExecutor(3) as pool:
        together = list(pool.map(weights, folds))
    for one, other in zip(alone, together, strict=True):
        for w, v in zip(one, other, strict=True):
            np.testing.assert_array_equal(w, v)


def blas_threads():
    return [pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"]


@pytest.mark.parametrize("first_leaves", ["first", "last"])
def test_blas_has_one_thread_while_any_thread_needs_it_and_then_as_many_as_before(first_leaves):
    """Two threads, each in and out at a time of its own; the main thread has used the limit before."""
    with blas.one_thread():
        assert set(blas_threads()) == {1}
    before, seen = blas_threads(), {}
    inside = {name: threading.Event() for name in ("first", "second")}
    leave = {name: threading.Event() for name in ("first", "second")}

    def work(name):
        with blas.one_thread():
            inside[name].set()
            assert leave[name].wait(60)
            seen[name] = blas_threads()

    threads = {name: threading.Thread(target=work, args=[name]) for name in inside}
    for name, thread in threads.items():
        thread.start()
        assert inside[name].wait(60)
    for name in sorted(threads, reverse=first_leaves == "last"):
        leave[name].set()
        threads[name].join()
    assert set(seen["first"]) == set(seen["second"]) == {1}
    assert blas_threads() == before
    with blas.one_thread():
        assert set(blas_threads()) == {1}


def test_fit_and_predict_use_one_blas_thread(monkeypatch):
    seen = []
    monkeypatch.setattr(classifier, "fit", lambda *_: seen.append(threadpool_info()) or iter(()))
    with pytest.raises(AssertionError):
        npdigits.Classifier().fit(np.eye(40), np.arange(40) % 2)
    assert {pool["num_threads"] for pool in seen[0] if pool["user_api"] == "blas"} == {1}


def test_fit_learns_the_same_bits_as_a_run(a_run):
    fitted = npdigits.Classifier(epochs=6).fit(*TRAIN)
    best = read_npz(a_run / "checkpoints" / "best.npz")
    for i, (w, b) in enumerate(zip(fitted.weights_, fitted.biases_, strict=True), start=1):
        assert w.tobytes() == best[f"W{i}"].tobytes() and b.tobytes() == best[f"b{i}"].tobytes()
    assert fitted.n_iter_ == 6 and [one["epoch"] for one in fitted.history_] == list(range(1, 7))
    assert not any("test" in key for key in fitted.history_[0])


def test_a_portable_classifier_is_fitted_portably_or_not_at_all(a_run, monkeypatch):
    """That of a portable run is portable, and so are the copies that scikit-learn makes of it."""
    config = compose([f"data.dir={a_run.parent / 'set'}", "data=idx", "epochs=1", "plots=false", "quiet=true"])
    monkeypatch.setattr(portable, "find_deviation", lambda: "")
    run(dataclasses.replace(config, portable=True), a_run.parent / "portable")
    loaded = npdigits.Classifier.load(a_run.parent / "portable")
    assert loaded.portable is True and clone(loaded).fit(*TRAIN).n_iter_ == 1
    monkeypatch.setattr(portable, "find_deviation", lambda: "NumPy uses X86_V4")
    for refused in (loaded, clone(loaded), npdigits.Classifier(portable=True)):
        with pytest.raises(ValueError, match=r"^portable=true: ") as caught:
            refused.fit(*TRAIN)
        assert not sys.platform.startswith("linux") or "NumPy uses X86_V4" in str(caught.value)
    assert len(loaded.predict(TEST[0])) == 100
    assert loaded.set_params(portable=False).fit(*TRAIN).n_iter_ == 1
    with pytest.raises(ValueError, match=r"^portable=Haswell: allowed is true or false"):
        npdigits.Classifier(portable="Haswell").fit(*TRAIN)


def test_a_run_is_loaded_with_its_network_and_its_settings(a_run):
    loaded = npdigits.Classifier.load(a_run)
    kept = read_npz(a_run / "predictions.npz")
    assert loaded.epochs == 6 and loaded.n_features_in_ == 56 and list(loaded.classes_) == list(range(10))
    for images in (TEST[0], TEST[0].reshape(100, 56)):
        p = loaded.predict_proba(images)
        assert p.tobytes() == kept["probabilities"].tobytes()
        assert np.array_equal(loaded.predict(images), kept["probabilities"].argmax(axis=1))
    np.testing.assert_allclose(loaded.predict_proba(TEST[0] / 255), p, atol=1e-6)
    assert loaded.score(*TEST) == (kept["probabilities"].argmax(axis=1) == TEST[1]).mean()
    again = pickle.loads(pickle.dumps(loaded))
    assert again.predict_proba(TEST[0]).tobytes() == p.tobytes()


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (TEST[0] * 0.99, r"X goes from 0 to 25\d.*: images are bytes 0 … 255, of any type, or floats 0"),
        (TEST[0].astype(np.int64) + 1, r"X goes from 0 to 256: images are bytes"),
        (TEST[0].astype(np.int64) - 1, r"X goes from -1 to 25\d: images are bytes"),
        (TEST[0] / 255 - 0.5, r"X goes from -0.5 to "),
        (TEST[0][:, :, :6], "X holds images of 8 × 6, this network takes images of 8 × 7"),
        (TEST[0].reshape(100, 4, 14), "X holds images of 4 × 14, this network takes images of 8 × 7"),
        (TEST[0].reshape(100, 56)[:, :48], "X has 48 features, but Classifier is expecting 56 features"),
        (TEST[0][0], "X has 7 features, but Classifier is expecting 56 features"),
        (TEST[0][0].ravel(), "Expected 2D array, got 1D array"),
        (TEST[0][None], r"X has dim 4: allowed are \(samples, features\) and \(samples, height, width\)"),
        (np.full((1, 8, 7), np.nan), "NaN"),
        (TEST[0][:0], "0 sample"),
        (TEST[0].astype(str), "could not convert|not.*numeric|dtype"),
    ],
)
def test_images_that_do_not_fit_are_refused(a_run, images, message):
    with pytest.raises(ValueError, match=message):
        npdigits.Classifier.load(a_run).predict(images)


@pytest.mark.parametrize("kind", ["uint8", "int64", "int16", "uint32", "float64", "float32"])
def test_whole_numbers_are_bytes_of_any_type(a_run, kind):
    loaded = npdigits.Classifier.load(a_run)
    expected = loaded.predict_proba(TEST[0]).tobytes()
    flat = TEST[0].reshape(100, 56).astype(kind)
    named = pd.DataFrame(flat, columns=[f"pixel{i}" for i in range(56)])
    for images in (TEST[0].astype(kind), flat, named):
        assert loaded.predict_proba(images).tobytes() == expected
    # One row alone is read as among the others, however little ink is in it.
    assert np.allclose(loaded.predict_proba(flat[3:4]), loaded.predict_proba(TEST[0])[3:4], atol=1e-6)
    fitted = npdigits.Classifier(epochs=1).fit(TRAIN[0].astype(kind), TRAIN[1])
    assert bits(fitted) == bits(npdigits.Classifier(epochs=1).fit(*TRAIN))


@pytest.mark.parametrize("kind", ["uint8", "int64"])
def test_whole_numbers_0_and_1_are_what_the_network_learned_from(a_run, kind):
    drawn = (TEST[0] > 128).astype(kind)
    loaded = npdigits.Classifier.load(a_run)
    with pytest.warns(UserWarning, match=r"X goes from 0 to 1: .* hardly any ink"):
        p = loaded.predict_proba(drawn)
    blank = loaded.predict_proba(np.zeros_like(drawn))
    np.testing.assert_allclose(p, blank, atol=0.05)
    assert (p != blank).any()
    by_floats = npdigits.Classifier(epochs=1).fit(TRAIN[0] > 128, TRAIN[1])
    assert by_floats.predict_proba(drawn).tobytes() == by_floats.predict_proba(TEST[0] > 128).tobytes()
    assert by_floats.predict_proba(drawn).tobytes() == by_floats.predict_proba(drawn.astype(float)).tobytes()
    with pytest.raises(ValueError, match="X goes from 0 to 1 as bytes"):
        npdigits.Classifier(epochs=1).fit((TRAIN[0] > 128).astype(np.uint8), TRAIN[1])


# Stored values of paper and of ink, whether columns come first, and the type.
STORED = {
    "bytes": ((0, 255), False, "uint8"),
    "0 to 16": ((0, 16), False, "float64"),
    "0 to 16 by columns": ((0, 16), True, "int64"),
    "inverted": ((255, 0), False, "int64"),
    "0 to 1": ((0, 1), False, "float32"),
    "decimals 0 to 255": ((0, 255), False, "float32"),
}


@pytest.mark.parametrize("stored", STORED)
def test_a_run_reads_as_it_recorded_and_says_the_labels_of_its_data(tmp_path, stored):
    (paper, ink), transpose, kind = STORED[stored]
    labels = tuple("abcdefghij") if transpose else tuple(range(1, 11))
    meaning = Meaning((8, 7), (float(paper), float(ink)), transpose, labels, tuple(map(str, labels)))
    arrays, kept = {}, {}
    for half, (images, y) in (("train", TRAIN), ("test", TEST)):
        x = paper + images / 255 * (ink - paper)
        x = (x if "decimals" in stored else np.rint(x) if abs(ink - paper) > 1 else x).astype(kind)
        x[0].flat[:2] = paper, ink
        kept[half] = x.transpose(0, 2, 1) if transpose else x
        arrays |= {f"{half}_images": to_bytes(x, *meaning.range), f"{half}_labels": y}
    source = dataclasses.replace(
        make_data("made", "ab", arrays), reading=meaning.as_dict(), classes=tuple(map(str, labels))
    )
    run(compose(["epochs=1", "plots=false", "quiet=true"]), tmp_path / "run", source=source)
    loaded, X = npdigits.Classifier.load(tmp_path / "run"), kept["test"]
    expected = read_npz(tmp_path / "run" / "predictions.npz")["probabilities"]
    assert loaded.image_shape_ == (8, 7) and loaded.classes_.tolist() == list(labels)
    for images in (X, X.reshape(100, 56), pd.DataFrame(X.reshape(100, 56)).add_prefix("pixel")):
        assert loaded.predict_proba(images).tobytes() == expected.tobytes()
    assert loaded.predict(X).tolist() == [labels[i] for i in expected.argmax(axis=1)]
    if ink == 16:
        with pytest.raises(ValueError, match=r"X goes from 0 to 17: .* learned from go from 0 \(paper\) to 16 \(ink\)"):
            loaded.predict(X + (X == 16))
    elif paper == 0:  # floats 0 … 1 and bytes are told by their values, where no other scale was recorded
        np.testing.assert_allclose(loaded.predict_proba(X.astype(float) / ink), expected, atol=1e-3)
        np.testing.assert_allclose(loaded.predict_proba(np.rint(X.astype(float) / ink * 255)), expected, atol=2e-2)
    if transpose:
        with pytest.raises(ValueError, match="X holds images of 8 × 7, this network takes images of 7 × 8"):
            loaded.predict(X.transpose(0, 2, 1))
    assert pickle.loads(pickle.dumps(loaded)).predict_proba(X).tobytes() == expected.tobytes()
    assert loaded.fit(*TRAIN).predict(TEST[0]).dtype == TRAIN[1].dtype  # nothing of the run is left


def test_any_features_and_any_labels():
    X, y = load_digits(return_X_y=True)
    names = np.array(["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"])
    scores = cross_val_score(make_pipeline(StandardScaler(), npdigits.Classifier(epochs=5)), X, names[y], cv=3)
    assert scores.mean() > 0.85  # by chance 0.1
    frame = pd.DataFrame(X, columns=[f"pixel {i}" for i in range(64)])
    fitted = npdigits.Classifier(epochs=2).fit(frame, names[y])
    assert list(fitted.feature_names_in_) == list(frame.columns) and list(fitted.classes_) == sorted(names)


def test_a_search_finds_the_setting_that_learns():
    X, y = load_digits(return_X_y=True)
    grid = {"classifier__hidden": [[12], (20, 10)], "classifier__lr": np.array([1e-6, 0.01])}
    search = GridSearchCV(make_pipeline(StandardScaler(), npdigits.Classifier(epochs=4)), grid, cv=2).fit(X, y)
    assert search.best_params_["classifier__lr"] == 0.01


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"hidden": 0}, "hidden=0: allowed is"),
        ({"optimizer": "adma"}, "optimizer=adma: allowed is one of adamw, adam, sgd, rmsprop, lion; did you mean adam"),
        ({"val_size": 600}, "val_size=600: leaves nothing of the 600"),
        ({"lr": 1e12, "optimizer": "sgd"}, "the cost stopped being finite in epoch 1"),
        ({"augment": "elastic"}, "augment=elastic: allowed with images only"),
    ],
)
def test_parameters_that_are_not_allowed_are_refused_by_name(changes, message):
    X = TRAIN[0].reshape(600, 56).astype(float)
    with pytest.raises(ValueError, match=message):
        npdigits.Classifier(epochs=1, **changes).fit(X, TRAIN[1])


def test_images_can_be_distorted_and_all_samples_used():
    fitted = npdigits.Classifier(epochs=3, augment="elastic", alpha=2, val_size=0).fit(*TRAIN)
    assert fitted.history_[-1]["val_cost"] is None and fitted.n_iter_ == 3
    plain = npdigits.Classifier(epochs=3, val_size=0).fit(*TRAIN)
    assert fitted.weights_[0].tobytes() != plain.weights_[0].tobytes()


def test_a_batch_larger_than_the_set_is_the_set():
    X, y = TRAIN[0][:50], TRAIN[1][:50]
    whole = npdigits.Classifier(epochs=2, batch_size=5_000).fit(X, y)
    same = npdigits.Classifier(epochs=2, batch_size=42).fit(X, y)  # eight of the fifty are held out
    assert whole.weights_[0].tobytes() == same.weights_[0].tobytes()
    assert whole.batch_size == 5_000


def test_a_parameter_set_after_fitting_changes_nothing_until_it_is_fitted_again():
    fitted = npdigits.Classifier(epochs=2).fit(*TRAIN)
    before = fitted.predict_proba(TEST[0])
    fitted.set_params(hidden=3, activation="tanh")
    assert fitted.predict_proba(TEST[0]).tobytes() == before.tobytes()
    assert fitted.fit(*TRAIN).weights_[0].shape == (3, 56)


def test_what_is_bytes_is_grey_and_the_rest_features():
    assert flatten_images([[1, 2], [3, 4]])[1] is None
    flat, shape = flatten_images([[[1, 2, 3], [4, 5, 6]]])
    assert flat.shape == (1, 6) and shape == (2, 3)


def test_the_best_epochs_weights_are_kept_not_the_last_ones():
    keys = {"schedule": "constant", "lr": 0.1, "stop_on": "none", "weight_decay": 0}
    X, y = load_digits(return_X_y=True)
    fitted = npdigits.Classifier(epochs=12, **keys).fit(X, y)
    costs = [one["val_cost"] for one in fitted.history_]
    best = int(np.argmin(costs)) + 1
    assert best < 12
    shorter = npdigits.Classifier(epochs=best, **keys).fit(X, y)
    assert fitted.weights_[0].tobytes() == shorter.weights_[0].tobytes()


def test_features_mean_the_same_whatever_their_type():
    X, y = load_digits(return_X_y=True)
    fitted = [npdigits.Classifier(epochs=3).fit(X.astype(kind), y) for kind in ("float64", "int64", "uint8", "float32")]
    assert len({one.weights_[0].tobytes() for one in fitted}) == 1
    p = fitted[0].predict_proba(X)
    assert all(one.predict_proba(X.astype("uint8")).tobytes() == p.tobytes() for one in fitted)
    with pytest.raises(ValueError, match="X holds images of 8 × 8, this network takes features"):
        fitted[0].predict(X.reshape(-1, 8, 8))


def test_features_too_large_for_the_network_are_refused():
    X, y = load_digits(return_X_y=True)
    fitted = npdigits.Classifier(epochs=1).fit(X, y)
    for call in (fitted.predict, fitted.predict_proba, lambda X: fitted.fit(X, y)):
        with pytest.raises(ValueError, match=r"X holds numbers too large for float32: 3\.4e"):
            call(X * 1e39)


def test_images_mean_the_same_as_bytes_and_as_floats():
    by_bytes = npdigits.Classifier(epochs=3).fit(*TRAIN)
    by_floats = npdigits.Classifier(epochs=3).fit(TRAIN[0] / 255, TRAIN[1])
    np.testing.assert_allclose(by_bytes.predict_proba(TEST[0]), by_floats.predict_proba(TEST[0] / 255), atol=1e-3)
    outside = TEST[0] / 255 + 1e-9  # as rounding leaves it
    assert by_floats.predict_proba(outside).shape == (100, 10)


def test_a_loaded_run_is_shown_as_it_was_typed(a_run):
    loaded = npdigits.Classifier.load(a_run)
    assert (loaded.hidden, loaded.betas, loaded.dropout) == (20, (0.9, 0.999), 0.0)
    assert loaded.random_state is None
    assert loaded.get_params() | {"min_delta": None, "epochs": 20} == npdigits.Classifier().get_params()


X64, Y64 = load_digits(return_X_y=True)


def bits(fitted):
    return b"".join(w.tobytes() for w in (*fitted.weights_, *fitted.biases_))


def small(**changes):
    """Fit 300 digits."""
    return npdigits.Classifier(epochs=1, hidden=5, **changes).fit(X64[:300], Y64[:300])


def test_a_random_state_is_the_seeds_other_name():
    for number in (3, np.int64(3)):
        assert bits(small(random_state=number)) == bits(small(seed=3)) == bits(small(seed=7, random_state=number))
    assert bits(small(random_state=None)) == bits(small()) == bits(small(random_state=0))


@pytest.mark.parametrize("generator", [np.random.RandomState, np.random.default_rng])
def test_of_a_generator_each_fit_draws_a_seed(generator):
    estimator = npdigits.Classifier(epochs=1, hidden=5, random_state=generator(1))
    copy = clone(estimator)
    first, second = (bits(estimator.fit(X64[:300], Y64[:300])) for _ in range(2))
    assert first != second
    assert [bits(copy.fit(X64[:300], Y64[:300])) for _ in range(2)] == [first, second]


@pytest.mark.parametrize("value", [-1, 0.5, "0", True, [1]])
def test_what_is_no_random_state_is_refused_by_that_name(value):
    with pytest.raises(
        ValueError, match=r"random_state=.*: allowed is None, a whole number ≥ 0, a numpy\.random\.Rand"
    ):
        small(random_state=value)


def test_members_of_a_bag_differ_and_are_the_same_again():
    def bag(seed):
        base = npdigits.Classifier(epochs=1, hidden=5)
        return BaggingClassifier(base, n_estimators=5, bootstrap=False, random_state=seed).fit(X64[:300], Y64[:300])

    members = [bits(one) for one in bag(0).estimators_]
    assert len(set(members)) == 5
    assert [bits(one) for one in bag(0).estimators_] == members
    assert not set(members) & {bits(one) for one in bag(1).estimators_}


def test_other_meta_estimators_vary_it_or_leave_it():
    base = npdigits.Classifier(epochs=1, hidden=5)
    both = [("one", base), ("other", clone(base).set_params(random_state=1))]
    for ensemble in (VotingClassifier(both), StackingClassifier(both, base, cv=2)):
        members = ensemble.fit(X64[:300], Y64[:300]).estimators_
        assert [bits(one) for one in members] == [bits(small()), bits(small(seed=1))]
    codes = OutputCodeClassifier(make_pipeline(StandardScaler(), base), random_state=0).fit(X64[:300], Y64[:300])
    assert codes.score(X64[:300], Y64[:300]) > 0.3
    folds = RepeatedKFold(n_splits=2, n_repeats=2, random_state=0)
    fits = cross_validate(base, X64[:300], Y64[:300], cv=folds, return_estimator=True)["estimator"]
    again = cross_validate(base, X64[:300], Y64[:300], cv=folds, return_estimator=True)["estimator"]
    assert [bits(one) for one in fits] == [bits(one) for one in again] and len({bits(one) for one in fits}) == 4
    search = GridSearchCV(base, {"random_state": [0, 1]}, cv=2).fit(X64[:300], Y64[:300])
    assert bits(search.best_estimator_) == bits(small(**search.best_params_))


def test_what_was_pickled_before_there_was_a_random_state_goes_on():
    fitted = small()
    content = {name: value for name, value in vars(fitted).items() if name != "random_state"}
    old = npdigits.Classifier.__new__(npdigits.Classifier)
    old.__setstate__(content)
    assert old.get_params() == fitted.get_params()
    assert old.predict_proba(X64).tobytes() == fitted.predict_proba(X64).tobytes()
    assert bits(clone(old).fit(X64[:300], Y64[:300])) == bits(old.fit(X64[:300], Y64[:300])) == bits(fitted)
