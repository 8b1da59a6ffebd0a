// The grid's elements. Everything that comes from users goes in as textContent, never as HTML.

const KEYS = [
  ["1 – 9", "give the selection, or the focused image, that class"],
  ["/", "type to find a class, Enter gives it; Shift + Enter makes a new class of that name"],
  ["Enter", "the label is right"],
  ["a", "accept the suggestion"],
  ["e", "exclude the image from the dataset (r brings it back)"],
  ["n", "not sure: put it aside for a second look"],
  ["s", "skip: it comes again at the end"],
  ["u", "undo your last decision (Shift + u: redo)"],
  ["← ↑ ↓ →", "move"],
  ["Shift + arrows", "select a range (or Shift + click)"],
  ["x", "select or unselect (Ctrl + click, or drag a box)"],
  ["Ctrl + a", "select the page (Ctrl + Shift + a: the whole queue)"],
  ["[ and ]", "previous and next page"],
  ["z", "one image, large, with its neighbours and history (wheel zooms)"],
  ["g", "in the large image: where the run looked"],
  ["+ and −", "larger and smaller images"],
  ["f", "fill the tiles, or show whole images"],
  ["Esc", "close, or clear the selection"],
  ["?", "these keys"],
];

const ICONS = {
  undo: "M9 14 4 9l5-5M4 9h10.5a5.5 5.5 0 0 1 0 11H11",
  check: "M20 6 9 17l-5-5",
  zoom: "M11 4a7 7 0 1 1 0 14 7 7 0 0 1 0-14m5.2 12.2L21 21M11 8v6m-3-3h6",
  left: "m15 18-6-6 6-6",
  right: "m9 18 6-6-6-6",
  fill: "M4 9V4h5M20 9V4h-5M4 15v5h5m11-5v5h-5",
  close: "M18 6 6 18M6 6l12 12",
  skip: "m5 5 8 7-8 7V5m13 0v14",
  exclude: "M5 12a7 7 0 1 0 14 0a7 7 0 1 0-14 0M7 7l10 10",
  unsure: "M9 9a3 3 0 1 1 4.5 2.6c-1 .6-1.5 1.2-1.5 2.4M12 17.5h.01",
  redo: "m15 14 5-5-5-5M20 9H9.5a5.5 5.5 0 0 0 0 11H13",
  keys: "M3 7h18v10H3zM7 11h.01M11 11h.01M15 11h.01M8 14h8",
  refresh: "M20 11A8 8 0 0 0 6 6.5L4 9m0-5v5h5M4 13a8 8 0 0 0 14 4.5l2-2.5m0 5v-5h-5",
};

