"use strict";
// Light and dark: as the system wishes, until the button says otherwise; `changed` is called after every change.

function lightAndDark(button, changed = () => {}) {
  const wish = matchMedia("(prefers-color-scheme: dark)");
  let dark = wish.matches;
  const paint = () => {
    document.documentElement.style.colorScheme = dark ? "dark" : "light";
    document.documentElement.classList.toggle("dark", dark);
    button.textContent = dark ? "light" : "dark";
    changed();
  };
  button.addEventListener("click", () => { dark = !dark; paint(); });
  wish.addEventListener("change", () => { dark = wish.matches; paint(); });
  paint();
}
