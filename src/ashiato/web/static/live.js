// @ts-check
// Holds the one stream of news of this browser for all its tabs: browsers open six connections to a host, and a stream
// takes one for good. It is closed while no tab is looked at, and asked for instead where the house is full.
"use strict";
(() => {
  /** @type {Map<MessagePort, boolean>} */
  const ports = new Map();
  /** @type {EventSource | null} */
  let source = null;
  /** @type {string | null} */
  let last = null;
  let etag = "";
  let waiting = 0;

  function tell(/** @type {string} */ text) {
    last = text;
    for (const port of ports.keys()) port.postMessage(text);
  }
  const wanted = () => [...ports.values()].some(Boolean);
  function tend() {
    if (!wanted()) {
      source?.close();
      source = null;
    } else if (!source && !waiting) {
      open();
    }
  }
  function open() {
    source = new EventSource("/events");
    source.addEventListener("news", (event) => tell(/** @type {MessageEvent} */ (event).data));
    source.onerror = () => {
      // While it is connecting again by itself, it is let be.
      if (!source || source.readyState !== EventSource.CLOSED) return;
      source = null;
      void ask();
      waiting = setTimeout(() => { waiting = 0; tend(); }, 30000);
    };
  }
  async function ask() {
    try {
      const answer = await fetch("/news", { headers: etag ? { "If-None-Match": etag } : {}, redirect: "error" });
      etag = answer.headers.get("etag") ?? "";
      if (answer.status === 200) tell(await answer.text());
    } catch {
      // Signed out, or nobody serves: the next page says so.
    }
  }
  // @ts-expect-error the scope of a shared worker
  self.onconnect = (/** @type {MessageEvent} */ event) => {
    const port = event.ports[0];
    ports.set(port, true);
    port.onmessage = (message) => {
      if (message.data === "gone") ports.delete(port);
      else ports.set(port, message.data === "visible");
      tend();
    };
    port.start();
    if (last !== null) port.postMessage(last);
    tend();
  };
})();
