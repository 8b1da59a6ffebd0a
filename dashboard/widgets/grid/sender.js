// The way of decisions to the server. One for the whole tab: it survives reruns and page switches.
//
// An operation is {kind: "decide" | "undo" | "redo", dataset, queue, batch, named, samples, decisions}. Operations on the same sample go
// strictly one after the other; others may overlap. What the network loses is sent again with the same tokens, which the
// server applies once. Views subscribe with on(), and learn "sent", "waiting", "done" and "failed".

const LANES = 3;
const FIRST_DELAY = 250;
const LONGEST_DELAY = 4000;
const TIMEOUT = 20000;

function makeSender() {
  const operations = [];
  const listeners = new Set();
  const tell = (operation, event, detail) => listeners.forEach((listener) => listener(operation, event, detail));

  function pump() {
    const taken = new Set();
    let lanes = operations.filter((one) => one.state === "sending").length;
    for (const one of operations) {
      const free = !one.samples.some((sample) => taken.has(sample));
      one.samples.forEach((sample) => taken.add(sample));
      if (one.state === "ready" && free && lanes < LANES) {
        lanes += 1;
        send(one);
      }
    }
  }

  async function send(one) {
    one.state = "sending";
    const body = { dataset: one.dataset, queue: one.queue, batch: one.batch, named: one.named, decisions: one.decisions };
    try {
      const reply = await fetch(`${base()}/api/${one.kind}`, {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        credentials: "same-origin",
        body: JSON.stringify(body),
        signal: AbortSignal.timeout(TIMEOUT),
      });
      const answer = await reply.json().catch(() => ({}));
      if (reply.ok && Array.isArray(answer.outcomes)) return finish(one, "done", answer);
      if (reply.status >= 500 || reply.ok) return again(one, answer.error || "The server did not understand itself.");
      return finish(one, "failed", answer.error || `The server refused (${reply.status}).`);
    } catch {
      return again(one, "The server does not answer.");
    }
  }

  function finish(one, event, detail) {
    operations.splice(operations.indexOf(one), 1);
    if (event === "done") performance.measure("labelloop-decision", { start: one.since, end: performance.now() });
    tell(one, event, detail);
    pump();
  }

  function again(one, reason) {
    one.state = "waiting";
    one.tries += 1;
    tell(one, "waiting", reason);
    const delay = Math.min(LONGEST_DELAY, FIRST_DELAY * 2 ** Math.min(one.tries, 8));
    one.timer = setTimeout(() => ready(one), delay);
  }

  function ready(one) {
    clearTimeout(one.timer);
    if (one.state === "waiting") one.state = "ready";
    pump();
  }

  const sender = {
    operations,
    submit(operation) {
      const one = { ...operation, state: "ready", tries: 0, since: performance.now() };
      operations.push(one);
      tell(one, "sent");
      pump();
      return one;
    },
    retryNow: () => [...operations].forEach(ready),
    on(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
  window.addEventListener("online", sender.retryNow);
  window.addEventListener("beforeunload", (event) => {
    if (operations.length) event.preventDefault();
  });
  return sender;
}

// Where Streamlit is served under a path, our routes still lie at the root of the port.
function base() {
  return window.location.origin;
}

const sender = (window.labelloopSender ??= makeSender());
