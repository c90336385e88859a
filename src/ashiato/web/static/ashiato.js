// @ts-check
// Comfort only: every page is whole without this. Nothing here writes markup; text goes in as text.
"use strict";
document.documentElement.classList.add("js");

(() => {
  const body = document.body;
  const one = (/** @type {string} */ what, from = /** @type {ParentNode} */ (document)) =>
    /** @type {HTMLElement | null} */ (from.querySelector(what));

  // Where the navigation is wider than the screen, the page's own entry is in sight.
  one(".areas a[aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });

  // ---- forms that go by themselves, and questions before what cannot be taken back ----
  document.addEventListener("change", (event) => {
    const field = /** @type {HTMLElement} */ (event.target);
    const form = field.closest("form");
    if (field.hasAttribute("data-submit") && form) form.requestSubmit();
  });
  document.addEventListener("submit", (event) => {
    const question = /** @type {HTMLElement} */ (event.target).getAttribute("data-sure");
    if (question && !window.confirm(question)) event.preventDefault();
  });

  // ---- rows by keyboard ----
  const rows = () => /** @type {HTMLElement[]} */ ([...document.querySelectorAll("table[data-rows] > tbody > tr")]);
  const chosen = () => one("tr[aria-selected=true]");
  function choose(/** @type {HTMLElement | undefined} */ row) {
    if (!row) return;
    chosen()?.removeAttribute("aria-selected");
    row.setAttribute("aria-selected", "true");
    const link = one("a.open, a", row);
    if (link) link.focus({ preventScroll: true });
    row.scrollIntoView({ block: "nearest" });
  }
  function step(/** @type {number} */ by) {
    const all = rows();
    const row = chosen();
    const at = row ? all.indexOf(row) : by > 0 ? -1 : all.length;
    choose(all[Math.min(all.length - 1, Math.max(0, at + by))]);
  }
  /** A link is followed, a form is sent; in the chosen row, or else on the page itself. */
  function act(/** @type {string} */ name) {
    const row = chosen();
    const found = (row && one(name, row)) || one(`main > ${name}, main ${name}:not(tr ${name})`);
    if (!found) return false;
    if (found instanceof HTMLFormElement) found.requestSubmit();
    else found.click();
    return true;
  }
  function trace() {
    const text = String(window.getSelection() ?? "").trim();
    if (text) return void location.assign(`/trace?q=${encodeURIComponent(text.slice(0, 1100))}`);
    const row = chosen();
    const chip = one("a.chip", row ?? one("main") ?? document);
    if (chip) chip.click();
  }
  function copy() {
    const row = chosen();
    const found = one("[data-copy]", row ?? one("main") ?? document);
    if (found) void navigator.clipboard?.writeText(found.dataset.copy ?? "").then(() => say(body.dataset.copied ?? ""));
  }

  let went = 0;
  document.addEventListener("keydown", (event) => {
    const target = /** @type {HTMLElement} */ (event.target);
    if (event.key === "Escape" && target.matches("input, textarea, select")) return target.blur();
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (target.matches("input, textarea, select") || target.isContentEditable) return;
    const going = Date.now() - went < 1500;
    went = 0;
    if (going) {
      const link = one(`a[data-go="${CSS.escape(event.key)}"]`);
      if (link) { event.preventDefault(); link.click(); }
      return;
    }
    const search = one("[data-search]");
    switch (event.key) {
      case "/": if (search) search.focus(); else location.assign("/search"); break;
      case "?": one("a[data-keyboard]")?.click(); break;
      case "g": went = Date.now(); break;
      case "j": step(1); break;
      case "k": step(-1); break;
      case "t": trace(); break;
      case "c": copy(); break;
      case "a": if (!act("[data-ack]")) return; break;
      case "s": if (!act("[data-suppress]")) return; break;
      case "o":
      case "Enter": {
        const row = chosen();
        // Enter on a link or button is its own.
        if (!row || (event.key === "Enter" && row.contains(target) && target !== row)) return;
        one("a.open, a", row)?.click();
        break;
      }
      default: return;
    }
    event.preventDefault();
  });

  // ---- a span of time by drawing over a chart ----
  const iso = (/** @type {number} */ ms) => `${new Date(ms).toISOString().slice(0, 19)}Z`;
  for (const svg of /** @type {NodeListOf<SVGSVGElement>} */ (document.querySelectorAll("svg[data-brush]"))) {
    let from = -1;
    /** @type {SVGRectElement | null} */
    let shade = null;
    const place = (/** @type {PointerEvent} */ event) => {
      const box = svg.getBoundingClientRect();
      return Math.min(1, Math.max(0, (event.clientX - box.left) / box.width));
    };
    svg.addEventListener("pointerdown", (event) => {
      if (event.button === 0 && event.pointerType !== "touch") from = place(event);
    });
    svg.addEventListener("pointermove", (event) => {
      if (from < 0) return;
      const at = place(event);
      if (!shade) {
        if (Math.abs(at - from) * svg.getBoundingClientRect().width < 6) return;
        shade = document.createElementNS("http://www.w3.org/2000/svg", "rect");
        shade.setAttribute("class", "brushed");
        shade.setAttribute("y", "0");
        shade.setAttribute("height", "100%");
        svg.append(shade);
        svg.setPointerCapture(event.pointerId);
      }
      shade.setAttribute("x", `${100 * Math.min(from, at)}%`);
      shade.setAttribute("width", `${100 * Math.abs(at - from)}%`);
    });
    svg.addEventListener("pointerup", (event) => {
      const [low, high] = [from, place(event)].sort((a, b) => a - b);
      from = -1;
      if (!shade) return;
      shade = null;
      const [start, end] = [Date.parse(svg.dataset.start ?? ""), Date.parse(svg.dataset.end ?? "")];
      const [first, second] = (svg.dataset.brush ?? "from,to").split(",");
      const to = new URL(svg.dataset.brushTo ?? location.href, location.href);
      to.searchParams.set(first, iso(start + low * (end - start)));
      to.searchParams.set(second, iso(start + high * (end - start)));
      to.searchParams.delete("after");
      location.assign(to);
    });
    svg.addEventListener("pointercancel", () => { from = -1; shade?.remove(); shade = null; });
    // A drag that began on a bar is no click on it.
    svg.addEventListener("dragstart", (event) => event.preventDefault());
  }

  // ---- news without a reload: one stream a browser, held by a shared worker; without one, asking now and then ----
  const live = one("#live");
  function say(/** @type {string} */ text, href = "") {
    if (!live) return;
    live.textContent = "";
    if (!href) { live.textContent = text; return; }
    const link = document.createElement("a");
    link.href = href;
    link.textContent = text;
    live.append(link);
  }
  /** @type {string | null | undefined} */
  let newest;
  function tell(/** @type {any} */ news) {
    for (const [level, count] of Object.entries(news.open)) {
      const shown = one(`[data-news-level="${CSS.escape(level)}"] .evidence, [data-news-level="${CSS.escape(level)}"] .figure`);
      if (shown) shown.textContent = Number(count).toLocaleString("en");
    }
    const id = news.newest ? news.newest.id : null;
    if (newest !== undefined && id && id !== newest && live) {
      const title = (document.documentElement.lang === "ja" && news.newest.title_ja) || news.newest.title;
      say(`${live.dataset.alert}: ${title}`, `/alerts/${encodeURIComponent(id)}`);
    } else if (live && !live.firstElementChild && news.watching) {
      const { running, failing } = news.watching;
      live.textContent = (failing ? live.dataset.failing : running ? live.dataset.running : live.dataset.stopped) ?? "";
    }
    if (newest !== undefined) refresh();
    newest = id;
    document.dispatchEvent(new CustomEvent("ashiato:news", { detail: news }));
  }
  // Parts marked data-refresh (with an id) are fetched again after news, now and then, unless somebody works in them.
  let fetched = Date.now();
  let due = 0;
  function refresh() {
    const parts = [...document.querySelectorAll("[data-refresh][id]")];
    if (!parts.length || due) return;
    due = window.setTimeout(async () => {
      due = 0;
      if (document.visibilityState !== "visible") return;
      fetched = Date.now();
      const answer = await fetch(location.href, { redirect: "error" }).catch(() => null);
      if (!answer || !answer.ok) return;
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
      for (const part of parts) {
        const other = fresh.getElementById(part.id);
        const busy = part.contains(document.activeElement) || part.querySelector("tr[aria-selected=true], details[open]");
        if (other && !busy && !part.isEqualNode(other)) part.replaceWith(document.importNode(other, true));
      }
    }, Math.max(0, 15000 - (Date.now() - fetched)));
  }

  async function ask(etag = "") {
    const answer = await fetch(body.dataset.news ?? "/news", { headers: etag ? { "If-None-Match": etag } : {}, redirect: "error" });
    if (answer.status === 200) tell(await answer.json());
    return answer.headers.get("etag") ?? etag;
  }
  function poll() {
    let etag = "";
    const again = async () => {
      if (document.visibilityState === "visible") etag = await ask(etag).catch(() => "");
      window.setTimeout(again, 15000);
    };
    void again();
  }
  if (body.dataset.live && body.dataset.worker) {
    if (typeof SharedWorker === "undefined") {
      poll();
    } else {
      const worker = new SharedWorker(body.dataset.worker, { name: "ashiato-live" });
      worker.onerror = () => poll();
      worker.port.onmessage = (event) => {
        // The stream is of all one's accounts; a page of one group asks for its own.
        if (body.dataset.grouped) void ask().catch(() => {});
        else tell(JSON.parse(event.data));
      };
      worker.port.start();
      const shown = () => worker.port.postMessage(document.visibilityState);
      document.addEventListener("visibilitychange", shown);
      window.addEventListener("pagehide", () => worker.port.postMessage("gone"));
      window.addEventListener("pageshow", shown);
      shown();
    }
  }
})();
