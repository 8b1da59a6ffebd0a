// The drop zone: what was dropped or chosen goes to the server file by file, four at a time. State lies on the element.

const AT_ONCE = 4;
const TRIES = 3;

export default function (component) {
  const { parentElement: root, data, setTriggerValue } = component;
  const zone = root.querySelector(".dropzone");
  zone.takes = (name) => data.taken.some((end) => name.endsWith(end)) || data.named.includes(name.split("/").pop());
  zone.done = (value) => setTriggerValue("uploaded", value);
  if (!zone.ready) prepare(zone);
}

function prepare(zone) {
  zone.ready = true;
  const [files, folder] = [zone.querySelector(".pick-files"), zone.querySelector(".pick-folder")];
  zone.querySelector(".files").addEventListener("click", () => files.click());
  zone.querySelector(".folder").addEventListener("click", () => folder.click());
  for (const input of [files, folder]) {
    input.addEventListener("change", () => {
      const chosen = [...input.files].map((file) => ({ file, path: file.webkitRelativePath || file.name }));
      input.value = "";
      upload(zone, chosen);
    });
  }
  zone.addEventListener("dragover", (event) => { event.preventDefault(); zone.classList.add("over"); });
  zone.addEventListener("dragleave", () => zone.classList.remove("over"));
  zone.addEventListener("drop", async (event) => {
    event.preventDefault();
    zone.classList.remove("over");
    const entries = [...event.dataTransfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
    const loose = [...event.dataTransfer.files].map((file) => ({ file, path: file.name }));
    upload(zone, entries.length ? (await Promise.all(entries.map((entry) => walk(entry, "")))).flat() : loose);
  });
  zone.querySelector(".stop").addEventListener("click", () => zone.stop?.abort());
}

// A folder's reader gives a hundred entries a call and then an empty list.
async function walk(entry, parent) {
  const path = parent + entry.name;
  if (entry.isFile) {
    return new Promise((give) => entry.file((file) => give([{ file, path }]), () => give([])));
  }
  const reader = entry.createReader();
  const found = [];
  for (;;) {
    const some = await new Promise((give) => reader.readEntries(give, () => give([])));
    if (!some.length) return found;
    for (const one of some) found.push(...(await walk(one, `${path}/`)));
  }
}

async function upload(zone, chosen) {
  if (zone.stop || !chosen.length) return;
  zone.stop = new AbortController();
  const { signal } = zone.stop;
  const batch = [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  const left = [];
  const wanted = chosen.filter(({ file, path }) => {
    const name = path.toLowerCase();
    if (name.split("/").some((part) => part.startsWith("."))) return false;
    const why = !zone.takes(name) ? "not an image, archive or table by its name" : file.size ? "" : "the file is empty";
    if (why) left.push([path, why]);
    return !why;
  });
  const all = wanted.length;
  const bytes = wanted.reduce((sum, { file }) => sum + file.size, 0);
  let done = 0;
  let sent = 0;
  show(zone, true);
  const tell = () => {
    zone.querySelector("progress").value = bytes ? sent / bytes : 0;
    zone.querySelector(".count").textContent = `${done.toLocaleString("en")} of ${all.toLocaleString("en")} files`;
  };
  tell();
  const queue = wanted.slice();
  const work = async () => {
    for (let one; (one = queue.shift()) && !signal.aborted; tell()) {
      const why = await send(batch, one, signal);
      if (why) left.push([one.path, why]);
      done += 1;
      sent += one.file.size;
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  zone.stop = null;
  show(zone, false);
  const failed = left.length - (chosen.length - wanted.length);
  if (!signal.aborted) zone.done({ batch: done > Math.max(0, failed) || all > left.length ? batch : "", files: all, left: left.slice(0, 500), count: left.length });
  if (!all) zone.querySelector(".say").textContent = left.length ? `Nothing to upload: ${left[0][0]} is ${left[0][1]}` : "Nothing to upload";
}

// Returns why it was refused, or "".
async function send(batch, { file, path }, signal) {
  for (let tries = 1; ; tries += 1) {
    try {
      const answer = await fetch(`/api/upload/${batch}?name=${encodeURIComponent(path)}`, {
        method: "POST", body: file, signal, headers: { "Content-Type": "application/octet-stream" },
      });
      if (answer.ok) return "";
      const why = (await answer.json().catch(() => ({}))).error || `the server answered ${answer.status}`;
      if (answer.status < 500 || tries >= TRIES) return why;
    } catch (error) {
      if (signal.aborted) return "cancelled";
      if (tries >= TRIES) return "the connection broke";
    }
    await new Promise((go) => setTimeout(go, 500 * tries));
  }
}

function show(zone, going) {
  zone.querySelector(".going").hidden = !going;
  zone.querySelector(".ways").hidden = going;
  zone.querySelector(".say").textContent = going ? "Uploading …" : "Drop images, a folder, or a zip or tar here";
}
