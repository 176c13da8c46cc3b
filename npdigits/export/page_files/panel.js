"use strict";
// Panels with a digit cut out of them, buttons, grids: what npdigits/pictures/panel.py does, step by step.

const Panel = (() => {
  const SIDE = 14, FULL = 0.5, SOLID = 0.85, RIM = 0.75, LEAST = 0.01, MOST = 0.5, ROUND = 0.7, EVEN = 1.6, SPECK = 0.1;
  const CORE = 0.8, CORNER = 0.1, CORNERS = 0.5;
  const WIDE = 1.5, TEXT = 0.04;
  const FIELD = 0.85, CELLS = 4, OPEN = 1.5;
  const high = (box) => box.bottom - box.top, wide = (box) => box.right - box.left;
  const sum = (values) => {
    let total = 0;
    for (let i = 0; i < values.length; i++) total += values[i];
    return total;
  };

  // A mask is of a piece, cut to its box; `ink` is all ink there. `label` gives the pieces of pixels of value 1, without
  // diagonals, and `cut` cuts a box out of an image.
  function panelBox(mask, ink, width, height, { label, cut }) {
    if (Math.min(width, height) < SIDE || 2 * sum(mask) < mask.length) return null;
    const rows = new Float64Array(height), columns = new Float64Array(width);
    for (let y = 0; y < height; y++)
      for (let x = 0; x < width; x++)
        if (mask[y * width + x]) { rows[y]++; columns[x]++; }
    const ends = (counts, n) => {
      const full = Array.from(counts, (count) => count / n >= FULL);
      return [full.indexOf(true), full.lastIndexOf(true) + 1];
    };
    const [top, bottom] = ends(rows, width), [left, right] = ends(columns, height), box = { top, bottom, left, right };
    if (!bottom || !right) return null;
    const inner = cut(mask, width, box), [h, w] = [high(box), wide(box)], some = sum(inner), n = h * w;
    if (n < CORE * mask.length || !hasCorners(inner, w, h, cut)) return null;
    if (Math.min(h, w) < SIDE || n - some < LEAST * n || n - some > MOST * n) return null;
    const found = holes(inner, w, h, label);
    if (some + sum(found.areas) < SOLID * n) {
      let rim = 0;
      for (let x = 0; x < w; x++) rim += inner[x] + inner[n - w + x];
      for (let y = 0; y < h; y++) rim += inner[y * w] + inner[y * w + w - 1];
      if (rim < RIM * 2 * (h + w)) return null;
    }
    return areOfADigit(found, cut(ink, width, box), w, h) ? null : box;
  }

  function hasCorners(mask, width, height, cut) {
    const n = Math.max(1, Math.floor(CORNER * Math.min(width, height)));
    const full = (top, left) => sum(cut(mask, width, { top, bottom: top + n, left, right: left + n })) >= CORNERS * n * n;
    return full(0, 0) && full(0, width - n) && full(height - n, 0) && full(height - n, width - n);
  }

  function isLabel(mask, width, height, label) {
    if (width < WIDE * height) return false;
    return sum(mask) + sum(holes(mask, width, height, label).areas) >= SOLID * mask.length;
  }

  function hasText(mask, width, height, label) {
    return sum(holes(mask, width, height, label).areas) >= TEXT * mask.length;
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

  function areOfADigit({ labels, areas }, ink, width, height) {
    // Without the ink that is in the holes.
    const left = areas.map(() => 0), boxes = areas.map(() => ({ top: height, bottom: 0, left: width, right: 0 }));
    for (let y = 0; y < height; y++)
      for (let x = 0; x < width; x++) {
        const k = labels[(y + 1) * (width + 2) + x + 1] - 1, box = boxes[k];
        if (k < 0 || ink[y * width + x]) continue;
        left[k]++;
        box.top = Math.min(box.top, y);
        box.bottom = Math.max(box.bottom, y + 1);
        box.left = Math.min(box.left, x);
        box.right = Math.max(box.right, x + 1);
      }
    const most = left.reduce((more, area) => Math.max(more, area), 0);
    if (!most) return false;
    const large = left.map((area, k) => k).filter((k) => left[k] >= SPECK * most);
    if (large.length > 2 || large.some((k) => left[k] < ROUND * high(boxes[k]) * wide(boxes[k]))) return false;
    const whole = Several.around(large.map((k) => boxes[k]));
    const margins = [whole.top, height - whole.bottom, whole.left, width - whole.right];
    return Math.max(...margins) <= EVEN * Math.max(Math.min(...margins), 1);
  }

  return { panelBox, isLabel, hasText, isGrid };
})();
