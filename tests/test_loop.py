"""Training: determinism, the best epoch, stopping, divergence, and the guard against choosing by test data."""

import dataclasses
import math

import numpy as np
import pytest

from npdigits.base.choice import assemble
from npdigits.base.random import stream
from npdigits.data.augmentation import DistortionRanges
from npdigits.data.sets import Split
from npdigits.nn import plain
from npdigits.nn.activations import ACTIVATIONS
from npdigits.nn.initializers import initialize
from npdigits.nn.network import Network, Parameters
from npdigits.nn.optimizers import SGD, Adam
from npdigits.nn.schedules import constant, exponential
from npdigits.training.loop import fit, start_workers
from npdigits.training.passes import Diverged
from npdigits.training.scoring import probabilities, score
from npdigits.training.state import Recipe, State
from npdigits.training.stopping import STOPPING_RULES, variance_of_last

SIZES = (16, 6, 3)


def digits(n, seed, noise=60):
    """Return a split of 4 × 4 pictures of three classes, hard enough that no network learns it at once."""
    rng = np.random.default_rng(seed)
    prototypes = np.random.default_rng(99).integers(0, 256, (3, 16))
    labels = rng.integers(0, 3, n)
    images = np.clip(prototypes[labels] + rng.normal(0, noise * 3, (n, 16)), 0, 255).astype(np.uint8)
    return Split(images, labels.astype(np.intp), np.arange(n))


TRAIN, VAL, TEST = digits(300, 1), digits(100, 2), digits(120, 3)


def state(lr_kind=Adam, seed=0, initial=0.5):
    parameters, gradient = Parameters(SIZES), Parameters(SIZES)
    for view, w in zip(parameters.weights, initialize("xavier_he", stream(seed, "initialization"), SIZES), strict=True):
        view[...] = w * initial
    return State(
        Network(parameters, assemble(ACTIVATIONS["leaky_relu"], {"leak": 0.01}), 1 / 255),
        gradient,
        lr_kind(parameters, gradient),
    )


def recipe(**changes):
    plain_recipe = Recipe(
        constant(0.02),
        "none",
        assemble(STOPPING_RULES["none"], {"patience": 1, "min_delta": 0.0, "window": 2}),
        4,
        12,
        32,
        0.0,
        0.0,
        7,
    )
    return dataclasses.replace(plain_recipe, **changes)


def run(train=TRAIN, val=VAL, test=TEST, seed=0, **changes):
    s = state(seed=seed)
    records = list(fit(s, train, val, test, recipe(**changes)))
    assert records == s.history
    return s


def test_the_same_twice_is_the_same_bits():
    a, b = run(), run()
    assert a.history == b.history
    assert a.network.parameters.flat.tobytes() == b.network.parameters.flat.tobytes()


def test_what_others_draw_does_not_matter():
    a = run()
    np.random.default_rng(0).random(10)
    stream(7, "another purpose").random(10)
    assert a.history == run().history


def test_the_seed_matters():
    other_order = list(fit(state(), TRAIN, VAL, TEST, recipe(seed=8)))
    other_weights = list(fit(state(seed=1), TRAIN, VAL, TEST, recipe()))
    assert len({str(history) for history in (run().history, other_order, other_weights)}) == 3


def test_it_learns_and_records_what_it_says():
    s = run(schedule=exponential(0.02, 0.9))
    first, last = s.history[0], s.history[-1]
    assert last.train_cost < first.train_cost
    assert last.train_accuracy > 0.7
    assert [r.epoch for r in s.history] == list(range(1, 13))
    assert [r.lr for r in s.history] == pytest.approx([0.02 * 0.9**t for t in range(12)])
    for i, r in enumerate(s.history):
        assert r.gap == r.val_cost - r.train_cost
        assert r.val_cost_variance == variance_of_last([q.val_cost for q in s.history[: i + 1]], 4)
    assert s.stopped_by == "epochs"


def test_three_sets_are_scored_with_the_weights_of_the_epochs_end():
    s = state()
    for r in fit(s, TRAIN, VAL, TEST, recipe(epochs=3)):
        p = s.network.parameters
        weights, biases = [w.astype(float) for w in p.weights], [b.astype(float) for b in p.biases]
        for split, name in ((TRAIN, "train"), (VAL, "val"), (TEST, "test")):
            x = split.images / 255
            cost = plain.mean_cost(weights, biases, x, split.labels)
            assert getattr(r, f"{name}_cost") == pytest.approx(cost, rel=1e-5)
            guesses = plain.forward(weights, biases, x)[0][-1].argmax(axis=1)
            assert getattr(r, f"{name}_accuracy") == (guesses == split.labels).mean()