function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (key === "text") made.textContent = value;
    else if (key === "on") Object.entries(value).forEach(([event, listener]) => made.addEventListener(event, listener));
    else if (key === "class") made.className = value;
    else made.setAttribute(key, value === true ? "" : value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

function icon(name) {
  const space = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(space, "svg");
  const path = document.createElementNS(space, "path");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  path.setAttribute("d", ICONS[name]);
  svg.append(path);
  return svg;
}

function button(label, { name, text, ...rest } = {}, act) {
  return element(
    "button",
    { type: "button", title: label, "aria-label": label, ...rest, on: { click: act } },
    name ? icon(name) : null,
    text === undefined ? null : element("span", { text }),
  );
}

const IN_SIGHT = 24; // tiles from the focus on whose pictures come first
const colourOf = (model, label) => model.data.colours[model.data.names.indexOf(label)] ?? "var(--quiet)";
const keyOf = (model, label) => {
  const place = model.data.names.indexOf(label);
  return place >= 0 && place < Math.min(9, model.data.assignable) ? String(place + 1) : "";
};
const isClass = (model, name) => model.data.names.slice(0, model.data.assignable).some((one) => one.toLowerCase() === name.toLowerCase());
const thumbOf = (model, tile) => `/thumb/${model.data.dataset}/${tile.id}?v=${tile.hash}`;
const imageOf = (model, tile) => `/image/${model.data.dataset}/${tile.id}?v=${tile.hash}`;
const sourceOf = (view, tile) => (view.size > 320 ? imageOf : thumbOf)(view.model, tile);

// The empty frame, once for each place on a page. ``act`` holds what the controls do.
function buildView(root, act) {
  const view = { root, act, nodes: new Map(), size: remembered("size", 176), fill: remembered("fill", 0) === 1 };
  view.title = element("h2", { class: "title" });
  view.range = element("span", { class: "range" });
  view.progress = element("span", { class: "progress" });
  view.trouble = button("Send again now", { class: "trouble", hidden: true, text: "" }, act.retryAll);
  view.chosen = button("Clear the selection (Esc)", { class: "chosen", hidden: true, text: "" }, act.clear);
  view.previous = button("Previous page ([)", { name: "left", class: "quiet" }, () => act.turn(-1));
  view.next = button("Next page (])", { name: "right", class: "quiet" }, () => act.turn(1));
  view.slider = element("input", {
    type: "range", min: 88, max: 460, step: 4, value: view.size, class: "size", "aria-label": "Size of the images",
    on: { input: (event) => act.resize(Number(event.target.value)) },
  });
  view.fillButton = button("Fill the tiles (f)", { name: "fill", class: "quiet" }, act.fill);
  view.tiles = element("div", {
    class: "tiles", role: "listbox", tabindex: "0", "aria-multiselectable": "true", "aria-label": "Images of the queue",
  });
  view.scroll = element("div", { class: "scroll" }, view.tiles);
  view.box = element("div", { class: "box", hidden: true });
  view.classes = element("div", { class: "classes", role: "group", "aria-label": "Classes" });
  view.find = element("input", {
    type: "search", class: "find", placeholder: "Find or add a class  ( / )", "aria-label": "Find a class", autocomplete: "off",
    spellcheck: "false", on: { input: act.filter },
  });
  view.alike = element("section", { class: "around", "aria-label": "Most alike", hidden: true });
  view.recent = element("ol", { class: "recent", "aria-label": "Last decisions" });
  view.confirm = button("The label is right (Enter)", { name: "check", class: "verb", text: "Right" }, () => act.decide("confirm"));
  view.undo = button("Undo the last decision (u)", { name: "undo", class: "verb", text: "Undo" }, () => act.undo());
  view.skip = button("Skip: it comes again at the end (s)", { name: "skip", class: "verb", text: "Skip" }, () => act.decide("skip"));
  view.exclude = button("Exclude from the dataset (e)", { name: "exclude", class: "verb", text: "Exclude" }, () => act.decide(view.exclude.dataset.kind ?? "exclude"));
  view.unsure = button("Not sure: put aside for a second look (n)", { name: "unsure", class: "verb", text: "Not sure" }, () => act.decide("unsure"));
  view.zoomButton = button("Zoom (z)", { name: "zoom", class: "verb", text: "Zoom" }, act.zoom);
  view.said = element("div", { class: "said", role: "status", "aria-live": "polite" });
  view.heading = element("h3", { text: "Last decisions" });
  view.nothing = element("p", { class: "nothing", text: "Nothing decided yet. Press a class key." });
  view.rail = element(
    "aside", { class: "rail", "aria-label": "Classes and last decisions" },
    element("div", { class: "verbs" }, view.confirm, view.undo, view.exclude, view.unsure, view.skip, view.zoomButton),
    view.alike, view.find, view.classes, view.heading, view.nothing, view.recent,
  );
  view.bar = element(
    "div", { class: "bar" },
    element("div", { class: "what" }, view.title, view.range, view.progress, view.chosen, view.trouble),
    element(
      "div", { class: "tools" },
      view.previous, view.next, view.slider, view.fillButton,
      button("Keys (?)", { name: "keys", class: "quiet" }, act.help),
    ),
  );
  view.zoom = buildZoom(act);
  view.help = buildHelp();
  view.frame = element(
    "section", { class: "labelloop", "aria-label": "Keyboard grid" },
    view.bar, element("div", { class: "body" }, view.scroll, view.rail), view.box, view.said, view.zoom.dialog, view.help,
  );
  root.append(view.frame);
  return view;
}

function buildHelp() {
  const list = element("dl", {}, ...KEYS.flatMap(([key, what]) => [
    element("dt", {}, element("kbd", { text: key })), element("dd", { text: what }),
  ]));
  const dialog = element("dialog", { class: "help", "aria-label": "Keys", tabindex: "-1", autofocus: true }, element("h2", { text: "Keys" }), list);
  dialog.append(button("Close (Esc)", { name: "close", class: "quiet shut" }, () => dialog.close()));
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
  return dialog;
}

// All of one page. Tiles that are there already are kept: nothing flickers on a rerun.
function paintPage(view) {
  const { model } = view;
  const shown = shownOf(model);
  const nodes = new Map(shown.map((tile) => [tile.id, view.nodes.get(tile.id) ?? buildTile(view, tile)]));
  const same = nodes.size === view.nodes.size && [...nodes.keys()].every((id, at) => view.tiles.children[at]?.id === `tile-${id}`);
  view.nodes = nodes;
  if (!same) {
    view.tiles.replaceChildren(...nodes.values());
    view.scroll.scrollTop = 0;
  }
  loadPictures(view, shown);
  shown.forEach((tile) => paintTile(view, tile));
  paintBar(view);
  paintRail(view);
  paintFocus(view, false);
}

// Those around the focus first, and the others once they have come: asked for all at once, the ones in sight come late.
function loadPictures(view, shown) {
  const pictureOf = (tile) => view.nodes.get(tile.id)?.querySelector("img");
  const load = (tile) => {
    const image = pictureOf(tile);
    if (image && !image.src) image.src = sourceOf(view, tile);
  };
  if (shown.every((tile) => pictureOf(tile).src)) return;
  const at = Math.max(0, shown.indexOf(focusedOf(view.model)));
  const near = shown.slice(Math.max(0, at - IN_SIGHT), at + IN_SIGHT);
  near.forEach(load);
  Promise.race([
    Promise.all(near.map((tile) => pictureOf(tile).decode().catch(() => {}))),
    new Promise((done) => setTimeout(done, 500)), // of a slow server: all at once after all
  ]).then(() => shown.forEach(load));
}

function buildTile(view, tile) {
  const image = element("img", { alt: "", draggable: "false", decoding: "async" });
  const node = element(
    "div", { class: "tile", role: "option", id: `tile-${tile.id}` },
    element("div", { class: "pic" }, image),
    element("button", { class: "pick", type: "button", tabindex: "-1", "aria-hidden": "true" }, icon("check")),
    element("span", { class: "mark", "aria-hidden": "true" }),
    element("span", { class: "verdict", hidden: true }),
    element("div", { class: "cap" },
      element("i", { class: "dot" }), element("span", { class: "name" }), element("span", { class: "hint" })),
    element("div", { class: "problem", hidden: true }, element("span", {}),
      element("button", { type: "button", class: "again", tabindex: "-1", text: "Try again" })),
    element("div", { class: "why", hidden: true }),
  );
  return node;
}

function paintTile(view, tile) {
  const node = view.nodes.get(tile.id);
  if (!node) return;
  const { model } = view;
  const image = node.querySelector("img");
  if (image.src && !image.src.endsWith(`?v=${tile.hash}`)) image.src = sourceOf(view, tile); // the file has other contents now
  const [, , mark, verdict, cap, problem, why] = node.children;
  const picked = model.selected.has(tile.id);
  node.dataset.mark = tile.mark;
  node.dataset.label = tile.label ?? "";
  node.classList.toggle("picked", picked);
  node.classList.toggle("reviewed", tile.reviewed);
  node.setAttribute("aria-selected", picked);
  const [dot, name, hint] = cap.children;
  dot.style.background = colourOf(model, tile.label);
  name.textContent = tile.label ?? "no label";
  name.classList.toggle("none", tile.label === null);
  const differs = tile.suggestion !== null && tile.suggestion !== tile.label;
  const sure = tile.confidence ? ` ${tile.confidence} %` : "";
  hint.textContent = differs ? `→ ${tile.suggestion}${sure}` : "";
  const bare = tile.suggestion !== null && tile.reason.replace(/\s/g, "") === `${tile.suggestion}${tile.confidence}%`.replace(/\s/g, "");
  why.hidden = !tile.reason || bare;
  why.textContent = bare ? "" : tile.reason;
  why.title = tile.reason;
  verdict.textContent = tile.excluded ? "excluded" : tile.with ? `with ${tile.with}` : tile.verdict === "unsure" ? "not sure" : tile.verdict;
  verdict.hidden = !verdict.textContent;
  node.classList.toggle("excluded", tile.excluded);
  mark.title = { sending: "Saving …", waiting: `Not saved yet: ${tile.problem}`, saved: "Saved" }[tile.mark] ?? "";
  problem.hidden = tile.mark !== "failed";
  problem.firstChild.textContent = tile.problem;
  problem.lastChild.hidden = !againOf(tile);
  const state = { sending: "saving", waiting: "not saved yet", saved: "saved", failed: `not saved: ${tile.problem}` };
  node.setAttribute("aria-label", [
    tile.label ?? "no label", differs ? `suggested ${tile.suggestion}` : "", tile.split, verdict.textContent, bare ? "" : tile.reason,
    state[tile.mark] ?? "",
  ].filter(Boolean).join(", "));
  node.title = tile.file;
}

function paintBar(view) {
  const { model } = view;
  const total = sizeOf(model);
  const first = firstOf(model);
  view.title.textContent = model.data.title;
  view.title.hidden = !model.data.title;
  view.range.textContent = total ? `${(first + 1).toLocaleString()}–${(first + shownOf(model).length).toLocaleString()} of ${total.toLocaleString()}` : "";
  let done = 0, waiting = 0, failed = 0, why = "";
  for (const tile of model.tiles) {
    done += tile.reviewed;
    failed += tile.mark === "failed";
    if (tile.mark === "waiting") (waiting += 1), (why ||= tile.problem);
  }
  view.progress.textContent = done && isWhole(model) ? `${done.toLocaleString()} reviewed` : "";
  view.chosen.hidden = !model.selected.size;
  view.chosen.lastChild.textContent = `${model.selected.size.toLocaleString()} selected`;
  view.trouble.hidden = !waiting && !failed;
  view.trouble.lastChild.textContent = waiting ? `${waiting} not saved yet. ${why} Try now` : `${failed} not saved: show`;
  view.previous.disabled = model.page === 0;
  view.next.disabled = model.page >= pagesOf(model) - 1;
  view.fillButton.setAttribute("aria-pressed", view.fill);
  view.undo.disabled = !model.recent.some((entry) => !entry.undone && (entry.mine || entry.who === model.data.me));
}

function paintRail(view) {
  const { model } = view;
  const wanted = view.find.value.trim().toLowerCase();
  const nearness = (at) => [(name) => name === wanted, (name) => name.startsWith(wanted), (name) => name.includes(wanted)]
    .findIndex((fits) => fits(model.data.names[at].toLowerCase()));
  const places = [...Array(model.data.assignable).keys()].filter((at) => nearness(at) >= 0);
  if (wanted) places.sort((one, other) => nearness(one) - nearness(other)); // stable: otherwise in the order of the keys
  fillClasses(view, view.classes, places);
  if (view.zoom.dialog.open) fillClasses(view, view.zoom.classes, places);
  paintRecent(view);
}

function fillClasses(view, holder, places) {
  const { model } = view;
  const found = view.find.value.trim() !== ""; // Enter takes the first
  holder.replaceChildren(...places.map((at) => {
    const label = model.data.names[at];
    const key = keyOf(model, label);
    return element(
      "button", {
        type: "button", class: "class", title: key ? `${label} (key ${key})` : label, "data-class": label,
        on: { click: () => view.act.decide("relabel", label) },
      },
      element("kbd", { text: found && at === places[0] ? "↵" : key }),
      element("i", { class: "dot", style: `background:${model.data.colours[at]}` }),
      element("span", { class: "name", text: label }),
      element("span", { class: "count", text: (model.counts.get(label) ?? 0).toLocaleString() }),
    );
  }));
  const name = view.find.value.trim();
  if (!name || isClass(model, name)) return;
  holder.append(element(
    "button", { type: "button", class: "class fresh", title: "Add this class and give it", on: { click: () => view.act.newClass(name) } },
    element("kbd", { text: places.length ? "⇧↵" : "↵" }), element("span", { class: "name", text: `New class “${name}”` }),
  ));
}

function paintRecent(view) {
  const { model } = view;
  const standing = model.recent.filter((entry) => !entry.undone).slice(0, 10);
  view.nothing.hidden = standing.length > 0;
  view.recent.replaceChildren(...standing.map((entry) => {
    const [, old, now, kind] = entry.entries[0];
    const same = entry.entries.every((one) => one[1] === old);
    const many = entry.entries.length > 1 ? ` × ${entry.entries.length}` : "";
    const chip = (label) => element("span", { class: "chip" },
      element("i", { class: "dot", style: `background:${colourOf(model, label)}` }),
      element("span", { class: "name", text: label ?? "no label" }));
    const what = element("span", { class: "what" });
    const said = { confirm: "right", exclude: "excluded", restore: "restored", skip: "skipped", unsure: "not sure", rename: "renamed" }[kind];
    const other = entry.who && entry.who !== model.data.me ? element("span", { class: "count", text: ` ${entry.who}`, title: `Decided by ${entry.who}` }) : "";
    if (said && kind !== "rename") what.append(chip(now), element("span", { class: "count", text: `${said}${many}` }), other);
    else what.append(same ? chip(old) : element("span", { text: "several" }), " → ", chip(now), element("span", { class: "count", text: many }), other);
    return element(
      "li", {}, what, button("Undo this decision", { name: "undo", class: "quiet" }, () => view.act.undo(entry.batch)),
    );
  }));
}

function paintFocus(view, scroll = true) {
  const { model } = view;
  view.tiles.querySelector(".focus")?.classList.remove("focus");
  const tile = focusedOf(model);
  paintAlike(view);
  const node = tile && view.nodes.get(tile.id);
  if (!node) return view.tiles.removeAttribute("aria-activedescendant");
  node.classList.add("focus");
  const kind = tile.excluded ? "restore" : "exclude";
  view.exclude.dataset.kind = kind;
  view.exclude.lastChild.textContent = tile.excluded ? "Restore" : "Exclude";
  view.exclude.title = tile.excluded ? "Bring it back into the dataset (r)" : "Exclude from the dataset (e)";
  view.tiles.setAttribute("aria-activedescendant", node.id);
  if (scroll) node.scrollIntoView({ block: "nearest" });
  if (view.zoom.dialog.open) paintZoom(view);
  return undefined;
}

function remembered(name, otherwise) {
  try {
    return JSON.parse(localStorage.getItem(`labelloop.grid.${name}`)) ?? otherwise;
  } catch {
    return otherwise; // storage is closed to us in some private windows
  }
}

function remember(name, value) {
  try {
    localStorage.setItem(`labelloop.grid.${name}`, JSON.stringify(value));
  } catch {
    // the same
  }
}
