"use strict";
// The form of the settings: names and ranges are those of npdigits' configuration, checked before anything begins.

const Settings = (() => {
  const number = (says, allows) => ({ says, read: (text) => {
    const value = /^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i.test(text) ? Number(text) : NaN;
    return Number.isFinite(value) && allows(value) ? value : null;
  } });
  const whole = (low, high) => number(`a whole number from ${low} to ${high}`, (x) => Number.isInteger(x) && x >= low && x <= high);
  const oneOf = (table) => ({ choices: Object.keys(table), says: "one of the list", read: (text) => Object.hasOwn(table, text) ? text : null });
  const least = number("a number ≥ 0", (x) => x >= 0);

  const fields = (most) => ({
    lr: ["learning rate", number("a number > 0", (x) => x > 0)],
    hidden: ["hidden units", whole(1, most.hidden)],
    batch_size: ["digits a batch", whole(1, most.batch_size)],
    activation: ["activation", oneOf(ACTIVATIONS)],
    initializer: ["initial weights", oneOf(INITIALIZERS)],
    optimizer: ["optimizer", oneOf(OPTIMIZERS)],
    momentum: ["momentum of sgd", number("a number from 0 to below 1", (x) => x >= 0 && x < 1)],
    l2: ["L2 penalty", least],
    lr_decay: ["rate's factor an epoch", number("a number above 0, up to 1", (x) => x > 0 && x <= 1)],
    weight_decay: ["weight decay", least],
    seed: ["seed of the draws", whole(0, 999999)],
  });
  const RARE = ["lr_decay", "weight_decay", "seed"];

  // Fills the form; `begin` is called with settings that are all allowed, `edited` when one was changed.
  function form(element, rare, settings, most, begin, edited) {
    const known = fields(most), inputs = {}, complaints = {};
    for (const [key, [name, { choices }]] of Object.entries(known)) {
      const field = document.createElement("div"), label = document.createElement("label");
      const input = document.createElement(choices ? "select" : "input"), complaint = document.createElement("small");
      Object.assign(label, { textContent: name, htmlFor: key });
      for (const choice of choices || []) input.add(new Option(choice, choice));
      if (!choices) Object.assign(input, { type: "text", inputMode: "decimal", autocomplete: "off", spellcheck: false });
      Object.assign(input, { id: key, name: key, title: key, value: settings[key] });
      complaint.id = `${key}-complaint`;
      complaint.className = "complaint";
      input.setAttribute("aria-describedby", complaint.id);
      field.append(label, input, complaint);
      (RARE.includes(key) ? rare : element).append(field);
      input.addEventListener("input", () => { dependent(); edited(); });
      inputs[key] = input;
      complaints[key] = complaint;
    }
    const dependent = () => { inputs.momentum.disabled = inputs.optimizer.value !== "sgd"; };
    dependent();
    element.closest("form").addEventListener("submit", (event) => {
      event.preventDefault();
      const read = {}, wrong = [];
      for (const [key, [, { says, read: reads }]] of Object.entries(known)) {
        const typed = inputs[key].value.trim().replace(",", ".").replace("−", "-"), value = reads(typed);
        const fine = value !== null || inputs[key].disabled;
        read[key] = fine && value === null ? 0 : value;
        inputs[key].setAttribute("aria-invalid", String(!fine));
        complaints[key].textContent = fine ? "" : `allowed is ${says}`;
        if (!fine) wrong.push(inputs[key]);
      }
      if (!wrong.length) return begin(read);
      if (rare.contains(wrong[0])) rare.closest("details").open = true;
      wrong[0].focus();
    });
  }

  return { form };
})();
