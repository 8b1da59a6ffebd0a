// The component: what keys and clicks do, and what a rerun of the page changes. State lives on the root element.

const NOTHING = {
  confirm: "There is no label to confirm: press a class key.",
  suggestion: "There is no suggestion here.",
  exclude: "It is excluded already.",
  restore: "It is not excluded.",
};

export default function (component) {
  const { parentElement: root, setTriggerValue } = component;
  const data = JSON.parse(new TextDecoder().decode(component.data));
  const view = (root.labelloop ??= makeView(root));
  view.rerun = () => setTriggerValue("decided", Date.now());
  view.nudge = data.nudge ? view.rerun : null;
  show(view, data);
  listen(view);
  return () => unlisten(view);
}

function makeView(root) {
  root.querySelectorAll(".labelloop").forEach((old) => old.remove());
  const view = buildView(root, actions(() => root.labelloop));
  view.fitted = () => fitHeight(view);
  return view;
}

function show(view, data) {
  const known = view.model?.identity === data.identity;
  if (known) {
    refreshModel(view.model, data);
  } else {
    view.model = makeModel(data);
    view.nodes = new Map();
    seek(view, view.model.tiles);
  }
  view.frame.classList.toggle("narrow", !data.rail);
  applySize(view);
  view.fitted();
  paintPage(view);
  if (!known) {
    paintFocus(view);
    if (data.rail) view.tiles.focus({ preventScroll: true }); // another queue was asked for: keys go to it
  }
  preload(view);
  lease(view);
  fetchRest(view);
}

// Go where this person was in the queue, if that image is among those that have just come.
function seek(view, added) {
  const place = (window.labelloopPlaces ??= new Map()).get(view.model.identity);
  const tile = added.find((one) => one.id === place);
  if (tile) move(view.model, view.model.tiles.indexOf(tile));
}

// The rest of a long queue, a part after the other, so that neither side is ever busy for long.
async function fetchRest(view) {
  const { model } = view;
  const { rest, total } = model.data;
  const turn = (view.turn = {}); // a rerun of the page begins anew
  const wanted = () => view.turn === turn && view.model === model && view.root.isConnected;
  let wait = 500;
  if (rest && model.came < total) await new Promise((done) => setTimeout(done, 300)); // first the images that are looked at
  if (!wanted()) return;
  while (rest && model.came < total) {
    const { status, part } = await fetchPart(rest, model.came);
    if (!wanted()) return;
    if (status === 404) return view.rerun(); // the server was started again: the page brings a new list
    if (part) {
      seek(view, addPart(model, part));
      paintPage(view);
      continue;
    }
    await new Promise((done) => setTimeout(done, wait)); // no network for a moment
    wait = Math.min(8000, 2 * wait);
  }
}

async function fetchPart(rest, start) {
  try {
    const reply = await fetch(`${base()}/api/queue/${rest}/${start}`, { credentials: "same-origin", signal: AbortSignal.timeout(TIMEOUT) });
    return { status: reply.status, part: reply.ok ? await reply.json() : null };
  } catch {
    return { status: 0, part: null };
  }
}

// Every listener of the page is taken off before it is put on again: a rerun must not leave two.
function listen(view) {
  unlisten(view);
  view.listening = new AbortController();
  const { signal } = view.listening;
  view.frame.addEventListener("keydown", (event) => onKey(view, event), { signal });
  document.addEventListener("keydown", (event) => {
    const idle = document.activeElement === document.body || document.activeElement?.matches("section.stMain, [data-testid='stMain']");
    if (idle && view.root.isConnected && !document.querySelector("[role='dialog']")) onKey(view, event);
  }, { signal });
  view.tiles.addEventListener("click", (event) => onClick(view, event), { signal });
  view.tiles.addEventListener("dblclick", (event) => tileOf(view, event) && view.act.zoom(), { signal });
  view.tiles.addEventListener("error", (event) => onBroken(event), { signal, capture: true });
  view.scroll.addEventListener("pointerdown", (event) => onBox(view, event), { signal });
  window.addEventListener("resize", view.fitted, { signal });
  view.leasing = setInterval(() => lease(view), RENEW);
  view.off = sender.on((one, event, detail) => onSender(view, one, event, detail));
}

function unlisten(view) {
  view.listening?.abort();
  clearInterval(view.leasing);
  view.off?.();
}

