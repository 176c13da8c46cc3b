"use strict";
// The page: what is seen of the training is asked again and again, at most ten times a second and only while it is seen.
(() => {
  const SPEEDS = [1, 2, 5, 10, 20, 50, 100, null], CALM = 1000, PATIENCE = 10000, LONGEST_REST = 10000, WORDS = 4000;
  const calm = matchMedia("(prefers-reduced-motion: reduce)");
  let training = "", since = 0, views = [], failures = 0, timer = 0, asking = false, beginning = false, frame = 0;
  let spoken = { at: -Infinity, text: null };

  // ---- what is told
  async function ask() {
    clearTimeout(timer);
    if (asking || document.hidden) return;
    asking = true;
    const begun = performance.now();
    let failed = "", answer = null;
    try {
      const points = views.map((view) => `${view.series}.${view.points.length}`).join(",");
      const found = await server.get(`/training?${new URLSearchParams({ training, since, points })}`, AbortSignal.timeout(PATIENCE));
      if (found.status === 200) answer = await found.json();
      else if (found.status === 403 || found.status === 421) failed = "Another server answers here now: open the address that it has printed.";
      else if (found.status !== 204) failed = "The server is busy. This page tries again.";
    } catch {
      failed = "The server does not answer: it was ended, or this machine slept. The run is saved at its last epoch’s end.";
    }
    try {
      if (answer) take(answer);
    } catch (error) {
      failed = cannot_show(error);
    }
    asking = false;
    failures = failed ? failures + 1 : 0;
    byId("trouble").hidden = !failed;
    put(byId("trouble"), failed);
    const rest = (calm.matches ? CALM : content.tick) - (performance.now() - begun);
    timer = setTimeout(ask, failed ? Math.min(LONGEST_REST, 250 * 2 ** Math.min(6, failures)) : Math.max(rest, 5));
  }
  function cannot_show(error) {
    reportError(error);
    training = ""; // what was not shown comes again
    return `This page cannot show what the server has answered, which is a fault of the page: ${error.message}. Load it anew.`;
  }

  function take(answer) {
    if (answer.training !== training) {
      training = answer.training;
      for (const id of ["networks", "answers"]) byId(id).replaceChildren();
      byId("networks").classList.toggle("pair", answer.networks.length > 1);
      views = answer.settings.map((one, i) => new NetworkView(byId("networks"), answer.settings.length > 1 ? i + 1 : 0, one, (row, image) => drawing.show(row, image)));
      if (answer.settings.length) form.fill(answer.settings);
      byId("settings").classList.remove("edited");
    }
    since = answer.version;
    let looked = false;
    answer.networks.forEach((one, i) => { looked = Boolean(views[i].take(one)) || looked; });
    if (document.activeElement !== byId("speed") && !sending) byId("speed").value = SPEEDS.indexOf(answer.speed);
    look();
    if (looked) drawing.ask();
  }

  // ---- what is shown
  // A part in each frame, so that none takes long: each network, then what is above them.
  let parts = [], again = false;
  function look() {
    again = true;
    frame ||= requestAnimationFrame(paint);
  }
  function paint() {
    frame = 0;
    if (!parts.length) {
      again = false;
      parts = [...views.filter((view) => view.state).map((view) => () => view.paint()), () => { curves(); buttons(); }];
    }
    parts.shift()();
    if (!parts.length) window.npdigits.painted++;
    if (parts.length || again) frame = requestAnimationFrame(paint);
  }

  function curves() {
    const seen = views.filter((view) => view.state?.in_epoch);
    const scale = { last: Math.max(...seen.map((view) => Math.max(view.look?.batches ?? 0, view.state.diverged_at ?? 0)), 1), inEpoch: Math.max(...seen.map((view) => view.state.in_epoch), 1) };
    const colour = (i) => ["accent", "glow"][i];
    const costs = seen.flatMap(({ lines }, i) => [
      ...(seen.length > 1 ? [] : [{ series: lines.next, colour: "faint", width: 1 }]),
      { series: lines.trainCost, colour: colour(i), width: 1 }, { series: lines.valCost, colour: colour(i), width: 2.5 },
    ]);
    const shares = seen.flatMap(({ lines }, i) => [{ series: lines.train, colour: colour(i), width: 1 }, { series: lines.val, colour: colour(i), width: 2.5 }]);
    const first = Math.max(...seen.map(({ lines }) => lines.trainCost.y[0] ?? 0), 0);
    const most = costs.flatMap(({ series }) => series.y).reduce((a, b) => Math.max(a, b), 2.5), high = Math.min(1.05 * most, Math.max(10, 1.5 * first));
    put(byId("unit"), Charts.curves(byId("cost"), costs, { ...scale, high, label: Charts.short }));
    Charts.curves(byId("accuracy"), shares, { ...scale, high: 1, label: (y) => `${Math.round(100 * y)} %` });
    const lost = seen.filter(({ state }) => state.diverged_in);
    byId("why-short").hidden = !lost.length;
    put(byId("why-short"), lost.map(({ number, state }) => `${number ? `Network ${number}` : "It"} diverged in epoch ${state.diverged_in}: its weights of then are not kept, so the curves end at the epoch’s begin`
      + (state.diverged_at === null || seen.length > 1 ? "." : "; of each batch until then there is its cost, the faint line.")).join(" "));
    const legend = byId("legend"), names = seen.length > 1
      ? [["accent thin", "1, training"], ["accent", "1, validation"], ["glow thin", "2, training"], ["glow", "2, validation"]]
      : [["faint", "the next batch"], ["accent thin", "500 training digits"], ["accent", seen[0]?.state.digits.is_test ? "test" : "validation"]];
    const text = names.map(([, name]) => name).join();
    if (legend.dataset.of === text) return;
    legend.dataset.of = text;
    legend.replaceChildren();
    for (const [style, name] of names) make("span", style, legend, name);
  }

  const moving = () => views.some(({ state }) => state?.is === "training" && state.going);
  function buttons() {
    const states = views.map((view) => view.state).filter(Boolean), may = Boolean(server.change);
    const trains = states.some((state) => state.is === "training"), begun = states.some((state) => state.batches);
    put(byId("start"), moving() ? "pause" : begun ? "go on" : "start");
    for (const id of ["start", "batch", "epoch"]) byId(id).disabled = !may || !trains;
    byId("speed").disabled = !may;
    // While it learns the answer may change many times a second.
    for (const one of document.querySelectorAll(".verdict-of")) one.ariaLive = moving() ? "off" : "polite";
    byId("begin").disabled = !may || beginning;
    put(byId("begin"), views.length ? "begin again" : "begin");
    byId("two").disabled = !may;
    const text = pace();
    put(byId("pace"), text);
    byId("speed").setAttribute("aria-valuetext", text);
    const [state] = states, figures = views[0]?.look;
    const at = state?.diverged_in ? state.diverged_at : state?.closing ? state.batches : figures?.batches;
    put(byId("where"), !state?.in_epoch || !figures ? "" : at === null ? `in epoch ${state.diverged_in}`
      : `batch ${at.toLocaleString("en")} of at most ${(state.in_epoch * state.epochs_most).toLocaleString("en")}`);
    byId("drawing").hidden = Boolean(state?.shape) && state.shape.join() !== "28,28";
    const lines = endings(states), told = lines.join(" ") || standing();
    put(byId("stands"), told || (views.length ? "" : "Nothing is trained yet: choose settings and begin."));
    byId("stands").classList.toggle("bad", states.some((state) => state.is === "failed" || state.why));
    speak(told, lines.length > 0);
  }

  // What has ended or failed, and what cannot be seen yet.
  const because = (why) => (why ? `: ${why}` : ".");
  function endings(states) {
    const name = (i) => (states.length > 1 ? `Network ${i + 1}: ` : "");
    return states.map((state, i) => {
      if (state.is === "preparing") return `${name(i)}the data is read …`;
      if (state.is === "failed") return `${name(i)}failed: ${state.why}`;
      if (state.diverged_in) return `${name(i)}diverged in epoch ${state.diverged_in}${state.diverged_at === null ? "" : `, after batch ${state.diverged_at.toLocaleString("en")}`}${because(state.why)}`;
      if (state.is === "ended") return `${name(i)}${state.status} after ${state.epochs} ${state.epochs === 1 ? "epoch" : "epochs"}${because(state.why)}`;
      if (state.closing) return `${name(i)}the last epoch has ended, after batch ${state.batches.toLocaleString("en")}; its files and plots are made, then the figures are those of its end …`;
      return "";
    }).filter(Boolean);
  }

  // Where it is: of the figures that are shown, so that nothing on the page is older than another.
  function standing() {
    const { look, state } = views[0] ?? {};
    if (!look) return "";
    const whole = look.batches > 0 && look.batches % state.in_epoch === 0, number = Math.ceil(look.batches / state.in_epoch) || 1;
    const place = whole && look.epochs === number ? `after epoch ${number}` : `in epoch ${number}`;
    const shares = views.map((view) => percent(view.look?.figures.val ?? null)).join(" and ");
    return `${moving() ? "Training" : "Paused"} ${place}: ${shares} of the ${state.digits.is_test ? "test" : "validation"} digits are read right.`;
  }

  // Said once each to who does not see it, seldom enough to be listened to.
  function speak(text, is_ending) {
    const now = performance.now(), is_news = text !== spoken.text && (is_ending || !moving() || now - spoken.at > WORDS);
    if (!is_news) return;
    spoken = { at: now, text };
    put(byId("said"), byId("stands").textContent);
  }

  // ---- what is ordered
  const pace = () => {
    const speed = SPEEDS[byId("speed").value];
    return speed === null ? "full speed" : speed === 1 ? "1 batch a second" : `${speed ?? "…"} batches a second`;
  };
  async function order(what) {
    const why = await server.post("/training/order", what);
    put(byId("refused"), why);
    ask();
  }
  // While one speed is on its way the last that is wanted waits: they would overtake each other, and pile up.
  let wanted = null, sending = false;
  async function speedTo(speed) {
    wanted = { speed };
    if (sending) return;
    sending = true;
    while (wanted) {
      const next = wanted;
      wanted = null;
      await order(next);
    }
    sending = false;
  }
  byId("start").addEventListener("click", () => order({ do: moving() ? "pause" : "go" }));
  byId("batch").addEventListener("click", () => order({ do: "batch" }));
  byId("epoch").addEventListener("click", () => order({ do: "epoch" }));
  byId("speed").max = SPEEDS.length - 1;
  byId("speed").value = SPEEDS.indexOf(content.speed);
  byId("speed").addEventListener("input", () => {
    put(byId("pace"), pace());
    speedTo(SPEEDS[byId("speed").value]);
  });
  const form = new SettingsForm(() => byId("settings").classList.add("edited"));
  byId("settings").addEventListener("submit", async (event) => {
    event.preventDefault();
    if (beginning) return;
    const was_here = document.activeElement === byId("begin"); // who is at it by keys is brought back
    byId("begin").disabled = beginning = true;
    const why = await server.post("/training/begin", { networks: form.asked() });
    byId("begin").disabled = beginning = false;
    if (was_here && document.activeElement === document.body) byId("begin").focus({ preventScroll: true });
    put(byId("refused"), why);
    ask();
  });

  // ---- the page
  const drawing = new Drawing(() => views);
  window.npdigits = { painted: 0, get views() { return views; } };
  put(byId("about"), content.says || "A network learns to read digits, a batch at a time, as npdigits trains it: what it leaves is a run like any other.");
  byId("runs").href = `/?token=${encodeURIComponent(token)}`;
  form.fill([content.settings]);
  addEventListener("resize", look);
  document.addEventListener("visibilitychange", () => { if (!document.hidden) ask(); });
  addEventListener("online", ask);
  lightAndDark(byId("theme"), () => { Charts.readColours(byId("unit")); look(); });
  server.begin().catch(() => {}).finally(() => { form.enable(); look(); ask(); });
})();
