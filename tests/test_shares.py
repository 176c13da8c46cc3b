"""Shares of a variance: against least squares, against SciPy, and where nothing can be told."""

import itertools
import math

import numpy as np
import pytest
from scipy import stats

from npdigits.compare.designs import encode, find_all_different, find_crossing, find_line
from npdigits.compare.shares import _analyse as analyse
from npdigits.compare.shares import crossed, deviation, variance_ratio

RNG = np.random.default_rng(4)


def mean_squares_by_least_squares(y):
    """Return set of factors -> (mean square, degrees of freedom), of fits with and without its dummies; and MS_e."""
    *levels, _ = y.shape
    k, places = len(levels), np.indices(y.shape).reshape(y.ndim, -1)
    sets = [some for size in range(k + 1) for some in itertools.combinations(range(k), size)]

    def fit(some):
        columns = []
        for one in some:
            name = np.zeros(y.size, int)
            for i in one:
                name = name * levels[i] + places[i]
            columns.append(np.eye(name.max() + 1)[name])
        design = np.hstack(columns)
        solution, _, rank, _ = np.linalg.lstsq(design, y.ravel(), rcond=None)
        return ((y.ravel() - design @ solution) ** 2).sum(), rank

    found = {}
    for some in sets[1:]:
        below = [other for other in sets if set(other) < set(some)]
        (without, rank_without), (with_it, rank_with) = fit(below), fit([*below, some])
        found[some] = (without - with_it) / (rank_with - rank_without), rank_with - rank_without
    rest, rank = fit(sets)
    return found, (rest / (y.size - rank) if y.size > rank else None)


@pytest.mark.parametrize("shape", [(3, 4, 1), (4, 3, 2), (3, 3, 4, 1), (2, 3, 4, 3)])
def test_mean_squares_and_components_are_those_of_least_squares(shape):
    y = RNG.normal(size=shape) + 3 * RNG.normal(size=(shape[0], *[1] * (len(shape) - 1)))
    squares, degrees, solve = analyse(y)
    reference, within = mean_squares_by_least_squares(y)
    assert np.allclose(squares[: len(reference)], [square for square, _ in reference.values()], rtol=1e-9)
    assert degrees[: len(reference)].tolist() == [df for _, df in reference.values()]
    assert (within is None) == (shape[-1] == 1) and (within is None or math.isclose(squares[-1], within))
    # E[MS_S] by its definition, solved for the components.
    sets, r, k = list(reference), shape[-1], len(shape) - 1
    expected = np.zeros((len(sets), len(sets)))
    for (i, some), (j, other) in itertools.product(enumerate(sets), enumerate(sets)):
        if set(some) <= set(other):
            expected[i, j] = r * math.prod(shape[f] for f in range(k) if f not in other)
    found = np.linalg.solve(expected, squares[: len(sets)] - (within or 0))
    assert np.allclose((solve @ squares)[: len(sets)], found, rtol=1e-9, atol=1e-12)
    main, others = found[:k].clip(0), max(found[k:].sum() + (within or 0), 0)
    got = crossed(y)
    assert np.allclose([one.value for one in got.deviations[:-1]], np.sqrt([*main, others]))
    assert np.allclose([one.value for one in got.shares], np.array([*main, others]) / (main.sum() + others))
    assert all(one.low <= one.high and one.low >= 0 and one.high <= 1 for one in got.shares)


def test_single_sources_have_the_intervals_of_scipy():
    for n, m in [(3, 10), (10, 3), (30, 30)]:
        x, y = RNG.normal(size=n), RNG.normal(size=m)
        s, found = x.std(ddof=1), deviation(x)
        ends = s * np.sqrt((n - 1) / stats.chi2.ppf([0.975, 0.025], n - 1))
        assert np.allclose(found, [s, *ends], rtol=1e-9)
        ratio = x.var(ddof=1) / y.var(ddof=1)
        assert np.allclose(
            variance_ratio(x, y), [ratio, *(ratio / stats.f.ppf([0.975, 0.025], n - 1, m - 1))], rtol=1e-9
        )
    assert math.isnan(deviation([1.0]).value) and math.isnan(variance_ratio([1.0, 2.0], [3.0, 3.0]).value)
    same = crossed(np.ones((3, 3, 1)))
    assert [one.value for one in same.deviations] == [0, 0, 0, 0] and all(math.isnan(one.value) for one in same.shares)


def test_known_components_are_found_and_mostly_held():
    truth, held, values = np.array([4, 1, 1]) / 6, np.zeros(3), np.zeros(3)
    for _ in range(60):
        y = 2 * RNG.normal(size=(6, 1)) + RNG.normal(size=(1, 6)) + RNG.normal(size=(6, 6))
        found = crossed(y[..., None]).shares
        values += [one.value for one in found]
        held += [one.low <= part <= one.high for one, part in zip(found, truth, strict=True)]
    assert np.allclose(values / 60, truth, atol=0.1) and held.min() >= 52  # of 60: 57 are expected, sd 1.7


def test_designs_are_found_among_other_runs():
    cube = list(itertools.product(range(4), range(3), range(3)))
    star = [(0, 0, k) for k in range(3, 9)] + [(k, 0, 0) for k in range(4, 12)]
    seeds = [(k, k, k) for k in range(3, 10)]
    runs = [*seeds, *star, *cube]
    codes = encode(list(zip(*runs, strict=True)))
    found = find_crossing(codes)
    assert found.factors == (0, 1, 2) and found.runs.shape == (4, 3, 3, 1)
    assert sorted(runs[i] for i in found.runs.ravel()) == cube
    cells = found.runs[..., 0]
    for axis in range(3):  # each axis is one source's values
        for values in np.moveaxis(cells, axis, 0):
            assert len({runs[i][axis] for i in values.ravel()}) == 1
    assert [runs[i] for i in find_line(codes, 0)] == [
        *[(k, 0, 0) for k in range(4, 12)],
        *[(k, 0, 0) for k in range(4)],
    ]
    different = [runs[i] for i in find_all_different(codes)]
    assert set(seeds) <= set(different) and all(
        len(set(column)) == len(different) for column in zip(*different, strict=True)
    )
    # One run of the cube lacks: a value is left out with all its runs, and with too few left nothing is said.
    lacking = encode(list(zip(*cube[1:], strict=True)))
    assert find_crossing(lacking).runs.shape == (3, 3, 3, 1)
    assert (
        find_crossing(encode(list(zip(*[run for run in cube if run not in ((0, 0, 0), (1, 1, 1))], strict=True))))
        is None
    )
    assert find_crossing(encode(list(zip(*star, strict=True)))) is None


def test_a_crossing_has_the_same_number_of_runs_in_each_cell():
    pairs = list(itertools.product(range(3), range(3)))
    assert find_crossing(encode(list(zip(*pairs, *pairs, strict=True)))).runs.shape == (3, 3, 2)
    assert find_crossing(encode(list(zip(*pairs, *pairs, pairs[0], strict=True)))) is None
    fixed = [(a, 7, b) for a, b in pairs]
    assert find_crossing(encode(list(zip(*fixed, strict=True)))).factors == (0, 2)
