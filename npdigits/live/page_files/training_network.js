"use strict";
// What is seen of one network: figures, weights as pictures, distributions, mistakes. Only what has changed is touched.

class NetworkView {
  static WARM = [178, 24, 43];
  static COLD = [33, 102, 172];
  static MOST_CLASSES = 20;

  constructor(holder, number, settings, put_on_paper) {
    this.element = byId("network").content.firstElementChild.cloneNode(true);
    holder.append(this.element);
    this.said = byId("answer").content.firstElementChild.cloneNode(true);
    byId("answers").append(this.said);
    if (number) put(this.said.querySelector(".who"), `Network ${number} says`);
    Object.assign(this, { number, settings, show: put_on_paper, points: [], series: 0, tiles: [], slots: [], digits: new Map(), look: null, state: null });
    this.lines = Object.fromEntries(["next", "trainCost", "train", "valCost", "val"].map((name) => [name, new Series()]));
    put(this.part("name"), `${number ? `Network ${number}` : "The network"}: ${this.title()}`);
  }

  part(name) { return this.element.querySelector(`.${name}`); }

  title() {
    const { hidden, lr, optimizer, activation } = this.settings;
    return `hidden ${SettingsForm.text(hidden)}, lr ${SettingsForm.text(lr)}, ${optimizer}, ${activation}`;
  }

  take({ state, series, begin, points, look }) {
    if (series !== this.series || begin === 0) this.points = [];
    this.series = series;
    this.points.push(...points);
    if (points.length) this.draw();
    this.state = state;
    if (look) this.look = look;
    return look;
  }

  // Points come as they were seen, an epoch's record with the look after it: in the order of batches they are lines.
  draw() {
    this.lines = Object.fromEntries(Object.keys(this.lines).map((name) => [name, new Series()]));
    const sorted = this.points.slice().sort((a, b) => a[0] - b[0]), names = ["next", "trainCost", "train", "valCost", "val"];
    for (const [batches, ...values] of sorted)
      names.forEach((name, i) => { if (values[i] !== null) this.lines[name].push(batches, values[i]); });
  }

  paint() {
    const { look, state } = this;
    put(this.part("path"), state.path ?? "");
    if (!look) return;
    const { figures } = look, is_test = state.digits?.is_test;
    for (const one of this.element.querySelectorAll(".other")) put(one, is_test ? "test" : "validation");
    put(this.part("epochs"), (look.batches / state.in_epoch).toFixed(look.batches % state.in_epoch ? 2 : 0));
    put(this.part("rate"), look.lr === null ? "" : Charts.short(look.lr));
    put(this.part("costs"), `${cost(figures.train_cost)} / ${cost(figures.val_cost)}`);
    put(this.part("right-share"), `${percent(figures.train)} / ${percent(figures.val)}`);
    this.paintUnits(look.units, state.shape);
    this.paintLayers(look.layers);
    this.paintWrong(look.wrong, state);
    this.paintConfusion(look.confusion, state.classes);
  }

  paintUnits({ all, shown, pixels, top, states }, [height, width]) {
    const grid = this.part("tiles"), weights = new Int8Array(bytes(pixels).buffer), size = height * width;
    while (this.tiles.length < shown) {
      const tile = make("figure", "tile", grid), canvas = make("canvas", "", tile), caption = make("figcaption", "", tile);
      Object.assign(canvas, { width, height, role: "img", ariaLabel: `weights of unit ${this.tiles.length + 1}` });
      const context = canvas.getContext("2d");
      this.tiles.push({ tile, caption, context, image: context.createImageData(width, height) });
    }
    const { WARM, COLD } = NetworkView;
    this.tiles.forEach(({ caption, context, image: { data }, image }, unit) => {
      for (let i = 0; i < size; i++) {
        const w = weights[unit * size + i], full = w > 0 ? WARM : COLD, strength = Math.abs(w) / 127;
        for (let k = 0; k < 3; k++) data[4 * i + k] = 255 + (full[k] - 255) * strength;
        data[4 * i + 3] = 255;
      }
      context.putImageData(image, 0, 0);
      put(caption, states[unit]);
    });
    const count = (state) => states.filter((one) => one === state).length;
    put(this.part("unit-count"), `Dead: ${count("dead")}, saturated: ${count("saturated")}.${all > shown ? ` The first ${shown} of ${all} are shown.` : ""}`);
    put(this.part("coldest"), Charts.short(-top));
    put(this.part("warmest"), `+${Charts.short(top)}`);
  }

  // How the units answer to what is on the paper: those of the first layer.
  light(first) {
    const most = first ? Math.max(...first.map((a) => Math.abs(a ?? 0))) || 1 : 1;
    this.tiles.forEach(({ tile }, unit) => tile.style.setProperty("--a", first ? Math.max(first[unit] ?? 0, 0) / most : 0));
  }

