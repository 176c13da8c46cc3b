"use strict";
// Settings, paths and reasons are text from runs: it is put in with textContent, so that none of it is notation.
const content = JSON.parse(document.getElementById("content").textContent);
const token = new URLSearchParams(location.search).get("token") ?? "";
const byId = (id) => document.getElementById(id);

function make(tag, name, parent, text = "") {
  const made = document.createElement(tag);
  if (name) made.className = name;
  if (text !== "") made.textContent = plain(text);
  parent.append(made);
  return made;
}

// Characters that are not seen or turn the direction of writing are shown as what they are.
function plain(text) {
  return String(text).replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, (one) => `\\u{${one.codePointAt(0).toString(16)}}`);
}

// Nothing is touched that is as it was: a screen reader would begin anew.
function put(element, text) {
  const said = plain(text);
  if (element.textContent !== said) element.textContent = said;
}

function bytes(base64) {
  const text = atob(base64), found = new Uint8Array(text.length);
  for (let i = 0; i < found.length; i++) found[i] = text.charCodeAt(i);
  return found;
}

const percent = (share, digits = 1) => (share === null ? "–" : `${(100 * share).toFixed(digits)} %`);
const cost = (value) => (value === null ? "∞" : value.toFixed(3));

// Questions and orders; an order needs the token that /session tells. What a browser says of its origin depends on the
// policy about referrers: with none it says "null".
const server = {
  change: "",
  async get(path, signal) {
    return fetch(path, { headers: { "X-Npdigits-Token": token }, cache: "no-store", signal });
  },
  async begin() {
    const found = await this.get("/session", AbortSignal.timeout(10000));
    if (found.ok) this.change = (await found.json()).change;
  },
  // "" when it is done, or why it was refused.
  async post(path, order) {
    const headers = { "X-Npdigits-Token": token, "X-Npdigits-Change": this.change, "Content-Type": "application/json" };
    try {
      const found = await fetch(path, {
        method: "POST", headers, body: JSON.stringify(order), referrerPolicy: "same-origin", signal: AbortSignal.timeout(30000),
      });
      return found.ok ? "" : (await found.text()).trim();
    } catch {
      return "The server does not answer.";
    }
  },
};
