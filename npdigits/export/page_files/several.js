"use strict";
// Whether pieces of ink are several digits: what npdigits/pictures/several.py does, step by step.

const Several = (() => {
  const AS_HIGH = 0.75, AS_LARGE = 0.2, WIDE = 1.2, AS_HIGH_WIDE = 0.5, NARROW = 0.8, BESIDE = 0.08, AS_TALL = 0.6, ABOVE = 0.15, TALL = 2, UPRIGHT = 0.8, MOST_DIGITS = 400;
  const BARS_ABOVE = 0.7, BAR = 0.6, FULL = 0.5, ON = 0.3;
  const high = (box) => box.bottom - box.top, wide = (box) => box.right - box.left;

  const around = (boxes) => ({
    top: Math.min(...boxes.map((box) => box.top)), bottom: Math.max(...boxes.map((box) => box.bottom)),
    left: Math.min(...boxes.map((box) => box.left)), right: Math.max(...boxes.map((box) => box.right)),
  });

  // Each of the pieces is a box and its area.
  function areSeveral(pieces) {
    if (pieces.length < 2 || pieces.length > MOST_DIGITS) return false;
    return areBeside(pieces) || areAbove(pieces);
  }

  const boxOf = (part) => around(part.map((piece) => piece.box));
  const areaOf = (part) => part.reduce((total, piece) => total + piece.area, 0);
  const alike = (one, other, share) => Math.min(one, other) >= share * Math.max(one, other);

  function areBeside(pieces) {
    const whole = boxOf(pieces), groups = spans(pieces, "left", "right", 1);
    const asHigh = wide(whole) >= WIDE * high(whole) ? AS_HIGH_WIDE : AS_HIGH;
    for (let k = 1; k < groups.length; k++) {
      const left = groups.slice(0, k).flat(), right = groups.slice(k).flat(), one = boxOf(left), other = boxOf(right);
      if ((wide(whole) >= NARROW * high(whole) || other.left - one.right >= BESIDE * high(whole)) &&
          alike(high(one), high(other), asHigh) && alike(areaOf(left), areaOf(right), AS_LARGE)) return true;
    }
    return false;
  }

  function areAbove(pieces) {
    const highest = Math.max(...pieces.map((piece) => high(piece.box))), whole = boxOf(pieces);
    return areDigitsAbove(pieces, ABOVE * highest, 0) ||
      (high(whole) >= TALL * wide(whole) && areDigitsAbove(pieces, 1, UPRIGHT));
  }

  // Whether blanks of so many rows part bands that are digits, each so many times as high as it is wide.
  function areDigitsAbove(pieces, blank, upright) {
    const bands = spans(pieces, "top", "bottom", blank);
    for (let k = 1; k < bands.length; k++) {
      const [upper, lower] = [bands[k - 1], bands[k]];
      const one = boxOf(upper), other = boxOf(lower);
      if (other.top - one.bottom < BARS_ABOVE * high(one) && goesOn(upper, lower)) continue;
      if (high(one) < upright * wide(one) || high(other) < upright * wide(other)) continue;
      if (alike(high(one), high(other), AS_TALL) && alike(areaOf(upper), areaOf(lower), AS_LARGE)) return true;
    }
    return false;
  }

  const goesOn = (upper, lower) => upper.filter(isBar).some(({ box: one }) => lower.filter(isBar).some(({ box: other }) =>
    Math.min(one.right, other.right) - Math.max(one.left, other.left) >= ON * Math.min(wide(one), wide(other)) &&
    alike(high(one), high(other), AS_TALL)));

  const isBar = ({ box, area }) => wide(box) <= BAR * high(box) && area >= FULL * high(box) * wide(box);

  // The pieces in groups that blanks part, of at least so many pixels.
  function spans(pieces, begin, end, least) {
    const groups = [];
    let last = 0;
    for (const piece of pieces.slice().sort((one, other) => one.box[begin] - other.box[begin])) {
      if (!groups.length || piece.box[begin] - last >= least) groups.push([]);
      groups.at(-1).push(piece);
      last = Math.max(last, piece.box[end]);
    }
    return groups;
  }

  return { areSeveral, around, MOST_DIGITS };
})();