  paintLayers(layers) {
    const grid = this.part("grid"), kinds = ["activations", "gradients", "weights"];
    if (!this.rows) {
      make("p", "corner", grid);
      for (const kind of kinds) make("p", "", grid, kind);
      this.rows = layers.map((_, i) => {
        const name = i === layers.length - 1 ? "output" : layers.length === 2 ? "hidden" : `hidden ${i + 1}`;
        const title = make("p", "layer", grid, name), state = make("small", "", title);
        const charts = kinds.map((kind) => {
          const figure = make("figure", "", grid), canvas = make("canvas", "chart", figure);
          Object.assign(canvas, { role: "img", ariaLabel: `histogram of ${kind}, layer ${name}` });
          return { canvas, caption: make("figcaption", "", figure) };
        });
        return { state, charts };
      });
    }
    layers.forEach((layer, i) => {
      const told = [["dead", layer.dead], ["saturated", layer.saturated], ["identical", layer.identical]].filter(([, share]) => share);
      put(this.rows[i].state, told.map(([name, share]) => `${name} ${percent(share, 0)}`).join(", "));
      kinds.forEach((kind, k) => {
        const found = layer[kind], { canvas, caption } = this.rows[i].charts[k];
        Charts.histogram(canvas, found ?? { counts: [0], low: -1, high: 1 });
        put(caption, !found ? "not finite" : found.zeros ? `besides, ${percent(found.zeros, 0)} are 0` : "");
      });
    });
  }

  paintWrong({ all, digits, pixels }, { shape: [height, width], classes, digits: { val, is_test } }) {
    const grid = this.part("wrong-digits"), size = height * width, images = bytes(pixels);
    const of = `${val} ${is_test ? "test" : "validation"} digits`;
    put(this.part("wrong-count"), all ? `${all} of ${of}${digits.length < all ? `, ${digits.length} of them here, evenly of the classes` : ""}. What it is → what it says.` : `None: all ${of} are read right.`);
    digits.forEach(([row, label, answer], i) => {
      const slot = (this.slots[i] ??= this.slot(grid, width, height));
      if (slot.row !== row) {
        const image = images.slice(i * size, (i + 1) * size);
        this.digits.set(row, image);
        const picture = slot.context.createImageData(width, height);
        for (let k = 0; k < size; k++) {
          picture.data.fill(255 - image[k], 4 * k, 4 * k + 3);
          picture.data[4 * k + 3] = 255;
        }
        slot.context.putImageData(picture, 0, 0);
      }
      slot.row = row;
      slot.button.hidden = false;
      put(slot.text, `${classes[label]} → ${classes[answer]}`);
      slot.button.ariaLabel = plain(`${classes[label]}, read as ${classes[answer]}: put it on the paper`);
    });
    this.slots.forEach(({ button }, i) => { if (i >= digits.length) button.hidden = true; });
  }

  slot(grid, width, height) {
    const button = make("button", "wrong", grid), canvas = make("canvas", "", button), text = make("span", "", button);
    Object.assign(canvas, { width, height });
    button.type = "button";
    const slot = { button, text, context: canvas.getContext("2d"), row: -1 };
    button.addEventListener("click", () => this.show(slot.row, this.digits.get(slot.row)));
    return slot;
  }

  paintConfusion(counts, classes) {
    const table = this.part("confusion"), n = classes.length;
    if (n > NetworkView.MOST_CLASSES) return put(table, `of ${n} classes, too many for this page`);
    if (!this.cells) {
      const head = make("tr", "", make("thead", "", table)), body = make("tbody", "", table);
      make("td", "", head);
      for (const name of classes) make("th", "", head, name).scope = "col";
      this.cells = classes.flatMap((label, i) => {
        const row = make("tr", "", body);
        make("th", "", row, label).scope = "row";
        return classes.map((_, k) => make("td", i === k ? "same" : "", row));
      });
    }
    this.cells.forEach((cell, i) => {
      const text = counts[i] ? String(counts[i]) : "";
      if (cell.textContent === text) return;
      cell.textContent = text;
      const row = counts.slice(i - (i % n), i - (i % n) + n).reduce((a, b) => a + b, 0);
      cell.style.setProperty("--share", Math.sqrt(counts[i] / Math.max(row, 1)));
    });
  }

  // The answer to what is on the paper; null where nothing is.
  answer(read, classes) {
    const bars = this.said.querySelector(".bars");
    this.bars ??= classes.map((name) => {
      const bar = make("div", "bar", bars);
      make("span", "name", bar, name);
      const fill = make("div", "fill", make("div", "track", bar));
      return { bar, fill, percent: make("span", "percent", bar) };
    });
    const p = read?.probabilities, first = p && p.every((one) => one !== null) ? p.indexOf(Math.max(...p)) : -1;
    put(this.said.querySelector(".verdict-of"), first < 0 ? "" : classes[first]);
    this.bars.forEach(({ bar, fill, percent: text }, i) => {
      bar.classList.toggle("first", i === first);
      fill.style.setProperty("--p", first < 0 ? 0 : p[i]);
      put(text, first < 0 ? "" : percent(p[i], p[i] > 0.9995 || p[i] < 0.0005 ? 2 : 1));
    });
    this.light(first < 0 ? null : read.first);
  }
}
