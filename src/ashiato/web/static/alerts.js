// @ts-check
"use strict";
// Working through alerts by keyboard: o open, c close, x choose; j k a s are every list's (ashiato.js). Everything is a
// link or a form without it.
(() => {
  // Asked each time: the list is made anew when news come.
  const rows = () => /** @type {HTMLTableRowElement[]} */ ([...document.querySelectorAll("table[data-rows] > tbody > tr")]);
  const dialog = /** @type {HTMLDialogElement | null} */ (document.getElementById("closing"));
  const chosen = () => rows().find((row) => row.getAttribute("aria-selected") === "true") ?? null;

  /** After an act the list goes on at the next row. @param {HTMLFormElement} form @param {Element | null} row */
  function goOn(form, row) {
    const back = form.elements.namedItem("back");
    const all = rows();
    const at = all.indexOf(/** @type {HTMLTableRowElement} */ (row));
    if (!(back instanceof HTMLInputElement) || at < 0) return;
    const next = (all[at + 1] ?? all[at - 1])?.querySelector("[data-alert]");
    // No element has this id: the browser itself would scroll the page as well as the table.
    back.value = `${back.value.replace(/#.*$/, "")}#at-${next instanceof HTMLElement ? next.dataset.alert : ""}`;
  }
  document.addEventListener("submit", (event) => {
    const form = /** @type {HTMLFormElement} */ (event.target);
    if (form.matches("[data-ack]")) goOn(form, form.closest("tr"));
  });
  if (location.hash.startsWith("#at-")) {
    const row = document.querySelector(`[data-alert="${CSS.escape(location.hash.slice(4))}"]`)?.closest("tr");
    row?.setAttribute("aria-selected", "true");
    row?.scrollIntoView({ block: "nearest" });
  }

  /** @param {HTMLElement} link */
  function close(link) {
    if (!dialog) return false;
    const form = /** @type {HTMLFormElement} */ (dialog.querySelector("form"));
    const id = link.dataset.close ?? "";
    /** @type {HTMLInputElement} */ (form.elements.namedItem("id")).value = id;
    goOn(form, link.closest("tr"));
    const said = dialog.querySelector("[data-id]");
    if (said) said.textContent = id;
    dialog.showModal();
    return true;
  }
  dialog?.querySelector("[data-cancel]")?.addEventListener("click", () => dialog.close());
  document.addEventListener("click", (event) => {
    const link = event.target instanceof Element ? event.target.closest("a[data-close]") : null;
    if (!(link instanceof HTMLElement) || event.ctrlKey || event.metaKey || event.shiftKey) return;
    if (close(link)) event.preventDefault();
  });

  // Before the frame's own keys, for `c` copies where there is nothing to close.
  window.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || dialog?.open) return;
    const target = /** @type {HTMLElement} */ (event.target);
    if (target.matches("input:not([type=checkbox]), textarea, select") || target.isContentEditable) return;
    const inside = chosen() ?? (rows().length && document.getElementById("bulk") ? null : document);
    const find = (/** @type {string} */ what) => /** @type {HTMLElement | null} */ (inside?.querySelector(what) ?? null);
    const found =
      event.key === "c" ? find("[data-close]") : event.key === "o" ? find("tr a.open")
        : event.key === "x" ? find("input[type=checkbox]") : null;
    if (!found) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    found.click();
    if (found.matches("summary")) {
      /** @type {HTMLElement | null} */ (found.parentElement?.querySelector("input[type=radio]") ?? null)?.focus();
    }
  }, { capture: true });
})();
