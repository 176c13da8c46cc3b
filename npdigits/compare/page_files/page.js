"use strict";
// What the file holds is text and figures from runs: it is put in with textContent, so that none of it is notation.
const content = JSON.parse(document.getElementById("content").textContent);
const COLOURS = ["#3b78b8", "#e07b28", "#4b9b3b", "#c8423a", "#8b68b6", "#8a5f54", "#cf6db4", "#7a828a"];
const DRAWN_AT_FIRST = 8;
const charts = new Map(); // holder -> its chart, to be drawn anew in other colours or widths

const byId = (id) => document.getElementById(id);

function add(parent, tag, text = "", className = "") {
  const made = document.createElement(tag);
  made.textContent = text;
  if (className) made.className = className;
  parent.append(made);
  return made;
}

function colour(name) {
  const probe = add(document.body, "span");
  probe.style.color = `var(${name})`;
  const found = getComputedStyle(probe).color;
  probe.remove();
  return found;
}

const faint = (hex, share) => hex + Math.round(share * 255).toString(16).padStart(2, "0");
const figure = (value) => (value === null ? "–" : Number(value.toPrecision(5)).toString());

function choices(select, names, chosen, changed) {
  names.forEach((name, index) => { add(select, "option", name).value = index; });
  select.value = chosen;
  select.addEventListener("change", changed);
}

// ---- charts

function axes(xLabels, yTitle) {
  const common = { stroke: () => colour("--soft"), grid: { stroke: () => colour("--line"), width: 1 }, ticks: { show: false } };
  if (xLabels) {
    const every = Math.ceil(xLabels.length / 12); // of more labels, which would overlap, only some
    const places = [...xLabels.keys()].filter((index) => index % every === 0);
    const long = places.map((index) => xLabels[index]).join("").length > 28;
    const named = { splits: () => places, values: () => places.map((index) => xLabels[index]), grid: { show: false } };
    return [{ ...common, ...named, rotate: long ? -35 : 0, size: long ? 78 : 34 }, axes(null, yTitle)[1]];
  }
  return [
    { ...common, label: content.step_name, labelSize: 22, size: 34, incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000] },
    { ...common, label: yTitle, labelSize: 24, size: 62 },
  ];
}

function put(holder, options, data) {
  charts.get(holder)?.chart.destroy();
  holder.replaceChildren();
  const chart = new uPlot({ ...options, width: Math.max(240, holder.clientWidth) }, data, holder);
  charts.set(holder, { chart, again: () => put(holder, options, data) });
  return chart;
}

// The curves of some rows: a solid line while all runs go on, a dashed one while some do, and a band.
function drawCurves(holder, chosen, colours, column) {
  const { name, title, scale } = content.curve_columns[column];
  const length = Math.max(1, ...chosen.map((row) => content.curves[row].n.length));
  const data = [content.steps.length ? content.steps.slice(0, length) : [1]];
  // Other programs do not measure everything at every step.
  const spanGaps = content.step_name !== "epoch";
  const series = [{}];
  const bands = [];
  for (const row of chosen) {
    const { n } = content.curves[row];
    const { mean, half } = content.curves[row][name];
    const line = COLOURS[colours.get(row) % COLOURS.length];
    const dash = colours.get(row) >= COLOURS.length ? [2, 3] : undefined;
    const all = (index) => n[index] === n[0];
    const at = (pick) => data[0].map((_, index) => (index < n.length ? pick(index) : null));
    const times = (value) => (value === null ? null : value * scale);
    data.push(at((i) => (all(i) ? times(mean[i]) : null)));
    data.push(at((i) => (all(i) && (i + 1 >= n.length || all(i + 1)) ? null : times(mean[i]))));
    data.push(at((i) => (half[i] === null ? null : times(mean[i] + half[i]))));
    data.push(at((i) => (half[i] === null ? null : times(mean[i] - half[i]))));
    const first = series.length;
    series.push({ stroke: line, width: 2, dash, points: { show: length === 1 }, spanGaps });
    series.push({ stroke: line, width: 1.5, dash: [6, 5], points: { show: false }, spanGaps });
    series.push({ width: 0, points: { show: false }, spanGaps }, { width: 0, points: { show: false }, spanGaps });
    bands.push({ series: [first + 2, first + 3], fill: faint(line, 0.16) });
  }
  const legend = document.createElement("div");
  legend.className = "legend";
  const values = chosen.map((row) => {
    const entry = add(legend, "span");
    const place = colours.get(row);
    const swatch = add(entry, "i", "", place < COLOURS.length ? "swatch" : "swatch dotted");
    swatch.style.color = COLOURS[place % COLOURS.length];
    add(entry, "span", content.rows[row].label);
    return add(entry, "span");
  });
  function tell(chart) {
    const index = chart.cursor.idx;
    chosen.forEach((row, place) => {
      const { n } = content.curves[row];
      const { mean, half } = content.curves[row][name];
      if (index === null || index === undefined || index >= n.length) { values[place].textContent = ""; return; }
      const spread = half[index] === null ? "" : ` ± ${figure(half[index] * scale)}`;
      const shown = mean[index] === null ? "–" : figure(mean[index] * scale);
      values[place].textContent = `: ${shown}${spread} (${content.step_name} ${data[0][index]}, ${n[index]} runs)`;
    });
  }
  put(holder, {
    height: 330, series, bands, axes: axes(null, title), scales: { x: { time: false } }, legend: { show: false },
    cursor: { points: { show: false }, y: false }, hooks: { setCursor: [tell], ready: [() => holder.append(legend)] },
  }, data);
}

