"use strict";
// The network 784–n–10 that learns: forward pass, cost and gradient of npdigits/nn/network.py in float64, initial weights
// of npdigits/nn/initializers.py. A test holds its gradients to those.
//
//   z¹ = a⁰ W¹ᵀ + b¹,  a¹ = f(z¹),  z² = a¹ W²ᵀ + b²,  p = softmax(z²),  C = −mean ln p[y]
//
// A pixel's weights lie side by side, W¹[pixel·n + unit], as most pixels of a digit are paper and are passed over; of
// the output's weights a digit's do, W²[digit·n + unit].

const PIXELS = 784, CLASSES = 10, LEAK = 0.01;

// f′ in terms of z and a; f itself is in network.js.
const SLOPES = {
  leaky_relu: (z, a) => z > 0 ? 1 : LEAK,
  relu: (z, a) => z > 0 ? 1 : 0,
  tanh: (z, a) => 1 - a * a,
  sigmoid: (z, a) => a * (1 - a),
  identity: (z, a) => 1,
  gelu: (z, a) => {
    const tail = 0.5 * erfc(abs(z) * SQRT1_2);  // Φ(−|z|)
    return (z > 0 ? 1 - tail : tail) + z * exp(-0.5 * z * z) / Math.sqrt(2 * Math.PI);
  },
  silu: (z, a) => { const s = 1 / (1 + exp(-z)); return s + a * (1 - s); },
  softplus: (z, a) => 1 / (1 + exp(-z)),
};

// Var(W) of a scheme, and how its weights are drawn: name -> [hidden layer, output layer].
const INITIALIZERS = (() => {
  const variance = { xavier: (n, m) => 2 / (n + m), he: (n) => 2 / n, lecun: (n) => 1 / n };
  const normal = (scheme) => (random, n, m) => random.normal() * Math.sqrt(variance[scheme](n, m));
  const uniform = (scheme) => (random, n, m) => (2 * random.uniform() - 1) * Math.sqrt(3 * variance[scheme](n, m));
  const same = (draw) => [draw, draw], made = { xavier_he: [normal("xavier"), normal("he")] };
  for (const scheme of Object.keys(variance)) made[`${scheme}_normal`] = same(normal(scheme));
  for (const scheme of Object.keys(variance)) made[`${scheme}_uniform`] = same(uniform(scheme));
  return { ...made, normal: same((random) => random.normal()), zeros: same(() => 0) };
})();

// Digits by their inked pixels: those of digit i are pixel[k], ink[k] with from[i] ≤ k < from[i+1], ink 0 … 1.
class Digits {
  constructor(images, labels) {
    const count = images.reduce((n, value) => n + (value > 0), 0), n = images.length / PIXELS;
    this.images = images;
    this.labels = labels;
    this.from = new Uint32Array(n + 1);
    this.pixel = new Uint16Array(count);
    this.ink = new Float64Array(count);
    for (let i = 0, k = 0; i < images.length; i++) {
      if (images[i]) {
        this.pixel[k] = i % PIXELS;
        this.ink[k++] = images[i] / 255;
      }
      if (i % PIXELS === PIXELS - 1) this.from[(i + 1) / PIXELS] = k;
    }
  }

  image(i) { return this.images.subarray(i * PIXELS, (i + 1) * PIXELS); }
}

// Weights and biases as views of one flat array, all weights first; a gradient has the same form.
class Parameters {
  constructor(hidden) {
    this.weights = PIXELS * hidden + hidden * CLASSES;
    this.flat = new Float64Array(this.weights + hidden + CLASSES);
    const ends = [0, PIXELS * hidden, this.weights, this.weights + hidden, this.flat.length];
    [this.W1, this.W2, this.b1, this.b2] = [0, 1, 2, 3].map((k) => this.flat.subarray(ends[k], ends[k + 1]));
  }
}

