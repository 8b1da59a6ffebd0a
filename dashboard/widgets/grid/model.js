// What the grid knows: tiles, selection, focus, pages, the last decisions. No DOM in here.

const PAGE = 100;
const REMEMBERED = 100; // decisions that can be taken back from here

const AT_ONCE = 1000; // decisions in one request
const VERDICTS = { unsure: "unsure", skip: "skipped" };

// A name that nobody else draws. crypto.randomUUID is not there on pages that come by plain http from another host.
function unique() {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

const SPLITS = { t: "train", v: "val", e: "test" };

function readTiles(data) {
  const name = (place) => (place < 0 ? null : data.names[place]);
  const files = data.files.split("/");
  return Array.from({ length: data.labels.length }, (_, at) => ({
    id: data.ids.slice(24 * at, 24 * at + 24),
    hash: data.hashes.slice(8 * at, 8 * at + 8),
    label: name(data.labels[at]),
    suggestion: name(data.suggestions[at]),
    confidence: data.confidences[at],
    reason: data.texts[data.reasons[at]],
    split: SPLITS[data.splits[at]] ?? "",
    reviewed: data.reviewed[at] === "1",
    excluded: data.excluded[at] === "1",
    evidence: data.questions[data.evidence[at]],
    verdict: "", // "unsure" or "skipped", decided here
    file: files[at],
    mark: "", // "", "sending", "waiting", "saved", "failed"
    problem: "",
    asked: null, // what was decided last, {kind, label}, until it is saved
    truth: name(data.labels[at]), // the label as the server last told it
    open: 0, // operations on their way
    ackedAt: 0, // the server's clock: data read before it is older than what this tile shows
  }));
}

function makeModel(data) {
  const model = {
    identity: data.identity,
    tiles: [],
    byId: new Map(),
    page: 0,
    focus: 0,
    anchor: 0,
    selected: new Set(),
    came: 0, // how many of the queue's images are here
    recent: data.recent,
    counts: new Map(),
    unsettled: new Map(), // sample: the label shown when a list came that may be older than it
    late: new Map(), // sample: what was answered of an image that has not come yet
    data,
  };
  count(model);
  addPart(model, data);
  move(model, 0);
  return model;
}

// Only the first images of a long queue come with the page. The others are added here, a part after the other.
const isWhole = (model) => !model.data.rest || model.came >= model.data.total;
const sizeOf = (model) => (isWhole(model) ? model.tiles.length : Math.max(model.tiles.length, model.data.total));

function addPart(model, part) {
  const { data } = model;
  part.names.forEach((name, at) => {
    if (data.names.includes(name)) return; // carried by images, but no class
    for (const list of ["names", "colours", "counts"]) data[list] = [...data[list], part[list][at]];
    model.counts.set(name, part.counts[at]);
  });
  const added = takeOver(model, part);
  const among = new Map(added.map((tile) => [tile.id, tile]));
  sender.operations.filter((one) => one.dataset === data.dataset).forEach((one) => replay(model, one, among));
  for (const tile of added) {
    tile.with = data.held?.[tile.id] ?? "";
    if (!model.late.has(tile.id)) continue;
    const { at, outcome, kind } = model.late.get(tile.id);
    if (data.at > at) continue;
    Object.assign(tile, { ackedAt: at, open: tile.open + 1, reviewed: outcome.saved || tile.reviewed });
    close(model, tile, outcome, kind);
  }
  if (!model.tiles.some((tile) => tile.with)) return added;
  // What somebody else has before them comes last: two people in one queue are handed different images.
  const stay = focusedOf(model);
  model.tiles = [...model.tiles.filter((tile) => !tile.with), ...model.tiles.filter((tile) => tile.with)];
  if (focusedOf(model) !== stay) move(model, model.tiles.indexOf(stay));
  return added;
}

// Others have these by now: what nobody here has touched goes behind all that is left. Returns how many went.
function giveWay(model, taken) {
  const mine = (tile) => tile.mark || tile.reviewed || model.selected.has(tile.id);
  const gone = new Set(model.tiles.filter((tile) => taken[tile.id] && !tile.with && !mine(tile)));
  model.tiles.forEach((tile) => (tile.with = taken[tile.id] ?? (gone.has(tile) ? tile.with : "")));
  if (!gone.size) return 0;
  const stay = focusedOf(model);
  model.tiles = [...model.tiles.filter((tile) => !gone.has(tile)), ...gone];
  const place = gone.has(stay) ? Math.min(model.focus, model.tiles.length - 1) : model.tiles.indexOf(stay);
  move(model, Math.max(0, place));
  return gone.size;
}

// A rerun brought the same queue again: what is here stays where it is, new labels are taken over, new tiles are added.
function refreshModel(model, data) {
  model.data = data;
  model.late.clear();
  count(model);
  model.unsettled = new Map(model.tiles.filter((tile) => isNewer(tile, data)).map((tile) => [tile.id, tile.label]));
  takeOver(model, data);
  const known = new Set(data.recent.map((entry) => entry.batch));
  const mine = model.recent.filter((one) => one.mine && !known.has(one.batch) && !(one.ackedAt <= data.at));
  model.recent = [...mine, ...data.recent].slice(0, REMEMBERED);
}

// What a tile shows may be newer than what was read.
const isNewer = (tile, data) => tile.open > 0 || data.at <= tile.ackedAt;

// Take over what was read of tiles that are here; returns those that were added.
function takeOver(model, read) {
  const added = [];
  for (const fresh of readTiles(read)) {
    const tile = model.byId.get(fresh.id);
    if (!tile) {
      model.tiles.push(fresh);
      model.byId.set(fresh.id, fresh);
      added.push(fresh);
      continue;
    }
    Object.assign(tile, { suggestion: fresh.suggestion, confidence: fresh.confidence, reason: fresh.reason, hash: fresh.hash, evidence: fresh.evidence });
    const shown = model.unsettled.get(tile.id);
    if (shown !== undefined) recount(model, fresh.label, shown); // the counts that came do not know of it yet
    model.unsettled.delete(tile.id);
    if (shown !== undefined || isNewer(tile, model.data)) continue;
    if (tile.label !== fresh.label && tile.mark === "saved") tile.mark = "";
    tile.label = tile.truth = fresh.label;
    tile.reviewed = fresh.reviewed;
    tile.excluded = fresh.excluded;
  }
  model.came = (read === model.data ? 0 : model.came) + read.labels.length;
  return added;
}

function addClass(model, name) {
  const { data } = model;
  const at = data.names.indexOf(name);
  if (at >= 0 && at < data.assignable) return;
  if (at >= 0) return; // carried by images, not assignable until the page is drawn again
  for (const list of ["names", "colours", "counts"]) data[list] = [...data[list]];
  data.names.splice(data.assignable, 0, name);
  data.colours.splice(data.assignable, 0, "var(--accent)"); // its own comes with the next run of the page
  data.counts.splice(data.assignable, 0, 0);
  data.assignable += 1;
  model.counts.set(name, 0);
}

function count(model) {
  model.counts = new Map(model.data.names.map((name, place) => [name, model.data.counts[place] ?? 0]));
}

function shift(model, tile, label) {
  recount(model, tile.label, label);
  tile.label = label;
}

function recount(model, old, label) {
  if (old !== null) model.counts.set(old, (model.counts.get(old) ?? 0) - 1);
  if (label !== null) model.counts.set(label, (model.counts.get(label) ?? 0) + 1);
}

// What was on its way when this list was read is shown as on its way.
function replay(model, one, among) {
  for (const decision of one.decisions ?? []) {
    const tile = among.get(decision.sample);
    if (!tile) continue;
    tile.open += 1;
    tile.mark = one.state === "waiting" ? "waiting" : "sending";
    if (decision.kind === "relabel") shift(model, tile, decision.label);
    if (decision.kind === "exclude" || decision.kind === "restore") tile.excluded = decision.kind === "exclude";
  }
}

const pagesOf = (model) => Math.max(1, Math.ceil(sizeOf(model) / PAGE));
const firstOf = (model) => model.page * PAGE;
const shownOf = (model) => model.tiles.slice(firstOf(model), firstOf(model) + PAGE);
const focusedOf = (model) => model.tiles[model.focus];

function targetsOf(model) {
  if (!model.selected.size) return focusedOf(model) ? [focusedOf(model)] : [];
  return model.tiles.filter((tile) => model.selected.has(tile.id));
}

// Decide on the selection or the focused tile, or on these tiles. Returns the tiles that changed.
function decide(model, kind, label, tiles = targetsOf(model)) {
  if (kind === "suggestion") tiles = tiles.filter((tile) => tile.suggestion !== null);
  if (kind === "confirm") tiles = tiles.filter((tile) => tile.label !== null);
  if (kind === "exclude") tiles = tiles.filter((tile) => !tile.excluded);
  if (kind === "restore") tiles = tiles.filter((tile) => tile.excluded);
  if (!tiles.length) return [];
  const batch = unique();
  const entry = { batch, at: Date.now() / 1000, mine: true, who: model.data.me, undone: false, entries: [] };
  const decisions = tiles.map((tile) => {
    const seen = tile.label;
    const wanted = kind === "suggestion" ? tile.suggestion : kind === "relabel" ? label : seen;
    const labels = kind === "suggestion" || kind === "relabel";
    const done = labels ? (wanted === seen ? "confirm" : "relabel") : kind;
    const { suggestion, evidence, excluded } = tile;
    entry.entries.push([tile.id, seen, wanted, done]);
    if (done === "relabel") shift(model, tile, wanted);
    tile.before = tile.open ? tile.before : tile.reviewed;
    tile.reviewed ||= labels || kind === "confirm";
    tile.verdict = VERDICTS[kind] ?? "";
    if (kind === "exclude" || kind === "restore") tile.excluded = kind === "exclude";
    const asked = { kind: labels ? "relabel" : kind, label: wanted };
    Object.assign(tile, { mark: "sending", problem: "", asked, open: tile.open + 1 });
    return { sample: tile.id, kind: done, label: wanted, seen, token: unique(), suggestion, evidence, excluded, content: tile.hash };
  });
  model.recent = [entry, ...model.recent].slice(0, REMEMBERED);
  const known = { kind: "decide", dataset: model.data.dataset, queue: model.data.queue, batch };
  for (let at = 0; at < decisions.length; at += AT_ONCE) {
    const part = decisions.slice(at, at + AT_ONCE);
    sender.submit({ ...known, samples: part.map((one) => one.sample), decisions: part });
  }
  return tiles;
}

// Take back one batch, the newest of the last decisions if none is named. Returns the tiles that changed.
function undo(model, batch) {
  const own = (one) => one.mine || one.who === model.data.me; // the key takes back what this person did, the list anything
  const entry = model.recent.find((one) => !one.undone && (batch ? one.batch === batch : own(one)));
  if (!entry) return [];
  Object.assign(entry, { undone: true, undoing: unique(), undoneAt: Date.now() });
  const tiles = [];
  for (const [sample, old, now, kind] of [...entry.entries].reverse()) {
    const tile = model.byId.get(sample);
    if (!tile) continue;
    if (tile.label === now && old !== now) shift(model, tile, old);
    if (kind === "exclude" || kind === "restore") tile.excluded = kind !== "exclude";
    if (kind === "relabel" || kind === "confirm") tile.reviewed = false;
    Object.assign(tile, { mark: "sending", problem: "", asked: null, verdict: "", open: tile.open + 1 });
    tiles.push(tile);
  }
  const samples = entry.entries.map(([sample]) => sample);
  sender.submit({ kind: "undo", dataset: model.data.dataset, batch: entry.batch, named: entry.undoing, samples });
  return tiles;
}

// Do again what was taken back last from here. Returns the tiles that changed.
function redo(model) {
  const [taken] = model.recent.filter((one) => one.undone && one.undoing).sort((a, b) => b.undoneAt - a.undoneAt);
  if (!taken) return [];
  const { undoing, entries } = taken;
  const again = { ...taken, batch: unique(), mine: true, undone: false, undoing: undefined };
  model.recent = [again, ...model.recent.filter((one) => one !== taken)];
  const tiles = [];
  for (const [sample, old, now, kind] of entries) {
    const tile = model.byId.get(sample);
    if (!tile) continue;
    if (tile.label === old && old !== now) shift(model, tile, now);
    if (kind === "exclude" || kind === "restore") tile.excluded = kind === "exclude";
    if (kind === "relabel" || kind === "confirm") tile.reviewed = true;
    Object.assign(tile, { mark: "sending", problem: "", asked: null, verdict: VERDICTS[kind] ?? "", open: tile.open + 1 });
    tiles.push(tile);
  }
  const samples = entries.map(([sample]) => sample);
  sender.submit({ kind: "redo", dataset: model.data.dataset, batch: undoing, named: again.batch, samples });
  return tiles;
}

// What a refused decision comes to if it is made again on what the tile shows now: {kind, label}; null where that is nothing.
function againOf(tile) {
  const { asked } = tile;
  if (!asked || tile.mark !== "failed") return null;
  const same = asked.label === tile.label;
  const sense = { relabel: !same, confirm: same, exclude: !tile.excluded, restore: tile.excluded }[asked.kind] ?? true;
  return sense ? asked : null;
}

// What the sender learned of an operation. Returns the tiles that changed.
function settle(model, one, event, detail) {
  const tiles = one.samples.map((sample) => model.byId.get(sample)).filter(Boolean);
  if (event === "waiting") tiles.forEach((tile) => Object.assign(tile, { mark: "waiting", problem: detail }));
  if (event === "failed") {
    const before = (tile) => one.decisions?.find((decision) => decision.sample === tile.id)?.excluded;
    tiles.forEach((tile) => close(model, tile, { saved: false, label: tile.truth, reason: detail, excluded: before(tile) }));
    drop(model, one);
  }
  if (event === "done") {
    const outcomes = new Map(detail.outcomes.map((outcome) => [outcome.sample, outcome]));
    if (!isWhole(model)) outcomes.forEach((outcome, sample) => model.late.set(sample, { at: detail.at, outcome, kind: one.kind }));
    for (const tile of tiles) {
      tile.ackedAt = detail.at;
      close(model, tile, outcomes.get(tile.id) ?? { saved: true, label: tile.label, excluded: tile.excluded }, one.kind);
    }
    const entry = model.recent.find((other) => other.batch === (one.kind === "redo" ? one.named : one.batch));
    if (entry) entry.ackedAt = detail.at;
    if (detail.outcomes.length && detail.outcomes.every((outcome) => !outcome.saved)) drop(model, one);
  }
  return tiles;
}

// What came of an operation whose samples nobody here could know. Returns the tiles that changed.
function settleUnasked(model, kind, answer) {
  const samples = answer.outcomes.map((outcome) => outcome.sample);
  samples.forEach((sample) => model.byId.has(sample) && (model.byId.get(sample).open += 1));
  return settle(model, { kind, samples }, "done", answer);
}

// A batch that was not saved is no decision; an undo that was not done leaves it one.
function drop(model, one) {
  const made = { decide: one.batch, redo: one.named }[one.kind];
  if (made) model.recent = model.recent.filter((entry) => entry.batch !== made);
  else model.recent.filter((entry) => entry.batch === one.batch).forEach((entry) => (entry.undone = false));
}

function close(model, tile, outcome, kind) {
  tile.open = Math.max(0, tile.open - 1);
  tile.truth = outcome.label;
  if (outcome.content) tile.hash = outcome.content.slice(0, 8); // what is decided on next is what is shown then
  if (tile.open) return; // a later decision on the same tile is on its way: it will have the last word
  if (tile.truth !== tile.label) shift(model, tile, tile.truth);
  if (outcome.excluded !== undefined) tile.excluded = outcome.excluded;
  tile.mark = outcome.saved ? (kind === "undo" ? "" : "saved") : "failed";
  tile.problem = outcome.saved ? "" : outcome.reason;
  if (outcome.saved) tile.asked = null;
  else Object.assign(tile, { reviewed: tile.before ?? tile.reviewed, verdict: "" });
}

function move(model, place, { extend = false } = {}) {
  const to = Math.max(0, Math.min(model.tiles.length - 1, place));
  model.focus = to;
  model.page = Math.floor(to / PAGE);
  if (!extend) {
    model.anchor = to;
    return;
  }
  const [low, high] = [Math.min(model.anchor, to), Math.max(model.anchor, to)];
  model.selected = new Set(model.tiles.slice(low, high + 1).map((tile) => tile.id));
}

function toggle(model, tile) {
  if (!model.selected.delete(tile.id)) model.selected.add(tile.id);
}
