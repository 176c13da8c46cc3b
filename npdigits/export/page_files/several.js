"use strict";
// Whether pieces of ink are several digits: what npdigits/pictures/several.py does, step by step.

const Several = (() => {
  const AS_HIGH = 0.75, AS_LARGE = 0.2, NARROW = 0.8, BESIDE = 0.08, AS_TALL = 0.33, ABOVE = 0.2, MOST_DIGITS = 400;
  const high = (box) => box.bottom - box.top, wide = (box) => box.right - box.left;

  const around = (boxes) => ({
    top: Math.min(...boxes.map((box) => box.top)), bottom: Math.max(...boxes.map((box) => box.bottom)),
    left: Math.min(...boxes.map((box) => box.left)), right: Math.max(...boxes.map((box) => box.right)),
  });

  // Each of the pieces is a box and its area.
  function areSeveral(pieces) {
    if (pieces.length < 2 || pieces.length > MOST_DIGITS) return false;
    const box = (part) => around(part.map((piece) => piece.box)), whole = box(pieces);
    const area = (part) => part.reduce((total, piece) => total + piece.area, 0);
    const alike = (one, other, share) => Math.min(one, other) >= share * Math.max(one, other);
    for (const [left, right] of parted(pieces, "left", "right")) {
      const one = box(left), other = box(right);
      if ((wide(whole) >= NARROW * high(whole) || other.left - one.right >= BESIDE * high(whole)) &&
          alike(high(one), high(other), AS_HIGH) && alike(area(left), area(right), AS_LARGE)) return true;
    }
    for (const [upper, lower] of parted(pieces, "top", "bottom")) {
      const one = box(upper), other = box(lower);
      if (other.top - one.bottom >= ABOVE * Math.min(high(one), high(other)) &&
          alike(high(one), high(other), AS_TALL) && alike(area(upper), area(lower), AS_LARGE)) return true;
    }
    return false;
  }

  // The pieces before and after each blank between them.
  function* parted(pieces, begin, end) {
    const sorted = pieces.slice().sort((one, other) => one.box[begin] - other.box[begin]);
    let last = sorted[0].box[end];
    for (let k = 0; k < sorted.length; k++) {
      if (sorted[k].box[begin] > last) yield [sorted.slice(0, k), sorted.slice(k)];
      last = Math.max(last, sorted[k].box[end]);
    }
  }

  return { areSeveral, around, MOST_DIGITS };
})();