function actions(current) {
  const after = (tiles, { advance = false } = {}) => {
    const view = current();
    if (!tiles.length) return;
    const { model } = view;
    if (advance) {
      const last = model.tiles.lastIndexOf(tiles.at(-1)); // they come in the order of the queue
      if (view.zoom.dialog.open) tiles.forEach((tile) => model.selected.delete(tile.id));
      else model.selected.clear();
      step(last + 1 - model.focus);
    }
    tiles.forEach((tile) => paintTile(view, tile));
    paintBar(view);
    paintRail(view);
    paintFocus(view, advance);
  };
  const step = (by, options) => {
    const view = current();
    const { model } = view;
    const page = model.page;
    if (model.focus + by >= model.tiles.length && by > 0) say(view, isWhole(model) ? "This is the end of the queue." : "The rest of the queue is still loading.");
    move(model, model.focus + by, options);
    if (model.page !== page) paintPage(view), preload(view), lease(view);
    else if (options?.extend) paintPage(view);
    paintFocus(view);
    window.labelloopPlaces.set(model.identity, focusedOf(model)?.id);
  };
  const act = {
    step,
    decide(kind, label) {
      const view = current();
      if (view.gathering) return say(view, "One moment: the rest of the queue is still loading.");
      const single = view.zoom.dialog.open; // there a key means the image that is shown, whatever is selected behind it
      const tiles = decide(view.model, kind, label, single ? [focusedOf(view.model)] : undefined);
      if (!tiles.length) return say(view, NOTHING[kind] ?? "There is nothing here to decide on.");
      after(tiles, { advance: true });
      return focusTiles(view);
    },
    undo(batch) {
      const view = current();
      const tiles = undo(view.model, batch);
      if (!tiles.length) return say(view, "There is nothing to undo here.");
      const first = view.model.tiles.indexOf(tiles.at(-1));
      if (first >= 0) step(first - view.model.focus);
      after(tiles);
      say(view, tiles.length > 1 ? `Took back ${tiles.length} decisions.` : `Back to ${tiles[0].label ?? "no label"}.`);
      return focusTiles(view);
    },
    redo() {
      const view = current();
      const tiles = redo(view.model);
      if (!tiles.length) return redoEarlier(view);
      after(tiles);
      say(view, tiles.length > 1 ? `Did ${tiles.length} decisions again.` : "Did it again.");
      return focusTiles(view);
    },
    async everything() {
      const view = current();
      const { model } = view;
      view.gathering = !isWhole(model);
      while (view.gathering) {
        if (!view.said.textContent) say(view, `Loading all ${model.data.total.toLocaleString()} images of the queue …`);
        await new Promise((done) => setTimeout(done, 100));
        if (!view.gathering || view.model !== model || !view.root.isConnected) return (view.gathering = false); // Esc
        view.gathering = !isWhole(model);
      }
      view.model.tiles.forEach((tile) => !tile.with && view.model.selected.add(tile.id));
      paintPage(view);
      say(view, `All ${view.model.selected.size.toLocaleString()} images of the queue are selected.`);
    },
    async newClass(name) {
      const view = current();
      const answer = await ask("/api/class", { dataset: view.model.data.dataset, name });
      if (answer.error) return say(view, answer.error);
      addClass(view.model, answer.name);
      view.find.value = "";
      paintRail(view);
      return act.decide("relabel", answer.name);
    },
    again(tile) {
      const view = current();
      const { model } = view;
      const asked = againOf(tile);
      if (!asked) return;
      model.selected.clear();
      move(model, model.tiles.indexOf(tile));
      after(decide(model, asked.kind, asked.label, [tile]));
    },
    retryAll() {
      const view = current();
      sender.retryNow();
      const failed = view.model.tiles.find((tile) => tile.mark === "failed");
      if (failed) step(view.model.tiles.indexOf(failed) - view.model.focus);
    },
    clear() {
      const view = current();
      view.gathering = false;
      view.model.selected.clear();
      paintPage(view);
    },
    turn(by) {
      const view = current();
      const { model } = view;
      const to = model.page + by;
      if (to < 0 || to >= pagesOf(model)) return;
      step(to * PAGE - model.focus);
    },
    resize(size) {
      const view = current();
      const sharp = view.size > 320;
      view.size = Math.max(88, Math.min(460, size));
      remember("size", view.size);
      applySize(view);
      if (sharp !== view.size > 320) shownOf(view.model).forEach((tile) => (view.nodes.get(tile.id).querySelector("img").src = sourceOf(view, tile)));
      paintFocus(view);
    },
    fill() {
      const view = current();
      view.fill = !view.fill;
      remember("fill", Number(view.fill));
      applySize(view);
      paintBar(view);
    },
    filter: () => paintRail(current()),
    help() {
      current().help.showModal();
      current().help.focus(); // and not its button
    },
    zoom() {
      const view = current();
      if (!focusedOf(view.model)) return;
      view.zoom.dialog.showModal();
      view.zoom.dialog.focus(); // and not the first of its buttons
      paintRail(view);
      paintZoom(view);
    },
  };
  return act;
}

