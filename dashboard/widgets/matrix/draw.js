// What the matrix looks like: one drawing, by a pen of the canvas or a pen that writes SVG.

const FONT = "Inter, system-ui, sans-serif";
const LABELLED = 9; // pixels of a cell from which class names can be read beside it
const WORDED = 17; // and from which its number can be read in it
const ROOMY = 44; // and from which it has room for what it was before

// Colours are mixed in steps of a hundredth: fewer distinct strings, and two drawings of the same are equal.
const mixed = new Map();
function mix(low, high, share) {
  const step = Math.round(share * 100);
  const name = low + high + step;
  if (!mixed.has(name)) {
    const part = (colour, at) => parseInt(colour.slice(at, at + 2), 16);
    const parts = [1, 3, 5].map((at) => Math.round(part(low, at) + ((part(high, at) - part(low, at)) * step) / 100));
    mixed.set(name, parts);
  }
  return mixed.get(name);
}

function luminance(parts) {
  const [r, g, b] = parts.map((part) => {
    const share = part / 255;
    return share <= 0.03928 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

// Everything that drawing asks for, computed once for each change of the numbers.
function makeScene(data) {
  const size = data.classes.length;
  const counts = new Map(); // row * size + column -> count
  for (let i = 0; i < data.rows.length; i++) counts.set(data.rows[i] * size + data.columns[i], data.counts[i]);
  const before = data.before ? new Map() : null;
  if (before) for (let i = 0; i < data.before.rows.length; i++) before.set(data.before.rows[i] * size + data.before.columns[i], data.before.counts[i]);
  const rowSum = new Float64Array(size), columnSum = new Float64Array(size);
  for (const [at, count] of counts) (rowSum[Math.floor(at / size)] += count), (columnSum[at % size] += count);
  const place = new Int32Array(size);
  data.order.forEach((name, at) => (place[name] = at));
  const scene = { data, size, counts, before, rowSum, columnSum, order: data.order, place, ink: data.ink };
  scene.value = (row, column) => {
    const count = counts.get(row * size + column) ?? 0;
    if (data.kind === "difference") return count - (before?.get(row * size + column) ?? 0);
    if (data.values === "counts") return count;
    const whole = data.values === "percent" ? rowSum[row] : columnSum[column];
    return whole ? count / whole : 0;
  };
  const keys = new Set(counts.keys());
  if (before) for (const at of before.keys()) keys.add(at);
  scene.cells = [...keys].map((at) => [Math.floor(at / size), at % size]);
  const top = (wanted) => Math.max(0, ...scene.cells.filter(([r, c]) => (r === c) === wanted).map(([r, c]) => Math.abs(scene.value(r, c))).concat(0).reduce((most, one) => (one > most[0] ? [one] : most), [0]));
  const most = { right: top(true), wrong: top(false) };
  if (data.kind === "difference") most.right = most.wrong = Math.max(most.right, most.wrong);
  scene.strength = (row, column) => {
    const share = Math.abs(scene.value(row, column)) / ((row === column ? most.right : most.wrong) || 1);
    return Math.sqrt(share); // by the root, so that one error among hundreds is still seen
  };
  scene.good = (row, column) => (data.kind === "difference" ? (row === column) === scene.value(row, column) > 0 : row === column);
  return scene;
}

function cellText(scene, row, column) {
  const value = scene.value(row, column);
  if (!value) return "";
  if (scene.data.kind === "difference") return `${value > 0 ? "+" : "−"}${Math.abs(value).toLocaleString("en")}`;
  if (scene.data.values === "counts") return value.toLocaleString("en");
  return value < 0.005 ? "<1" : `${Math.round(value * 100)}`;
}

// Sizes in pixels. Up to about 60 classes every name can be read; past that the whole fits the view, and zoom reads it.
function layout(scene, width, zoom, tall) {
  const { size, data } = scene;
  const longest = Math.max(3, ...data.short.map((name) => name.length));
  const steps = [[2, 110], [3, 92], [4, 76], [6, 60], [10, 46], [14, 36], [20, 28], [40, 18], [60, 14]];
  const wanted = (steps.find(([limit]) => size <= limit) ?? [0, Math.max(3, Math.min(14, (width - 130) / size, tall / size))])[1];
  const font = wanted * zoom >= 40 ? 13 : wanted * zoom >= 16 ? 11 : 9;
  const reads = wanted * zoom >= LABELLED;
  const side = reads ? Math.min(longest * font * 0.58 + 14, width * 0.4) : 24;
  let high = wanted * zoom;
  let wide = Math.min(high * 1.6, Math.max(high * 0.72, ((width - side - 26) / size) * zoom));
  if (size > 60) wide = high;
  const upright = wide < longest * font * 0.6 + 6;
  const head = !reads ? 24 : upright ? Math.min(longest * font * 0.58 + 12, 150) : 26;
  return { side: Math.round(side) + 20, head: Math.round(head) + 20, high, wide, font, reads, upright, width: size * wide, height: size * high };
}

// from (x, y) on, what lies in a window of (width, height); heads stay in view
function paint(pen, scene, at, x, y, width, height, marks = {}) {
  const { ink, data, size } = scene;
  const gap = at.high >= 30 ? 3 : at.high >= 14 ? 2 : at.high >= 6 ? 1 : 0;
  const box = (row, column) => [at.side + scene.place[column] * at.wide - x, at.head + scene.place[row] * at.high - y, at.wide - gap, at.high - gap];
  pen.clip(at.side, at.head, width - at.side, height - at.head);
  const first = [Math.max(0, Math.floor(y / at.high)), Math.max(0, Math.floor(x / at.wide))];
  const last = [Math.min(size - 1, Math.ceil((y + height) / at.high)), Math.min(size - 1, Math.ceil((x + width) / at.wide))];
  if (gap && (last[0] - first[0]) * (last[1] - first[1]) < 20000) {
    for (let i = first[0]; i <= last[0]; i++) for (let j = first[1]; j <= last[1]; j++) pen.rect(...box(scene.order[i], scene.order[j]), ink.empty);
  } else pen.rect(at.side - x, at.head - y, at.width, at.height, ink.empty);
  for (const [row, column] of scene.cells) {
    const [left, top, wide, high] = box(row, column);
    if (left > width || top > height || left + wide < at.side || top + high < at.head) continue;
    const value = scene.value(row, column);
    const parts = mix(...(scene.good(row, column) ? ink.right : ink.wrong), scene.strength(row, column));
    if (value) pen.rect(left, top, Math.max(wide, 1), Math.max(high, 1), `rgb(${parts})`);
    const light = value ? luminance(parts) : null;
    const colour = light === null ? ink.muted : 1.05 / (light + 0.05) > (light + 0.05) / 0.0591 ? "#ffffff" : "#14191c";
    const was = scene.before && data.kind !== "difference" ? scene.before.get(row * size + column) ?? 0 : null;
    const moved = was !== null && was !== (scene.counts.get(row * size + column) ?? 0);
    const earlier = moved ? `was ${was.toLocaleString("en")}` : "";
    const lines = moved && data.values === "counts" && at.high >= ROOMY && at.wide >= earlier.length * 5.2;
    if (at.high >= WORDED && at.wide >= WORDED) {
      const word = cellText(scene, row, column) || (lines ? "0" : "");
      const font = Math.min(15, at.high * 0.5, (at.wide / Math.max(word.length, 1)) * 1.5);
      if (word && font >= 7) pen.text(left + wide / 2, top + high / 2 - (lines ? 6 : 0), word, font, colour, "middle");
      if (lines) pen.text(left + wide / 2, top + high / 2 + 11, earlier, 10, colour, "middle");
    }
    const corner = at.high >= ROOMY ? 8 : 5;
    if (moved && !lines) pen.rect(left + wide - Math.min(corner, wide / 3), top, Math.min(corner, wide / 3), Math.min(corner, high / 3), ink.accent);
  }
  for (const mark of marks.found ?? []) {
    pen.frame(at.side - x, at.head + scene.place[mark] * at.high - y, at.width, at.high, ink.accent, 1);
    pen.frame(at.side + scene.place[mark] * at.wide - x, at.head - y, at.wide, at.height, ink.accent, 1);
  }
  if (marks.chosen) pen.frame(...box(...marks.chosen), ink.font, at.high >= 30 ? 2.5 : 1.5, at.high >= 30 ? 3 : 0); // round its number
  if (marks.cursor) pen.frame(...box(...marks.cursor), ink.accent, 2, at.high >= 12 ? 0 : -2);
  pen.unclip();
  pen.text(at.side + Math.min(at.width, width - at.side) / 2, 9, "predicted", 11, ink.muted, "middle");
  pen.text(9, at.head + Math.min(at.height, height - at.head) / 2, "label", 11, ink.muted, "middle", -90);
  if (!at.reads) return;
  const bold = new Set(marks.found ?? []);
  pen.clip(0, at.head, at.side, height - at.head);
  for (let i = first[0]; i <= last[0]; i++) {
    const name = scene.order[i];
    pen.text(at.side - 6, at.head + (i + 0.5) * at.high - y, data.short[name], at.font, bold.has(name) ? ink.accent : ink.font, "end");
  }
  pen.unclip();
  pen.clip(at.side, 0, width - at.side, at.head);
  for (let j = first[1]; j <= last[1]; j++) {
    const name = scene.order[j];
    const colour = bold.has(name) ? ink.accent : ink.font;
    const middle = at.side + (j + 0.5) * at.wide - x - gap / 2;
    if (at.upright) pen.text(middle, at.head - 6, data.short[name], at.font, colour, "start", -90);
    else pen.text(middle, at.head - 12, data.short[name], at.font, colour, "middle");
  }
  pen.unclip();
}

function canvasPen(context) {
  return {
    rect(x, y, w, h, colour) { context.fillStyle = colour; context.fillRect(x, y, w, h); },
    frame(x, y, w, h, colour, line, inside = 0) {
      context.strokeStyle = colour; context.lineWidth = line;
      context.strokeRect(x + inside, y + inside, Math.max(1, w - 2 * inside), Math.max(1, h - 2 * inside));
    },
    text(x, y, words, font, colour, anchor, turned = 0) {
      context.save();
      context.translate(x, y);
      context.rotate((turned * Math.PI) / 180);
      context.font = `${font}px ${FONT}`;
      context.fillStyle = colour;
      context.textAlign = { middle: "center", end: "right", start: "left" }[anchor];
      context.textBaseline = "middle";
      context.fillText(words, 0, 0);
      context.restore();
    },
    clip(x, y, w, h) { context.save(); context.beginPath(); context.rect(x, y, w, h); context.clip(); },
    unclip() { context.restore(); },
  };
}

// what XML has no place for is shown as a replacement character
const escaped = (words) => words.replace(/[^\t\n\r\u0020-\ufffd]/g, "\ufffd").replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);

function svgPen() {
  const parts = [];
  const n = (value) => Math.round(value * 100) / 100;
  return {
    parts,
    rect(x, y, w, h, colour) { parts.push(`<rect x="${n(x)}" y="${n(y)}" width="${n(w)}" height="${n(h)}" fill="${colour}"/>`); },
    frame(x, y, w, h, colour, line, inside = 0) {
      parts.push(`<rect x="${n(x + inside)}" y="${n(y + inside)}" width="${n(Math.max(1, w - 2 * inside))}" height="${n(Math.max(1, h - 2 * inside))}" fill="none" stroke="${colour}" stroke-width="${line}"/>`);
    },
    text(x, y, words, font, colour, anchor, turned = 0) {
      const turn = turned ? ` transform="rotate(${turned} ${n(x)} ${n(y)})"` : "";
      parts.push(`<text x="${n(x)}" y="${n(y)}" font-size="${n(font)}" fill="${colour}" text-anchor="${anchor}" dominant-baseline="central"${turn}>${escaped(words)}</text>`);
    },
    clip() {},
    unclip() {},
  };
}

// The whole matrix as a picture of its own, whatever part of it is on the screen: every class has its name, and up to
// 150 classes every number has room.
function whole(scene) {
  const plain = layout(scene, 900, 1, 900);
  const least = scene.size <= 150 ? 20 : 12;
  return plain.high < least ? layout(scene, 900, least / plain.high, 900) : plain;
}

function asSvg(scene, ground) {
  const at = whole(scene);
  const [width, height] = [at.side + at.width + 12, at.head + at.height + 12];
  const pen = svgPen();
  paint(pen, scene, at, 0, 0, width, height);
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" font-family="${FONT}"><rect width="100%" height="100%" fill="${ground}"/>${pen.parts.join("")}</svg>`;
}

function asPng(scene, ground) {
  const at = whole(scene);
  const [width, height] = [at.side + at.width + 12, at.head + at.height + 12];
  const canvas = document.createElement("canvas");
  const scale = Math.min(2, 8000 / Math.max(width, height));
  canvas.width = width * scale;
  canvas.height = height * scale;
  const context = canvas.getContext("2d");
  context.scale(scale, scale);
  context.fillStyle = ground;
  context.fillRect(0, 0, width, height);
  paint(canvasPen(context), scene, at, 0, 0, width, height);
  return new Promise((done) => canvas.toBlob(done, "image/png"));
}

// A leading ' keeps a spreadsheet from running a class name as a formula.
function asCsv(scene) {
  const cell = (value) => {
    const words = typeof value === "string" && /^[=+\-@\t\r\n＝＋－＠]/.test(value) ? `'${value}` : `${value}`;
    return /[",\n\r]/.test(words) ? `"${words.replaceAll('"', '""')}"` : words;
  };
  const names = scene.data.classes;
  const head = ["label \\ predicted", ...scene.order.map((at) => names[at])];
  const lines = scene.order.map((row) => [names[row], ...scene.order.map((column) => scene.data.values === "counts" ? scene.value(row, column) : Math.round(scene.value(row, column) * 1e6) / 1e6)]);
  return [head, ...lines].map((line) => line.map(cell).join(",")).join("\r\n") + "\r\n";
}
