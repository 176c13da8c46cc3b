"use strict";
// The settings of one network or two: menus, and sliders over the values that the server offers for each key.

class SettingsForm {
  constructor(changed) {
    Object.assign(this, { changed, inputs: [{}, {}], values: [{}, {}] });
    byId("two").addEventListener("change", () => { this.draw(); changed(); });
  }

  get two() { return byId("two").checked; }

  // Show these settings, of each network one table.
  fill(settings) {
    this.values = [settings[0], settings[1] ?? settings[0]].map((one) => ({ ...one }));
    byId("two").checked = settings.length > 1;
    this.draw();
  }

  draw() {
    const holder = byId("fields"), focused = holder.contains(document.activeElement) ? document.activeElement.id : "";
    this.open = new Set([...holder.querySelectorAll("details[open]")].map((one) => one.dataset.of));
    holder.replaceChildren();
    const own = content.fields.filter(({ both }) => !both), common = content.fields.filter(({ both }) => both);
    this.inputs = [{}, {}];
    for (const network of this.two ? [0, 1] : [0]) {
      const box = this.box(holder, this.two ? `network ${network + 1}` : "network");
      this.rows(box, own, network);
    }
    this.rows(this.box(holder, this.two ? "both" : "training"), common, 0);
    this.enable();
    if (focused) byId(focused)?.focus({ preventScroll: true });
  }

  box(holder, title) {
    const box = make("fieldset", "", holder);
    make("legend", "", box, title);
    return box;
  }

  rows(box, fields, network) {
    for (const field of fields.filter(({ rare }) => !rare)) this.row(box, field, network);
    const rare = fields.filter((field) => field.rare);
    if (!rare.length) return;
    const more = make("details", "", box);
    make("summary", "", more, "more");
    more.dataset.of = `${rare[0].both} ${network}`;
    more.open = this.open.has(more.dataset.of);
    for (const field of rare) this.row(more, field, network);
  }

  row(box, { key, name, values, menu }, network) {
    const now = this.values[network][key], same = (one) => JSON.stringify(one) === JSON.stringify(now);
    const offered = values.slice();
    if (!offered.some(same)) {
      offered.push(now);
      if (typeof now === "number") offered.sort((a, b) => a - b);
    }
    const row = make("div", "field", box), label = make("label", "", row, name);
    const input = make(menu ? "select" : "input", "", row), shown = menu ? null : make("output", "", row);
    input.id = label.htmlFor = `${key}-${network}`;
    input.title = key;
    if (menu) offered.forEach((one, i) => input.add(new Option(plain(SettingsForm.text(one)), i)));
    else Object.assign(input, { type: "range", min: 0, max: offered.length - 1, step: 1 });
    input.value = offered.findIndex(same);
    const tell = () => {
      const text = SettingsForm.text(offered[input.value]);
      if (shown) put(shown, text);
      input.setAttribute("aria-valuetext", plain(text));
    };
    input.addEventListener("input", () => {
      this.values[network][key] = offered[input.value];
      tell();
      this.enable();
      this.changed();
    });
    this.inputs[network][key] = input;
    tell();
  }

  // A key that is not read with what is chosen cannot be set.
  enable() {
    for (const { key, both, read_with: read } of content.fields) {
      for (const network of [0, 1]) {
        const input = this.inputs[network][key];
        if (input) input.disabled = !server.change || Boolean(read && !read[1].includes(this.values[both ? 0 : network][read[0]]));
      }
    }
  }

  // What the server is to begin: a table a network, without what the second has in common.
  asked() {
    const own = (one) => Object.fromEntries(content.fields.filter(({ both }) => !both).map(({ key }) => [key, one[key]]));
    return this.two ? [this.values[0], own(this.values[1])] : [this.values[0]];
  }

  static text(value) {
    if (Array.isArray(value)) return value.length ? value.join("–") : "none";
    return value === null ? "none" : typeof value === "number" ? String(value).replace("e-", "e−") : String(value);
  }
}
