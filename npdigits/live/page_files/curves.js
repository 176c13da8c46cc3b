"use strict";
// The curves of some runs: solid of the validation set, dashed of the training set. The server thins them, so that an
// array never holds more than a thousand points; beyond six runs the first that was chosen goes.
const FIGURES = { cost: ["val_cost", "train_cost", 1], accuracy: ["val_accuracy", "train_accuracy", 100] };

const curves = {
  runs: new Map(), // id -> {key, points, row, colour}
  chosen: false, // whether somebody has chosen; else those at work are shown
  charts: new Map(), // name -> {chart, of}
  frame: 0,

  show(ids) {
    const keep = ids.slice(-content.curves);
    for (const id of this.runs.keys()) if (!keep.includes(id)) this.runs.delete(id);
    for (const id of keep) {
      if (this.runs.has(id)) continue;
      const taken = [...this.runs.values()].map((run) => run.colour);
      const free = COLOURS.findIndex((_, index) => !taken.includes(index));
      this.runs.set(id, { key: "", points: null, row: null, colour: free });
    }
    this.draw();
  },

  // What is known of each curve, for the next question.
  known() {
    return [...this.runs].map(([id, { key, points }]) => `${id}.${key || 0}.${points?.epoch.length ?? 0}`).join(",");
  },

  // Of a run that is gone nothing more comes.
  lose(ids) {
    for (const id of ids) {
      const name = this.nameOf(id);
      if (this.runs.delete(id)) say(`${name} is gone, and so is its curve.`);
    }
    if (!ids.length) return;
    this.chosen = this.chosen && this.runs.size > 0;
    this.draw();
  },

  // Its settings; where another one that is drawn has the same, or there are none, its directory as well.
  nameOf(id) {
    const row = this.runs.get(id)?.row;
    if (!row?.settings) return row?.name ?? "A run";
    const same = [...this.runs].some(([other, run]) => other !== id && run.row?.settings === row.settings);
    return same ? `${row.settings} (${row.name})` : row.settings;
  },

  take(news) {
    for (const [id, { key, begin, points, row }] of Object.entries(news)) {
      const run = this.runs.get(id);
      if (!run) continue;
      if (!run.points || begin === 0) run.points = points;
      else for (const name of Object.keys(points)) run.points[name].push(...points[name]);
      Object.assign(run, { key, row });
    }
    if (Object.keys(news).length) this.draw();
  },

  draw() {
    this.frame ||= requestAnimationFrame(() => {
      this.frame = 0;
      for (const name of Object.keys(FIGURES)) this.drawOne(name);
      this.tell();
    });
  },

  drawn() {
    return [...this.runs].filter(([, run]) => run.points?.epoch.length).map(([id, run]) => ({ ...run, name: this.nameOf(id) }));
  },

  drawOne(name) {
    const holder = byId(name);
    const [validation, training, times] = FIGURES[name];
    const runs = this.drawn();
    const scaled = (values) => values.map((value) => (value === null ? null : value * times));
    const tables = runs.map(({ points }) => [points.epoch, scaled(points[validation]), scaled(points[training])]);
    const data = tables.length ? uPlot.join(tables) : [[1], [null]];
    const of = runs.map((run) => run.colour).join();
    const there = this.charts.get(name);
    const said = runs.map(({ points, name: of }) => `${of}: ${figure(scaled(points[validation]).at(-1))}`);
    holder.setAttribute("aria-label", plain(`${name} by epoch, validation set; ${said.join("; ") || "no run is chosen"}`));
    if (there?.of === of) {
      there.chart.setData(data);
      return;
    }
    there?.chart.destroy();
    holder.replaceChildren();
    const series = [{}];
    for (const run of runs) {
      const stroke = COLOURS[run.colour];
      series.push({ stroke, width: 2, points: { show: run.points.epoch.length < 2 }, spanGaps: true });
      series.push({ stroke, width: 1.2, dash: [5, 4], points: { show: false }, spanGaps: true });
    }
    if (!runs.length) series.push({});
    const common = { stroke: () => colour("--soft"), grid: { stroke: () => colour("--line"), width: 1 }, ticks: { show: false } };
    const chart = new uPlot({
      width: Math.max(220, holder.clientWidth), height: 230, series, legend: { show: false },
      scales: { x: { time: false } }, cursor: { y: false, points: { show: false }, drag: { x: false } },
      axes: [{ ...common, size: 30, incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000] }, { ...common, size: 56 }],
      hooks: { setCursor: [() => this.tell()] },
    }, data, holder);
    this.charts.set(name, { chart, of });
  },

  // The legend: each run's last figures, or those where the pointer is.
  tell() {
    const list = byId("legend");
    const runs = this.drawn();
    const cursor = [...this.charts.values()].map(({ chart }) => chart).find((chart) => chart.cursor.idx != null && chart.cursor.left >= 0);
    const epoch = cursor?.data[0][cursor.cursor.idx];
    while (list.children.length > runs.length) list.lastChild.remove();
    runs.forEach((run, place) => {
      const item = list.children[place] ?? add(list, "li");
      if (!item.children.length) { add(item, "i", "", "swatch"); add(item, "span"); }
      item.children[0].style.color = COLOURS[run.colour];
      const found = epoch === undefined ? run.points.epoch.length - 1 : run.points.epoch.indexOf(epoch);
      const at = (name) => run.points[name][found];
      const told = found < 0 ? "" : `: epoch ${at("epoch")}, cost ${figure(at("train_cost"))} training, ${figure(at("val_cost"))} validation, accuracy ${percent(at("val_accuracy"))} %`;
      put(item.children[1], `${run.name}${told}`);
    });
    const hint = runs.length ? "Solid: validation set. Dashed: training set."
      : this.runs.size ? "What is chosen has no epoch that has ended." : "No run is chosen.";
    put(byId("curves-hint"), `${hint} Choose runs in the list, up to ${content.curves}.`);
  },

  // In other colours or another width.
  again() {
    for (const [name, { chart }] of this.charts) {
      chart.setSize({ width: Math.max(220, byId(name).clientWidth), height: 230 });
    }
  },
};

new ResizeObserver(() => curves.again()).observe(byId("curves"));
