// Several people in one queue: what is on this screen is reserved for whoever sits before it.

const RENEW = 20000; // ms between two renewals of what is reserved for this window; a lease ends after 60 s
const WINDOW = (window.labelloopWindow ??= unique());

// Tell the others what is before this person; what they have goes behind.
async function lease(view) {
  const { model } = view;
  if (!model.data.shared || document.hidden || !view.root.isConnected) return;
  const samples = shownOf(model).filter((tile) => !tile.reviewed || tile.mark).map((tile) => tile.id);
  const answer = await ask("/api/lease", { dataset: model.data.dataset, holder: WINDOW, samples });
  if (!answer.taken || view.model !== model) return;
  const names = [...new Set(Object.values(answer.taken))].join(", ");
  const gone = giveWay(model, answer.taken);
  if (!gone) return;
  paintPage(view);
  say(view, `${names} ${names.includes(",") ? "have" : "has"} ${gone} of these images: here are others.`);
}

async function ask(path, body) {
  try {
    const reply = await fetch(base() + path, {
      method: "POST", headers: { "Content-Type": "application/json" }, credentials: "same-origin", body: JSON.stringify(body),
      signal: AbortSignal.timeout(TIMEOUT),
    });
    return await reply.json();
  } catch {
    return { error: "The server does not answer." };
  }
}
