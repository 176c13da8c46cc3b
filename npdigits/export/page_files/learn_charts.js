"use strict";
// Curves and histograms on canvases, in the colours of the page.

// Points (x, y) of a curve, of which there are never more than MOST: when it is full, points nearer than twice the
// distance are dropped, and a new one that is too near takes the last one's place.
class Series {
  static MOST = 1500;

  constructor() { Object.assign(this, { x: [], y: [], apart: 1 }); }

  push(x, y) {
    const n = this.x.length;
    if (n > 1 && x - this.x[n - 2] < this.apart) {
      this.x.pop();
      this.y.pop();
    }
    this.x.push(x);
    this.y.push(y);
    if (this.x.length > Series.MOST) {
      this.apart *= 2;
      let last = -Infinity;
      const kept = this.x.map((at) => at - last >= this.apart ? (last = at, true) : false);
      for (const name of ["x", "y"]) this[name] = this[name].filter((_, i) => kept[i]);
    }
  }
}

const Charts = (() => {
  const colours = {};
  // To be called whenever the page's colours have changed.
  function readColours(element) {
    for (const name of ["soft", "line", "faint", "accent", "glow"]) {
      element.style.color = `var(--${name})`;
      colours[name] = getComputedStyle(element).color;
    }
    element.style.color = "";
  }

  const LEFT = 40, RIGHT = 8, TOP = 8, BOTTOM = 18;

  // A canvas as sharp as the screen, empty: { context, width, height }, in CSS pixels.
  function begun(canvas) {
    const { clientWidth: width, clientHeight: height } = canvas, scale = window.devicePixelRatio || 1;
    const [w, h] = [Math.round(width * scale), Math.round(height * scale)];
    if (canvas.width !== w || canvas.height !== h) [canvas.width, canvas.height] = [w, h];
    const context = canvas.getContext("2d");
    context.setTransform(scale, 0, 0, scale, 0, 0);
    context.clearRect(0, 0, width, height);
    context.font = "11px system-ui, sans-serif";
    return { context, width, height };
  }

  // Round numbers from 0 on, few.
  function ticks(high) {
    const step = [1, 2, 5].flatMap((k) => [-3, -2, -1, 0, 1, 2, 3, 4, 5, 6, 7].map((e) => k * 10 ** e))
      .sort((a, b) => a - b).find((one) => high / one <= 5) || high;
    return Array.from({ length: Math.floor(high / step + 1e-9) + 1 }, (_, i) => i * step);
  }

  // Lines over batches: [{ series, colour, width }], y from 0 to `high`; x is told in epochs of so many batches.
  function curves(canvas, lines, { high, label, last, inEpoch }) {
    const { context, width, height } = begun(canvas), w = width - LEFT - RIGHT, h = height - TOP - BOTTOM;
    const right = Math.max(last, 1), x = (batch) => LEFT + w * batch / right;
    const y = (value) => TOP + h * (1 - Math.min(value / high, 1.02));
    context.textBaseline = "middle";
    context.textAlign = "right";
    context.lineWidth = 1;
    for (const tick of ticks(high)) {
      context.fillStyle = colours.soft;
      context.fillText(label(tick), LEFT - 6, y(tick));
      context.fillStyle = colours.line;
      context.fillRect(LEFT, Math.round(y(tick)), w, 1);
    }
    context.fillStyle = colours.soft;
    context.textAlign = "center";
    const epochs = right / inEpoch, [unit, far] = epochs < 2 ? [1, right] : [inEpoch, epochs];
    for (const tick of ticks(far).filter(Number.isInteger))
      context.fillText(tick, Math.min(Math.max(x(tick * unit), LEFT + 4), width - 12), height - 8);
    for (const { series, colour: name, width: thick } of lines) {
      context.strokeStyle = colours[name];
      context.lineWidth = thick;
      context.beginPath();
      for (let i = 0; i < series.x.length; i++) context.lineTo(x(series.x[i]), y(series.y[i]));
      context.stroke();
    }
    return unit === 1 ? "batches" : "epochs";
  }

  // A histogram, highest bar full; its ends and 0 stand below.
  function histogram(canvas, { counts, low, high }) {
    const { context, width, height } = begun(canvas), most = Math.max(...counts, 1), w = width / counts.length;
    const h = height - BOTTOM;
    context.fillStyle = colours.accent;
    counts.forEach((count, i) => {
      const tall = count ? Math.max(h * count / most, 1) : 0;
      context.fillRect(i * w, h - tall, Math.max(w - 1, 1), tall);
    });
    context.fillStyle = colours.line;
    context.fillRect(0, h, width, 1);
    context.fillStyle = colours.soft;
    context.textBaseline = "middle";
    const marks = low < 0 ? [[low, "left", 0], [0, "center", width / 2], [high, "right", width]] : [[low, "left", 0], [high, "right", width]];
    for (const [value, align, x] of marks) {
      context.textAlign = align;
      context.fillText(short(value), x, height - 8);
    }
  }

  // A number in at most three digits.
  function short(x) {
    if (x === 0) return "0";
    return Math.abs(x) < 1e-3 || Math.abs(x) >= 1e4 ? x.toExponential(0).replace("-", "−").replace("e+", "e") : String(Number(x.toPrecision(3))).replace("-", "−");
  }

  return { readColours, curves, histogram, short };
})();
