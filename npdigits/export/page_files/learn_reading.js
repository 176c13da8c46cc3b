"use strict";
// The drawn digit, read by the network as it is now: the same parts as on the page to draw on (page.js).

class Reading {
  constructor(element, digits, rows, changed) {
    const [canvas, clear, undo, pen] = ["paper", "clear", "undo", "pen"].map(element);
    Object.assign(this, { element, digits, image: null, stale: true });
    this.paper = new Paper({ canvas, clear, undo, pen }, () => { this.stale = true; changed(); }, (row) => digits.image(row));
    this.bars = Array.from({ length: CLASSES }, (_, digit) => {
      const bar = Pictures.make("div", "bar", element("bars"));
      Pictures.make("span", "name", bar).textContent = digit;
      const fill = Pictures.make("div", "fill", Pictures.make("div", "track", bar));
      return { bar, fill, percent: Pictures.make("span", "percent", bar) };
    });
    element("bars").style.setProperty("--rows", CLASSES / 2);
    element("bars").style.setProperty("--digits", 1);
    let next = 0;
    element("test").addEventListener("click", () => this.paper.show(rows[(next++ * 37) % rows.length]));
  }

  // Draws what has changed, reads it, and shows the answer; returns { probabilities, hidden }, or null where nothing is.
  paint(trainer) {
    const { paper, element } = this;
    if (this.stale) {
      paper.redraw();
      const { image, why } = paper.read(), label = paper.shown === null ? null : this.digits.labels[paper.shown];
      this.image = image;
      this.stale = false;
      Paper.picture(element("seen").getContext("2d"), (i) => image ? 255 - image[i] : 255);
      element("note").textContent = why || (label !== null ? `a ${label}` : paper.blank ? "draw a digit on the paper" : "");
    }
    const read = this.image && trainer.read(this.image), p = read && read.probabilities;
    const first = read && p.every(Number.isFinite) ? p.indexOf(Math.max(...p)) : -1;
    Pictures.set(element("answer"), first < 0 ? "" : String(first));
    this.bars.forEach(({ bar, fill, percent }, digit) => {
      bar.classList.toggle("first", digit === first);
      fill.style.setProperty("--p", first < 0 ? 0 : p[digit]);
      Pictures.set(percent, first < 0 ? "" : `${(100 * p[digit]).toFixed(p[digit] > 0.9995 || p[digit] < 0.0005 ? 2 : 1)} %`);
    });
    return first < 0 ? null : read;
  }
}
