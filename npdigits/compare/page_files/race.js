"use strict";
// The sections of a race. Functions and what the file holds are page.js's.
const race = content.race;
const MARKS = { confirmed: "●", in: "▶", dropped: "", lost: "✕" };
const severalArms = race.arms.length > 1;
const nameOf = (arm, what) => (severalArms ? `${arm.name}: ${what}` : what);

function headArm(holder, arm) {
  if (severalArms) add(holder, "h3", arm.name, "arm");
}

function drawLengths() {
  byId("lengths-hint").textContent = "A line a setting, the best at the head; as long as the training epochs of all its "
    + `seeds, each a piece of the line (a full run has ${race.full}). The mouse over a line tells why a setting was dropped.`;
  for (const [end, name] of Object.entries(race.ends)) {
    const entry = add(byId("lengths-legend"), "span");
    add(entry, "i", "", `box ${end}`);
    add(entry, "span", `${name} ${MARKS[end]}`.trim());
  }
  const taken = (length) => length.epochs.reduce((sum, epochs) => sum + epochs, 0);
  const longest = Math.max(1, ...race.arms.flatMap(({ lengths }) => lengths.map(taken)));
  for (const arm of race.arms) {
    headArm(byId("lengths"), arm);
    for (const length of arm.lengths) {
      const line = add(byId("lengths"), "div", "", "length");
      const said = [length.name, `${taken(length)} epochs`, race.ends[length.end], length.why].filter(Boolean).join(" · ");
      line.title = said;
      add(line, "span", length.name, "name");
      const track = add(line, "span", "", "track");
      track.setAttribute("role", "img");
      track.setAttribute("aria-label", said);
      for (const epochs of length.epochs) {
        add(track, "i", "", `run ${length.end}`).style.width = `${(94 * epochs) / longest}%`; // there is a mark behind
      }
      add(track, "b", MARKS[length.end], "end");
    }
  }
}

function drawShares() {
  for (const arm of race.arms) {
    const holder = add(byId("shares"), "div");
    headArm(holder, arm);
    for (const { name, pair, share, low, high, text } of arm.shares) {
      const line = add(holder, "div", "", pair ? "share of-pair" : "share");
      add(line, "span", name, "name").title = name;
      const track = add(line, "span", "", "track");
      track.setAttribute("role", "img");
      track.setAttribute("aria-label", text);
      add(track, "i", "", "bar").style.width = `${share}%`;
      const whisker = add(track, "i", "", "whisker");
      whisker.style.left = `${low}%`;
      whisker.style.width = `${high - low}%`;
      add(line, "span", text, "figure");
    }
    add(holder, "p", arm.says.join(" "), "hint says");
  }
}

function drawRaceEffects() {
  for (const arm of race.arms) {
    for (const effect of arm.effects.filter(({ values }) => values.length)) {
      const holder = add(byId("race-effects"), "div");
      add(holder, "h3", nameOf(arm, effect.title));
      drawEffect(add(holder, "div", "", "chart"), effect);
      add(holder, "p", effect.says, "hint");
    }
  }
  byId("race-effects-section").hidden = !byId("race-effects").children.length;
}

function drawRaceHeat() {
  const maps = race.arms.flatMap((arm) => arm.heat.map((heat) => ({ ...heat, name: nameOf(arm, heat.name) })));
  const select = byId("race-heat-pair");
  const showChosen = () => drawHeat(byId("race-heat"), byId("race-heat-says"), maps[Number(select.value)]);
  choices(select, maps.map(({ name }) => name), 0, showChosen);
  if (maps.length) showChosen();
  byId("race-heat-section").hidden = !maps.length;
}

let settingsBy = { column: -1, up: false };

function drawSettings() {
  const { titles, figures, rows } = race.settings;
  const table = byId("settings");
  table.replaceChildren();
  const head = add(add(table, "thead"), "tr");
  titles.forEach((title, column) => {
    const cell = add(head, "th", "", figures[column] ? "figure" : "");
    const button = add(cell, "button", title);
    button.type = "button";
    button.addEventListener("click", () => {
      settingsBy = { column, up: settingsBy.column === column ? !settingsBy.up : true };
      rows.sort((a, b) => compareCells(a.sort[column], b.sort[column], settingsBy.up));
      drawSettings();
    });
    if (settingsBy.column === column) cell.setAttribute("aria-sort", settingsBy.up ? "ascending" : "descending");
  });
  const body = add(table, "tbody");
  for (const { cells } of rows) {
    const line = add(body, "tr");
    const long = cells.length - 1; // why, in words
    cells.forEach((text, column) => add(line, "td", text, figures[column] ? "figure" : column === long ? "long" : ""));
  }
}

function drawFell() {
  const head = add(add(byId("fell"), "thead"), "tr");
  ["setting", "in the race", "confirmed", "fell by"].forEach((title, column) => add(head, "th", title, column ? "figure" : ""));
  const body = add(byId("fell"), "tbody");
  for (const cells of race.fell) {
    const line = add(body, "tr");
    cells.forEach((text, column) => add(line, "td", text, column ? "figure" : ""));
  }
  byId("fell-section").hidden = !race.fell.length;
}

document.title = document.querySelector("h1").textContent = "npdigits: race";
drawFell();
drawLengths();
drawShares();
drawRaceEffects();
drawRaceHeat();
drawSettings();