function drawEffect(holder, effect) {
  const [least, most] = effect.range ?? [-Infinity, Infinity]; // of what there can be
  const bottom = effect.mean.map((m, i) => Math.max(least, m - effect.half[i]));
  const top = effect.mean.map((m, i) => Math.min(most, m + effect.half[i]));
  const everything = [...effect.seeds.flat(), ...bottom, ...top];
  const known = everything.filter((value) => value !== null);
  const [low, high] = [Math.min(...known), Math.max(...known)];
  const room = (high - low) * 0.06 || 1;
  function spread(chart) {
    const { ctx } = chart;
    const to = (value, axis) => chart.valToPos(value, axis, true);
    ctx.save();
    ctx.fillStyle = colour("--soft");
    ctx.globalAlpha = 0.5;
    const wide = 3 * devicePixelRatio;
    effect.seeds.forEach((seeds, index) => seeds.forEach((value, place) => {
      if (value === null) return;
      const x = to(index, "x") + wide * (4 + 3 * (place / Math.max(1, seeds.length - 1)));
      ctx.beginPath();
      ctx.arc(x, to(value, "y"), wide / 2, 0, 2 * Math.PI);
      ctx.fill();
    }));
    ctx.globalAlpha = 1;
    ctx.strokeStyle = COLOURS[0];
    ctx.lineWidth = 2 * devicePixelRatio;
    effect.mean.forEach((mean, index) => {
      if (effect.half[index] === null) return;
      ctx.beginPath();
      ctx.moveTo(to(index, "x"), to(bottom[index], "y"));
      ctx.lineTo(to(index, "x"), to(top[index], "y"));
      ctx.stroke();
    });
    ctx.restore();
  }
  put(holder, {
    height: 240,
    padding: [null, 30, null, null], // for the last label, which hangs over
    series: [{}, {
      stroke: COLOURS[0], width: 1, paths: effect.ordered ? undefined : () => null, points: { show: true, size: 8, fill: COLOURS[0] },
    }],
    axes: axes(effect.values, effect.axis),
    scales: { x: { time: false, range: [-0.5, effect.values.length - 0.5] }, y: { range: [low - room, high + room] } },
    legend: { show: false }, cursor: { show: false }, hooks: { draw: [spread] },
  }, [effect.values.map((_, index) => index), effect.mean]);
}

// ---- the table

const ticked = new Set(content.rows.keys().filter((row) => row < DRAWN_AT_FIRST));
let order = [...content.rows.keys()];
let sorted = { column: -1, up: false };

function compareCells(a, b, up) {
  if (a === null || b === null) return (a === null) - (b === null); // what is missing stands last, either way
  const kinds = (typeof a === "string") - (typeof b === "string");
  const less = kinds || (a < b ? -1 : a > b ? 1 : 0);
  return up ? less : -less;
}

function sortBy(column) {
  sorted = { column, up: sorted.column === column ? !sorted.up : !content.columns[column].figure };
  order.sort((a, b) => compareCells(content.rows[a].sort[column], content.rows[b].sort[column], sorted.up));
  drawTable();
}

function drawTable() {
  const table = byId("table");
  table.replaceChildren();
  const head = add(add(table, "thead"), "tr");
  add(head, "th").setAttribute("aria-label", "drawn");
  content.columns.forEach(({ title, figure: isFigure, why_not }, column) => {
    const cell = add(head, "th", why_not ? title : "", isFigure ? "figure" : "");
    if (why_not) {
      cell.title = why_not;
      cell.classList.add("fixed");
      return;
    }
    const button = add(cell, "button", title);
    button.type = "button";
    button.addEventListener("click", () => sortBy(column));
    if (sorted.column === column) cell.setAttribute("aria-sort", sorted.up ? "ascending" : "descending");
  });
  const body = add(table, "tbody");
  for (const row of order) {
    const { cells, label, outcomes } = content.rows[row];
    const line = add(body, "tr");
    const box = add(add(line, "td"), "input");
    box.type = "checkbox";
    box.checked = ticked.has(row);
    box.setAttribute("aria-label", `draw ${label}`);
    box.addEventListener("change", () => {
      if (box.checked) ticked.add(row); else ticked.delete(row);
      showCurves();
    });
    cells.forEach((text, column) => {
      const kinds = [content.columns[column].figure ? "figure" : "", outcomes[column].replace(" ", "-")];
      add(line, "td", text, kinds.join(" ").trim());
    });
  }
}

function showCurves() {
  if (!content.curve_columns.length) return; // results with a row a run
  const chosen = [...ticked].sort((a, b) => a - b);
  drawCurves(byId("curves"), chosen, new Map(chosen.map((row, place) => [row, place])), Number(byId("curve-column").value));
}

