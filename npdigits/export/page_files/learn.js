"use strict";
// The page: a network that learns as fast as is asked for, and is looked at some times a second. Training and painting
// each have their share of a frame, so that the page stays fluent at full speed.

(async () => {
  const content = JSON.parse(document.getElementById("content").textContent);
  const element = (id) => document.getElementById(id), { set } = Pictures;
  // Batches a second; milliseconds of training in a frame; the share of the time for pictures, which wait LONGEST at most
  // (CALM where motion is not wanted).
  const SPEEDS = [1, 2, 5, 10, 20, 50, 100, Infinity], TRAINING = 12, PAINTING = 0.25, CALM = 1000, LONGEST = 250;
  // It pauses after so many epochs, so that a page that was forgotten comes to rest.
  const REST = 1000;
  // Whatever the speed, both sets are read after every epoch, and about so many times in the first.
  const EARLY = 8;
  // Words for screen readers stand at least so long, in milliseconds.
  const WORDS = 2000;

  // ---- the digits
  const unpack = async (base64) => {
    const stream = new Blob([bytes(base64)]).stream().pipeThrough(new DecompressionStream("deflate"));
    return new Uint8Array(await new Response(stream).arrayBuffer());
  };
  const { labels, training } = content.digits;
  const digits = new Digits(await unpack(content.digits.images), Uint8Array.from(labels));

  // ---- the state
  let trainer, series, first, units, running = false, goal = Infinity, owed = 0, then = 0, rest = REST;
  let asked = false, painted = -Infinity, took = 0, said = { kind: "", at: -Infinity };
  const calm = matchMedia("(prefers-reduced-motion: reduce)");

  function begin(settings) {
    trainer = new Trainer(settings, digits, training);
    series = Object.fromEntries(["batch", "trainCost", "valCost", "train", "val"].map((name) => [name, new Series()]));
    units = Pictures.units(element("units"), settings.hidden);
    first = trainer.score(0).cost;
    said = { kind: "", at: -Infinity };
    set(element("said"), "");
    rest = REST;
    set(element("unit-count"), settings.hidden > units.shown ? `The first ${units.shown} of ${settings.hidden} are shown.` : "");
    stop();
    element("settings").classList.remove("edited");
    look();
  }

  // ---- training
  function step() {
    trainer.step();
    if (trainer.failed) return stop();
    series.batch.push(trainer.batches, trainer.cost);
    const { batches, inEpoch } = trainer;
    if (batches % (batches < inEpoch ? Math.ceil(inEpoch / EARLY) : inEpoch) === 0) record(trainer.score(0), trainer.score(1));
    if (trainer.batches >= goal || trainer.epochs >= rest) {
      if (trainer.epochs >= rest) rest += REST;
      stop();
    }
  }
  function record(train, val) {
    if (trainer.batches === series.val.x.at(-1)) return;
    const points = { trainCost: train.cost, valCost: val.cost, train: train.accuracy, val: val.accuracy };
    for (const [name, value] of Object.entries(points)) series[name].push(trainer.batches, value);
  }
  function train(now) {
    const gap = Math.min(now - then, LONGEST), speed = SPEEDS[element("speed").value], begun = performance.now();
    then = now;
    owed = speed === Infinity ? Infinity : owed + speed * gap / 1000;
    while (running && owed >= 1 && performance.now() - begun < TRAINING) {
      step();
      owed--;
    }
    if (owed > 1) owed = 1;  // what cannot be done in time is not made up for
  }
  function go(until = Infinity) {
    if (trainer.failed) return;
    goal = until;
    running = true;
    then = performance.now();
    owed = 1;  // the first batch at once
    buttons();
    wake();
  }
  function stop() {
    running = false;
    goal = Infinity;
    buttons();
    look();
  }
  function buttons() {
    set(element("start"), running ? "pause" : trainer.batches ? "go on" : "start");
    for (const id of ["start", "batch", "epoch"]) element(id).disabled = Boolean(trainer.failed);
    // While it learns the answer may change many times a second.
    element("answer").ariaLive = running ? "off" : "polite";
  }

  // ---- frames
  let awake = false;
  function wake() {
    if (!awake) requestAnimationFrame(frame);
    awake = true;
  }
  function look() { asked = true; wake(); }
  function frame(now) {
    awake = false;
    if (running) train(now);
    const wait = calm.matches ? CALM : Math.min(took / PAINTING, LONGEST);
    if (asked || (running && now - painted >= wait)) {
      const begun = performance.now();
      asked = false;
      paint(now);
      painted = now;
      took = performance.now() - begun;
    }
    if (running) wake();
  }

  // ---- pictures
  function paint(now) {
    const [train, val] = [trainer.score(0), trainer.score(1)], { network } = trainer;
    record(train, val);
    const states = Inside.states(network, trainer.scored[1]);
    figures(train, val, states);
    curves();
    const top = units.paint(network, states);
    set(element("coldest"), Charts.short(-top));
    set(element("warmest"), `+${Charts.short(top)}`);
    const read = reading.paint(trainer);
    units.light(read && read.hidden);
    histograms();
    const wrong = showWrong(trainer.sets[1], val.answers), all = Math.round((1 - val.accuracy) * val.answers.length);
    set(element("wrong-count"), all ? `${all} of ${val.answers.length} validation digits${wrong < all ? `, the first ${wrong} of them` : ""}. What it is → what it says.` : "None: all validation digits are read right.");
    showConfusion(val.confusion, val.answers.length / CLASSES);
    speak(now, Inside.diagnoses(trainer, first, train, val, states));
    window.npdigits.read = read && { image: Array.from(reading.image), probabilities: Array.from(read.probabilities) };
    window.npdigits.painted++;
  }
  function figures(train, val, states) {
    const { batches, inEpoch, lr } = trainer, percent = (share) => `${(100 * share).toFixed(1)} %`;
    const count = (state) => String(states.filter((one) => one === state).length), cost = (c) => Number.isFinite(c) ? c.toFixed(3) : "∞";
    set(element("epochs"), (batches / inEpoch).toFixed(batches % inEpoch ? 1 : 0));
    set(element("batches"), String(batches));
    set(element("rate"), Charts.short(lr));
    set(element("costs"), `${cost(train.cost)} / ${cost(val.cost)}`);
    set(element("right"), `${percent(train.accuracy)} / ${percent(val.accuracy)}`);
    set(element("dead"), count("dead"));
    set(element("saturated"), count("saturated"));
  }
  function curves() {
    const scale = { last: trainer.batches, inEpoch: trainer.inEpoch };
    const high = [series.trainCost, series.valCost].flatMap(({ y }) => y).reduce((a, b) => Math.max(a, b), 2.5), top = Math.min(1.05 * high, Math.max(10, 1.5 * first));
    const lines = (batch, train, val) => [
      ...(batch ? [{ series: batch, colour: "faint", width: 1 }] : []),
      { series: train, colour: "accent", width: 2 }, { series: val, colour: "glow", width: 2 },
    ];
    const unit = Charts.curves(element("cost"), lines(series.batch, series.trainCost, series.valCost), { ...scale, high: top, label: Charts.short });
    Charts.curves(element("accuracy"), lines(null, series.train, series.val), { ...scale, high: 1, label: (y) => `${Math.round(100 * y)} %` });
    set(element("unit"), unit);
  }
  function histograms() {
    const { network: { parameters, gradient }, scored: [, { a, p }], batches, failed } = trainer;
    const kinds = {
      "activations-1": [a], "activations-2": [p, [0, 1]], "weights-1": [parameters.W1], "weights-2": [parameters.W2],
      "gradients-1": batches || failed ? [gradient.W1] : null, "gradients-2": batches || failed ? [gradient.W2] : null,
    };
    for (const [id, values] of Object.entries(kinds)) {
      const found = values && Inside.distribution(...values), canvas = element(id), none = element(`${id}-zeros`);
      Charts.histogram(canvas, found || { counts: new Uint32Array(1), low: -1, high: 1 });
      set(none, !values ? "after the first batch" : !found ? "not finite" : found.zeros ? `besides, ${(100 * found.zeros).toFixed(0)} % are 0` : "");
    }
  }
  // What was said stays as long as it holds, unless all is over.
  function speak(now, found) {
    const { kind, text } = found[0] || { kind: "", text: "" };
    const holds = found.some((one) => one.kind === said.kind) && !trainer.failed;
    if (kind === said.kind || holds || (running && now - said.at < WORDS)) return;
    said = { kind, at: now };
    set(element("said"), text);
    element("said").classList.toggle("bad", !["", "by heart"].includes(kind));
  }

  // ---- the parts of the page
  const validation = Uint16Array.from({ length: labels.length - training }, (_, i) => training + i);
  const reading = new Reading(element, digits, validation, look);
  const showWrong = Pictures.wrong(element("wrong"), digits, (row) => reading.paper.show(row));
  const showConfusion = Pictures.confusion(element("confusion"));
  window.npdigits = { digits, training, read: null, painted: 0, get trainer() { return trainer; }, get running() { return running; } };
  element("start").addEventListener("click", () => running ? stop() : go());
  element("batch").addEventListener("click", () => { step(); stop(); });
  element("epoch").addEventListener("click", () => go((trainer.epochs + 1) * trainer.inEpoch));
  const pace = () => {
    const speed = SPEEDS[element("speed").value];
    const text = speed === Infinity ? "full speed" : speed === 1 ? "1 batch a second" : `${speed} batches a second`;
    set(element("pace"), text);
    element("speed").setAttribute("aria-valuetext", text);
  };
  element("speed").max = SPEEDS.length - 1;
  element("speed").value = SPEEDS.indexOf(20);
  element("speed").addEventListener("input", pace);
  addEventListener("resize", look);
  pace();
  if (content.of !== null) set(element("of"), `It begins with the settings of ${content.of}. `);
  const settings = { ...content.settings, seed: 0 }, form = element("settings");
  Settings.form(element("fields"), element("rare"), settings, content.most, begin, () => form.classList.add("edited"));
  begin(settings);
  lightAndDark(element("theme"), () => { Charts.readColours(element("unit")); look(); });
})().catch((error) => {
  document.getElementById("said").textContent = `This browser cannot run the page: ${error.message}.`;
  throw error;
});
