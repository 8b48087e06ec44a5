// The desk's only script: keys, claims, the help window. Everything works without it as plain forms and links.
"use strict";

(() => {
  const EDITABLE = "input:not([type=radio]):not([type=checkbox]):not([type=hidden]), textarea, select, [contenteditable]";
  const CLAIM_AFTER_MS = 1500;
  const RENEW_EVERY_MS = 120000;

  const help = document.getElementById("help");
  const layout = document.querySelector("[data-clue]");
  let leaving = false; // a decision is on its way: no second one, no release

  /** The element that carries a key: one table, the page itself. */
  const bearer = (key) => [...document.querySelectorAll("[data-key]")].find((e) => e.dataset.key === key && !e.disabled);

  const keyOf = (event) => {
    if (event.key === "ArrowDown" || event.key === "ArrowRight") return "j";
    if (event.key === "ArrowUp" || event.key === "ArrowLeft") return "k";
    return event.key.length === 1 ? event.key.toLowerCase() : event.key;
  };

  const press = (element) => {
    if (element.matches("input[type=radio]")) {
      element.checked = true;
    } else if (element.matches(EDITABLE)) {
      element.focus();
      element.select();
    } else if (element.matches("summary")) {
      element.parentElement.open = !element.parentElement.open;
    } else {
      element.click();
    }
  };

  const moveInList = (step) => {
    const rows = [...document.querySelectorAll("[data-row]")];
    if (!rows.length) return false;
    const at = rows.indexOf(document.activeElement);
    rows[Math.min(Math.max(at + step, 0), rows.length - 1)].focus();
    return true;
  };

  const onKey = (event) => {
    // While an input method composes, keys belong to it; 229 is what older engines send then.
    if (event.isComposing || event.keyCode === 229 || event.defaultPrevented) return;
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const typing = event.target instanceof Element && event.target.closest(EDITABLE);
    if (typing) {
      if (event.key === "Escape") event.target.blur();
      return;
    }
    if (help && help.open) return;
    if (event.repeat && event.key !== "j" && event.key !== "k" && !event.key.startsWith("Arrow")) return;
    if (event.key === "Enter") {
      // Enter belongs to what has the focus; only with nothing focused does it start the review.
      if (document.activeElement !== document.body) return;
    }
    if (event.key === "/") {
      const search = document.getElementById("search");
      if (search) { event.preventDefault(); search.focus(); }
      return;
    }
    const key = keyOf(event);
    // Arrows scroll as everywhere; they move between clues only in the queue's list.
    if (event.key.startsWith("Arrow") && layout) return;
    if ((key === "j" || key === "k") && moveInList(key === "j" ? 1 : -1)) { event.preventDefault(); return; }
    const element = bearer(key);
    if (!element) return;
    event.preventDefault();
    press(element);
  };

  const send = (path, body) => fetch(path, {
    method: "POST",
    body: new URLSearchParams({ csrf: layout.dataset.csrf, ...body }),
    headers: { accept: "application/json" },
    credentials: "same-origin",
  });

  const claim = async () => {
    if (leaving || document.hidden) return;
    try {
      const answer = await send(`/clues/${layout.dataset.clue}/claim`, {});
      const note = document.getElementById("claim-note");
      if (answer.status === 409) {
        const { holder } = await answer.json();
        if (holder) { note.textContent = note.dataset.text.replace("%", holder); note.hidden = false; }
      } else if (answer.status === 401) {
        location.reload(); // signed out meanwhile: show the sign-in page, nothing that was on this one
      } else if (answer.ok) {
        note.hidden = true;
        layout.dataset.held = "yes";
      }
    } catch {
      // The network is away; the claim lapses by itself and the version decides.
    }
  };

  const release = () => {
    if (leaving || layout.dataset.held !== "yes") return;
    const body = new URLSearchParams({ csrf: layout.dataset.csrf });
    navigator.sendBeacon(`/clues/${layout.dataset.clue}/release`, body);
  };

  const onSubmit = (event) => {
    if (leaving) { event.preventDefault(); return; }
    leaving = true;
  };

  /** Point from a marked word to its line in the explanation and back. */
  const link = (event) => {
    const mark = event.target instanceof Element && event.target.closest("mark[data-numbers]");
    for (const row of document.querySelectorAll(".reasons tr.lit")) row.classList.remove("lit");
    if (!mark) return;
    for (const number of mark.dataset.numbers.split(" ")) {
      const row = document.getElementById(`reason-${number}`);
      row?.classList.add("lit");
    }
  };

  document.addEventListener("keydown", onKey);
  document.addEventListener("mouseover", link);
  document.addEventListener("focusin", link);
  window.addEventListener("pageshow", (event) => {
    leaving = false;
    if (event.persisted) location.reload(); // never show a decided clue as open from the browser's memory
  });
  for (const form of document.querySelectorAll("form[method=post]")) form.addEventListener("submit", onSubmit);
  for (const button of document.querySelectorAll("[data-help]")) button.addEventListener("click", () => help.showModal());
  document.querySelector(".side .current")?.scrollIntoView({ block: "nearest" });

  if (layout && layout.dataset.renew === "yes") {
    setTimeout(claim, CLAIM_AFTER_MS);
    setInterval(claim, RENEW_EVERY_MS);
    window.addEventListener("pagehide", release);
  }
})();