function onSender(view, one, event, detail) {
  if (event === "sent" || one.dataset !== view.model.data.dataset) return;
  const tiles = settle(view.model, one, event, detail);
  tiles.forEach((tile) => paintTile(view, tile));
  paintBar(view);
  if (event !== "waiting") paintRail(view);
  if (view.zoom.dialog.open) paintZoom(view);
  const failed = tiles.find((tile) => tile.mark === "failed");
  if (failed) say(view, `Not saved: ${failed.problem}`);
  clearTimeout(view.nudging);
  if (view.nudge && event === "done") view.nudging = setTimeout(() => sender.operations.length || view.nudge?.(), 500);
}

// What this person took back before this page was loaded, or elsewhere: the server knows it. Asked once, and not again and
// again until it answers: a second request would do again what was taken back before that.
async function redoEarlier(view) {
  const { model } = view;
  const answer = await ask("/api/redo", { dataset: model.data.dataset, named: unique() });
  if (view.model !== model) return;
  if (answer.error) return say(view, answer.error);
  const tiles = settleUnasked(model, "redo", answer);
  tiles.forEach((tile) => paintTile(view, tile));
  if (tiles.length) view.act.step(model.tiles.indexOf(tiles[0]) - model.focus);
  const images = answer.outcomes.filter((outcome) => outcome.saved).length;
  const done = images + answer.classes;
  const which = images ? `: ${images.toLocaleString()} image${images === 1 ? "" : "s"}` : "";
  say(view, done ? `Did again what you took back last${which}.` : "There is nothing to do again.");
  if (done) view.rerun(); // the last decisions, or the classes, are others now
}

function onKey(view, event) {
  if (event.defaultPrevented || event.isComposing || view.help.open) return;
  const origin = event.composedPath()[0];
  if (origin === view.find) return onFindKey(view, event);
  if (origin.matches?.("input[type='range']") && event.key.startsWith("Arrow")) return;
  const pressed = origin.closest?.("button");
  if (pressed && [" ", "Enter", "Tab"].includes(event.key) && !pressed.closest(".tile")) return;
  const command = event.ctrlKey || event.metaKey;
  const act = command ? commands(view, event)[event.key.toLowerCase()] : event.altKey ? undefined : keys(view, event)[event.key];
  if (!act) return;
  event.preventDefault();
  event.stopPropagation();
  act();
}

function commands(view, event) {
  const { model, act } = view;
  return {
    a: () => {
      if (event.shiftKey) return act.everything();
      shownOf(model).forEach((tile) => model.selected.add(tile.id));
      return paintPage(view);
    },
    z: () => (event.shiftKey ? act.redo() : act.undo()),
    y: () => act.redo(),
  };
}

function keys(view, event) {
  const { model, act } = view;
  const extend = event.shiftKey;
  const columns = view.zoom.dialog.open ? 1 : columnsOf(view);
  const rows = Math.max(1, Math.floor(view.scroll.clientHeight / (view.tiles.firstElementChild?.offsetHeight || 1)));
  const pick = () => {
    if (!focusedOf(model)) return;
    toggle(model, focusedOf(model));
    model.anchor = model.focus;
    paintTile(view, focusedOf(model));
    paintBar(view);
  };
  const letter = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  if (event.shiftKey && letter === "u") return { [event.key]: act.redo };
  const table = {
    ArrowLeft: () => act.step(-1, { extend }),
    ArrowRight: () => act.step(1, { extend }),
    ArrowUp: () => model.focus >= columns && act.step(-columns, { extend }),
    ArrowDown: () => act.step(Math.min(columns, model.tiles.length - 1 - model.focus), { extend }),
    PageUp: () => act.step(-columns * rows, { extend }),
    PageDown: () => act.step(Math.min(columns * rows, model.tiles.length - 1 - model.focus), { extend }),
    Home: () => act.step(firstOf(model) - model.focus, { extend }),
    End: () => act.step(firstOf(model) + shownOf(model).length - 1 - model.focus, { extend }),
    x: pick,
    " ": pick,
    Enter: () => act.decide("confirm"),
    a: () => act.decide("suggestion"),
    u: () => act.undo(),
    s: () => act.decide("skip"),
    e: () => act.decide("exclude"),
    r: () => act.decide("restore"),
    n: () => act.decide("unsure"),
    z: () => (view.zoom.dialog.open ? view.zoom.dialog.close() : act.zoom()),
    f: act.fill,
    g: () => toggleHeat(view),
    "[": () => act.turn(-1),
    "]": () => act.turn(1),
    "+": () => act.resize(view.size + 24),
    "=": () => act.resize(view.size + 24),
    "-": () => act.resize(view.size - 24),
    "?": act.help,
  };
  table["/"] = table["0"] = () => {
    if (view.zoom.dialog.open) view.zoom.dialog.close(), act.clear(); // the class is for the image that was shown
    view.find.focus();
  };
  if (view.zoom.dialog.open) table.Escape = () => view.zoom.dialog.close();
  else if (model.selected.size || view.gathering) table.Escape = act.clear;
  model.data.names.slice(0, Math.min(9, model.data.assignable)).forEach((label, at) => {
    table[String(at + 1)] = () => act.decide("relabel", label);
  });
  return table;
}

