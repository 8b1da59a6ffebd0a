// The component: pointer, keys, zoom, search, export. State lies on the root element and outlives a rerun of the page.

const RESTS = 80; // milliseconds after which a pointer is taken to look at a cell
const base = () => window.location.origin;

export default function (component) {
  const { parentElement: root, setTriggerValue } = component;
  const data = JSON.parse(new TextDecoder().decode(component.data));
  const view = (root.labelloop ??= build(root));
  if (view.identity !== data.identity) Object.assign(view, { identity: data.identity, zoom: 1, cursor: null, found: [] });
  view.data = data;
  view.scene = makeScene(data);
  view.pictured = new Map(); // cell -> ids of some of its images, asked for as the pointer comes by
  view.chosen = data.chosen;
  view.choose = (cell) => {
    view.chosen = cell;
    redraw(view);
    setTriggerValue("chosen", { cell: cell ? [data.classes[cell[0]], data.classes[cell[1]]] : null, at: Date.now() });
  };
  fit(view);
  listen(view);
  return () => view.listening?.abort();
}

function build(root) {
  root.querySelectorAll(".matrix").forEach((old) => old.remove());
  const frame = element("div", "matrix");
  const tools = element("div", "tools");
  const search = element("input");
  Object.assign(search, { type: "search", placeholder: "Find a class", ariaLabel: "Find a class" });
  const zoomOut = button("−", "Smaller"), zoomIn = button("+", "Larger"), whole = button("Fit", "Show the whole matrix");
  const png = button("PNG", "Save as a picture"), svg = button("SVG", "Save as a drawing"), csv = button("CSV", "Save as a table");
  tools.append(search, zoomOut, zoomIn, whole, element("span", "gap"), png, svg, csv);
  const scroller = element("div", "scroller");
  scroller.tabIndex = 0;
  scroller.setAttribute("role", "application");
  const space = element("div", "space"), canvas = element("canvas");
  space.append(canvas);
  scroller.append(space);
  const hint = element("div", "hint");
  hint.textContent = "Click a cell for its images. By keyboard: arrows, Enter, Esc; + and − zoom.";
  const said = element("div", "said");
  said.setAttribute("aria-live", "polite");
  const tip = element("div", "tip");
  tip.hidden = true;
  frame.append(tools, scroller, hint, said, tip);
  root.append(frame);
  return { root, frame, tools, search, zoomOut, zoomIn, whole, png, svg, csv, scroller, space, canvas, said, tip, zoom: 1, found: [] };
}

function element(kind, name = "") {
  const made = document.createElement(kind);
  made.className = name;
  return made;
}

function button(words, title) {
  const made = element("button");
  Object.assign(made, { type: "button", textContent: words, title, ariaLabel: title });
  return made;
}

function fit(view) {
  const width = Math.max(220, view.frame.clientWidth || 600);
  const tall = Math.max(320, Math.min(window.innerHeight * 0.78, 900));
  view.at = layout(view.scene, width, view.zoom, tall - 60);
  const whole = { width: view.at.side + view.at.width + 6, height: view.at.head + view.at.height + 6 };
  view.space.style.width = `${whole.width}px`;
  view.space.style.height = `${whole.height}px`;
  view.scroller.style.maxHeight = `${tall}px`;
  view.scroller.setAttribute("aria-label", view.data.alt);
  view.tools.classList.toggle("small", view.scene.size <= 12);
  const shown = { width: Math.min(whole.width, width), height: Math.min(whole.height, tall) };
  const scale = window.devicePixelRatio || 1;
  view.shown = shown;
  Object.assign(view.canvas.style, { width: `${shown.width}px`, height: `${shown.height}px` });
  view.canvas.width = Math.round(shown.width * scale);
  view.canvas.height = Math.round(shown.height * scale);
  redraw(view);
}

function redraw(view) {
  const context = view.canvas.getContext("2d");
  const scale = window.devicePixelRatio || 1;
  context.setTransform(scale, 0, 0, scale, 0, 0);
  context.clearRect(0, 0, view.shown.width, view.shown.height);
  const { scrollLeft, scrollTop } = view.scroller;
  const focused = view.scroller.matches(":focus-visible");
  const marks = { chosen: view.chosen, cursor: focused ? view.cursor : null, found: view.found };
  paint(canvasPen(context), view.scene, view.at, scrollLeft, scrollTop, view.shown.width, view.shown.height, marks);
}

// Where a cell lies on the screen; what tests and the scrolling ask.
function place(view, [row, column]) {
  const { at, scene } = view;
  return { x: at.side + (scene.place[column] + 0.5) * at.wide, y: at.head + (scene.place[row] + 0.5) * at.high };
}

