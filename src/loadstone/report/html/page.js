"use strict";
(() => {
  const form = document.getElementById("filters");
  const cards = [...document.querySelectorAll(".card")];
  const matching = document.getElementById("matching");
  let card = null;
  let step = -1;

  const shown = () => cards.filter((one) => !one.hidden);

  function filter() {
    const kinds = new Set([...form.querySelectorAll("[name=kind]:checked")].map((box) => box.value));
    const severity = form.elements.severity.value;
    const cwe = form.elements.cwe.value;
    const text = form.elements.text.value.trim().toLowerCase();
    for (const one of cards) {
      one.hidden = !kinds.has(one.dataset.kind)
        || (severity !== "" && one.dataset.severity !== severity)
        || (cwe !== "" && one.dataset.cwe !== cwe)
        || (text !== "" && !one.textContent.toLowerCase().includes(text));
    }
    const hidden = new Set(cards.filter((one) => one.hidden).map((one) => "#" + one.id));
    for (const mark of document.querySelectorAll("a.mark")) mark.hidden = hidden.has(mark.getAttribute("href"));
    matching.textContent = shown().length + " of " + cards.length;
  }

  function show(anchor) {
    for (const row of document.querySelectorAll("tr.here")) row.classList.remove("here");
    const row = anchor && document.getElementById(anchor);
    if (!row) return;
    row.classList.add("here");
    row.scrollIntoView({ block: "center" });
  }

  function pick(chosen) {
    if (card) {
      card.classList.remove("picked");
      for (const stop of card.querySelectorAll("li.here")) stop.classList.remove("here");
    }
    card = chosen;
    step = -1;
    if (!card) return;
    card.classList.add("picked");
    card.scrollIntoView({ block: "nearest" });
    card.focus({ preventScroll: true });
    const link = card.querySelector("a.where");
    show(link && link.getAttribute("href").slice(1));
  }

  function move(by) {
    const list = shown();
    if (list.length === 0) return;
    const at = list.indexOf(card);
    pick(list[Math.min(Math.max(at + by, 0), list.length - 1)]);
  }

  function walk(by) {
    if (!card) return;
    const stops = [...card.querySelectorAll(".flow li")];
    if (stops.length === 0) return;
    if (step >= 0) stops[step].classList.remove("here");
    step = Math.min(Math.max(step + by, 0), stops.length - 1);
    stops[step].classList.add("here");
    stops[step].scrollIntoView({ block: "nearest" });
    show(stops[step].dataset.at);
  }

  function theme() {
    const root = document.documentElement;
    const dark = root.dataset.theme
      ? root.dataset.theme === "dark"
      : window.matchMedia("(prefers-color-scheme: dark)").matches;
    root.dataset.theme = dark ? "light" : "dark";
  }

  const keys = {
    j: () => move(1),
    k: () => move(-1),
    n: () => walk(1),
    p: () => walk(-1),
    o: () => { const more = card && card.querySelector("details"); if (more) more.open = !more.open; },
    t: theme,
    "/": () => form.elements.text.focus(),
  };

  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") document.activeElement.blur();
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches("input, select")) return;
    const action = keys[event.key];
    if (action) { event.preventDefault(); action(); }
  });
  document.addEventListener("click", (event) => {
    const mark = event.target.closest("a.mark");
    if (mark) { event.preventDefault(); pick(document.getElementById(mark.getAttribute("href").slice(1))); return; }
    const stop = event.target.closest(".flow li");
    const chosen = event.target.closest(".card");
    if (chosen && chosen !== card) pick(chosen);
    if (stop) { step = [...card.querySelectorAll(".flow li")].indexOf(stop) - 1; walk(1); }
    const link = event.target.closest("a[href^='#f']");
    if (link) { event.preventDefault(); show(link.getAttribute("href").slice(1)); }
  });
  form.addEventListener("input", filter);
  form.addEventListener("submit", (event) => event.preventDefault());
  document.getElementById("theme").addEventListener("click", theme);
  filter();
  document.documentElement.dataset.ready = "yes";
})();
