// One image, large: zoom and pan, and beside it what speaks for and against its label.

const CLOSEST = 16; // times the size that fits
const RESTING = 250; // ms
const KIND_WORDS = {
  relabel: "labelled", confirm: "called right", exclude: "excluded", restore: "restored", skip: "skipped", unsure: "not sure", rename: "renamed",
};

function buildZoom(act) {
  const zoom = { at: { scale: 1, x: 0, y: 0 }, known: new Map(), asked: new Map() };
  zoom.image = element("img", { alt: "", draggable: "false" });
  zoom.stage = element("div", { class: "stage" }, zoom.image);
  zoom.caption = element("div", { class: "zoomed" });
  zoom.classes = element("div", { class: "classes strip", role: "group", "aria-label": "Classes" });
  zoom.side = element("aside", { class: "side", "aria-label": "About this image" });
  zoom.dialog = element(
    "dialog", { class: "zoom", "aria-label": "Large image", tabindex: "-1", autofocus: true },
    zoom.stage, zoom.side, zoom.caption, zoom.classes,
    button("Previous image (←)", { name: "left", class: "turn before" }, () => act.step(-1)),
    button("Next image (→)", { name: "right", class: "turn after" }, () => act.step(1)),
    button("Close (Esc)", { name: "close", class: "quiet shut" }, () => zoom.dialog.close()),
  );
  buildHeat(zoom);
  zoom.stage.addEventListener("wheel", (event) => onWheel(zoom, event), { passive: false });
  zoom.stage.addEventListener("pointerdown", (event) => onPan(zoom, event));
  zoom.stage.addEventListener("dblclick", () => place(zoom, zoom.at.scale > 1 ? { scale: 1, x: 0, y: 0 } : { scale: 3, x: 0, y: 0 }));
  return zoom;
}

function place(zoom, at) {
  zoom.at = at.scale <= 1 ? { scale: 1, x: 0, y: 0 } : at;
  zoom.heat.style.transform = zoom.image.style.transform = `translate(${zoom.at.x}px, ${zoom.at.y}px) scale(${zoom.at.scale})`;
  zoom.stage.classList.toggle("near", zoom.at.scale > 1);
}

// The point under the pointer stays where it is.
function onWheel(zoom, event) {
  event.preventDefault();
  const { scale, x, y } = zoom.at;
  const next = Math.max(1, Math.min(CLOSEST, scale * 1.0015 ** -event.deltaY));
  const room = zoom.stage.getBoundingClientRect();
  const [fromX, fromY] = [event.clientX - room.left - room.width / 2 - x, event.clientY - room.top - room.height / 2 - y];
  place(zoom, { scale: next, x: x + fromX * (1 - next / scale), y: y + fromY * (1 - next / scale) });
}

function onPan(zoom, down) {
  if (zoom.at.scale <= 1 || down.button !== 0) return;
  const from = { ...zoom.at };
  const over = new AbortController();
  const drag = (event) => place(zoom, { scale: from.scale, x: from.x + event.clientX - down.clientX, y: from.y + event.clientY - down.clientY });
  zoom.stage.setPointerCapture(down.pointerId);
  zoom.stage.addEventListener("pointermove", drag, { signal: over.signal });
  for (const end of ["pointerup", "pointercancel"]) zoom.stage.addEventListener(end, () => over.abort(), { signal: over.signal });
}

function paintZoom(view) {
  const { model, zoom } = view;
  const tile = focusedOf(model);
  if (!tile) return zoom.dialog.close();
  const source = imageOf(model, tile);
  if (zoom.image.getAttribute("src") !== source) {
    zoom.image.style.backgroundImage = `url("${thumbOf(model, tile)}")`;
    zoom.image.src = source;
    place(zoom, { scale: 1, x: 0, y: 0 });
    const next = model.tiles[model.focus + 1];
    if (next) zoom.ahead = Object.assign(new Image(), { src: imageOf(model, next) });
    paintHeat(view);
  }
  const differs = tile.suggestion !== null && tile.suggestion !== tile.label;
  zoom.caption.dataset.mark = tile.mark;
  zoom.caption.replaceChildren(
    dotOf(model, tile.label),
    element("strong", { text: tile.label ?? "no label" }),
    element("span", { class: "mark" }),
    tile.excluded ? element("span", { class: "verdict", text: "excluded" }) : "",
    element("span", { class: "hint", text: differs ? `→ ${tile.suggestion}${tile.confidence ? ` ${tile.confidence} %` : ""}` : "" }),
    element("span", { class: "file", text: tile.file }),
    element("span", { class: "range", text: `${tile.split} · ${(model.focus + 1).toLocaleString()} of ${model.tiles.length.toLocaleString()}` }),
  );
  if (tile.problem) zoom.caption.append(element("span", { class: "problem inline", text: `Not saved: ${tile.problem}` }));
  paintEvidence(view, tile);
  return undefined;
}

// Shown only if the person still looks at it.
async function paintEvidence(view, tile) {
  const { zoom } = view;
  const key = evidenceKey(view, tile);
  if (zoom.shown === key) return;
  zoom.shown = key;
  if (!zoom.known.has(key)) zoom.side.replaceChildren(...reasonsOf(tile), element("p", { class: "nothing", text: "Looking around …" }));
  const found = await evidenceFor(view, tile);
  if (zoom.shown !== key || !zoom.dialog.open) return;
  if (found.error) zoom.shown = "";
  zoom.side.replaceChildren(...reasonsOf(tile), ...(found.error ? [element("p", { class: "nothing", text: found.error })] : evidenceOf(view, found)));
}

