// A threshold that is moved live: curves, counts and the images on either side follow within a frame, in the browser.

export default function (component) {
  const { parentElement: root, setTriggerValue } = component;
  const data = JSON.parse(new TextDecoder().decode(component.data));
  const view = (root.labelloop ??= build(root));
  const bytes = Uint8Array.from(atob(data.scores), (c) => c.charCodeAt(0));
  view.scores = new Float32Array(bytes.buffer); // falling; exact, so that what is opened is what is counted here
  view.hits = Uint8Array.from(atob(data.hits), (c) => c.charCodeAt(0));
  view.upTo = new Uint32Array(view.hits.length + 1); // hits among the first n
  for (let i = 0; i < view.hits.length; i++) view.upTo[i + 1] = view.upTo[i] + view.hits[i];
  if (view.identity !== data.identity) {
    view.identity = data.identity;
    move(view, data.threshold);
  }
  view.data = data;
  view.use.hidden = !data.use;
  view.use.textContent = data.use;
  view.slider.oninput = () => (move(view, Number(view.slider.value) / 1000), follow(view));
  view.number.oninput = () => {
    const typed = view.number.valueAsNumber;
    if (!(typed >= 0 && typed <= 1)) return; // half typed, or no threshold
    move(view, typed, { typing: true });
    follow(view);
  };
  view.number.onchange = () => move(view, view.t);
  view.use.onclick = () => setTriggerValue("used", { threshold: view.t, at: Date.now() });
  view.below.open.onclick = () => setTriggerValue("opened", { threshold: view.t, side: "below", at: Date.now() });
  view.above.open.onclick = () => setTriggerValue("opened", { threshold: view.t, side: "above", at: Date.now() });
  charts(view);
  follow(view);
}

// The slider goes in thousandths; the field takes what lies between them, where a sure network's scores crowd.
function move(view, t, { typing = false } = {}) {
  view.t = t;
  view.slider.value = Math.round(t * 1000);
  if (!typing) view.number.value = t.toFixed(6).replace(/0{1,3}$/, "");
}

const make = (kind, name = "", words = "") => Object.assign(document.createElement(kind), { className: name, textContent: words });

function build(root) {
  root.querySelectorAll(".threshold").forEach((old) => old.remove());
  const frame = make("div", "threshold");
  const line = make("div", "line");
  const slider = Object.assign(make("input"), { type: "range", min: 0, max: 1000, step: 1, ariaLabel: "Threshold" });
  const number = Object.assign(make("input"), { type: "number", min: 0, max: 1, step: 0.0001, ariaLabel: "Threshold, exactly" });
  const use = Object.assign(make("button", "primary"), { type: "button" });
  line.append(slider, number, use);
  const counts = make("div", "counts");
  counts.setAttribute("aria-live", "polite");
  const plots = make("div", "plots");
  const sides = make("div", "sides");
  const side = (name) => {
    const box = make("section", name), head = make("h4"), open = Object.assign(make("button", "", "Review these"), { type: "button" }), pictures = make("div", "pictures");
    const top = make("div", "top");
    top.append(head, open);
    box.append(top, pictures);
    sides.append(box);
    return { head, open, pictures };
  };
  const below = side("below"), above = side("above");
  frame.append(line, counts, plots, sides);
  root.append(frame);
  return { root, frame, slider, number, use, counts, plots, below, above };
}

// how many score at least t
function place(view, t) {
  let low = 0, high = view.scores.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (view.scores[middle] >= t) low = middle + 1;
    else high = middle;
  }
  return low;
}

const NS = "http://www.w3.org/2000/svg";
function shape(parent, kind, values) {
  const made = document.createElementNS(NS, kind);
  for (const [name, value] of Object.entries(values)) made.setAttribute(name, value);
  parent.append(made);
  return made;
}

function plot(view, title, xTitle, yTitle, points, low = 0) {
  const svg = shape(view.plots, "svg", { viewBox: "0 0 260 232", role: "img", "aria-label": `${title}: ${yTitle} over ${xTitle}` });
  const x = (share) => 38 + share * 210, y = (share) => 186 - ((share - low) / (1 - low || 1)) * 160;
  for (let i = 0; i <= 4; i++) {
    const value = low + ((1 - low) * i) / 4;
    shape(svg, "line", { x1: 38, x2: 248, y1: y(value), y2: y(value), class: "grid" });
    shape(svg, "text", { x: 33, y: y(value) + 3, class: "tick end" }).textContent = `${Math.round(value * 100)}`;
    shape(svg, "text", { x: x(i / 4), y: 200, class: "tick middle" }).textContent = `${i * 25}`;
  }
  shape(svg, "text", { x: 38, y: 14, class: "title" }).textContent = title;
  shape(svg, "text", { x: 143, y: 217, class: "axis middle" }).textContent = `${xTitle}, %`;
  shape(svg, "text", { x: 11, y: 106, class: "axis middle", transform: "rotate(-90 11 106)" }).textContent = `${yTitle}, %`;
  shape(svg, "polyline", { points: points.map(([a, b]) => `${x(a).toFixed(1)},${y(Math.max(b, low)).toFixed(1)}`).join(" "), class: "curve" });
  const dot = shape(svg, "circle", { r: 5, class: "dot" });
  return ([a, b]) => (dot.setAttribute("cx", x(a)), dot.setAttribute("cy", y(Math.max(b, low))));
}

