"use strict";
// The paper to draw on: strokes by mouse, finger or pen. The picture is made of the strokes alone, so that one taken
// back leaves no trace. In their place a digit of the page's own can be shown, by its number.

class Paper {
  static SIDE = 28;
  static PENS = { thick: 22, thin: 9 };
  static NEAR = 1;

  // A canvas of 280 × 280, the buttons, what is called after a change, and the bytes of a digit by its number.
  constructor({ canvas, clear, undo, pen }, changed, digit) {
    Object.assign(this, { canvas, changed, digit, strokes: [], shown: null, current: null });
    this.pencil = canvas.getContext("2d", { willReadFrequently: true });
    this.before = [];  // what undo brings back
    this.pen = "thick";
    this.pointer = null;
    this.listen();
    clear.addEventListener("click", () => {
      if (this.blank) return;  // nothing that undo could bring back
      this.remember();
      this.strokes = [];
      this.shown = null;
      this.changed();
    });
    undo.addEventListener("click", () => {
      if (!this.before.length || this.current) return;  // not while a stroke is being drawn
      [this.strokes, this.shown] = this.before.pop();
      this.changed();
    });
    addEventListener("keydown", (event) => {
      if ((event.ctrlKey || event.metaKey) && !event.shiftKey && event.key.toLowerCase() === "z" && !event.target.closest?.("input")) {
        event.preventDefault();
        undo.click();
      }
    });
    pen.addEventListener("click", () => {
      this.pen = this.pen === "thick" ? "thin" : "thick";
      pen.textContent = `pen: ${this.pen}`;
    });
  }

  get blank() { return !this.strokes.length && this.shown === null; }

  remember() { this.before.push([this.strokes.slice(), this.shown]); }

  show(number) {
    this.remember();
    this.strokes = [];
    this.shown = number;
    this.changed();
  }

  listen() {
    const { canvas } = this;
    canvas.addEventListener("pointerdown", (event) => {
      if (this.pointer !== null || event.button > 0) return;  // one finger draws
      event.preventDefault();
      canvas.setPointerCapture(event.pointerId);
      this.pointer = event.pointerId;
      this.remember();
      this.shown = null;
      this.current = { width: Paper.PENS[this.pen], points: [this.place(event)] };
      this.strokes.push(this.current);
      this.changed();
    });
    canvas.addEventListener("pointermove", (event) => {
      if (event.pointerId !== this.pointer) return;
      const between = event.getCoalescedEvents ? event.getCoalescedEvents() : [];
      for (const point of (between.length ? between : [event]).map((one) => this.place(one))) {
        const [x, y] = this.current.points.at(-1);
        // Each frame draws all points anew, so none is kept that changes nothing.
        if (Math.hypot(point[0] - x, point[1] - y) >= Paper.NEAR) this.current.points.push(point);
      }
      this.changed();
    });
    for (const end of ["pointerup", "pointercancel"])
      canvas.addEventListener(end, (event) => { if (event.pointerId === this.pointer) this.pointer = this.current = null; });
  }

  place(event) {
    const box = this.canvas.getBoundingClientRect(), { width, height } = this.canvas;
    return [(event.clientX - box.left) * width / box.width, (event.clientY - box.top) * height / box.height];
  }

  trace({ width, points }) {
    const { pencil } = this;
    pencil.lineWidth = width;
    pencil.lineCap = pencil.lineJoin = "round";
    pencil.beginPath();
    if (points.length === 1) {  // a line of no length would not be drawn
      pencil.arc(...points[0], width / 2, 0, 2 * Math.PI);
      pencil.fillStyle = "#000";
      pencil.fill();
      return;
    }
    pencil.moveTo(...points[0]);
    for (const point of points) pencil.lineTo(...point);
    pencil.stroke();
  }

  redraw() {
    const { pencil, canvas, shown } = this;
    pencil.fillStyle = "#fff";
    pencil.fillRect(0, 0, canvas.width, canvas.height);
    pencil.strokeStyle = "#000";
    if (shown !== null) {
      const image = this.digit(shown);
      Paper.picture(pencil, (i) => 255 - image[i], canvas.width / Paper.SIDE);
    }
    this.strokes.forEach((stroke) => this.trace(stroke));
  }

  // What was drawn as the network sees it, or why there is nothing to see: { image, why }.
  read() {
    if (this.shown !== null) return { image: this.digit(this.shown), why: null };
    if (!this.strokes.length) return { image: null, why: null };
    const { width, height } = this.canvas, rgba = this.pencil.getImageData(0, 0, width, height).data;
    const grey = new Uint8Array(rgba.length / 4);
    for (let i = 0; i < grey.length; i++) grey[i] = rgba[4 * i];
    try {
      return { image: Form.form(grey, width, height), why: null };
    } catch (error) {
      if (!(error instanceof Form.NoDigit)) throw error;
      return { image: null, why: error.message };
    }
  }

  // Paints 28 × 28 grey values, each as a square of `size` pixels.
  static picture(context, grey, size = 1) {
    const side = Paper.SIDE * size, image = context.createImageData(side, side);
    for (let i = 0; i < side * side; i++) {
      const x = Math.floor(i % side / size), y = Math.floor(i / side / size);
      image.data.fill(grey(y * Paper.SIDE + x), 4 * i, 4 * i + 3);
      image.data[4 * i + 3] = 255;
    }
    context.putImageData(image, 0, 0);
  }
}
