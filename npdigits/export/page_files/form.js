"use strict";
// A picture of a digit in the form of MNIST's: what npdigits/mnist_form.py does, step by step, for pictures whose paper
// is flat. Grey values come as bytes, 0 (black) … 255 (white); the result is 28 × 28 bytes, 0 (paper) … 255 (ink).

const Form = (() => {
  const SIDE = 28, BOX = 20, MIDDLE = 14;
  const CONTRAST = 40, PIECE = 1 / 20, INNER = 1 / 5, MOST_INK = 0.5, WIDEST = 2.5, LONGEST_LINE = 12, MOST_PIECES = 5;
  const THIN = 2, FINE = 2, TIE = 1e-6, SMALLEST = 7, BLOT = 0.38, BAND = 0.9, AS_HIGH = 0.75, AS_LARGE = 0.35;

  class NoDigit extends Error {}

  function form(grey, width, height) {
    const ink = inked(grey);
    const threshold = otsu(ink);
    let levels = stretched(ink, threshold);
    const kept = pieces(ink, threshold, width, height);
    for (let i = 0; i < levels.length; i++) if (ink[i] > threshold && !kept[i]) levels[i] = 0;
    let box = bounds(kept, width, height);
    levels = cut(levels, width, box);
    const mask = cut(kept, width, box);
    let high = box.bottom - box.top, wide = box.right - box.left;
    const longest = Math.max(high, wide);
    if (longest < SMALLEST)
      throw new NoDigit(`what is on it is only ${longest} pixels high: allowed are ${SMALLEST} and more`);
    const stroke = strokeWidth(mask, wide, high);
    if (stroke > BLOT * longest) throw new NoDigit("what is on it is a blot, without strokes");
    const edges = (box.top === 0) + (box.bottom === height) + (box.left === 0) + (box.right === width);
    if (edges === 3 && sum(mask) > BAND * mask.length) throw new NoDigit("what is on it is a band along an edge");
    if (wide > WIDEST * high) throw new NoDigit("what is on it is far wider than a digit: one digit a picture");
    if (sum(mask) > LONGEST_LINE * Math.max(high, wide) * stroke)
      throw new NoDigit("there is more line on it than a digit has");
    let pixel = Math.max(high, wide) / BOX;
    if (pixel >= FINE) {
      const by = rounded(THIN * pixel - stroke);
      if (by > 0) {
        levels = thickened(levels, wide, high, by);
        wide += by;
        high += by;
      }
      pixel = Math.max(high, wide) / BOX;
    }
    const small = [Math.max(1, rounded(wide / pixel)), Math.max(1, rounded(high / pixel))];
    return centred(resampled(levels, wide, high, ...small), ...small);
  }

  const rounded = (x) => Math.floor(x + 0.5);

  // Plain loops: over a whole picture, what calls a function for each pixel takes ten times as long.
  function sum(values) {
    let total = 0;
    for (let i = 0; i < values.length; i++) total += values[i];
    return total;
  }

  function histogram(values) {
    const counts = new Float64Array(256);
    for (let i = 0; i < values.length; i++) counts[values[i]]++;
    return counts;
  }

  function inked(grey) {
    const counts = histogram(grey), paper = counts.indexOf(Math.max(...counts));
    if (2 * counts[paper] <= grey.length) throw new NoDigit("more than half of it is ink");
    let darker = 0;
    for (let i = 0; i < grey.length; i++) darker += paper - grey[i];
    const side = darker >= 0 ? 1 : -1, ink = new Uint8Array(grey.length);
    for (let i = 0; i < grey.length; i++) ink[i] = Math.max(side * (paper - grey[i]), 0);
    return ink;
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

  function stretched(ink, threshold) {
    const counts = histogram(ink), below = sum(counts.subarray(0, threshold + 1)), above = ink.length - below;
    if (!above) throw new NoDigit("it is blank");
    const first = (from, share) => { let i = from, n = counts[i]; while (n < share) n += counts[++i]; return i; };
    const low = first(0, below / 2), high = first(threshold + 1, 0.9 * above);
    if (high - low < CONTRAST) throw new NoDigit("it is blank, or nearly so");
    if (above > MOST_INK * ink.length) throw new NoDigit("more than half of it is ink");
    const scaled = new Float64Array(256), levels = new Float64Array(ink.length);
    for (let i = 0; i < 256; i++) scaled[i] = Math.min(Math.max((i - low) * 255 / (high - low), 0), 255);
    for (let i = 0; i < ink.length; i++) levels[i] = scaled[ink[i]];
    return levels;
  }

  function pieces(ink, threshold, width, height) {
    const labels = new Int32Array(ink.length), areas = [0], touching = [false], boxes = [null], stack = [];
    for (let start = 0; start < ink.length; start++) {
      if (ink[start] <= threshold || labels[start]) continue;
      const label = areas.length;
      areas.push(0);
      touching.push(false);
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
        if (x === 0 || y === 0 || x === width - 1 || y === height - 1) touching[label] = true;
        for (let dy = -1; dy <= 1; dy++)
          for (let dx = -1; dx <= 1; dx++) {
            const nx = x + dx, ny = y + dy, next = ny * width + nx;
            if (nx >= 0 && ny >= 0 && nx < width && ny < height && ink[next] > threshold && !labels[next]) {
              labels[next] = label;
              stack.push(next);
            }
          }
      }
    }
    const inner = areas.map((area, i) => touching[i] ? 0 : area);
    const largest = Math.max(...areas), chosen = Math.max(...inner) >= INNER * largest ? inner : areas;
    const top = Math.max(...chosen), kept = chosen.map((area) => area >= Math.max(PIECE * top, 1));
    const n = kept.filter(Boolean).length;
    if (2 * top < sum(chosen) && n > MOST_PIECES) throw new NoDigit(`${n} separate pieces, none of which stands out`);
    oneDigit(boxes.filter((_, i) => kept[i]), chosen.filter((_, i) => kept[i]));
    const mask = new Uint8Array(ink.length);
    for (let i = 0; i < mask.length; i++) if (labels[i] && kept[labels[i]]) mask[i] = 1;
    return mask;
  }

  function oneDigit(boxes, areas) {
    const height = Math.max(...boxes.map((box) => box.bottom)) - Math.min(...boxes.map((box) => box.top));
    const high = boxes.map((box) => box.bottom - box.top >= AS_HIGH * height);
    boxes.forEach((one, i) => boxes.forEach((other, k) => {
      if (high[i] && high[k] && one.right < other.left &&
          Math.min(areas[i], areas[k]) >= AS_LARGE * Math.max(areas[i], areas[k]))
        throw new NoDigit("two digits side by side: one digit a picture");
    }));
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

  function cut(values, width, { left, right, top, bottom }) {
    const result = new values.constructor((right - left) * (bottom - top));
    for (let y = top; y < bottom; y++)
      result.set(values.subarray(y * width + left, y * width + right), (y - top) * (right - left));
    return result;
  }

  function strokeWidth(mask, wide, high) {
    // Each ink's pixel has four sides; one that two have in common counts for neither.
    let sides = 0;
    for (let y = 0, i = 0; y < high; y++)
      for (let x = 0; x < wide; x++, i++)
        if (mask[i]) sides += 4 - 2 * ((x > 0 && mask[i - 1]) + (y > 0 && mask[i - wide]));
    return 2 * sum(mask) / (sides * Math.PI / 4);
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