// What a pass over up to n digits leaves: z and a of the hidden units, p, and each digit's cost; a unit's or class's
// values lie side by side.
class Pass {
  constructor(n, hidden) {
    this.n = 0;
    this.z = new Float64Array(n * hidden);
    this.a = new Float64Array(n * hidden);
    this.p = new Float64Array(n * CLASSES);
    this.costs = new Float64Array(n);
  }
}

class LearningNetwork {
  constructor({ hidden, activation, initializer, seed }) {
    const random = new Stream(seed, "initialization"), [first, last] = INITIALIZERS[initializer], f = ACTIVATIONS[activation];
    this.hidden = hidden;
    this.activation = activation;
    this.f = (z) => f(z, LEAK);
    this.slope = SLOPES[activation];
    this.parameters = new Parameters(hidden);
    this.gradient = new Parameters(hidden);
    this.parameters.W1.forEach((_, i, w) => { w[i] = first(random, PIXELS, hidden); });
    this.parameters.W2.forEach((_, i, w) => { w[i] = last(random, hidden, CLASSES); });
  }

  // Reads the digits of these rows into a pass; returns their mean cost, in nats.
  forward(digits, rows, pass) {
    const { W1, W2, b1, b2 } = this.parameters, n = this.hidden, { z, a, p, costs } = pass, { f } = this;
    const { from, pixel, ink, labels } = digits;
    pass.n = rows.length;
    let total = 0;
    for (let i = 0; i < rows.length; i++) {
      const at = i * n, out = i * CLASSES, row = rows[i];
      for (let u = 0; u < n; u++) z[at + u] = b1[u];
      for (let k = from[row], end = from[row + 1]; k < end; k++) {
        const x = ink[k];
        for (let u = 0, w = pixel[k] * n, o = at; u < n; u++, w++, o++) z[o] += x * W1[w];
      }
      for (let u = at; u < at + n; u++) a[u] = f(z[u]);
      let most = -Infinity, sum = 0;
      for (let c = 0; c < CLASSES; c++) {
        let logit = b2[c];
        for (let u = 0; u < n; u++) logit += W2[c * n + u] * a[at + u];
        p[out + c] = logit;
        most = max(most, logit);
      }
      const right = p[out + labels[row]] - most;
      for (let c = 0; c < CLASSES; c++) sum += p[out + c] = exp(p[out + c] - most);
      for (let c = 0; c < CLASSES; c++) p[out + c] /= sum;
      costs[i] = Math.log(sum) - right;
      total += costs[i];
    }
    return total / rows.length;
  }

  // Writes ∂C/∂W and ∂C/∂b of these digits' mean cost into this.gradient; returns the cost. L2 is the optimizer's to add.
  backward(digits, rows, pass) {
    const cost = this.forward(digits, rows, pass), { W2 } = this.parameters, g = this.gradient, n = this.hidden;
    const { z, a, p } = pass, delta = new Float64Array(n), { from, pixel, ink, labels } = digits, { slope } = this, { W1 } = g;
    g.flat.fill(0);
    for (let i = 0; i < rows.length; i++) {
      const at = i * n, row = rows[i];
      delta.fill(0);
      for (let c = 0; c < CLASSES; c++) {
        const d = (p[i * CLASSES + c] - (labels[row] === c ? 1 : 0)) / rows.length;  // δ² = (p − t)/B
        g.b2[c] += d;
        for (let u = 0; u < n; u++) {
          g.W2[c * n + u] += d * a[at + u];
          delta[u] += d * W2[c * n + u];
        }
      }
      for (let u = 0; u < n; u++) g.b1[u] += delta[u] *= slope(z[at + u], a[at + u]);  // δ¹ = (δ² W²)·f′(z¹)
      for (let k = from[row], end = from[row + 1]; k < end; k++) {
        const x = ink[k];
        for (let u = 0, w = pixel[k] * n; u < n; u++, w++) W1[w] += x * delta[u];
      }
    }
    return cost;
  }
}