function histogram(view) {
  const svg = shape(view.plots, "svg", { viewBox: "0 0 260 232", role: "img", "aria-label": "How many images have which score" });
  const bins = 40, groups = [new Float64Array(bins), new Float64Array(bins)];
  view.scores.forEach((score, i) => groups[view.hits[i]][Math.min(bins - 1, Math.floor(score * bins))]++);
  const top = Math.sqrt(Math.max(1, ...groups[0], ...groups[1]));
  groups.forEach((counts, kind) => counts.forEach((count, i) => {
    const high = (Math.sqrt(count) / top) * 76;
    if (count) shape(svg, "rect", { x: 38 + (i * 210) / bins, y: kind ? 106 - high : 108, width: 210 / bins - 1, height: high, class: kind ? "hit" : "miss" });
  }));
  shape(svg, "text", { x: 38, y: 14, class: "title" }).textContent = `upwards: ${view.data.hit}; downwards: ${view.data.miss}`;
  for (let i = 0; i <= 4; i++) shape(svg, "text", { x: 38 + i * 52.5, y: 200, class: "tick middle" }).textContent = `${i * 25}`;
  shape(svg, "text", { x: 143, y: 217, class: "axis middle" }).textContent = `${view.data.score}, %`;
  const line = shape(svg, "line", { y1: 22, y2: 190, class: "mark" });
  return (t) => (line.setAttribute("x1", 38 + t * 210), line.setAttribute("x2", 38 + t * 210));
}

// at most 400 points a curve, at places where the score changes
function charts(view) {
  view.plots.replaceChildren();
  const n = view.scores.length, hits = view.upTo[n], misses = n - hits;
  const points = [];
  const step = Math.max(1, Math.floor(n / 400));
  for (let i = 1; i <= n; i++) if (i === n || (view.scores[i - 1] !== view.scores[i] && (points.length === 0 || i - points.at(-1) >= step || i < 100))) points.push(i);
  view.marks = [histogram(view)];
  if (view.data.kind === "abstain") {
    const curve = points.map((i) => [i / n, view.upTo[i] / i]);
    const low = Math.max(0, Math.floor((Math.min(...curve.map(([, b]) => b)) - 0.02) * 10) / 10);
    const move = plot(view, "Coverage and accuracy", "images answered", "of these right", curve, low);
    view.move = (i) => move([i / n, i ? view.upTo[i] / i : 1]);
  } else {
    const roc = plot(view, "ROC", "false alarms", "found", [[0, 0], ...points.map((i) => [misses ? (i - view.upTo[i]) / misses : 0, hits ? view.upTo[i] / hits : 0])]);
    const pr = plot(view, "Precision and recall", "found (recall)", "precision", points.map((i) => [hits ? view.upTo[i] / hits : 0, view.upTo[i] / i]));
    view.move = (i) => {
      roc([misses ? (i - view.upTo[i]) / misses : 0, hits ? view.upTo[i] / hits : 0]);
      pr([hits ? view.upTo[i] / hits : 0, i ? view.upTo[i] / i : 1]);
    };
  }
}

function follow(view) {
  const { data, t } = view;
  const n = view.scores.length, above = place(view, t), right = view.upTo[above], all = view.upTo[n];
  view.marks[0](t);
  view.move(above);
  const share = (part, whole) => (whole ? `${((part / whole) * 100).toFixed(1)}%` : "–");
  const n_ = (value) => value.toLocaleString("en");
  const words = data.kind === "abstain"
    ? [[share(above, n), `answered (${n_(above)} of ${n_(n)})`], [share(right, above), `of these right (${n_(above - right)} wrong)`], [n_(n - above), `not sure, ${n_(n - above - (all - right))} of them would be wrong`]]
    : [[share(right, all), `found (${n_(right)} of ${n_(all)}): recall`], [share(right, above), `of ${n_(above)} taken are it: precision`], [n_(above - right), "false alarms"], [n_(all - right), "missed"]];
  view.counts.replaceChildren(...words.map(([strong, rest]) => {
    const one = make("div");
    one.append(make("b", "", strong), make("span", "", ` ${rest}`));
    return one;
  }));
  view.below.head.textContent = `${data.below} (${n_(n - above)})`;
  view.above.head.textContent = `${data.above} (${n_(above)})`;
  view.below.open.disabled = n === above;
  view.above.open.disabled = !above;
  pictures(view, view.below.pictures, above, Math.min(n, above + 8));
  pictures(view, view.above.pictures, Math.max(0, above - 8), above);
}

// more digits where one would say 100.0 or 0.0 of what is neither
function percent(score) {
  const shown = (score * 100).toFixed(1);
  return (shown === "100.0" && score < 1) || (shown === "0.0" && score > 0) ? (score * 100).toFixed(4) : shown;
}

// the nearest to the threshold first; an element is made once and only moved after
function pictures(view, box, from, to) {
  const wanted = [];
  for (let i = from; i < to; i++) wanted.push(i);
  if (box.dataset.above !== undefined || box === view.above.pictures) wanted.reverse();
  const known = new Map([...box.children].map((one) => [one.dataset.id, one]));
  box.replaceChildren(...wanted.map((i) => {
    const id = view.data.ids.slice(i * 24, i * 24 + 24);
    let figure = known.get(id);
    if (!figure) {
      figure = make("figure");
      figure.dataset.id = id;
      const picture = Object.assign(make("img"), { alt: "", loading: "lazy", src: `/thumb/${view.data.dataset}/${id}` });
      figure.append(picture, make("figcaption"));
    }
    const caption = figure.querySelector("figcaption");
    caption.textContent = `${percent(view.scores[i])} ${view.hits[i] ? view.data.hit : view.data.miss}`;
    figure.classList.toggle("hit", !!view.hits[i]);
    return figure;
  }));
}
