"""Right answers to the lessons, and wrong ones as learners write them, with what they are to be told."""

import itertools
import math
import sys

import numpy as np
from PIL import Image


def unit(image, weights, bias):
    return (image * weights).sum() + bias


def backwards(x, y, W1, b1, W2, b2, *, t=True, slope=True, sign=1):
    a = np.tanh(W1 @ x + b1)
    e = np.exp(W2 @ a + b2)
    d2 = sign * e / e.sum()
    if t:
        d2[y] -= sign
    d1 = W2.T @ d2
    if slope:
        d1 = d1 * (1 - a**2)
    return np.outer(d1, x), d1, np.outer(d2, a), d2


def beginnings(rng, n_out, n_in):
    return rng.normal(0, 1 / math.sqrt(n_in), (n_out, n_in))


def downhill(slope, start, lr, steps, *, sign=-1, at_start=False, factor=None):
    places = [start]
    for _ in range(steps):
        places.append(places[-1] + sign * (factor or lr) * slope(start if at_start else places[-1]))
    return places


def stopping(costs, patience, *, late=0):
    best = 0
    for i, cost in enumerate(costs):
        if cost < costs[best]:
            best = i
        if i - best >= patience + late:
            return i + 1, best + 1
    return len(costs), best + 1


def seeds(a, b, *, size=abs, strict=False, room=1e-9):
    d = [x - y for x, y in zip(a, b, strict=True)]
    seen, count = size(sum(d)), 0
    for signs in itertools.product([1, -1], repeat=len(d)):
        other = size(sum(s * x for s, x in zip(signs, d, strict=True)))
        count += other > seen + room if strict else other >= seen - room
    return count / 2 ** len(d)


def softsign(z):
    return z / (1 + abs(z))


def d_softsign(z, a):
    return 1 / (1 + abs(z)) ** 2


def relu(z):
    return np.maximum(z, 0)


def step(theta, g, *, lr):
    return theta - lr * g


def momentum(theta, g, m, *, lr):
    m = 0.9 * m + g
    return theta - lr * m, m


def in_place(theta, g, *, lr):
    theta -= lr * g
    return theta


