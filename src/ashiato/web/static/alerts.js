// @ts-check
"use strict";
// Working through alerts by keyboard: j k o a c s x. Everything is a link or a form without it.
(() => {
  const rows = /** @type {HTMLTableRowElement[]} */ ([...document.querySelectorAll("table[data-rows] tbody tr")]);
  const dialog = /** @type {HTMLDialogElement | null} */ (document.getElementById("closing"));
  const chosen = () => rows.findIndex((row) => row.getAttribute("aria-selected") === "true");
  /** @param {number} place */
  const choose = (place) => {
    const row = rows[Math.max(0, Math.min(place, rows.length - 1))];
    if (!row) return;
    for (const other of rows) other.removeAttribute("aria-selected");
    row.setAttribute("aria-selected", "true");
    row.scrollIntoView({ block: "nearest" });
  };
  /** Where the list goes on after an act: at the next row. @param {number} place */
  const next = (place) => {
    const row = rows[place + 1] || rows[place - 1];
    return row?.querySelector("td[id]")?.id ?? "";
  };
  /** @param {HTMLFormElement} form @param {number} place */
  const send = (form, place) => {
    const back = /** @type {HTMLInputElement | null} */ (form.elements.namedItem("back"));
    if (back && place >= 0) back.value = back.value.replace(/#.*$/, "") + `#${next(place)}`;
    form.requestSubmit(form.querySelector("button"));
  };
  /** @param {string} id @param {number} place */
  const close = (id, place) => {
    if (!dialog) return false;
    const form = /** @type {HTMLFormElement} */ (dialog.querySelector("form"));
    /** @type {HTMLInputElement} */ (form.elements.namedItem("id")).value = id;
    const back = /** @type {HTMLInputElement} */ (form.elements.namedItem("back"));
    back.value = back.value.replace(/#.*$/, "") + `#${next(place)}`;
    const said = dialog.querySelector("[data-id]");
    if (said) said.textContent = id;
    dialog.showModal();
    return true;
  };
  dialog?.querySelector("[data-cancel]")?.addEventListener("click", () => dialog.close());
  document.addEventListener("click", (event) => {
    const link = event.target instanceof Element ? event.target.closest("a[data-close]") : null;
    if (!(link instanceof HTMLElement) || event.ctrlKey || event.metaKey) return;
    const row = link.closest("tr");
    if (close(link.dataset.close ?? "", row ? rows.indexOf(row) : -1)) event.preventDefault();
  });
  if (location.hash) {
    const row = document.getElementById(location.hash.slice(1))?.closest("tr");
    if (row) choose(rows.indexOf(/** @type {HTMLTableRowElement} */ (row)));
  }
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || dialog?.open) return;
    const at = event.target;
    if (at instanceof HTMLElement && at.closest("input:not([type=checkbox]), textarea, select, [contenteditable]")) return;
    const place = chosen();
    // A page of one alert has its acts outside of rows.
    const inside = place >= 0 ? rows[place] : document;
    /** @param {string} what */
    const find = (what) => /** @type {HTMLElement | null} */ (inside.querySelector(what));
    if (event.key === "j") choose(place + 1);
    else if (event.key === "k") choose(place < 0 ? 0 : place - 1);
    else if (event.key === "o" && place >= 0) find("a.open")?.click();
    else if (event.key === "Enter" && place >= 0 && at === document.body) find("a.open")?.click();
    else if (event.key === "x" && place >= 0) find("input[type=checkbox]")?.click();
    else if (event.key === "a") {
      const form = find("form[data-ack]");
      if (!(form instanceof HTMLFormElement)) return;
      send(form, place);
    } else if (event.key === "c") {
      const found = find("[data-close]");
      if (!found) return;
      found.click();
      if (found.matches("summary")) /** @type {HTMLElement | null} */ (document.querySelector("#close input[type=radio]"))?.focus();
    } else if (event.key === "s") find("a[data-suppress]")?.click();
    else return;
    event.preventDefault();
  });
})();
