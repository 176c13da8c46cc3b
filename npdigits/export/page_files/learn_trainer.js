"use strict";
// The trainer: a batch at a time, as npdigits/training/passes.py. Every epoch draws its order anew, and its last batch
// may be smaller; the learning rate is lr·lr_decay^epoch.

// θ ← θ − step, as npdigits/nn/optimizers.py: name -> (settings, n) -> (θ, g, lr) => update in place.
const OPTIMIZERS = {
  sgd({ momentum }, n) {
    const v = momentum ? new Float64Array(n) : null;
    return (theta, g, lr) => {
      for (let i = 0; i < n; i++) theta[i] -= lr * (v ? v[i] = momentum * v[i] + g[i] : g[i]);
    };
  },
  adam(_, n) {
    const m = new Float64Array(n), v = new Float64Array(n), [beta1, beta2] = [0.9, 0.999], eps = 1e-8;
    let t = 0;
    return (theta, g, lr) => {
      t++;
      const k = lr / (1 - beta1 ** t), r = 1 / (1 - beta2 ** t);
      for (let i = 0; i < n; i++) {
        m[i] = beta1 * m[i] + (1 - beta1) * g[i];
        v[i] = beta2 * v[i] + (1 - beta2) * g[i] * g[i];
        theta[i] -= k * m[i] / (Math.sqrt(v[i] * r) + eps);
      }
    };
  },
};

// Beyond float32's largest number, in which npdigits computes by default, a number is not finite.
const finite = (x) => Math.abs(x) <= 3.4028234663852886e38;

class Trainer {
  // The first `training` of the digits are learned from; the others are the validation set.
  constructor(settings, digits, training) {
    this.settings = settings;
    this.digits = digits;
    this.network = new LearningNetwork(settings);
    this.update = OPTIMIZERS[settings.optimizer](settings, this.network.parameters.flat.length);
    this.sets = [[0, training], [training, digits.labels.length]].map(([from, to]) =>
      Uint16Array.from({ length: to - from }, (_, i) => from + i));
    this.batches = 0;  // made
    this.inEpoch = Math.ceil(training / settings.batch_size);
    this.pass = new Pass(Math.min(settings.batch_size, training), settings.hidden);
    this.scored = this.sets.map((rows) => new Pass(rows.length, settings.hidden));
    this.cost = NaN;  // of the last batch
    this.failed = null;  // what is no longer finite: cost or gradient
  }

  get epochs() { return Math.floor(this.batches / this.inEpoch); }
  get lr() { return this.settings.lr * this.settings.lr_decay ** this.epochs; }

  // The rows of the batch that is next.
  next() {
    const { batch_size, seed } = this.settings, k = this.batches % this.inEpoch;
    if (k === 0) this.order = new Stream(seed, "shuffle", this.epochs + 1).permutation(this.sets[0].length);
    return this.order.subarray(k * batch_size, (k + 1) * batch_size);
  }

  // Learns from a batch. One whose cost or gradient is not finite changes nothing, and is the last.
  step() {
    if (this.failed) return;
    const { network, settings } = this, { parameters, gradient } = network, lr = this.lr;
    this.rows = this.next();
    this.cost = network.backward(this.digits, this.rows, this.pass);
    this.failed = !finite(this.cost) ? "cost" : !gradient.flat.every(finite) ? "gradient" : null;
    if (this.failed) return;
    const theta = parameters.flat, g = gradient.flat, n = parameters.weights;
    if (settings.l2) for (let i = 0; i < n; i++) g[i] += settings.l2 * theta[i];
    if (settings.weight_decay) for (let i = 0; i < n; i++) theta[i] *= 1 - lr * settings.weight_decay;
    this.update(theta, g, lr);
    this.batches++;
  }

  // Reads the training set (0) or the validation set (1): { cost, accuracy, answers, confusion }.
  score(which) {
    const rows = this.sets[which], pass = this.scored[which], { labels } = this.digits;
    const cost = this.network.forward(this.digits, rows, pass);
    const answers = new Uint8Array(rows.length), confusion = new Uint16Array(CLASSES * CLASSES);
    let right = 0;
    for (let i = 0; i < rows.length; i++) {
      for (let c = 1; c < CLASSES; c++)
        if (pass.p[i * CLASSES + c] > pass.p[i * CLASSES + answers[i]]) answers[i] = c;
      right += answers[i] === labels[rows[i]];
      confusion[CLASSES * labels[rows[i]] + answers[i]]++;
    }
    return { cost, accuracy: right / rows.length, answers, confusion };
  }

  // The probabilities and hidden activations of one image of bytes.
  read(image) {
    const pass = new Pass(1, this.settings.hidden);
    this.network.forward(new Digits(image, [0]), [0], pass);
    return { probabilities: pass.p, hidden: pass.a };
  }
}