// ---- two keys, two configurations

function drawHeat(table, below, { down, across, downs, tops, cells, means, says }) {
  const known = means.flat().filter((value) => value !== null);
  const [low, high] = [Math.min(...known), Math.max(...known)];
  table.replaceChildren();
  const head = add(add(table, "thead"), "tr");
  add(head, "th", `${down} ↓  ${across} →`);
  tops.forEach((top) => add(head, "th", top, "figure"));
  const body = add(table, "tbody");
  downs.forEach((left, i) => {
    const line = add(body, "tr");
    add(line, "th", left);
    cells[i].forEach((text, j) => {
      const cell = add(line, "td", text, "cell");
      if (means[i][j] === null) return;
      const share = high > low ? (means[i][j] - low) / (high - low) : 0.5;
      cell.style.background = `color-mix(in oklab, var(--heat-high) ${100 * share}%, var(--heat-low))`;
      if (share > 0.7) cell.style.color = "var(--on-heat-high)";
    });
  });
  below.textContent = `${says} The stronger the colour, the higher the value.`;
}

function showHeat() {
  drawHeat(byId("heat"), byId("heat-says"), content.heat[Number(byId("heat-pair").value)]);
}

function showPair() {
  const pair = [Number(byId("first").value), Number(byId("second").value)];
  const [a, b] = pair.map((row) => content.rows[row]);
  const table = byId("pair-table");
  table.replaceChildren();
  const head = add(add(table, "thead"), "tr");
  ["", "A", "B"].forEach((title) => add(head, "th", title));
  const body = add(table, "tbody");
  function line(name, first, second, mark) {
    const made = add(body, "tr", "", mark && first !== second ? "differs" : "");
    add(made, "td", name);
    add(made, "td", first);
    add(made, "td", second);
  }
  Object.keys(a.settings).forEach((key) => line(key, a.settings[key], b.settings[key], true));
  // What the tests say is of a row and the baseline, not of this pair.
  content.columns.forEach(({ title, figure: isFigure, tested }, column) => {
    if (isFigure && !tested) line(title, a.cells[column], b.cells[column], false);
  });
  if (!content.curve_columns.length) return;
  const drawn = [...new Set(pair)];
  drawCurves(byId("pair-curves"), drawn, new Map(drawn.map((row, place) => [row, place])), Number(byId("pair-column").value));
}

// ---- the page

function redraw() {
  for (const { again } of [...charts.values()]) again();
}

function main() {
  byId("heading").textContent = content.heading;
  content.verdict.forEach((sentence) => add(byId("verdict"), "p", sentence));
  const columns = content.curve_columns.map(({ title }) => title);
  const labels = content.rows.map(({ label }) => label);
  const drawn = ({ name }) => content.curves.some((curve) => curve[name].mean.some((value) => value !== null));
  const first = Math.max(0, content.curve_columns.findIndex(drawn)); // without validation data another than its cost
  choices(byId("curve-column"), columns, first, showCurves);
  choices(byId("pair-column"), columns, first, showPair);
  const reference = Math.max(0, content.rows.findIndex(({ outcome }) => outcome === "baseline" || outcome === "best"));
  choices(byId("first"), labels, reference, showPair);
  choices(byId("second"), labels, labels.length > 1 && reference === 0 ? 1 : 0, showPair);
  drawTable();
  showCurves();
  if (content.rows.length) showPair();
  content.effects.forEach((effect) => {
    const holder = add(byId("effects"), "div");
    add(holder, "h3", effect.title);
    drawEffect(add(holder, "div", "", "chart"), effect);
    add(holder, "p", effect.says, "hint");
  });
  choices(byId("heat-pair"), content.heat.map(({ name }) => name), 0, showHeat);
  if (content.heat.length) showHeat();
  content.notes.forEach((note) => add(byId("notes"), "li", note));
  content.left_out.forEach(({ run, status, reason }) => {
    const line = add(byId("left-out"), "tr");
    [run, status, reason].forEach((text) => add(line, "td", text, "long"));
  });
  byId("table-section").hidden = byId("pair-section").hidden = !content.rows.length;
  byId("curves-section").hidden = byId("pair-curves-choice").hidden = !content.curve_columns.length;
  byId("effects-section").hidden = !content.effects.length;
  byId("heat-section").hidden = !content.heat.length;
  byId("notes-section").hidden = !content.notes.length;
  byId("left-out-section").hidden = !content.left_out.length;

  const dark = matchMedia("(prefers-color-scheme: dark)");
  let isDark = dark.matches;
  function themed() {
    document.documentElement.style.colorScheme = isDark ? "dark" : "light";
    byId("theme").textContent = isDark ? "light" : "dark";
    redraw();
  }
  byId("theme").addEventListener("click", () => { isDark = !isDark; themed(); });
  dark.addEventListener("change", () => { isDark = dark.matches; themed(); });
  themed();
  let width = innerWidth;
  addEventListener("resize", () => { if (innerWidth !== width) { width = innerWidth; redraw(); } });
}

main();
