// Where a run looked: its heat map over the large image, made on request by a process of its own.

const AHEAD = 8; // images whose maps are made together: loading the network takes longer than they do
const LOOK_AGAIN = 600; // ms
const HOT = "Show where the run looked (g)";

function buildHeat(zoom) {
  zoom.heated = false;
  zoom.heat = element("img", { class: "heat", alt: "", draggable: "false", hidden: true });
  zoom.stage.append(zoom.heat);
  zoom.note = element("p", { class: "note", role: "status", hidden: true });
  zoom.stage.append(zoom.note);
}

function heatButton(view, run) {
  const { zoom } = view;
  zoom.run = run;
  const made = button(HOT, { class: "verb hot", text: zoom.heated ? `Hide where ${run} looked` : `Show where ${run} looked` }, () => toggleHeat(view));
  made.setAttribute("aria-pressed", String(zoom.heated));
  return made;
}

function toggleHeat(view) {
  const { zoom } = view;
  if (!zoom.dialog.open || !zoom.run) return;
  zoom.heated = !zoom.heated;
  const known = zoom.side.querySelector(".hot");
  known?.replaceWith(heatButton(view, zoom.run));
  paintHeat(view);
}

// Asks until the map is there. What is made stops when nobody asks for more; a second try is for what was not asked for.
async function paintHeat(view) {
  const { model, zoom } = view;
  const tile = focusedOf(model);
  const tell = (text) => ((zoom.note.textContent = text), (zoom.note.hidden = !text));
  zoom.heat.hidden = true;
  tell("");
  if (!zoom.heated || !zoom.run || !tile) return;
  const stillThere = () => zoom.heated && zoom.dialog.open && view.model === model && focusedOf(model) === tile;
  const samples = model.tiles.slice(model.focus, model.focus + AHEAD).map((one) => one.id);
  const body = { dataset: model.data.dataset, run: zoom.run, samples };
  let starts = 0;
  let answer = { ready: [], busy: false };
  for (;;) {
    const start = !answer.busy && starts < 2;
    starts += start;
    answer = await ask("/api/heat", { ...body, start });
    if (!stillThere()) return;
    if (answer.error) return tell(answer.error);
    if (answer.ready.includes(tile.id)) break;
    if (!answer.busy && starts >= 2) return tell(`${zoom.run} has no heat map of this image.`);
    tell("Looking where it looked …");
    await new Promise((done) => setTimeout(done, LOOK_AGAIN));
    if (!stillThere()) return;
  }
  tell("");
  zoom.heat.src = `${base()}/heat/${zoom.run}/${model.data.dataset}/${tile.id}`;
  zoom.heat.style.transform = zoom.image.style.transform;
  zoom.heat.hidden = false;
}
