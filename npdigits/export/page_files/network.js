"use strict";
// The forward pass of npdigits/network.py, of one image: a⁰ = x / 255, zˡ = Wˡ aˡ⁻¹ + bˡ, aˡ = f(zˡ), softmax(zᴸ).

class Network {
  constructor({ sizes, activation, leak, weights, biases }) {
    this.sizes = sizes;
    this.weights = weights.map(floats);
    this.biases = biases.map(floats);
    this.f = {
      leaky_relu: (z) => z > 0 ? z : leak * z,
      relu: (z) => z > 0 ? z : 0,
      tanh: Math.tanh,
      sigmoid: (z) => 1 / (1 + Math.exp(-z)),
    }[activation];
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

// Little-endian numbers of 4 bytes, as written by NumPy.
function floats(base64) {
  const view = new DataView(bytes(base64).buffer), result = new Float32Array(view.byteLength / 4);
  for (let i = 0; i < result.length; i++) result[i] = view.getFloat32(4 * i, true);
  return result;
}
