"use strict";
// Names, settings and reasons are text from runs: it is put in with textContent, so that none of it is notation.
const content = JSON.parse(document.getElementById("content").textContent);
const COLOURS = ["#3b78b8", "#e07b28", "#4b9b3b", "#c8423a", "#8b68b6", "#7a828a"];

const byId = (id) => document.getElementById(id);

function add(parent, tag, text = "", className = "") {
  const made = document.createElement(tag);
  if (text) made.textContent = plain(text);
  if (className) made.className = className;
  parent.append(made);
  return made;
}

// Characters that are not seen or turn the direction of writing are shown as what they are.
function plain(text) {
  return String(text).replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, (one) => `\\u{${one.codePointAt(0).toString(16)}}`);
}

// Nothing is touched that is as it was: a screen reader would begin anew, a mark would be lost.
function put(element, text) {
  const said = plain(text);
  if (element.textContent !== said) element.textContent = said;
}


function colour(name) {
  const probe = add(document.body, "span");
  probe.style.color = `var(${name})`;
  const found = getComputedStyle(probe).color;
  probe.remove();
  return found;
}

const figure = (value) => (value === null || value === undefined ? "" : Number(value.toPrecision(4)).toString());
const percent = (value) => (value === null || value === undefined ? "" : (100 * value).toFixed(2));

function duration(seconds) {
  if (seconds < 100) return `${Math.max(0, Math.round(seconds))} s`;
  if (seconds < 6000) return `${Math.round(seconds / 60)} min`;
  return `${(seconds / 3600).toFixed(1)} h`;
}

function choices(select, names, chosen, changed) {
  for (const name of names) add(select, "option", name).value = name;
  select.value = chosen;
  select.addEventListener("change", () => changed(select.value));
}

// What has happened is said to who does not see it, at most every few seconds, the last of it.
const speech = { waiting: "", busy: false };
function say(text) {
  speech.waiting = text;
  if (speech.busy) return;
  speech.busy = true;
  put(byId("said"), speech.waiting);
  speech.waiting = "";
  setTimeout(() => {
    speech.busy = false;
    if (speech.waiting) say(speech.waiting);
  }, 4000);
}
