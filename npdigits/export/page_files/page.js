"use strict";
// Strokes become a picture (paper.js), the picture an image (form.js), the image probabilities (network.js). Drawn at most once a
// frame, and only when something changed.

(() => {
  const content = JSON.parse(document.getElementById("content").textContent);
  const network = new Network(content.network);
  const tests = content.tests && { ...content.tests, images: bytes(content.tests.images) };
  const element = (id) => document.getElementById(id);
  const make = (tag, name, parent) => {
    const made = document.createElement(tag);
    if (name) made.className = name;
    parent.append(made);
    return made;
  };
  const SIDE = Form.SIDE, MOST_TILES = 48, SAMPLE = 40;
  // Letters of a name beside a bar, and in a sentence; more bars than MANY stand in columns, as far as names are short.
  const LONGEST = 14, LONGEST_SAID = 32, MANY = 20, WORD = 3;

  // Classes that have names are no digits.
  const named = content.classes !== null, thing = named ? "picture" : "digit";
  const names = content.classes || Array.from({ length: network.sizes.at(-1) }, (_, digit) => String(digit));
  const shortened = (name) => {
    const letters = Array.from(name), half = Math.floor(LONGEST_SAID / 2);
    return letters.length <= LONGEST_SAID ? name : `${letters.slice(0, half).join("")}…${letters.slice(1 - half).join("")}`;
  };
  const says = (label) => named ? `: ${shortened(names[label])}` : `, a ${label}`;
  element("about").textContent = content.about;
  element("meaning").textContent = content.meaning;
  if (named) {
    document.title = "npdigits: draw a picture";
    document.body.classList.add("named");
    element("heading").textContent = "Draw a picture";
    element("paper").ariaLabel = "paper: draw one picture, with mouse, finger or pen";
    element("test").textContent = "test picture";
  }
  let dirty = false;
  lightAndDark(element("theme"));

  // ---- drawing
  const digit = (i) => tests.images.subarray(i * SIDE * SIDE, (i + 1) * SIDE * SIDE);
  const [clear, undo, pen] = ["clear", "undo", "pen"].map(element);
  const paper = new Paper({ canvas: element("paper"), clear, undo, pen }, changed, digit);
  element("test").hidden = !tests;
  element("test").addEventListener("click", () => {
    const n = tests.labels.length;
    paper.show(paper.shown === null ? Math.floor(Math.random() * n) : (paper.shown + 1) % n);
  });

  // ---- probabilities
  element("bars").style.setProperty("--rows", Math.ceil(network.sizes.at(-1) / 2));
  // Letters beyond these are as wide as two of the others.
  const wide = (name) => Array.from(name).reduce((sum, letter) => sum + (letter > "\u2e7f" ? 2 : 1), 0);
  const widest = Math.min(LONGEST, names.reduce((most, name) => Math.max(most, wide(name)), 1));
  element("bars").style.setProperty("--digits", widest);
  element("bars").classList.toggle("many", names.length > MANY);
  element("bars").classList.toggle("words", widest > WORD);
  const bars = names.map((name) => {
    const bar = make("div", "bar", element("bars")), label = make("span", "name", bar);
    label.textContent = name;
    if (named) label.title = name;
    const fill = make("div", "fill", make("div", "track", bar));
    return { bar, fill, percent: make("span", "percent", bar) };
  });

  // ---- hidden units
  const sizes = network.sizes.slice(1, -1);
  const typical = tests ? tests.labels.slice(0, SAMPLE).map((_, i) => network.forward(digit(i)).hidden) : [];
  const lights = sizes.map((n, layer) => {
    if (sizes.length > 1) make("h3", "", element("layers")).textContent = `layer ${layer + 1}`;
    const grid = make("div", layer ? "dots" : "tiles", element("layers"));
    return strongest(layer, n).map((unit) => {
      const light = make("div", layer ? "dot" : "tile", grid);
      light.title = `unit ${unit + 1}`;
      if (layer === 0) weightImage(make("canvas", "", light), unit);
      return { light, unit };
    });
  });
  // Of many units those that contribute most: outgoing weights, times how active they are on test digits.
  function strongest(layer, n) {
    const most = layer ? 4 * MOST_TILES : MOST_TILES, all = Array.from({ length: n }, (_, unit) => unit);
    if (n <= most) return all;
    const next = network.weights[layer + 1], power = new Float64Array(n), active = new Float64Array(n).fill(tests ? 0 : 1);
    for (let i = 0; i < next.length; i++) power[i % n] += next[i] * next[i];
    typical.forEach((hidden) => hidden[layer].forEach((a, unit) => { active[unit] += Math.abs(a); }));
    const weight = (unit) => Math.sqrt(power[unit]) * active[unit];
    return all.sort((a, b) => weight(b) - weight(a)).slice(0, most).sort((a, b) => a - b);
  }
  function weightImage(canvas, unit) {
    canvas.width = canvas.height = SIDE;
    const weights = network.weights[0].subarray(unit * SIDE * SIDE, (unit + 1) * SIDE * SIDE);
    const sorted = Float32Array.from(weights, Math.abs).sort(), top = sorted[Math.floor(0.99 * sorted.length)] || 1;
    const context = canvas.getContext("2d"), image = context.createImageData(SIDE, SIDE);
    weights.forEach((w, i) => {
      const strength = Math.min(Math.abs(w) / top, 1), cold = [33, 102, 172], warm = [178, 24, 43];
      (w > 0 ? warm : cold).forEach((c, k) => { image.data[4 * i + k] = 255 + (c - 255) * strength; });
      image.data[4 * i + 3] = 255;
    });
    context.putImageData(image, 0, 0);
  }
  // Without hidden layer the digits themselves see the pixels.
  const digits = sizes.length ? [] : bars.map((_, unit) => {
    const grid = element("layers").firstChild || make("div", "tiles", element("layers"));
    const light = make("div", "tile", grid);
    light.title = named ? names[unit] : `digit ${unit}`;
    weightImage(make("canvas", "", light), unit);
    return light;
  });
  const fewer = sizes.map((n, layer) => [n, lights[layer].length, layer + 1]).filter(([n, some]) => some < n)
    .map(([n, some, layer]) => ` Of the ${n}${sizes.length > 1 ? ` of layer ${layer}` : ""} the ${some} that count most are shown.`);
  element("units-hint").textContent = !sizes.length
    ? `This network has none: each ${named ? "class" : "digit"}'s own weights see the pixels. Red ones want ink, blue ones none.`
    : "Red weights want ink, blue ones none; a unit glows as it is active." + fewer.join("");

  // ---- one frame
  function changed() {
    if (!dirty) requestAnimationFrame(frame);
    dirty = true;
  }
  function frame() {
    dirty = false;
    paper.redraw();
    const { image, why } = paper.read(), { shown } = paper;
    let note = why || "";
    if (shown !== null) note = `test ${thing} ${shown + 1}${says(tests.labels[shown])}`;
    else if (paper.blank) note = `draw a ${thing} on the paper`;
    Paper.picture(element("seen").getContext("2d"), (i) => image ? 255 - image[i] : 255);
    element("note").textContent = note;
    const read = image && network.forward(image);
    const first = read ? read.probabilities.indexOf(Math.max(...read.probabilities)) : -1;
    element("answer").textContent = first < 0 ? "" : shortened(names[first]);
    bars.forEach(({ bar, fill, percent }, digit) => {
      const p = read ? read.probabilities[digit] : 0;
      bar.classList.toggle("first", digit === first);
      fill.style.setProperty("--p", p);
      percent.textContent = read ? `${(100 * p).toFixed(p > 0.9995 || p < 0.0005 ? 2 : 1)} %` : "";
    });
    lights.forEach((layer, i) => {
      const most = read ? Math.max(...read.hidden[i].map(Math.abs)) || 1 : 1;
      for (const { light, unit } of layer)
        light.style.setProperty("--a", read ? Math.max(read.hidden[i][unit], 0) / most : 0);
    });
    digits.forEach((light, digit) => light.style.setProperty("--a", read ? read.probabilities[digit] : 0));
    window.npdigits.read = read && { image: Array.from(image), probabilities: Array.from(read.probabilities) };
  }
  // What tests, and whoever is curious in the console, may look at.
  window.npdigits = { network, form: Form.form, read: null };
  changed();
})();
