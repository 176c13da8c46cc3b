"use strict";
// The server is asked again and again what has changed since the last answer: short questions, so that many tabs share
// one browser's connections, and a laptop that slept or a server that was stopped is no special case. A page that
// nobody sees asks nothing.
const REST = 1000, PATIENCE = 10000, LONGEST_REST = 10000;
const token = new URLSearchParams(location.search).get("token") ?? "";

const connection = {
  view: {}, // what is asked besides: a function's result is taken each time
  known: 0,
  server: "",
  rest: content.tick,
  failures: 0,
  timer: 0,
  asking: null,
  offset: 0, // seconds that this machine's clock is before the server's
  questions: () => ({}),
  answered: () => {},

  // Ask now, for another view from the begin.
  anew() {
    this.known = 0;
    this.asking?.abort();
    this.asking = null;
    this.soon(0);
  },

  soon(milliseconds) {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.ask(), milliseconds);
  },

  async ask() {
    if (this.asking || document.hidden) return;
    const mine = (this.asking = new AbortController());
    const stop = setTimeout(() => mine.abort("late"), PATIENCE);
    let failed = "", answer = null;
    try {
      const asked = new URLSearchParams({ since: this.known, server: this.server, ...this.questions() });
      const response = await request(`/events?${asked}`, mine.signal);
      if (response.status === 200) {
        answer = await response.json();
        if (mine !== this.asking) return;
        if (answer.version) this.known = answer.version;
        if (answer.now) this.offset = Date.now() / 1000 - answer.now;
        this.server = answer.server;
        this.rest = content.tick;
      } else if (response.status === 204) {
        this.rest = Math.min(REST, this.rest * 1.5);
      } else if (response.status === 403 || response.status === 421) {
        failed = "Another server answers here now: open the address that it has printed.";
      } else {
        failed = "The server is busy. This page tries again.";
      }
    } catch {
      failed = "The server does not answer: it was ended, or this machine slept. What is shown stands as it was; this page tries again.";
    } finally {
      clearTimeout(stop);
    }
    if (mine !== this.asking) return; // another view is asked for meanwhile
    try {
      if (answer && !failed) this.answered(answer);
    } catch (error) {
      failed = `This page cannot show what the server has answered, which is a fault of the page: ${error.message}. Load it anew.`;
      reportError(error);
      this.known = 0; // what was not shown comes again
    }
    this.asking = null;
    this.failures = failed ? this.failures + 1 : 0;
    byId("trouble").hidden = !failed;
    put(byId("trouble"), failed);
    this.soon(failed ? Math.min(LONGEST_REST, 250 * 2 ** Math.min(6, this.failures)) : this.rest);
  },
};

function request(path, signal) {
  return fetch(path, { headers: { "X-Npdigits-Token": token }, cache: "no-store", signal });
}

document.addEventListener("visibilitychange", () => { if (!document.hidden) connection.soon(0); });
addEventListener("online", () => connection.soon(0));