def test_sgd_epoch_is_the_plain_one():
    """One epoch of small batches against the textbook, the last batch smaller than the rest."""
    s = state(SGD)
    p = s.network.parameters
    weights, biases = [w.astype(float) for w in p.weights], [b.astype(float) for b in p.biases]
    order = stream(7, "shuffle", 1).permutation(len(TRAIN))
    for start in range(0, len(TRAIN), 32):
        rows = order[start : start + 32]
        dw, db = plain.gradient(weights, biases, TRAIN.images[rows] / 255, TRAIN.labels[rows])
        weights = [w * (1 - 0.5 * 0.01) - 0.5 * (g + 0.02 * w) for w, g in zip(weights, dw, strict=True)]
        biases = [b - 0.5 * g for b, g in zip(biases, db, strict=True)]
    plain_weights = weights
    next(fit(s, TRAIN, VAL, TEST, recipe(schedule=constant(0.5), l2=0.02, weight_decay=0.01)))
    for ours, reference in zip(p.weights + p.biases, plain_weights + biases, strict=True):
        np.testing.assert_allclose(ours, reference, rtol=2e-3, atol=2e-4)


def test_the_best_epoch_has_the_lowest_validation_cost_and_its_weights_are_kept():
    s = run(epochs=40, schedule=constant(0.1))
    lowest = min(s.history, key=lambda r: r.val_cost)
    assert s.best_epoch is lowest
    assert lowest.epoch < 40, "the data must make the network overfit for this test to mean anything"
    best = Parameters(SIZES)
    best.flat[:] = s.best
    network = dataclasses.replace(s.network, parameters=best)
    cost, accuracy = score(network, VAL)
    assert (cost, accuracy) == (pytest.approx(lowest.val_cost, rel=1e-6), lowest.val_accuracy)


@pytest.mark.parametrize("rule", ["val_cost", "gap", "variance"])
def test_stopping_is_told_by_the_rule_and_by_the_validation_set_alone(rule):
    threshold = {"val_cost": 0.0, "gap": 0.2, "variance": 1e-4}[rule]
    stopping_rule = assemble(STOPPING_RULES[rule], {"patience": 3, "min_delta": threshold, "window": 4})
    changes = {"stop_on": rule, "stopping_rule": stopping_rule, "epochs": 200, "schedule": exponential(0.1, 0.9)}
    s = run(**changes)
    assert s.stopped_by == rule
    costs, gaps = [r.val_cost for r in s.history], [r.gap for r in s.history]
    stops = [n for n in range(1, len(costs) + 1) if stopping_rule(costs[:n], gaps[:n])]
    assert stops == [len(costs)]


@pytest.mark.parametrize("rule", ["val_cost", "gap", "variance", "none"])
def test_test_data_chooses_nothing(rule):
    """With the test labels permuted all choices stay: the best epoch, when to stop, every weight."""
    permuted = dataclasses.replace(TEST, labels=np.random.default_rng(0).permutation(TEST.labels))
    changes = {
        "stop_on": rule,
        "stopping_rule": assemble(STOPPING_RULES[rule], {"patience": 3, "min_delta": 0.01, "window": 4}),
        "epochs": 30,
    }
    honest, guarded = run(**changes), run(test=permuted, **changes)
    assert honest.history[-1].test_accuracy != guarded.history[-1].test_accuracy
    assert honest.best_epoch.epoch == guarded.best_epoch.epoch
    assert (honest.stopped_by, len(honest.history)) == (guarded.stopped_by, len(guarded.history))
    assert honest.best.tobytes() == guarded.best.tobytes()


def test_without_validation_data_the_last_epoch_is_the_best():
    s = run(val=dataclasses.replace(VAL, rows=VAL.rows[:0]))
    assert s.best_epoch.epoch == 12
    assert s.best.tobytes() == s.network.parameters.flat.tobytes()
    last = s.history[-1]
    assert last.val_cost is last.val_accuracy is last.gap is last.val_cost_variance is None


def test_a_cost_that_is_not_finite_ends_the_run_and_keeps_what_was():
    s = state(SGD)
    rates = [0.02, 0.02, 1e30]
    with pytest.raises(Diverged) as error:
        for _ in fit(s, TRAIN, VAL, TEST, recipe(schedule=lambda epoch: rates[epoch])):
            pass
    assert error.value.epoch == 3
    assert len(s.history) == 2
    assert np.isfinite(s.best).all()
    assert s.stopped_by is None
    two_epochs = state(SGD)
    list(fit(two_epochs, TRAIN, VAL, TEST, recipe(epochs=2)))
    assert s.network.parameters.flat.tobytes() == two_epochs.network.parameters.flat.tobytes()


def test_an_epoch_that_is_cut_short_leaves_no_trace():
    s, whole = state(), run()

    original, calls = s.optimizer.step, 0

    def step(*arguments):
        nonlocal calls
        calls += 1
        if calls == 25:  # in the third epoch, which has ten steps
            raise KeyboardInterrupt
        original(*arguments)

    s.optimizer.step = step
    with pytest.raises(KeyboardInterrupt):
        list(fit(s, TRAIN, VAL, TEST, recipe()))
    assert len(s.history) == 2
    assert s.optimizer.steps == 20
    list(fit(s, TRAIN, VAL, TEST, recipe()))
    assert s.history == whole.history
    assert s.network.parameters.flat.tobytes() == whole.network.parameters.flat.tobytes()


