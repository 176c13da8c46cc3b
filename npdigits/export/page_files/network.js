"use strict";
// The forward pass of npdigits/network.py, of one image: a⁰ = x / 255, zˡ = Wˡ aˡ⁻¹ + bˡ, aˡ = f(zˡ), softmax(zᴸ/T).

const { SQRT1_2, abs, exp, log1p, max, tanh } = Math;

// The coefficients of npdigits/nn/erfc.py, which tells what they are.
const ERFC_POWERS = [
  1.2375126308378275, -0.14024059858554697, 0.0035854154854790257, 0.0822767384901452, -0.10880393014244462, 0.09230432116037748,
  -0.05869339857664934, 0.028362277418956406, -0.009746579683265262, 0.0017556258528952954, 0.000293714378044958, -0.0002901540805408417,
  5.164652974177416e-05, 2.238423915508223e-05, -1.1438048033346894e-05, -9.73559896736775e-07, 1.7419821586224816e-06, -5.7218230603224086e-08,
  -2.4857126248016745e-07, 2.3263508708859124e-08, 3.197926671666804e-08, -3.744210080962018e-09, -2.623107347133476e-09, 3.1114333809799254e-10,
];

// erfc(x) of x ≥ 0.
function erfc(x) {
  const t = -7.5 / (x + 3.75) + 1;
  return ERFC_POWERS.reduceRight((r, power) => r * t + power) * exp(-x * x) / (1 + 2 * x);
}

// f of the hidden layers. export/page.py reads these lines: what it exports was computed by them before.
const ACTIVATIONS = {
  leaky_relu: (z, leak) => max(z, leak * z),
  relu: (z, leak) => max(z, 0),
  tanh: (z, leak) => tanh(z),
  sigmoid: (z, leak) => 1 / (1 + exp(-z)),
  identity: (z, leak) => z,
  gelu: (z, leak) => max(z, 0) - 0.5 * abs(z) * erfc(abs(z) * SQRT1_2),
  silu: (z, leak) => z / (1 + exp(-z)),
  softplus: (z, leak) => max(z, 0) + log1p(exp(-abs(z))),
};

class Network {
  constructor({ sizes, activation, leak, temperature, dtype, weights, biases }) {
    const f = ACTIVATIONS[activation];
    this.sizes = sizes;
    this.weights = weights.map((one) => floats(one, dtype));
    this.biases = biases.map((one) => floats(one, dtype));
    this.f = (z) => f(z, leak);
    this.temperature = temperature;
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
    const most = Math.max(...a), powers = a.map((z) => Math.exp((z - most) / this.temperature));
    const total = powers.reduce((x, y) => x + y, 0);
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
