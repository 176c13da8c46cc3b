"use strict";
// Which of the connected pieces of ink are the digit: what npdigits/pictures/components.py does, step by step.

const Pieces = (() => {
  const PIECE = 1 / 20, INNER = 1 / 5, MOST_PIECES = 5, CORNER = 0.1, FRAMED = 0.15, AS_THICK = 1.1, AS_FRAME = 0.1;
  const MOST_FRAMED = 40, PAGE = 56, BLOT = 0.38, APART = 0.25, BUTTON = 0.1;
  const BAND = 0.9, ACROSS = 0.95, MOST_LINES = 3, CLOSE = 0.25, STROKES = 3, HALF = 0.5, WHOLE = 0.95, MOST_JOINED = 400, COMPACT = 0.3;
  const { around } = Several;

  class NoDigit extends Error {}
  class SeveralDigits extends NoDigit {}

  // The connected pieces of ink: of each pixel its piece, from 0 (−1: paper), and of each piece its area and box.
  function of(ink, threshold, width, height, diagonals = true) {
    const labels = new Int32Array(ink.length).fill(-1), areas = [], boxes = [], stack = [];
    for (let start = 0; start < ink.length; start++) {
      if (ink[start] <= threshold || labels[start] >= 0) continue;
      const label = areas.length;
      areas.push(0);
      const box = { left: width, right: 0, top: height, bottom: 0 };
      boxes.push(box);
      labels[start] = label;
      stack.push(start);
      while (stack.length) {
        const place = stack.pop(), x = place % width, y = (place - x) / width;
        areas[label]++;
        if (x < box.left) box.left = x;
        if (x >= box.right) box.right = x + 1;
        if (y < box.top) box.top = y;
        if (y >= box.bottom) box.bottom = y + 1;
        for (let dy = -1; dy <= 1; dy++)
          for (let dx = -1; dx <= 1; dx++) {
            if (!diagonals && dx && dy) continue;
            const nx = x + dx, ny = y + dy, next = ny * width + nx;
            if (nx >= 0 && ny >= 0 && nx < width && ny < height && ink[next] > threshold && labels[next] < 0) {
              labels[next] = label;
              stack.push(next);
            }
          }
      }
    }
    return { labels, areas, boxes, width, height };
  }

  const high = (box) => box.bottom - box.top;
  const wide = (box) => box.right - box.left;
  const longest = (box) => Math.max(high(box), wide(box));
  const contains = (box, other) =>
    box.top < other.top && other.bottom < box.bottom && box.left < other.left && other.right < box.right;
  const gap = (box, other) => Math.max(
    other.top - box.bottom, box.top - other.bottom, other.left - box.right, box.left - other.right, 0);
  const edges = (box, { width, height }) =>
    (box.top === 0) + (box.bottom === height) + (box.left === 0) + (box.right === width);

  const page = ({ width, height }) => Math.min(width, height) >= PAGE;

  function crosses(pieces) {
    return large(counting(pieces)).map((k) => pieces.boxes[k])
      .some((box) => high(box) === pieces.height || wide(box) === pieces.width);
  }

  const label = (mask, width, height) => of(mask, 0, width, height, false);

  function withoutGrids(pieces) {
    const { areas, boxes } = pieces, some = large(areas);
    if (!page(pieces) || areas.length < 2 || some.length > MOST_FRAMED) return areas;
    const grids = some.filter((k) => isFrame(pieces, k) &&
      Panel.isGrid(maskOf(pieces, k), wide(boxes[k]), high(boxes[k]), label));
    return grids.length < areas.length ? areas.map((area, k) => grids.includes(k) ? 0 : area) : areas;
  }

  function standsOut(pieces) {
    const areas = withoutGrids(pieces);
    let inner = 0, largest = 0;
    pieces.boxes.forEach((box, k) => {
      const area = areas[k], touched = edges(box, pieces);
      if (!touched) inner = Math.max(inner, area);
      if (!page(pieces) || touched !== 3 || area <= BAND * high(box) * wide(box)) largest = Math.max(largest, area);
    });
    return inner >= Math.max(INNER * largest, 1);
  }

  function counting(pieces) {
    const { boxes } = pieces, inner = standsOut(pieces);
    const areas = withoutGrids(pieces).map((area, k) => inner && edges(boxes[k], pieces) ? 0 : area);
    const some = large(areas);
    if (page(pieces) && some.length <= MOST_FRAMED) {
      const frames = some.filter((k) => framesOne(pieces, k, some)).map((k) => boxes[k]);
      for (const k of some)
        if (frames.some((frame) => asLargeAs(boxes[k], frame)) && isFrame(pieces, k)) areas[k] = 0;
      if (frames.length) return areas.map((area, k) => frames.some((frame) => contains(frame, boxes[k])) ? area : 0);
    }
    return areas;
  }

  const strokesOf = (pieces, k) => strokeWidth(maskOf(pieces, k), wide(pieces.boxes[k]), high(pieces.boxes[k]));
  const asLargeAs = (box, other) => Math.abs(high(box) - high(other)) <= AS_FRAME * high(other) &&
    Math.abs(wide(box) - wide(other)) <= AS_FRAME * wide(other);

  function framesOne(pieces, k, others) {
    const box = pieces.boxes[k];
    const framed = others.filter((one) => contains(box, pieces.boxes[one]) && high(pieces.boxes[one]) >= FRAMED * high(box));
    if (!framed.length || !isFrame(pieces, k)) return false;
    return strokesOf(pieces, k) <= AS_THICK * Math.max(...framed.map((one) => strokesOf(pieces, one)));
  }

  function large(areas) {
    const least = Math.max(PIECE * areas.reduce((most, area) => Math.max(most, area), 0), 1), some = [];
    areas.forEach((area, k) => { if (area >= least) some.push(k); });
    return some;
  }

  function maskOf({ labels, boxes, width }, k) {
    const some = cut(labels, width, boxes[k]), mask = new Uint8Array(some.length);
    for (let i = 0; i < mask.length; i++) mask[i] = some[i] === k;
    return mask;
  }

  function isFrame(pieces, k) {
    const box = pieces.boxes[k], mask = maskOf(pieces, k), [h, w] = [high(box), wide(box)];
    const n = Math.max(1, Math.floor(CORNER * Math.min(h, w)));
    const inked = (top, left) => sum(cut(mask, w, { top, bottom: top + n, left, right: left + n })) > 0;
    return inked(0, 0) && inked(0, w - n) && inked(h - n, 0) && inked(h - n, w - n);
  }

  // Where a panel with a digit in it is: the largest piece, if it is one.
  function panel(pieces) {
    const areas = counting(pieces), most = areas.reduce((more, area) => Math.max(more, area), 0), k = areas.indexOf(most);
    if (!most || areas.some((area, other) => other !== k && 2 * area >= most)) return null;  // one of several: a bar
    const box = pieces.boxes[k], ink = Uint8Array.from(cut(pieces.labels, pieces.width, box), (piece) => piece >= 0);
    const within = Panel.panelBox(maskOf(pieces, k), ink, wide(box), high(box), { label, cut });
    return within && { top: box.top + within.top, bottom: box.top + within.bottom,
                       left: box.left + within.left, right: box.left + within.right };
  }

  // The pieces that may be of the digit, where they are many and none stands out; else none.
  function scattered(pieces) {
    const areas = counting(pieces), kept = large(areas);
    return 2 * areas.reduce((most, area) => Math.max(most, area), 0) < sum(areas) && kept.length > MOST_PIECES ? kept : [];
  }

  // By how many pixels the ink of scattered pieces is to be thickened; 0 if they are not of one digit.
  function gapOf(pieces, thickened) {
    const kept = scattered(pieces), boxes = kept.map((k) => pieces.boxes[k]);
    if (!kept.length || kept.length > MOST_JOINED) return 0;
    const dots = 2 * kept.filter((k) => strokesOf(pieces, k) > COMPACT * longest(pieces.boxes[k])).length >= kept.length;
    if (!dots && Several.areSeveral(kept.map((k, i) => ({ box: boxes[i], area: pieces.areas[k] }))))
      return 0;
    const box = around(boxes), w = wide(box), h = high(box);
    const mask = Uint8Array.from(cut(pieces.labels, pieces.width, box), (label) => kept.includes(label));
    const stroke = strokeWidth(mask, w, h);
    for (let by = 1; by <= Math.floor(Math.min(CLOSE * longest(box), STROKES * stroke)); by++) {
      const some = of(thickened(mask, w, h, by), 0, w + by, h + by).areas;
      if (Math.max(...some) >= WHOLE * sum(some)) return dots ? by : Math.min(by, Math.max(1, Math.floor(HALF * stroke)));
    }
    return 0;
  }

  function digit(pieces, joined) {
    const areas = counting(pieces), kept = large(areas);
    const left = kept.length <= Several.MOST_DIGITS ? withoutBlots(pieces, kept) : kept;
    if (!joined && Several.areSeveral(left.map((k) => ({ box: pieces.boxes[k], area: areas[k] })))) 
      throw new SeveralDigits("there are several digits on it: one digit a picture");
    if (!joined && scattered(pieces).length)
      throw new NoDigit(`${kept.length} separate pieces, none of which stands out`);
    const chosen = new Uint8Array(areas.length), mask = new Uint8Array(pieces.labels.length);
    for (const k of left) chosen[k] = 1;
    for (let i = 0; i < mask.length; i++) if (pieces.labels[i] >= 0) mask[i] = chosen[pieces.labels[i]];
    if (page(pieces) && crosses(pieces) && Math.max(linesAcross(mask, pieces.height, pieces.width, pieces.width, 1),
                                    linesAcross(mask, pieces.width, pieces.height, 1, pieces.width)) > MOST_LINES)
      throw new NoDigit("lines across all of it, as dark as the ink");
    return mask;
  }

  // Of n lines, each of so many pixels, which are full: `step` leads to the next line, `along` to a line's next pixel.
  function linesAcross(mask, n, pixels, step, along) {
    let lines = 0, before = false;
    for (let line = 0; line < n; line++) {
      let ink = 0;
      for (let i = 0; i < pixels; i++) ink += mask[line * step + i * along];
      const full = ink / pixels >= ACROSS;
      if (full && !before) lines++;
      before = full;
    }
    return lines;
  }

  function withoutBlots(pieces, kept) {
    if (kept.length < 2 || !page(pieces)) return kept;
    const box = (k) => pieces.boxes[k];
    const blots = kept.filter((k) => strokesOf(pieces, k) > BLOT * longest(box(k)));
    const others = kept.filter((k) => !blots.includes(k));
    if (!others.length) return kept;
    const rest = around(others.map(box));
    const apart = (k, from, share = APART) => longest(box(k)) < longest(from) && gap(box(k), from) > share * longest(from);
    const isLabel = (k) => {
      const higher = others.map(box).filter((other) => high(other) > high(box(k)));
      if (!higher.length || !higher.every((other) => apart(k, other, BUTTON))) return false;
      const some = [maskOf(pieces, k), wide(box(k)), high(box(k)), label];
      return Panel.isLabel(...some) && (Panel.hasText(...some) || higher.every((other) => apart(k, other)));
    };
    return kept.filter((k) => blots.includes(k) ? !apart(k, rest) : !isLabel(k));
  }

  function strokeWidth(mask, wide, high) {
    // Each ink's pixel has four sides; one that two have in common counts for neither.
    let sides = 0;
    for (let y = 0, i = 0; y < high; y++)
      for (let x = 0; x < wide; x++, i++)
        if (mask[i]) sides += 4 - 2 * ((x > 0 && mask[i - 1]) + (y > 0 && mask[i - wide]));
    return 2 * sum(mask) / (sides * Math.PI / 4);
  }

  // Plain loops: over a whole picture, what calls a function for each pixel takes ten times as long.
  function sum(values) {
    let total = 0;
    for (let i = 0; i < values.length; i++) total += values[i];
    return total;
  }

  function cut(values, width, { left, right, top, bottom }) {
    const result = new values.constructor((right - left) * (bottom - top));
    for (let y = top; y < bottom; y++)
      result.set(values.subarray(y * width + left, y * width + right), (y - top) * (right - left));
    return result;
  }

  function bounds(mask, width, height) {
    const box = { left: width, right: 0, top: height, bottom: 0 };
    for (let y = 0; y < height; y++)
      for (let x = 0; x < width; x++)
        if (mask[y * width + x]) {
          box.left = Math.min(box.left, x);
          box.right = Math.max(box.right, x + 1);
          box.top = Math.min(box.top, y);
          box.bottom = Math.max(box.bottom, y + 1);
        }
    return box;
  }

  return {
    NoDigit, SeveralDigits, BLOT, BAND, PAGE, of, panel, gapOf, digit, page, crosses, standsOut, strokeWidth, edges, high, wide,
    longest, sum, cut, bounds,
  };
})();
