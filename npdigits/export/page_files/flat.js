"use strict";
// Paper of one grey value, and on which side of it the ink is: what npdigits/pictures/flat.py does, step by step.

const Flat = (() => {
  const NEAR = 20, OUTER = 0.75, TWO_VALUES = 0.75, FILLS = 0.8, MOST_CUT = 0.85, SQUARE = 0.45, MOST_INK = 0.5;
  const { sum, bounds } = Pieces;

  function histogram(values) {
    const counts = new Float64Array(256);
    for (let i = 0; i < values.length; i++) counts[values[i]]++;
    return counts;
  }

  function otsu(values) {
    const counts = histogram(values), n = values.length;
    let all = 0;
    for (let i = 0; i < 256; i++) all += i * counts[i];
    let below = 0, total = 0, best = -1, threshold = values[0];
    for (let i = 0; i < 256; i++) {
      below += counts[i];
      total += i * counts[i];
      if (below === 0 || below === n) continue;
      const difference = all * below - n * total;
      const between = difference * difference / (below * (n - below));
      if (between > best) { best = between; threshold = i; }
    }
    return threshold;
  }

  // What may be ink, the likeliest first: how much of it is where, and which share of the picture it may be.
  function* inks(grey, width, height) {
    const counts = histogram(grey), edges = edgeCounts(grey, width, height), level = counts.indexOf(Math.max(...counts));
    const most = 2 * counts[level] > grey.length;
    if (!most || sum(edges.subarray(Math.max(level - NEAR, 0), level + NEAR + 1)) < OUTER * sum(edges)) {
      const around = paperAround(grey, width, height, counts, edges);
      if (around && (!most || around.paper !== level))
        yield { ink: oneSide(grey, around.paper, around.darker), most: MOST_CUT };
    }
    if (!most) return;
    const darker = onLight(grey, width, height, counts, level);
    for (const side of [darker, !darker]) yield { ink: oneSide(grey, level, side), most: MOST_INK };
  }

  function oneSide(grey, paper, darker) {
    const ink = new Uint8Array(grey.length), sign = darker ? 1 : -1;
    for (let i = 0; i < grey.length; i++) ink[i] = Math.max(sign * (paper - grey[i]), 0);
    return ink;
  }

  function onLight(grey, width, height, counts, paper) {
    let darker = 0, lighter = 0;
    for (let i = 0; i < 256; i++) {
      darker += counts[i] * Math.max(paper - i, 0);
      lighter += counts[i] * Math.max(i - paper, 0);
    }
    if (!darker || !lighter) return darker >= lighter;
    const [one, other] = [true, false].map((side) => variation(oneSide(grey, paper, side), width, height));
    return one >= other;
  }

  function variation(ink, width, height) {
    let total = 0;
    for (let y = 0, i = 0; y < height; y++)
      for (let x = 0; x < width; x++, i++) {
        if (x) total += Math.abs(ink[i] - ink[i - 1]);
        if (y) total += Math.abs(ink[i] - ink[i - width]);
      }
    return total;
  }

  // The corners count twice.
  function edgeCounts(grey, width, height) {
    const counts = new Float64Array(256);
    for (let x = 0; x < width; x++) { counts[grey[x]]++; counts[grey[(height - 1) * width + x]]++; }
    for (let y = 0; y < height; y++) { counts[grey[y * width]]++; counts[grey[(y + 1) * width - 1]]++; }
    return counts;
  }

  function paperAround(grey, width, height, counts, edges) {
    const threshold = otsu(grey), share = sum(edges.subarray(0, threshold + 1)) / sum(edges);
    const mask = (dark) => Uint8Array.from(grey, (value) => (value <= threshold) === dark);
    let darker = share <= 1 - OUTER;
    if (OUTER > share && share > 1 - OUTER) {
      const [dark, light] = [true, false].map((side) => isCutOut(mask(side), width, height));
      if (dark === light) return null;
      darker = dark;
    }
    const below = counts.subarray(0, threshold + 1), above = counts.subarray(threshold + 1);
    const [paper, ink] = darker ? [above, below] : [below, above], [first, second] = [paper, ink].map((some) => Math.max(...some));
    if (2 * first <= sum(paper)) return null;
    if (first + second < TWO_VALUES * grey.length && !fills(mask(darker), width, height)) return null;
    return { paper: paper.indexOf(first) + (darker ? threshold + 1 : 0), darker };
  }

  function isCutOut(mask, width, height) {
    const pieces = Pieces.of(mask, 0, width, height);
    return pieces.boxes.some((box) => Pieces.edges(box, pieces) === 4) && fills(mask, width, height);
  }

  function fills(mask, width, height) {
    if (sum(mask) > MOST_CUT * mask.length) return false;
    const box = bounds(mask, width, height), { high, wide } = Pieces;
    if (high(box) < FILLS * height && wide(box) < FILLS * width) return false;
    return 2 * depth(mask, width, height) - 1 <= SQUARE * Math.max(height, width);
  }

  // The largest distance of a pixel to one outside, along rows, columns and diagonals: there in one pass and back in another.
  function depth(mask, width, height) {
    const row = width + 2, far = new Int32Array(row * (height + 2));
    let most = 0;
    for (let y = 1; y <= height; y++)
      for (let x = 1, i = y * row + 1; x <= width; x++, i++)
        if (mask[(y - 1) * width + x - 1]) far[i] = 1 + Math.min(far[i - 1], far[i - row - 1], far[i - row], far[i - row + 1]);
    for (let y = height; y; y--)
      for (let x = width, i = y * row + width; x; x--, i--) {
        far[i] = Math.min(far[i], 1 + Math.min(far[i + 1], far[i + row + 1], far[i + row], far[i + row - 1]));
        most = Math.max(most, far[i]);
      }
    return most;
  }

  return { inks, histogram, otsu };
})();