function cellAt(view, event) {
  const box = view.canvas.getBoundingClientRect();
  const [x, y] = [event.clientX - box.left, event.clientY - box.top];
  const { at, scene } = view;
  if (x < at.side || y < at.head) return null;
  const column = Math.floor((x - at.side + view.scroller.scrollLeft) / at.wide);
  const row = Math.floor((y - at.head + view.scroller.scrollTop) / at.high);
  return row >= 0 && column >= 0 && row < scene.size && column < scene.size ? [scene.order[row], scene.order[column]] : null;
}

const same = (one, other) => !!one && !!other && one[0] === other[0] && one[1] === other[1];

function describe(view, [row, column]) {
  const { scene, data } = view;
  const at = row * scene.size + column;
  const count = scene.counts.get(at) ?? 0;
  const was = scene.before ? scene.before.get(at) ?? 0 : null;
  const share = scene.rowSum[row] ? ` (${((count / scene.rowSum[row]) * 100).toFixed(1)}%)` : "";
  const n = (value) => value.toLocaleString("en");
  const number = data.kind === "difference" ? `${n(was)} → ${n(count)}` : `${n(count)} of ${n(scene.rowSum[row])}${share}${was !== null && was !== count ? `, was ${n(was)}` : ""}`;
  return { label: data.classes[row], predicted: data.classes[column], number };
}

function listen(view) {
  view.listening?.abort();
  view.listening = new AbortController();
  const { signal } = view.listening;
  const on = (target, kind, act) => target.addEventListener(kind, act, { signal });
  on(view.canvas, "click", (event) => {
    const cell = cellAt(view, event);
    if (!cell) return;
    view.cursor = cell;
    view.choose(same(cell, view.chosen) ? null : cell);
  });
  on(view.canvas, "pointermove", (event) => hover(view, event));
  on(view.canvas, "pointerleave", () => (view.tip.hidden = true));
  on(view.scroller, "scroll", () => redraw(view));
  on(view.scroller, "focus", () => {
    view.cursor ??= view.chosen ?? [view.scene.order[0], view.scene.order[0]];
    redraw(view);
  });
  on(view.scroller, "blur", () => redraw(view));
  on(view.scroller, "keydown", (event) => onKey(view, event));
  on(view.zoomIn, "click", () => zoom(view, 1.5));
  on(view.zoomOut, "click", () => zoom(view, 1 / 1.5));
  on(view.whole, "click", () => zoom(view, 1 / view.zoom));
  on(view.search, "input", () => find(view));
  on(view.svg, "click", () => save(view, "svg", new Blob([asSvg(view.scene, view.data.ground)], { type: "image/svg+xml" })));
  on(view.csv, "click", () => save(view, "csv", new Blob(["\ufeff", asCsv(view.scene)], { type: "text/csv" })));
  on(view.png, "click", async () => save(view, "png", await asPng(view.scene, view.data.ground)));
  view.watch?.disconnect();
  let width = view.frame.clientWidth;
  view.watch = new ResizeObserver(() => {
    if (view.frame.clientWidth !== width && view.frame.clientWidth) (width = view.frame.clientWidth), fit(view);
  });
  view.watch.observe(view.frame);
  on(view.scroller, "wheel", (event) => {
    if (!event.ctrlKey && !event.metaKey) return;
    event.preventDefault();
    zoom(view, event.deltaY < 0 ? 1.2 : 1 / 1.2);
  });
  view.scroller.labelloopPlace = (row, column) => {
    const box = view.canvas.getBoundingClientRect(), at = place(view, [row, column]);
    return { x: box.left + at.x - view.scroller.scrollLeft, y: box.top + at.y - view.scroller.scrollTop };
  };
}

function onKey(view, event) {
  const steps = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };
  const { scene } = view;
  if (steps[event.key] && !event.ctrlKey && !event.metaKey && !event.altKey) {
    const [down, right] = steps[event.key];
    const [row, column] = view.cursor ?? [scene.order[0], scene.order[0]];
    const clamp = (value) => Math.min(scene.size - 1, Math.max(0, value));
    view.cursor = [scene.order[clamp(scene.place[row] + down)], scene.order[clamp(scene.place[column] + right)]];
    reveal(view, view.cursor);
    const { label, predicted, number } = describe(view, view.cursor);
    view.said.textContent = `Label ${label}, predicted ${predicted}: ${number}`;
  } else if ((event.key === "Enter" || event.key === " ") && view.cursor) {
    view.choose(same(view.cursor, view.chosen) ? null : view.cursor);
  } else if (event.key === "Escape" && view.chosen) {
    view.choose(null);
  } else if (event.key === "+" || event.key === "-") {
    zoom(view, event.key === "+" ? 1.5 : 1 / 1.5);
  } else return;
  event.preventDefault();
  event.stopPropagation();
  redraw(view);
}