def handwriting(picture, *, invert=True, cut=True, side=20, at=None, squeeze=False, veil=False):
    ink = 255.0 - picture if invert else picture.astype(float)
    dark = picture < (int(picture.max()) + int(picture.min())) / 2
    if cut:
        rows, columns = np.flatnonzero(dark.any(axis=1)), np.flatnonzero(dark.any(axis=0))
        box = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
        ink, dark = ink[box], dark[box]
    if not veil and invert:
        ink = np.where(dark, 255.0, 0.0)
    high, wide = ink.shape
    factor = side / max(high, wide)
    size = (side, side) if squeeze else (max(1, round(wide * factor)), max(1, round(high * factor)))
    small = np.asarray(Image.fromarray(ink.astype(np.uint8)).resize(size, Image.Resampling.BOX))
    result = np.zeros((28, 28)) if invert else np.full((28, 28), float(picture.max()))
    if veil:
        result += 255.0 - picture.max()
    top, left = at or ((28 - size[1]) // 2, (28 - size[0]) // 2)
    result[top : top + size[1], left : left + size[0]] = small
    return result


# lesson -> the functions of a right answer
RIGHT = {
    1: (unit,),
    2: (backwards,),
    3: (beginnings,),
    4: (downhill,),
    5: (stopping,),
    6: (seeds,),
    7: (softsign, d_softsign, step),
    8: (handwriting,),
}


def with_(function, **changes):
    """Return the function with other keywords, taking what the lesson asks for."""

    def changed(*arguments):
        return function(*arguments, **changes)

    return changed


def _zeros(rng, n_out, n_in):
    return np.zeros((n_out, n_in))


def _rows(rng, n_out, n_in):
    return np.tile(rng.normal(0, 1 / math.sqrt(n_in), n_in), (n_out, 1))


# (lesson, functions, what stands in the line)
WRONG = [
    (1, (lambda image, weights, bias: None,), "returned None"),
    (1, (lambda image, weights, bias: image * weights + bias,), "a number for each pixel"),
    (1, (lambda image, weights, bias: (image * weights).sum(),), "the bias is missing"),
    (1, (lambda image, weights, bias: (image * weights + bias).sum(),), "for every pixel"),
    (1, (lambda image, weights, bias: (image * weights).mean() + bias,), "the mean"),
    (1, (lambda image, weights, bias: max(0, unit(image, weights, bias)),), "what is negative became 0"),
    (1, (lambda image, weights, bias: image.sum() + bias,), "the network computes"),
    (1, (lambda image, weights: 0,), "it is called as <lambda>(image, weights, bias)"),
    (1, (7,), "int 7, not a function"),
    (1, (lambda image, weights, bias: 1 / 0,), "stopped in line"),
    (1, (lambda image, weights, bias: "seven",), "one number is asked for"),
    (1, (lambda image, weights, bias: image @ weights[:2, :1],), "do not fit together; print"),
    (
        1,
        (lambda image, weights, bias: image.reshape(-1)[:6] * np.ones(7),),
        "do not fit together, (6,) and (7,); print",
    ),
    (1, (lambda image, weights, bias: sys.exit(),), "with SystemExit"),
    (2, (with_(backwards, sign=-1),), "every sign is the other way round"),
    (2, (with_(backwards, t=False),), "the 1 of the right class was not subtracted"),
    (2, (with_(backwards, slope=False),), "the slope of tanh is missing"),
    (2, (lambda *given: backwards(*given)[0],), "four arrays"),
    (2, (lambda *given: tuple(one.T for one in backwards(*given)),), "has the shape"),
    (2, (lambda *given: (*backwards(*given)[2:], *backwards(*given)[:2]),), "in another order: return dW1"),
    (2, (lambda *given: backwards(*given)[:3],), "a tuple of 3: an array of shape (3, 4), an array"),
    (2, (lambda *given: (*backwards(*given)[:3], None),), "db2 is None; an array of the shape (2,)"),
    (2, (lambda *given: (*backwards(*given)[:3], 2 * backwards(*given)[3]),), "minus 1 at the place y"),
    (2, (lambda x, y, W1, b1, W2, b2: backwards(x, y, W1, b1, np.ones_like(W2), b2),), "db2: "),
    (2, (lambda *given: (0 * given[2], *backwards(*given)[1:]),), "dW1: db1 is right"),
    (2, (lambda *given: (*backwards(*given)[:2], given[4], backwards(*given)[3]),), "dW2: each weight's slope"),
    (3, (_zeros,), "all weights are 0"),
    (3, (lambda rng, n_out, n_in: np.full((n_out, n_in), 0.1),), "the same number"),
    (3, (_rows,), "two units have the same weights"),
    (3, (lambda rng, n_out, n_in: rng.normal(0, 1, (n_out, n_in)),), "too large"),
    (3, (lambda rng, n_out, n_in: rng.normal(0, 1e-3, (n_out, n_in)),), "too small"),
    (3, (lambda rng, n_out, n_in: rng.random((n_out, n_in)) / n_in**0.5,), "draw as many below 0"),
    (3, (lambda rng, n_out, n_in: np.random.default_rng().normal(0, n_in**-0.5, (n_out, n_in)),), "the same rng gave"),
    (3, (lambda rng, n_out, n_in: np.random.default_rng(0).normal(0, n_in**-0.5, (n_out, n_in)),), "another rng gave"),
    (3, (lambda rng, n_out, n_in: beginnings(rng, n_in, n_out),), "has the shape (784, 20)"),
    (4, (with_(downhill, sign=1),), "uphill"),
    (4, (with_(downhill, at_start=True),), "the slope where you are now"),
    (4, (with_(downhill, factor=1),), "lr is missing"),
    (
        4,
        (lambda *given: downhill(*given)[1:],),
        "of 8 steps it returned 8 places; 9 are asked for, the start is the first",
    ),
    (4, (lambda *given: downhill(*given)[:2],), "of 8 steps it returned 2 places"),
    (4, (lambda *given: downhill(*given)[-1],), "it returned float -0.235"),
    (4, (lambda slope, start, lr, steps: [start] * (steps + 1),), "after the first step it is still at the start"),
    (4, (lambda *given: [round(w, 2) for w in downhill(*given)],), "the places are rounded"),
    (4, (lambda slope, start, lr, steps: [start, *[lr * slope(start)] * steps],), "this is the step alone"),
    (4, (with_(downhill, factor=0.1),), "step 1 begins at 4.991, where the slope is 15.26; with lr = 0.5663 it ends"),
    (4, (lambda *given: [given[1], *enumerate(downhill(*given)[1:])],), "is a list of 9: a float, a tuple"),
    (4, (lambda *given: [[w] for w in downhill(*given)],), "has the shape (9, 1); (9,) is asked for"),
    (4, (lambda slope, start, lr, steps: [0.0, *downhill(slope, start, lr, steps - 1)],), "not the start"),
    (5, (with_(stopping, late=1),), "ends too late"),
    (5, (lambda costs, patience: stopping(costs, patience - 1) if patience > 1 else (1, 1),), "ends too early"),
    (5, (lambda costs, patience: stopping(costs, patience)[::-1],), "the other way round"),
    (5, (lambda costs, patience: tuple(n - 1 for n in stopping(costs, patience)),), "counted from 1"),
    (5, (lambda costs, patience: (stopping(costs, patience)[0], int(np.argmin(costs)) + 1),), "after the end"),
    (5, (lambda costs, patience: stopping(costs, patience)[0],), "two numbers"),
    (6, (with_(seeds, size=lambda x: x),), "one side only"),
    (6, (with_(seeds, strict=True),), "count too"),
    (6, (lambda a, b: 1 - seeds(a, b),), "less far from 0"),
    (6, (lambda a, b: 7.0,), "p is a share"),
    (
        6,
        (lambda a, b: 0.05,),
        "of the 8 ways to sign them 2 have a sum as far from 0, so p is 0.25, not 0.05",
    ),
    (6, (with_(seeds, room=0),), "they differ in the 16th digit"),
    (6, (lambda a, b: seeds(a, b) * 2 ** len(a) / 1024,), "of three there are only 2·2·2 = 8"),
    (6, (lambda a, b: seeds(a, b) / 2,), "one side only"),
    (6, (lambda a, b: seeds(a, b) <= 0.05,), "it returned False; p itself is asked for"),
    (6, (lambda a, b: round(seeds(a, b), 2),), "p is rounded"),
    (6, (lambda a, b: seeds([abs(x - y) for x, y in zip(a, b, strict=True)], [0] * len(a)),), "keeps its sign"),
    (6, (lambda a, b: a - b,), "unsupported operand"),
    (7, (lambda z: 3 * z + 1, lambda z, a: 3 + 0 * z, step), "a straight line"),
    (7, (softsign, lambda z, a: 1 / (1 + abs(z)), step), "rises by"),
    (7, (lambda z: z / (1 + abs(z).max()), d_softsign, step), "each number must be computed for itself"),
    (7, (lambda z: np.log(1 + np.exp(10 * z)), d_softsign, step), "infinite"),
    (7, (softsign, d_softsign, lambda theta, g, *, lr: theta + lr * g), "the cost rises"),
    (7, (softsign, d_softsign, lambda theta, g, *, lr: 1.0 * theta), "leaves theta as it is"),
    (7, (softsign, d_softsign, lambda theta, g, *, lr: theta - 0.01 * g), "lr changes nothing"),
    (7, (softsign, d_softsign, lambda theta, g, *, lr: theta - lr * g / 100), "less than 0.05"),
    (7, (softsign, d_softsign, lambda theta, g, *, lr: (theta - lr * g, 0)), "a tuple of float64"),
    (7, (softsign, d_softsign, in_place), "it changes an array that it was given"),
    (7, (softsign, d_softsign, lambda theta: theta), "allowed is <lambda>(theta, g, "),
    (8, (with_(handwriting, invert=False),), "turn the greys round"),
    (8, (with_(handwriting, cut=False, side=28),), "cut the paper off"),
    (8, (with_(handwriting, side=28),), "with paper around them"),
    (8, (with_(handwriting, at=(0, 0)),), "the middle of the"),
    (8, (with_(handwriting, squeeze=True),), "squeezed"),
    (8, (with_(handwriting, veil=True),), "a grey veil"),
    (8, (lambda picture: handwriting(picture) / 255,), "full ink is 255, not 1"),
    (8, (lambda picture: np.zeros((20, 20)),), "(28, 28) is asked for"),
]