def test_going_on_from_a_state_is_the_run_that_was_never_interrupted():
    whole = run()
    s = state()
    training = fit(s, TRAIN, VAL, TEST, recipe())
    for _ in range(5):
        next(training)
    training.close()
    list(fit(s, TRAIN, VAL, TEST, recipe()))
    assert s.history == whole.history
    assert s.network.parameters.flat.tobytes() == whole.network.parameters.flat.tobytes()


def test_a_splits_rows_are_what_is_trained_on():
    """Rows that are not the split's can hold anything."""
    poisoned = dataclasses.replace(TRAIN, images=TRAIN.images.copy(), rows=TRAIN.rows[:200])
    poisoned.images[200:] = 255
    clean = dataclasses.replace(TRAIN, rows=TRAIN.rows[:200])
    assert run(train=poisoned).history == run(train=clean).history


def test_probabilities_are_in_the_order_of_the_split():
    s = run(epochs=2)
    p = probabilities(s.network, TEST)
    assert p.shape == (120, 3)
    np.testing.assert_allclose(p.sum(axis=1), 1, rtol=1e-5)
    assert (p.argmax(axis=1) == TEST.labels).mean() == s.history[-1].test_accuracy
    cost = -np.log(p[np.arange(120), TEST.labels]).mean()
    assert math.isclose(cost, s.history[-1].test_cost, rel_tol=1e-5)


def test_test_data_that_overflows_stops_nothing():
    """A pixel that is inked in no other set, with a weight that only it can show: the test cost alone is infinite."""
    s = state()
    blank = [dataclasses.replace(split, images=split.images.copy()) for split in (TRAIN, VAL, TEST)]
    for split in blank:
        split.images[:, 0] = 0
    blank[2].images[:, 0] = 255
    s.network.parameters.weights[0][:, 0] = 3e38
    list(fit(s, *blank, recipe(epochs=2)))
    assert len(s.history) == 2
    assert not math.isfinite(s.history[-1].test_cost)


REGULARIZED = {
    "dropout": (0.4,),
    "input_dropout": 0.2,
    "max_norm": 0.8,
    "augment": DistortionRanges(rotation=15, scale=0.1, shift=0.5, alpha=2.0, sigma=2.0),
    "added_strokes": 0.7,
    "image_shape": (4, 4),
}


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("batch_size", [4, 32])  # by two they are shared by units, by images
def test_what_is_drawn_while_training_is_drawn_again_the_same(threads, batch_size):
    a, b = (run(threads=threads, batch_size=batch_size, **REGULARIZED) for _ in range(2))
    assert a.history == b.history
    assert a.network.parameters.flat.tobytes() == b.network.parameters.flat.tobytes()
    assert a.history[-1].train_cost < math.log(3)  # less than knowing nothing


@pytest.mark.parametrize("name", ["dropout", "input_dropout", "augment", "added_strokes"])
def test_each_is_drawn_from_the_seed_and_anew_for_each_epoch(name):
    changes = {name: REGULARIZED[name], "image_shape": (4, 4)}
    assert run(**changes).history != run().history
    # Two epochs from the same weights in the same order of images differ by what was drawn for them alone.
    first, second = (state() for _ in range(2))
    for s, epoch in ((first, 1), (second, 2)):
        with pytest.MonkeyPatch.context() as patch:
            same_order = lambda seed, purpose, n: stream(seed, purpose, 1 if purpose == "shuffle" else n)  # noqa: E731
            patch.setattr("npdigits.training.passes.stream", same_order)
            with start_workers(s, {"train": TRAIN}, recipe(**changes)) as workers:
                workers.call("train", epoch, 0.02)
    assert (first.network.parameters.flat != second.network.parameters.flat).any()


def test_nothing_is_left_out_or_distorted_when_a_set_is_scored():
    s = state()
    with start_workers(s, {"val": VAL}, recipe(**REGULARIZED)) as workers:
        assert workers.call("score", "val") == workers.call("score", "val")
        ((cost, correct, _),) = workers.call("score", "val")
    with start_workers(s, {"val": VAL}, recipe()) as workers:
        assert workers.call("score", "val") == [(cost, correct, None)]


@pytest.mark.parametrize("threads", [1, 2])
def test_max_norm_holds_after_every_step_for_hidden_units_alone(threads):
    s = run(max_norm=0.3, threads=threads)
    hidden, output = (np.linalg.norm(w, axis=1) for w in s.network.parameters.weights)
    assert hidden.max() <= 0.3 * (1 + 1e-5) and output.max() > 0.3


def test_of_the_training_digits_the_first_alone_can_be_scored_and_training_stays_the_same():
    whole, some = run(), run(score_size=90)
    assert whole.network.parameters.flat.tobytes() == some.network.parameters.flat.tobytes()
    cost, accuracy = score(some.network, TRAIN.first(90))
    last = some.history[-1]
    assert (last.train_cost, last.train_accuracy) == (pytest.approx(cost, rel=1e-12), accuracy)
    assert last.gap == pytest.approx(last.val_cost - cost)
    assert whole.history[-1].train_cost != last.train_cost
    assert (last.val_cost, last.test_cost) == (whole.history[-1].val_cost, whole.history[-1].test_cost)
