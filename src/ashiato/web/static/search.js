// @ts-check
// The search box completes fields and values. The page is whole without it.
"use strict";
(() => {
  const box = /** @type {HTMLInputElement | null} */ (document.querySelector("input[data-complete]"));
  const form = box?.form;
  if (!box || !form) return;
  const list = document.createElement("ul");
  list.className = "suggestions";
  list.id = "suggestions";
  list.hidden = true;
  list.setAttribute("role", "listbox");
  box.after(list);
  for (const [name, value] of [["role", "combobox"], ["aria-autocomplete", "list"], ["aria-expanded", "false"], ["aria-controls", list.id]]) {
    box.setAttribute(name, value);
  }
  /** @typedef {{text: string, insert: string, kind: string, count: number | null, name: string | null}} Item */
  /** @type {Item[]} */
  let items = [];
  let [start, end, chosen, asked] = [0, 0, -1, 0];
  /** @type {number | undefined} */
  let waiting;
  /** @type {AbortController | undefined} */
  let running;

  function close() {
    items = [];
    chosen = -1;
    list.hidden = true;
    list.textContent = "";
    box?.setAttribute("aria-expanded", "false");
    box?.removeAttribute("aria-activedescendant");
  }
  function mark(/** @type {number} */ at) {
    chosen = at;
    [...list.children].forEach((row, number) => row.setAttribute("aria-selected", String(number === at)));
    if (at >= 0) {
      box?.setAttribute("aria-activedescendant", `suggestion-${at}`);
      list.children[at].scrollIntoView({ block: "nearest" });
    } else box?.removeAttribute("aria-activedescendant");
  }
  function show() {
    list.textContent = "";
    items.forEach((item, number) => {
      const row = document.createElement("li");
      row.id = `suggestion-${number}`;
      row.setAttribute("role", "option");
      row.setAttribute("aria-selected", "false");
      const text = document.createElement("bdi");
      text.textContent = item.name ? `${item.name} (${item.text})` : item.text;
      row.append(text);
      if (item.count !== null) {
        const count = document.createElement("span");
        count.textContent = item.count.toLocaleString("en");
        row.append(count);
      }
      row.addEventListener("pointerdown", (event) => { event.preventDefault(); take(number); });
      list.append(row);
    });
    list.hidden = !items.length;
    box?.setAttribute("aria-expanded", String(!!items.length));
    chosen = -1;
  }
  function take(/** @type {number} */ number) {
    const item = items[number];
    if (!item || !box) return;
    const rest = box.value.slice(end);
    const space = item.kind === "value" && !/^[\s,)]/.test(rest) ? " " : "";
    box.value = box.value.slice(0, start) + item.insert + space + rest;
    const at = start + item.insert.length + space.length;
    box.setSelectionRange(at, at);
    close();
    if (item.kind === "field") later();
  }
  async function ask() {
    if (!box || !form) return;
    const number = ++asked;
    running?.abort();
    running = new AbortController();
    const to = new URL(box.dataset.complete ?? "", location.href);
    for (const [name, value] of new FormData(form)) if (name !== "columns" && typeof value === "string") to.searchParams.set(name, value);
    to.searchParams.set("q", box.value);
    to.searchParams.set("at", String(box.selectionStart ?? box.value.length));
    try {
      const answer = await fetch(to, { signal: running.signal, redirect: "error" });
      if (!answer.ok || number !== asked) return;
      const found = await answer.json();
      if (number !== asked || document.activeElement !== box) return;
      [items, start, end] = [found.items, found.start, found.end];
      show();
    } catch { /* the box works without */ }
  }
  function later() {
    window.clearTimeout(waiting);
    waiting = window.setTimeout(() => void ask(), 120);
  }
  box.addEventListener("input", later);
  box.addEventListener("blur", close);
  box.addEventListener("keydown", (event) => {
    if (event.isComposing) return;
    const open = !list.hidden;
    if (event.key === "ArrowDown" && !open) { event.preventDefault(); return void ask(); }
    if (!open) return;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      const by = event.key === "ArrowDown" ? 1 : -1;
      mark((chosen + by + items.length + (chosen < 0 && by < 0 ? 1 : 0)) % items.length);
    } else if ((event.key === "Enter" || event.key === "Tab") && chosen >= 0) {
      event.preventDefault();
      take(chosen);
    } else if (event.key === "Tab" && items.length) {
      event.preventDefault();
      take(0);
    } else if (event.key === "Escape") {
      event.preventDefault();
      event.stopPropagation();
      close();
    }
  });
})();
