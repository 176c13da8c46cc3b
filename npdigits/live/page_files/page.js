"use strict";
function show(changes) {
  Object.assign(list.view, changes);
  for (const id of list.groups.keys()) list.fillGroup(id);
  table.shown();
  connection.anew();
}

function toggle(id) {
  const ids = [...curves.runs.keys()];
  curves.chosen = true;
  curves.show(curves.runs.has(id) ? ids.filter((one) => one !== id) : [...ids, id]);
  for (const one of list.order) list.press(one);
  connection.soon(0);
}

// Where nobody has chosen, the runs at work are drawn, else the first of the list.
function choose() {
  if (curves.chosen) return;
  const ids = list.order.filter((id) => list.rows.get(id)?.row.status === "running").slice(0, 3);
  const wanted = ids.length ? ids : list.order.filter((id) => list.rows.get(id)?.row.done > 0).slice(0, 1);
  const now = [...curves.runs.keys()];
  // Who was at work stays until another is: the end of a run is to be seen.
  if (wanted.every((id) => now.includes(id)) || (now.length && !ids.length)) return;
  curves.show(wanted);
  for (const one of list.order) list.press(one);
  connection.soon(0);
}

// The comparison's table, while it is open.
const table = {
  timer: 0,
  shown() {
    clearTimeout(this.timer);
    if (!byId("compared").open) return;
    put(byId("compared-hint"), list.view.group ? "" : "Choose a folder: a table is of one.");
    byId("compared-table").replaceChildren();
    byId("compared-lines").replaceChildren();
    if (list.view.group) this.ask();
  },
  async ask() {
    const { group } = list.view;
    if (!document.hidden) {
      try {
        const response = await request(`/table?${new URLSearchParams({ group })}`, AbortSignal.timeout(PATIENCE));
        if (response.ok && group === list.view.group) this.fill(await response.json());
      } catch { /* what is wrong is said above the page */ }
    }
    if (group === list.view.group && byId("compared").open) {
      clearTimeout(this.timer);
      this.timer = setTimeout(() => this.ask(), 2000);
    }
  },
  fill(found) {
    const text = JSON.stringify(found);
    if (text === this.text && byId("compared-lines").children.length) return;
    this.text = text;
    const { columns, cells, lines, left } = found;
    const whole = byId("compared-table");
    whole.replaceChildren();
    if (columns.length) {
      const head = add(add(whole, "thead"), "tr");
      columns.forEach((title, place) => { add(head, "th", title, place < left ? "" : "figure").scope = "col"; });
      const body = add(whole, "tbody");
      for (const row of cells) {
        const line = add(body, "tr");
        row.forEach((cell, place) => add(line, "td", cell, place < left ? "" : "figure"));
      }
    }
    byId("compared-lines").replaceChildren();
    for (const line of lines) add(byId("compared-lines"), "p", line);
  },
};

connection.questions = () => ({ ...list.view, curves: curves.known() });
connection.answered = (answer) => {
  list.take(answer);
  curves.lose(answer.gone ?? []);
  curves.take(answer.curves ?? {});
  choose();
};

put(byId("about"), content.says || "Everything below the folder that is watched, whoever began it.");
byId("train").hidden = !content.trains;
byId("train").href = `${content.trains}?token=${encodeURIComponent(token)}`;
choices(byId("kind"), content.kinds, list.view.kind, (kind) => show({ kind, sheet: 0 }));
choices(byId("sort"), content.sorts, list.view.sort, (sort) => show({ sort, sheet: 0 }));
byId("before").addEventListener("click", () => show({ sheet: Math.max(0, list.view.sheet - 1) }));
byId("after").addEventListener("click", () => show({ sheet: list.view.sheet + 1 }));
byId("compared").addEventListener("toggle", () => table.shown());

function theme(dark) {
  document.documentElement.style.colorScheme = dark ? "dark" : "light";
  put(byId("theme"), dark ? "light" : "dark");
  curves.again();
}
const prefers = matchMedia("(prefers-color-scheme: dark)");
theme(prefers.matches);
prefers.addEventListener("change", () => theme(prefers.matches));
byId("theme").addEventListener("click", () => theme(byId("theme").textContent === "dark"));

setInterval(() => {
  if (document.hidden) return;
  for (const { row, line } of list.rows.values()) if (row.ends || row.status === "quiet") list.tellTime(row, line);
}, 1000);
curves.draw();
connection.soon(0);