function onFindKey(view, event) {
  if (!["Enter", "Escape"].includes(event.key)) return;
  event.preventDefault();
  event.stopPropagation();
  const name = view.find.value.trim();
  const first = view.classes.querySelector(".class[data-class]");
  const fresh = name && !isClass(view.model, name) && (!first || event.shiftKey);
  if (event.key === "Enter" && fresh) return view.act.newClass(name);
  view.find.value = "";
  paintRail(view);
  focusTiles(view);
  if (event.key === "Enter" && name && first) view.act.decide("relabel", first.dataset.class);
  return undefined;
}

function onClick(view, event) {
  const tile = tileOf(view, event);
  if (!tile || view.boxed > Date.now() - 250) return undefined; // the end of a box is no click
  const { model } = view;
  const place = model.tiles.indexOf(tile);
  if (event.target.closest(".again")) return view.act.again(tile);
  if (event.shiftKey) {
    move(model, place, { extend: true });
  } else if (event.ctrlKey || event.metaKey || event.target.closest(".pick")) {
    move(model, place);
    toggle(model, tile);
  } else {
    model.selected.clear();
    move(model, place);
  }
  window.labelloopPlaces.set(model.identity, tile.id);
  paintPage(view);
  paintFocus(view);
  return focusTiles(view);
}

function tileOf(view, event) {
  const node = event.target.closest?.(".tile");
  return node ? view.model.byId.get(node.id.slice(5)) : null;
}

function onBroken(event) {
  if (event.target.tagName === "IMG") event.target.closest(".pic").classList.add("broken");
}

function focusTiles(view) {
  if (!view.zoom.dialog.open) view.tiles.focus({ preventScroll: true });
}

function columnsOf(view) {
  return getComputedStyle(view.tiles).gridTemplateColumns.split(" ").length;
}

function applySize(view) {
  view.frame.style.setProperty("--size", `${view.size}px`);
  view.frame.style.setProperty("--shape", view.model.data.shape);
  view.frame.classList.toggle("fill", view.fill);
  view.slider.value = view.size;
}

// As tall as the window allows, so that bar and rail stay in sight and only the tiles scroll.
function fitHeight(view) {
  const given = view.model?.data.height;
  const main = view.frame.closest("section") ?? view.root.host?.closest("section");
  const top = view.frame.getBoundingClientRect().top + (main?.scrollTop ?? 0);
  const free = Math.max(420, window.innerHeight - top - 14);
  view.frame.style.height = `${given ?? Math.round(free)}px`;
}

function preload(view) {
  const { model } = view;
  const next = model.tiles.slice(firstOf(model) + PAGE, firstOf(model) + 2 * PAGE);
  const turn = (view.turnAhead = {});
  const load = () => {
    if (!next.length || view.turnAhead !== turn || view.model !== model || !view.root.isConnected) return;
    if (sender.operations.length) return void setTimeout(load, 250); // a decision goes first
    const tile = next.shift();
    view.ahead.push(Object.assign(new Image(), { fetchPriority: "low", onload: load, onerror: load, src: sourceOf(view, tile) }));
  };
  clearTimeout(view.preloading);
  view.preloading = setTimeout(() => ((view.ahead = []), load(), load()), 1200); // two at a time: a click waits for none
}

function say(view, sentence) {
  view.said.textContent = sentence;
  clearTimeout(view.saying);
  view.saying = setTimeout(() => (view.said.textContent = ""), 4000);
}
