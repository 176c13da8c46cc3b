"use strict";
// What is inside the network now: distributions, units that no longer learn, and in words what goes wrong.

const Inside = (() => {
  const BINS = 41;
  // A unit is flat at a digit where f′ is below FLAT of the most that f′ can be. It is saturated if it is flat at this
  // share of the digits, and dead if at all of them.
  const FLAT = 0.05, MOSTLY = 0.95, MOST_SLOPE = { sigmoid: 0.25 };
  const SATURATES = ["tanh", "sigmoid"];
  // The cost of guessing among ten, and how near to it is "hardly left".
  const GUESSING = Math.log(10), HARDLY = 0.1, EPOCHS = 3;
  // Known by heart: so much of the training set is read right, and so much less of the validation set.
  const HEART = 0.99, FAR = 0.05;

  // Counts of the values, zeros apart: { counts, low, high, zeros: their share }. The range is symmetric about 0 and ends
  // at a round number, so that it seldom jumps.
  function distribution(values, range = null) {
    let most = 0, zeros = 0;
    for (let i = 0; i < values.length; i++) {
      most = Math.max(most, Math.abs(values[i]));
      zeros += values[i] === 0;
    }
    if (!Number.isFinite(most)) return null;
    const high = range ? range[1] : roundUp(most), low = range ? range[0] : -high, counts = new Uint32Array(BINS);
    for (let i = 0; i < values.length; i++)
      if (values[i] !== 0) counts[Math.min(Math.floor((values[i] - low) / (high - low) * BINS), BINS - 1)]++;
    return { counts, low, high, zeros: values.length ? zeros / values.length : 0 };
  }

  // The next of … 0.1, 0.2, 0.5, 1, 2, 5 …
  function roundUp(x) {
    if (!(x > 0)) return 1;
    const power = 10 ** Math.floor(Math.log10(x));
    return [1, 2, 5, 10].map((k) => k * power).find((end) => x <= end) || 10 * power;
  }

  // Of each hidden unit "", "dead" or "saturated", on the digits of a pass.
  function states(network, pass) {
    const { hidden, slope, activation } = network, limit = FLAT * (MOST_SLOPE[activation] || 1);
    return Array.from({ length: hidden }, (_, u) => {
      let flat = 0;
      for (let i = u; i < pass.n * hidden; i += hidden) flat += Math.abs(slope(pass.z[i], pass.a[i])) < limit;
      if (SATURATES.includes(activation)) return flat >= MOSTLY * pass.n ? "saturated" : "";
      return flat === pass.n ? "dead" : "";
    });
  }

  function allEqual({ hidden, parameters: { W1, W2, b1 } }) {
    if (hidden < 2) return false;
    const equal = (w) => w.every((value, i) => value === w[i - i % hidden]);
    return equal(b1) && equal(W1) && equal(W2);
  }

  // What goes wrong, the worst first: [{ kind, text }, …]. `first` is the training cost at the beginning.
  function diagnoses(trainer, first, train, val, states) {
    const { network, settings, failed, batches, epochs } = trainer, n = network.hidden;
    const count = (state) => states.filter((one) => one === state).length, of = (k) => `${k} of ${n} hidden units`;
    const smaller = `a smaller learning rate, such as ${Number((settings.lr / 10).toPrecision(1))}`;
    if (failed)
      return [{ kind: "infinite", text: `At batch ${batches + 1} the ${failed} became infinite: the steps were too large. ` +
        `Begin again with ${smaller}.` }];
    if (allEqual(network))
      return [{ kind: "equal", text: `All ${n} hidden units are equal. They get the same gradient, so they will stay equal: ` +
        "begin again with initial weights that are drawn." }];
    return [
      [batches && train.cost > 2 * Math.max(first, GUESSING), "rising",
        `The cost is far higher than at the beginning: the steps are too large. Begin again with ${smaller}.`],
      [2 * count("dead") >= n, "dead",
        `${of(count("dead"))} are dead: for every digit they are where the slope is all but zero, so they hardly learn any more. ` +
        "A smaller learning rate may keep them alive."],
      [2 * count("saturated") >= n, "saturated",
        `${of(count("saturated"))} are saturated: at an end of their range, where the slope is all but zero, so they learn slowly. ` +
        "Smaller initial weights or a smaller learning rate help."],
      [epochs >= EPOCHS && train.cost > GUESSING - HARDLY, "stuck",
        "The cost is still about 2.30 or more, which guessing gives: it learns too slowly, or not at all. " +
        `Try another learning rate${settings.l2 || settings.weight_decay ? ", or a smaller penalty of the weights" : ""}.`],
      [train.accuracy >= HEART && train.accuracy - val.accuracy >= FAR, "by heart",
        "It knows the training digits by heart, and reads new ones less well: overfitting. " +
        "Fewer hidden units or some L2 may help."],
    ].filter(([applies]) => applies).map(([, kind, text]) => ({ kind, text }));
  }

  return { distribution, states, allEqual, diagnoses };
})();
