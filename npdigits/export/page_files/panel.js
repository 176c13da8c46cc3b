"use strict";
// Panels with a digit cut out of them, and grids: what npdigits/pictures/panel.py does, step by step.

const Panel = (() => {
  const SIDE = 14, SOLID = 0.85, LEAST = 0.01, MOST = 0.5, FULL = 0.5, ROUND = 0.7, EVEN = 1.6, SPECK = 0.1;
  const FIELD = 0.85, CELLS = 4, OPEN = 1.5;
  const high = (box) => box.bottom - box.top, wide = (box) => box.right - box.left;
  const sum = (values) => {
    let total = 0;
    for (let i = 0; i < values.length; i++) total += values[i];
    return total;
  };

  // A mask is of a piece, cut to its box; `label` gives the pieces of pixels of value 1, without diagonals.
  function panelBox(mask, width, height, label) {
    const ink = sum(mask);
    if (Math.min(width, height) < SIDE || 2 * ink < mask.length) return null;
    const found = holes(mask, width, height, label), open = sum(found.areas), whole = ink + open;
    if (whole < SOLID * mask.length || open < LEAST * whole || open > MOST * whole) return null;
    if (areOfADigit(found, width, height)) return null;
    const rows = new Float64Array(height), columns = new Float64Array(width);
    for (let y = 0; y < height; y++)
      for (let x = 0; x < width; x++)
        if (mask[y * width + x] || found.labels[(y + 1) * (width + 2) + x + 1] > 0) { rows[y]++; columns[x]++; }
    const ends = (counts, n) => {
      const full = Array.from(counts, (count) => count / n >= FULL);
      return [full.indexOf(true), full.lastIndexOf(true) + 1];
    };
    const [top, bottom] = ends(rows, width), [left, right] = ends(columns, height);
    return { top, bottom, left, right };
  }

  function isGrid(mask, width, height, label) {
    const ink = sum(mask);
    if (ink * (1 + OPEN) > mask.length) return false;
    const { areas } = holes(mask, width, height, label), cells = sum(areas);
    return areas.length >= CELLS && cells >= OPEN * ink && cells + ink >= FIELD * mask.length;
  }

  // Pixels of holes have numbers from 1, in an image with a margin of one pixel.
  function holes(mask, width, height, label) {
    const outside = new Uint8Array((width + 2) * (height + 2)).fill(1);
    for (let y = 0; y < height; y++)
      for (let x = 0; x < width; x++) outside[(y + 1) * (width + 2) + x + 1] = 1 - mask[y * width + x];
    const { labels, areas, boxes } = label(outside, width + 2, height + 2);
    return { labels, areas: areas.slice(1), boxes: boxes.slice(1) };
  }

  function areOfADigit({ areas, boxes }, width, height) {
    const most = Math.max(...areas), large = areas.map((area, k) => k).filter((k) => areas[k] >= SPECK * most);
    if (large.length > 2 || large.some((k) => areas[k] < ROUND * high(boxes[k]) * wide(boxes[k]))) return false;
    const whole = Several.around(large.map((k) => boxes[k]));
    const margins = [whole.top - 1, height + 1 - whole.bottom, whole.left - 1, width + 1 - whole.right];
    return Math.max(...margins) <= EVEN * Math.max(Math.min(...margins), 1);
  }

  return { panelBox, isGrid };
})();
