"use strict";
// The list of folders, and of a folder's runs one sheet: so many rows, however many runs there are.
const list = {
  view: { group: "", kind: content.kinds[0], sort: content.sorts[0], sheet: 0 },
  order: [],
  rows: new Map(), // id -> {row, line}, of this sheet only
  groups: new Map(), // id -> {row, button}

  take(answer) {
    for (const row of answer.rows ?? []) {
      const known = this.rows.get(row.id);
      if (known && known.row.status === "running" && row.status !== "running") {
        say(`${row.settings || row.name}: ${row.standing}${row.reason ? `, ${row.reason}` : ""}`);
      }
      this.rows.set(row.id, { line: known?.line ?? this.makeLine(row.id), row });
      this.fill(row.id);
    }
    if (answer.order) {
      this.arrange(answer.order);
      this.turn(answer);
    }
    if (answer.groups?.length || answer.group_order) this.takeGroups(answer);
  },

  arrange(order) {
    const body = byId("runs").tBodies[0];
    for (const id of this.rows.keys()) if (!order.includes(id)) this.rows.delete(id);
    const same = order.length === this.order.length && order.every((id, place) => id === this.order[place]);
    this.order = order;
    if (same && body.rows.length === order.length) return;
    const focused = document.activeElement;
    body.replaceChildren(...order.filter((id) => this.rows.has(id)).map((id) => this.rows.get(id).line));
    if (body.contains(focused)) focused.focus({ preventScroll: true });
  },

  turn({ sheet, sheets, total, notes }) {
    this.view.sheet = sheet;
    put(byId("sheet"), total === 1 ? "1 run" : `sheet ${sheet + 1} of ${sheets}, ${total.toLocaleString("en")} runs`);
    byId("before").disabled = sheet === 0;
    byId("after").disabled = sheet + 1 >= sheets;
    byId("nothing").hidden = total > 0;
    byId("runs").hidden = total === 0;
    byId("notes").replaceChildren();
    for (const note of notes) add(byId("notes"), "p", note);
  },

  makeLine(id) {
    const line = document.createElement("tr");
    const first = add(line, "td");
    const button = add(first, "button", "", "run");
    button.type = "button";
    button.addEventListener("click", () => toggle(id));
    add(first, "span", "", "path");
    add(first, "span", "", "reason");
    const titles = ["", "", "left", "cost", "val. cost", "val. %", "best %"]; // on narrow screens
    for (const title of titles) add(line, "td").dataset.title = title;
    const bar = add(line.cells[2], "progress");
    bar.setAttribute("aria-label", "epochs");
    add(line.cells[2], "span");
    line.cells[2].className = "epochs";
    for (const cell of [...line.cells].slice(4)) cell.className = "figure";
    return line;
  },

  fill(id) {
    const { row, line } = this.rows.get(id);
    const [name, path, reason] = line.cells[0].children;
    put(name, row.settings || row.name);
    put(path, row.settings ? row.name : "");
    put(reason, row.reason);
    put(line.cells[1], row.standing);
    line.cells[1].className = line.dataset.status = row.standing.replace(/\W+/g, "-");
    const [bar, count] = line.cells[2].children;
    bar.hidden = row.status !== "running" || !row.epochs;
    if (row.epochs) bar.max = row.epochs;
    bar.value = row.done;
    put(count, row.epochs ? `${row.done} of ${row.epochs}` : `${row.done}`);
    this.tellTime(row, line);
    put(line.cells[4], figure(row.last.train_cost ?? row.best.train_cost));
    put(line.cells[5], figure(row.last.val_cost ?? row.best.val_cost));
    put(line.cells[6], percent(row.last.val_accuracy ?? row.best.val_accuracy));
    put(line.cells[7], percent(row.best.val_accuracy));
    this.press(id);
  },

  press(id) {
    const button = this.rows.get(id)?.line.cells[0].firstChild;
    button?.setAttribute("aria-pressed", curves.runs.has(id));
  },

  tellTime(row, line) {
    const now = Date.now() / 1000 - connection.offset;
    if (row.status === "quiet" && row.written) put(line.cells[3], `silent for ${duration(now - row.written)}`);
    else put(line.cells[3], row.ends && row.done < row.epochs ? duration(row.ends - now) : "");
  },

  takeGroups({ groups, group_order: order }) {
    for (const row of groups ?? []) {
      const known = this.groups.get(row.id);
      this.groups.set(row.id, { row, button: known?.button ?? this.makeGroup(row.id) });
    }
    if (order) {
      for (const id of this.groups.keys()) if (id && !order.includes(id)) this.groups.delete(id);
      const buttons = ["", ...order].map((id) => this.groups.get(id)?.button.parentElement).filter(Boolean);
      if (buttons.some((item, place) => item !== byId("groups").children[place]) || buttons.length !== byId("groups").children.length) {
        const focused = document.activeElement;
        byId("groups").replaceChildren(...buttons);
        if (byId("groups").contains(focused)) focused.focus({ preventScroll: true });
      }
    }
    for (const id of this.groups.keys()) this.fillGroup(id);
    const running = [...this.groups.values()].reduce((sum, { row }) => sum + (row.counts.running ?? 0), 0);
    document.title = running ? `${running} running: npdigits` : "npdigits: runs";
  },

  makeGroup(id) {
    const item = document.createElement("li");
    const button = add(item, "button");
    button.type = "button";
    add(button, "span");
    for (let i = 0; i < 2; i++) add(button, "span", "", "hint");
    button.addEventListener("click", () => show({ group: id, sheet: 0 }));
    return button;
  },

  fillGroup(id) {
    const { row, button } = this.groups.get(id);
    const [name, counts, best] = button.children;
    put(name, row.name || "the folder itself");
    put(counts, Object.entries(row.counts).sort().map(([standing, n]) => `${n} ${standing}`).join("; "));
    put(best, row.best ? `best ${percent(row.best[0])} % ${row.best[1]}` : "");
    button.setAttribute("aria-pressed", id === this.view.group);
  },
};
list.groups.set("", { row: { id: "", name: "all folders", counts: {}, best: null }, button: list.makeGroup("") });
