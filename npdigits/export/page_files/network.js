"use strict";
// The forward pass of npdigits/network.py, of one image: a⁰ = x / 255, zˡ = Wˡ aˡ⁻¹ + bˡ, aˡ = f(zˡ), softmax(zᴸ).

const { max, exp, tanh } = Math;
// f of the hidden layers. export/page.py reads these lines: what it exports was computed by them before.
const ACTIVATIONS = {
  leaky_relu: (z, leak) => max(z, leak * z),
  relu: (z, leak) => max(z, 0),
  tanh: (z, leak) => tanh(z),
  sigmoid: (z, leak) => 1 / (1 + exp(-z)),
};

class Network {
  constructor({ sizes, activation, leak, dtype, weights, biases }) {
    const f = ACTIVATIONS[activation];
    this.sizes = sizes;
    this.weights = weights.map((one) => floats(one, dtype));
    this.biases = biases.map((one) => floats(one, dtype));
    this.f = (z) => f(z, leak);
  }

  // Returns { hidden: activations of each hidden layer, probabilities }.
  forward(image) {
    let a = Float64Array.from(image, (value) => value / 255);
    const hidden = [];
    for (let layer = 0; layer < this.weights.length; layer++) {
      const w = this.weights[layer], columns = a.length, z = Float64Array.from(this.biases[layer]);
      const inked = [];  // most pixels are paper
      for (let i = 0; i < columns; i++) if (a[i] !== 0) inked.push(i);
      for (let unit = 0; unit < z.length; unit++) {
        let total = 0;
        const row = unit * columns;
        for (const i of inked) total += w[row + i] * a[i];
        z[unit] += total;
      }
      if (layer < this.weights.length - 1) hidden.push(z.map(this.f));
      a = layer < this.weights.length - 1 ? hidden[layer] : z;
    }
    const most = Math.max(...a), powers = a.map((z) => Math.exp(z - most)), total = powers.reduce((x, y) => x + y, 0);
    return { hidden, probabilities: powers.map((p) => p / total) };
  }
}

function bytes(base64) {
  const text = atob(base64), result = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) result[i] = text.charCodeAt(i);
  return result;
}

// Little-endian numbers of NumPy's float32 or float64.
function floats(base64, dtype) {
  const double = dtype === "float64", size = double ? 8 : 4, view = new DataView(bytes(base64).buffer);
  const result = new (double ? Float64Array : Float32Array)(view.byteLength / size);
  for (let i = 0; i < result.length; i++) result[i] = double ? view.getFloat64(8 * i, true) : view.getFloat32(4 * i, true);
  return result;
}
