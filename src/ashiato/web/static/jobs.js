// @ts-check
"use strict";
// Follows a job without loading the page again; without scripts the page refreshes itself.
(() => {
  const place = /** @type {HTMLElement | null} */ (document.querySelector("[data-job]"));
  if (!place || !place.dataset.job) return;
  const address = place.dataset.job;
  const bar = place.querySelector("progress");
  /** @param {string} name @param {string} text */
  const say = (name, text) => {
    const found = place.querySelector(`[data-${name}]`);
    if (found) found.textContent = text;
  };
  const look = async () => {
    if (document.hidden) return;
    const answer = await fetch(address, { headers: { accept: "application/json" } });
    if (!answer.ok) return;
    const job = await answer.json();
    // Another state or step, or a first count, is said in words that the server has.
    const counts = job.counted && !place.querySelector("[data-counted]");
    if (job.state !== place.dataset.state || (job.step ?? "") !== place.dataset.at || counts) {
      location.reload();
      return;
    }
    if (bar) {
      if (job.fraction === null) bar.removeAttribute("value");
      else bar.value = job.fraction;
    }
    say("percent", job.fraction === null ? "" : `${Math.round(job.fraction * 100)} %`);
    if (job.counted !== null) say("counted", job.counted.toLocaleString("en"));
  };
  setInterval(() => look().catch(() => {}), 1000);
})();
