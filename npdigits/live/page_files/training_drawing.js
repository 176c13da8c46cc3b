"use strict";
// What is on the paper, read by the networks as they are now: asked anew whenever the paper or the networks changed.

class Drawing {
  constructor(views) {
    Object.assign(this, { views, image: null, asking: false, stale: false, shown: new Map(), frame: 0 });
    const [canvas, clear, undo, pen] = ["paper", "clear", "undo", "pen"].map(byId);
    this.paper = new Paper({ canvas, clear, undo, pen }, () => this.changed(), (row) => this.shown.get(row));
    this.changed();
  }

  // A digit of the page's own, by its number among all.
  show(row, image) {
    this.shown.set(row, image);
    this.paper.show(row);
    byId("drawing").scrollIntoView({ block: "nearest" });
  }

  changed() {
    this.frame ||= requestAnimationFrame(() => {
      this.frame = 0;
      this.paper.redraw();
      const { image, why } = this.paper.read();
      this.image = image;
      Paper.picture(byId("seen").getContext("2d"), (i) => (image ? 255 - image[i] : 255));
      put(byId("note"), why || (this.paper.blank ? "draw a digit on the paper" : ""));
      this.ask();
    });
  }

  async ask() {
    if (this.asking) {
      this.stale = true;
      return;
    }
    const views = this.views(), image = this.image;
    if (!image) {
      for (const view of views) if (view.state?.classes) view.answer(null, view.state.classes);
      return;
    }
    this.asking = true;
    this.stale = false;
    try {
      const query = new URLSearchParams({ image: btoa(String.fromCharCode(...image)) });
      const found = await server.get(`/training/read?${query}`, AbortSignal.timeout(10000));
      const answers = found.ok ? await found.json() : [];
      views.forEach((view, i) => { if (view.state?.classes && answers[i]) view.answer(answers[i], view.state.classes); });
    } catch { /* what is wrong is said above */ } finally {
      this.asking = false;
    }
    if (this.stale) this.ask();
  }
}
