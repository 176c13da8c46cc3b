"use strict";
// What moves: the weights of the hidden units, the digits that are read wrong, the confusion matrix. Each changes in the
// page only what has changed.

const Pictures = (() => {
  const MOST_UNITS = 48, MOST_WRONG = 24, SIDE = 28, WARM = [178, 24, 43], COLD = [33, 102, 172];
  // Weights beyond this quantile of all have the full colour.
  const FULL = 0.995;

  const make = (tag, name, parent) => {
    const made = document.createElement(tag);
    if (name) made.className = name;
    parent.append(made);
    return made;
  };
  const set = (element, text) => { if (element.textContent !== text) element.textContent = text; };

  // Red wants ink, blue none; `top` has the full colour.
  function paintWeights(context, weights, hidden, unit, top) {
    const image = context.createImageData(SIDE, SIDE);
    for (let i = 0; i < SIDE * SIDE; i++) {
      const w = weights[i * hidden + unit], strength = Math.min(Math.abs(w) / top, 1) || 0, full = w > 0 ? WARM : COLD;
      for (let k = 0; k < 3; k++) image.data[4 * i + k] = 255 + (full[k] - 255) * strength;
      image.data[4 * i + 3] = 255;
    }
    context.putImageData(image, 0, 0);
  }

  // Tiles of the first units of a network: returns { paint(network, states), light(hidden activations or null), shown }.
  function units(grid, hidden) {
    grid.replaceChildren();
    const tiles = Array.from({ length: Math.min(hidden, MOST_UNITS) }, (_, unit) => {
      const tile = make("figure", "tile", grid), canvas = make("canvas", "", tile), state = make("figcaption", "", tile);
      canvas.width = canvas.height = SIDE;
      canvas.role = "img";
      canvas.ariaLabel = `weights of unit ${unit + 1}`;
      return { tile, state, context: canvas.getContext("2d") };
    });
    return {
      shown: tiles.length,
      paint({ hidden: n, parameters: { W1 } }, states) {
        const some = Float64Array.from({ length: 2000 }, (_, i) => Math.abs(W1[Math.floor(i * W1.length / 2000)])).sort();
        const top = some[Math.floor(FULL * some.length)] || 1;
        tiles.forEach(({ context, state }, unit) => {
          paintWeights(context, W1, n, unit, top);
          set(state, states[unit]);
        });
        return top;
      },
      light(a) {
        const most = a ? Math.max(...a.map(Math.abs)) || 1 : 1;
        tiles.forEach(({ tile }, unit) => tile.style.setProperty("--a", a ? Math.max(a[unit], 0) / most : 0));
      },
    };
  }

  // Buttons with the first validation digits that are read wrong; one that is chosen goes to `show`.
  function wrong(grid, digits, show) {
    const slots = [];
    return (rows, answers) => {
      let k = 0;
      for (let i = 0; i < rows.length && k < MOST_WRONG; i++) {
        const row = rows[i], label = digits.labels[row], answer = answers[i];
        if (label === answer) continue;
        if (!slots[k]) {
          const button = make("button", "wrong", grid), canvas = make("canvas", "", button), text = make("span", "", button);
          button.type = "button";
          canvas.width = canvas.height = SIDE;
          const slot = { button, context: canvas.getContext("2d"), text, row: -1 };
          button.addEventListener("click", () => show(slot.row));
          slots.push(slot);
        }
        const slot = slots[k++];
        if (slot.row !== row) {
          const image = digits.image(row);
          Paper.picture(slot.context, (pixel) => 255 - image[pixel]);
        }
        slot.row = row;
        slot.button.hidden = false;
        set(slot.text, `${label} → ${answer}`);
        slot.button.ariaLabel = `a ${label} that is read as ${answer}: put it on the paper`;
      }
      slots.forEach(({ button }, i) => { if (i >= k) button.hidden = true; });
      return k;
    };
  }

  // A table: a row a digit, a column an answer.
  function confusion(table) {
    const head = make("tr", "", make("thead", "", table)), body = make("tbody", "", table), numbers = [...Array(10).keys()];
    make("td", "", head);
    const cells = [];
    for (const digit of numbers) Object.assign(make("th", "", head), { scope: "col", textContent: digit });
    for (const digit of numbers) {
      const row = make("tr", "", body);
      Object.assign(make("th", "", row), { scope: "row", textContent: digit });
      for (const answer of numbers) cells.push(make("td", answer === digit ? "same" : "", row));
    }
    return (counts, ofEach) => cells.forEach((cell, i) => {
      const text = counts[i] ? String(counts[i]) : "";
      if (cell.textContent === text) return;
      cell.textContent = text;
      cell.style.setProperty("--share", Math.sqrt(counts[i] / ofEach));
    });
  }

  return { units, wrong, confusion, make, set };
})();