function reveal(view, cell) {
  const { at, scroller, shown } = view;
  const spot = place(view, cell);
  const [left, top] = [spot.x - at.wide, spot.y - at.high];
  if (left - at.side < scroller.scrollLeft) scroller.scrollLeft = left - at.side;
  if (spot.x + at.wide > scroller.scrollLeft + shown.width) scroller.scrollLeft = spot.x + at.wide - shown.width;
  if (top - at.head < scroller.scrollTop) scroller.scrollTop = top - at.head;
  if (spot.y + at.high > scroller.scrollTop + shown.height) scroller.scrollTop = spot.y + at.high - shown.height;
}

function zoom(view, by) {
  const before = view.zoom;
  view.zoom = Math.min(12, Math.max(0.5, view.zoom * by));
  const middle = [view.scroller.scrollLeft + view.shown.width / 2, view.scroller.scrollTop + view.shown.height / 2];
  fit(view);
  const share = view.zoom / before;
  view.scroller.scrollTo(middle[0] * share - view.shown.width / 2, middle[1] * share - view.shown.height / 2);
  redraw(view);
}

function find(view) {
  const wanted = view.search.value.trim().toLowerCase();
  view.found = wanted ? view.scene.order.filter((at) => view.data.classes[at].toLowerCase().includes(wanted)).slice(0, 20) : [];
  if (view.found.length && !view.at.reads) zoom(view, 14 / view.at.high);
  if (view.found.length) reveal(view, [view.found[0], view.found[0]]);
  view.said.textContent = wanted ? `${view.found.length} classes found` : "";
  redraw(view);
}

function hover(view, event) {
  const cell = cellAt(view, event);
  view.canvas.style.cursor = cell ? "pointer" : "default";
  if (!cell) return void (view.tip.hidden = true);
  const { tip, data, scene } = view;
  if (!same(cell, view.hovered) || tip.hidden) {
    view.hovered = cell;
    const { label, predicted, number } = describe(view, cell);
    const lines = [["Label", label], ["Predicted", predicted]].map(([head, words]) => {
      const line = element("div"), strong = element("b");
      strong.textContent = words;
      line.append(`${head} `, strong);
      return line;
    });
    const count = element("div", "number");
    count.textContent = number;
    tip.replaceChildren(...lines, count);
    illustrate(view, cell);
    tip.hidden = false;
  }
  const box = view.frame.getBoundingClientRect();
  const [x, y] = [event.clientX - box.left, event.clientY - box.top];
  const wide = tip.offsetWidth, high = tip.offsetHeight;
  tip.style.left = `${Math.max(0, x + 16 + wide > box.width ? x - wide - 16 : x + 16)}px`;
  tip.style.top = `${event.clientY + high + 20 > window.innerHeight ? y - high - 12 : y + 16}px`;
}

// Three pictures under the words, once the pointer rests: a sweep over the matrix asks for nothing.
function illustrate(view, cell) {
  clearTimeout(view.resting);
  const { data, scene, tip, pictured } = view;
  const at = cell[0] * scene.size + cell[1];
  if (!scene.counts.get(at) && !scene.before?.get(at)) return;
  const show = () => {
    const ids = pictured.get(at) ?? [];
    if (!ids.length || !same(cell, view.hovered) || view.pictured !== pictured) return;
    const pictures = element("div", "pictures");
    for (const id of ids) pictures.append(Object.assign(element("img"), { src: `${base()}/thumb/${data.dataset}/${id}`, alt: "" }));
    tip.querySelector(".pictures")?.remove();
    tip.append(pictures);
  };
  if (pictured.has(at)) return show();
  view.resting = setTimeout(async () => {
    const query = new URLSearchParams({ ...data.cells, true: data.classes[cell[0]], pred: data.classes[cell[1]] });
    try {
      const reply = await fetch(`${base()}/api/cell/${data.dataset}?${query}`, { credentials: "same-origin" });
      if (reply.ok) pictured.set(at, (await reply.json()).samples);
    } catch {
      return; // the number says enough, and the next rest of the pointer asks again
    }
    show();
  }, RESTS);
}

function save(view, kind, blob) {
  const link = element("a");
  link.href = URL.createObjectURL(blob);
  link.download = `${view.data.file}.${kind}`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}
