"use strict";
// Lines of ruled and squared paper taken out of ink: what npdigits/pictures/lines.py does, step by step.

const Lines = (() => {
  const STEEPEST = 0.08, BLOCK = 12, FULL = 0.7, ROWS = 0.6, THICKEST = 0.03, MOST_ROWS = 4, FAINT = 0.5, EDGE = 1;
  const MARGIN = 0.05, APART = 3;

  function without(ink, width, height) {
    // The picture as it lies, and on its side: `down` leads to the next row's pixel, `right` to the next column's.
    const sides = [
      { rows: height, columns: width, down: width, right: 1 }, { rows: width, columns: height, down: 1, right: width },
    ];
    if (Math.min(width, height) < Pieces.PAGE) return ink;
    const threshold = Flat.otsu(ink), faint = ink.map((value) => value > threshold * FAINT);
    if (!sides.some((side) => mayHave(faint, side))) return ink;
    const found = sides.map((side) => linesOf(faint, side));
    const clean = ink.slice(), strokes = ink.map((value) => value > threshold);
    sides.forEach((side, k) => found[k].forEach((line) => band(line, side, (at) => { strokes[at] = 0; })));
    sides.forEach((side, k) => found[k].forEach((line) => {
      const stays = crossed(line, strokes, side);
      band(line, side, (at, x) => { if (!stays[x]) clean[at] = 0; });
    }));
    return clean.some((value) => value > threshold) ? clean : ink;
  }

  function mayHave(mask, { rows, columns, down, right }) {
    const n = Math.max(1, Math.floor(MARGIN * columns));
    const any = (from) => {
      for (let y = 0; y < rows; y++) for (let x = from; x < from + n; x++) if (mask[y * down + x * right]) return true;
      return false;
    };
    return any(0) && any(columns - n);
  }

  function linesOf(mask, side) {
    if (!mayHave(mask, side)) return [];
    const { rows, columns } = side, cover = sheared(mask, side), most = (cover.length - 1) / 2, lines = [];
    const thickest = Math.max(MOST_ROWS, Math.floor(THICKEST * Math.min(rows, columns)));
    const fullest = Int32Array.from({ length: rows }, (_, y) => cover.reduce((best, one) => Math.max(best, one[y]), 0));
    for (;;) {
      const peak = fullest.reduce((best, one) => Math.max(best, one), 0);
      if (peak < FULL * columns) return lines;
      const row = fullest.indexOf(peak), slope = cover.findIndex((one) => one[row] === peak);
      const full = (y) => y >= 0 && y < rows && cover[slope][y] >= ROWS * peak;
      let top = row, bottom = row + 1;
      while (full(top - 1)) top--;
      while (full(bottom)) bottom++;
      const line = { top, bottom, fall: slope - most };
      if (bottom - top <= thickest && goesThrough(line, mask, side)) lines.push(line);
      fullest.fill(0, Math.max(top - APART, 0), bottom + APART);
    }
  }

  function goesThrough(line, mask, side) {
    const { columns } = side, n = Math.max(1, Math.floor(MARGIN * columns)), ink = [false, false], inside = [false, false];
    band(line, side, (at, x) => [x < n, x >= columns - n].forEach((end, k) => {
      if (end) { inside[k] = true; ink[k] = ink[k] || mask[at] > 0; }
    }));
    return ink.every((one, k) => one || !inside[k]);
  }

  function sheared(mask, { rows, columns, down, right }) {
    const blocks = Math.max(1, Math.floor(columns / BLOCK)), most = Math.floor(STEEPEST * columns), result = [];
    const first = (b) => Math.floor(b * columns / blocks), sums = [];
    for (let b = 0; b < blocks; b++) {
      sums.push(new Int32Array(rows));
      for (let y = 0; y < rows; y++)
        for (let x = first(b); x < first(b + 1); x++) sums[b][y] += mask[y * down + x * right];
    }
    for (let fall = -most; fall <= most; fall++) {
      const cover = new Int32Array(rows);
      for (let b = 0; b < blocks; b++) {
        const shift = Math.floor((fall * (2 * b + 1 - blocks) + blocks) / (2 * blocks));
        for (let y = Math.max(0, -shift); y < Math.min(rows, rows - shift); y++) cover[y] += sums[b][y + shift];
      }
      result.push(cover);
    }
    return result;
  }

  const lower = ({ fall }, x, columns) => Math.floor((fall * (2 * x + 1 - columns) + columns) / (2 * columns));

  function band(line, { rows, columns, down, right }, act) {
    for (let x = 0; x < columns; x++)
      for (let y = line.top - EDGE + lower(line, x, columns); y < line.bottom + EDGE + lower(line, x, columns); y++)
        if (y >= 0 && y < rows) act(y * down + x * right, x);
  }

  function crossed(line, strokes, { rows, columns, down, right }) {
    const at = (row) => Array.from({ length: columns }, (_, x) => {
      const y = row + lower(line, x, columns);
      return y >= 0 && y < rows && strokes[y * down + x * right] > 0;
    });
    const above = at(line.top - EDGE - 1), below = at(line.bottom + EDGE), near = line.bottom - line.top + 2 * EDGE;
    const nearby = (flags, x) => flags.slice(Math.max(x - near, 0), x + near + 1).includes(true);
    return above.map((one, x) => one || below[x] || (nearby(above, x) && nearby(below, x)));
  }

  return { without };
})();