// In the rail, where the queue says why the image is there: those most alike, asked for once the focus rests on it.
function paintAlike(view) {
  const { model, zoom } = view;
  const tile = focusedOf(model);
  clearTimeout(view.resting);
  const draw = (found) => {
    const images = (found.neighbours ?? []).slice(0, 3);
    view.alike.hidden = !images.length;
    view.alike.classList.remove("pending");
    if (images.length) view.alike.replaceChildren(element("h3", { text: "Most alike" }), strip(model, images));
  };
  if (!model.data.near || !tile?.reason) return draw({});
  const known = zoom.known.get(evidenceKey(view, tile));
  if (known) return draw(known);
  view.alike.classList.add("pending"); // its place is kept, so that the classes stay where they are
  view.resting = setTimeout(async () => {
    const found = await evidenceFor(view, tile);
    if (view.model === model && focusedOf(model) === tile) draw(found);
  }, RESTING);
  return undefined;
}

function evidenceKey(view, tile) {
  return `${tile.id} ${tile.hash} ${tile.ackedAt} ${view.model.data.run ?? ""}`;
}

// Asked once an image, and again after a decision on it.
async function evidenceFor(view, tile) {
  const { zoom } = view;
  const key = evidenceKey(view, tile);
  const known = zoom.known.get(key);
  if (known) return known;
  if (!zoom.asked.has(key)) zoom.asked.set(key, askEvidence(view, tile)); // the rail and the single view may both wait
  const found = await zoom.asked.get(key);
  zoom.asked.delete(key);
  if (!found.error) zoom.known.set(key, found);
  if (zoom.known.size > 200) zoom.known.delete(zoom.known.keys().next().value);
  return found;
}

async function askEvidence({ model }, tile) {
  const by = model.data.run ? `?run=${model.data.run}` : "";
  try {
    const reply = await fetch(`${base()}/api/evidence/${model.data.dataset}/${tile.id}${by}`, { signal: AbortSignal.timeout(TIMEOUT) });
    return await reply.json();
  } catch {
    return { error: "The server does not answer." };
  }
}

const dotOf = (model, label) => element("i", { class: "dot", style: `background:${colourOf(model, label)}` });
const reasonsOf = (tile) => (tile.reason ? [element("h3", { text: "Why it is here" }), element("p", { class: "reason", text: tile.reason })] : []);

const strip = (model, images) => element("div", { class: "alike" }, ...images.map((one) => element(
  "figure", { title: `${one.label ?? "no label"}, ${one.split}${one.similar === undefined ? "" : `, ${one.similar} % alike`}` },
  element("img", { src: `/thumb/${model.data.dataset}/${one.sample}?v=${one.hash}`, alt: "" }),
  element("figcaption", {}, dotOf(model, one.label), element("span", { class: "name", text: one.label ?? "no label" })),
)));

function evidenceOf(view, found) {
  const { model, zoom } = view;
  const parts = [];
  const add = (title, ...nodes) => nodes.length && parts.push(element("h3", { text: title }), ...nodes);
  add("Most alike", ...(found.neighbours?.length ? [strip(model, found.neighbours)] : []));
  const kept = found.together;
  add("Belongs in one split with", ...(kept?.count ? [
    element("p", { text: `${kept.count === 1 ? "1 other" : `${kept.count} others`}: ${kept.why}` }), strip(model, kept.samples),
  ] : []));
  zoom.run = found.run && found.probabilities?.length ? found.run : "";
  const looked = zoom.run ? [heatButton(view, zoom.run)] : [];
  if (zoom.heated && zoom.heat.hidden && zoom.note.hidden) paintHeat(view);
  add(found.run ? `By ${found.run}` : "", ...looked, ...(found.probabilities ?? []).map(([label, chance]) => element(
    "div", { class: "chance" }, dotOf(model, label), element("span", { class: "name", text: label }),
    element("span", { class: "track" }, element("i", { style: `width:${Math.max(1, 100 * chance)}%;background:${colourOf(model, label)}` })),
    element("span", { class: "count", text: `${Math.round(100 * chance)} %` }),
  )));
  add("Found", ...(found.findings ?? []).map((one) => element("p", {}, element("strong", { text: one.kind }), ` ${one.detail}`)));
  add("History", ...(found.history ?? []).map((one) => element(
    "p", { class: one.undone || one.undo ? "past taken" : "past" },
    element("span", { text: `${one.undo ? "taken back: " : ""}${pastOf(one)}` }),
    element("span", { class: "count", text: ` ${one.who}, ${agoOf(one.at)}${one.source === "grid" ? "" : ` (${one.source})`}` }),
  )));
  const size = found.bytes > 1e6 ? `${(found.bytes / 1e6).toFixed(1)} MB` : `${Math.max(1, Math.round(found.bytes / 1e3))} kB`;
  add("File", element("p", { class: "file", text: `${found.width} × ${found.height}, ${size}, ${found.split}`, title: found.folder }),
    element("p", { class: "file path", text: `${found.folder}/${found.file}` }));
  for (const [name, text] of Object.entries(found.generation ?? {})) add(name, element("p", { class: "prompt", text }));
  add(found.raw?.length ? "As it stands in the file" : "", ...(found.raw ?? []).map(([name, text]) => element(
    "details", { class: "raw" }, element("summary", { text: name }), element("pre", { text }),
  )));
  return parts;
}

function pastOf(one) {
  if (one.kind === "relabel" || one.kind === "rename") return `${one.old ?? "no label"} → ${one.new ?? "no label"}`;
  return `${one.new ?? "no label"} ${KIND_WORDS[one.kind] ?? one.kind}`;
}

function agoOf(seconds) {
  const past = Math.max(0, Date.now() / 1000 - seconds);
  for (const [unit, length] of [["d", 86400], ["h", 3600], ["min", 60]]) if (past >= length) return `${Math.floor(past / length)} ${unit} ago`;
  return "just now";
}
