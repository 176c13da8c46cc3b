"use strict";
// Random numbers from streams that are keyed by seed, purpose and epoch, as in npdigits/base/random.py. They are other
// numbers than NumPy's, but the same every time: a page begun again with the same settings learns the same.

class Stream {
  // The key's letters are hashed to the 128 bits of the generator sfc32 (Doty-Humphrey 2010, PractRand).
  constructor(seed, purpose, epoch = 0) {
    const state = [1779033703, 3144134277, 1013904242, 2773480762];
    for (const letter of `${seed}/${purpose}/${epoch}`)
      for (let k = 0; k < 4; k++) state[k] = Math.imul(state[k] ^ letter.charCodeAt(0), [597399067, 2869860233, 951274213, 2716044179][k]);
    this.state = Uint32Array.from(state);
    for (let k = 0; k < 16; k++) this.word();  // until every bit of the key has reached all of the state
  }

  word() {
    const s = this.state, sum = s[0] + s[1] + s[3];
    s[3]++;
    s[0] = s[1] ^ (s[1] >>> 9);
    s[1] = s[2] + (s[2] << 3);
    s[2] = (s[2] << 21) | (s[2] >>> 11);
    s[2] += sum;
    return sum >>> 0;
  }

  // 0 ≤ u < 1
  uniform() { return this.word() / 2 ** 32; }

  // N(0, 1), by Box and Muller.
  normal() { return Math.sqrt(-2 * Math.log(1 - this.uniform())) * Math.cos(2 * Math.PI * this.uniform()); }

  // 0 … n−1 in an order that is drawn (Fisher and Yates).
  permutation(n) {
    const order = Uint16Array.from({ length: n }, (_, i) => i);
    for (let i = n - 1; i > 0; i--) {
      const k = Math.floor(this.uniform() * (i + 1));
      [order[i], order[k]] = [order[k], order[i]];
    }
    return order;
  }
}
