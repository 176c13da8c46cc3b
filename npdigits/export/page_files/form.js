"use strict";
// A picture of a digit in the form of MNIST's: what npdigits/pictures/mnist_form.py does, step by step, for pictures whose paper
// is flat. Grey values come as bytes, 0 (black) … 255 (white); the result is 28 × 28 bytes, 0 (paper) … 255 (ink).

const Form = (() => {
  const SIDE = 28, BOX = 20, MIDDLE = 14;
  const CONTRAST = 40, WIDEST = 2.5, LONGEST_LINE = 8, TWO_KINDS = 0.85;
  const THIN = 2, THICK = 4, FINE = 2, TIE = 1e-6, SMALLEST = 7;
  const { NoDigit, SeveralDigits, BLOT, BAND, crosses, standsOut, strokeWidth, edges, high, wide, longest, sum, cut, bounds } = Pieces;
  const { histogram, otsu } = Flat;

  function form(grey, width, height) {
    let refused = null;
    for (const { ink, most } of Flat.inks(grey, width, height)) {
      try {
        return formed(grey, width, height, ink, most);
      } catch (error) {  // then another side of the paper's grey value may be the ink
        if (!(error instanceof NoDigit) || error instanceof SeveralDigits) throw error;
        refused = refused || error;
      }
    }
    throw refused || new NoDigit("more than half of it is ink");
  }

  function formed(grey, width, height, ink, most) {
    ink = Lines.without(ink, width, height);
    let { threshold, pieces } = toldApart(ink, width, height);
    const gap = Pieces.gapOf(pieces, thickened), size = [width, height];
    if (gap) {
      ink = Uint8Array.from(thickened(ink, width, height, gap));
      [width, height] = [width + gap, height + gap];
      ({ threshold, pieces } = toldApart(ink, width, height));
    }
    const panel = Pieces.panel(pieces);
    if (panel && (wide(panel) !== size[0] || high(panel) !== size[1]) && !gap) {
      try {
        return form(cut(grey, size[0], panel), wide(panel), high(panel));
      } catch (error) {  // it is none
        if (!(error instanceof NoDigit) || error instanceof SeveralDigits) throw error;
      }
    }
    let levels = stretched(ink, threshold, most);
    const kept = Pieces.digit(pieces, gap > 0);
    for (let i = 0; i < levels.length; i++) if (ink[i] > threshold && !kept[i]) levels[i] = 0;
    const box = bounds(kept, width, height);
    levels = cut(levels, width, box);
    const mask = cut(kept, width, box);
    let h = high(box), w = wide(box);
    if (longest(box) < SMALLEST)
      throw new NoDigit(`what is on it is only ${longest(box)} pixels high: allowed are ${SMALLEST} and more`);
    const stroke = strokeWidth(mask, w, h);
    if (stroke > BLOT * longest(box)) throw new NoDigit("what is on it is a blot, without strokes");
    if (edges(box, { width, height }) === 3 && sum(mask) > BAND * mask.length)
      throw new NoDigit("what is on it is a band along an edge");
    if (w > WIDEST * h) throw new NoDigit("what is on it is far wider than a digit: one digit a picture");
    if (sum(mask) > LONGEST_LINE * longest(box) * stroke) throw new NoDigit("there is more line on it than a digit has");
    let pixel = longest(box) / BOX;
    if (pixel >= FINE) {
      const by = rounded(THIN * pixel - stroke);
      if (by > 0) {
        levels = thickened(levels, w, h, by);
        w += by;
        h += by;
      }
      const less = rounded(stroke - THICK * pixel);
      if (less > 0) {
        levels = thinned(levels, w, h, less);
        w -= less;
        h -= less;
      }
      pixel = Math.max(h, w) / BOX;
    }
    const small = [Math.max(1, rounded(w / pixel)), Math.max(1, rounded(h / pixel))];
    return centred(resampled(levels, w, h, ...small), ...small);
  }

  const rounded = (x) => Math.floor(x + 0.5);

  function stretched(ink, threshold, most) {
    const counts = histogram(ink), below = sum(counts.subarray(0, threshold + 1)), above = ink.length - below;
    if (!above) throw new NoDigit("it is blank");
    const first = (from, share) => { let i = from, n = counts[i]; while (n < share) n += counts[++i]; return i; };
    const low = first(0, below / 2), high = first(threshold + 1, 0.9 * above);
    if (high - low < CONTRAST) throw new NoDigit("it is blank, or nearly so");
    if (above > most * ink.length) throw new NoDigit("more than half of it is ink");
    const scaled = new Float64Array(256), levels = new Float64Array(ink.length);
    for (let i = 0; i < 256; i++) scaled[i] = Math.min(Math.max((i - low) * 255 / (high - low), 0), 255);
    for (let i = 0; i < ink.length; i++) levels[i] = scaled[ink[i]];
    return levels;
  }

  function toldApart(ink, width, height) {
    const threshold = otsu(ink), pieces = Pieces.of(ink, threshold, width, height);
    if (Pieces.page(pieces) && crosses(pieces)) {
      const values = ink.filter((value) => value > threshold), higher = otsu(values);
      const darker = Pieces.of(ink, higher, width, height);
      if (separation(values, higher) >= TWO_KINDS && standsOut(darker)) return { threshold: higher, pieces: darker };
    }
    return { threshold, pieces };
  }

  function separation(values, threshold) {
    const mean = (some) => sum(some) / some.length, above = values.filter((value) => value > threshold);
    if (!above.length || above.length === values.length) return 0;
    const share = above.length / values.length, all = mean(values);
    const variance = mean(Float64Array.from(values, (value) => (value - all) ** 2));
    return share * (1 - share) * (mean(above) - mean(values.filter((value) => value <= threshold))) ** 2 / variance;
  }

  function thickened(levels, wide, high, by) {
    // Each pixel becomes the largest of the `by` before it and itself, along rows, then along columns.
    const along = (values, n, lines, step, jump) => {
      const result = new Float64Array((n + by) * lines);
      for (let line = 0; line < lines; line++)
        for (let i = 0; i < n + by; i++) {
          let most = 0;
          for (let k = Math.max(0, i - by); k <= Math.min(i, n - 1); k++)
            most = Math.max(most, values[line * jump(n) + k * step(lines)]);
          result[line * jump(n + by) + i * step(lines)] = most;
        }
      return result;
    };
    const rows = along(levels, wide, high, () => 1, (n) => n);
    return along(rows, high, wide + by, (lines) => lines, () => 1);
  }

  function thinned(levels, wide, high, by) {
    // Each pixel becomes the least of itself and the `by` after it, along rows, then along columns.
    const along = (values, from, w, h, step) => {
      const result = new Float64Array(w * h);
      for (let y = 0; y < h; y++)
        for (let x = 0; x < w; x++) {
          let least = Infinity;
          for (let k = 0; k <= by; k++) least = Math.min(least, values[y * from + x + k * step]);
          result[y * w + x] = least;
        }
      return result;
    };
    const rows = along(levels, wide, wide - by, high, 1);
    return along(rows, wide - by, wide - by, high - by, wide - by);
  }

  function shares(n, m) {
    const rows = [];
    for (let i = 0; i < m; i++) {
      const centre = (i + 0.5) * n / m, reach = Math.max(1, n / m) / 2;
      const low = Math.max(centre - reach, 0), high = Math.min(centre + reach, n), row = [];
      for (let k = Math.floor(low); k < Math.min(Math.ceil(high), n); k++)
        row.push([k, Math.max(Math.min(high, k + 1) - Math.max(low, k), 0) / (high - low)]);
      rows.push(row);
    }
    return rows;
  }

  function resampled(levels, wide, high, newWide, newHigh) {
    const across = shares(wide, newWide), down = shares(high, newHigh);
    const half = new Float64Array(newHigh * wide), result = new Float64Array(newHigh * newWide);
    for (let y = 0; y < newHigh; y++)
      for (const [k, share] of down[y])
        for (let x = 0; x < wide; x++) half[y * wide + x] += share * levels[k * wide + x];
    for (let y = 0; y < newHigh; y++)
      for (let x = 0; x < newWide; x++)
        for (const [k, share] of across[x]) result[y * newWide + x] += share * half[y * wide + k];
    return result;
  }

  function centred(exact, wide, high) {
    const small = exact.map((value) => Math.floor(value + 0.5 + TIE));
    let mass = 0, right = 0, down = 0;
    for (let y = 0; y < high; y++)
      for (let x = 0; x < wide; x++) {
        const value = small[y * wide + x];
        mass += value;
        right += value * x;
        down += value * y;
      }
    const place = (centre, n) => Math.min(Math.max(rounded(MIDDLE - centre), 0), SIDE - n);
    const left = place(right / mass, wide), top = place(down / mass, high);
    const image = new Uint8Array(SIDE * SIDE);
    for (let y = 0; y < high; y++)
      for (let x = 0; x < wide; x++) image[(top + y) * SIDE + left + x] = small[y * wide + x];
    return image;
  }

  return { form, NoDigit, SIDE };
})();
