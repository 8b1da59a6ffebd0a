// The keys of labelloop's own grid, on the selected images or the one that is open; `?` shows them.
// window.__foo__ is FiftyOne's own plugin global, not documented as stable: FiftyOne is pinned and a test looks for it.
(function () {
  try { localStorage.setItem("fiftyone-enterprise-tooltip-seen", "true"); } catch (error) { /* storage is off */ }
  if (window.labelloopKeys) return;
  window.labelloopKeys = true;

  var VERDICTS = { a: "accept", e: "exclude", r: "restore", n: "unsure", s: "skip", u: "undo", U: "redo", "/": "choose" };
  var SHEET = [
    ["1 to 9", "give the class of this number"],
    ["/", "choose from all classes"],
    ["Enter", "the label is right"],
    ["a", "accept the suggestion"],
    ["e", "exclude from the dataset (r brings it back)"],
    ["n", "not sure: put aside for a second look"],
    ["s", "skip"],
    ["u", "undo your last decision (Shift + u: redo)"],
    ["?", "these keys"],
  ];

  var style = document.createElement("style"); // the way back to what is being reviewed is shorter without the advertisement
  style.textContent = [
    'a[href^="https://voxel51.com/why-upgrade"] { display: none }',
    "#labelloop-sheet { margin: auto; max-width: min(26rem, 90vw); padding: 1.25rem 1.5rem; border-radius: 0.5rem; font: 15px/1.5 system-ui, sans-serif }",
    "#labelloop-sheet { background: #fcfbf9; color: #1e2024; border: 1px solid #dfdcd5 }",
    "#labelloop-sheet::backdrop { background: rgb(0 0 0 / 0.4) }",
    "#labelloop-sheet h2 { font-size: 1.1rem; margin: 0 0 0.5rem }",
    "#labelloop-sheet dl { display: grid; grid-template-columns: max-content 1fr; gap: 0.35rem 1rem; margin: 0 }",
    "#labelloop-sheet dt { font-weight: 600 } #labelloop-sheet dd { margin: 0 }",
    "#labelloop-sheet button { margin-top: 1rem; padding: 0.3rem 0.9rem; font: inherit; color: inherit; background: transparent; border: 1px solid; border-radius: 0.4rem }",
    "#labelloop-sheet.dark { background: #1f2126; color: #e8e6e1; border-color: #33363d }",
  ].join("\n");
  document.head.appendChild(style);

  var busyUntil = 0; // a second key before the first is done would hit the same images

  function run(name, params) {
    var operators = window.__foo__;
    if (!operators || !operators.executeOperator || Date.now() < busyUntil) return;
    busyUntil = Date.now() + 4000;
    var free = function () { busyUntil = 0; };
    var done = operators.executeOperator("@labelloop/review/" + name, params || {}, { callback: free });
    if (done && done.then) done.then(free, free);
  }

  function make(name, text, children) {
    var made = document.createElement(name);
    if (text) made.textContent = text;
    (children || []).forEach(function (child) { made.appendChild(child); });
    return made;
  }

  function sheet() {
    var known = document.getElementById("labelloop-sheet");
    if (known) return known.close();
    var list = make("dl");
    SHEET.forEach(function (line) { list.appendChild(make("dt", line[0])); list.appendChild(make("dd", line[1])); });
    var close = make("button", "Close");
    var dialog = make("dialog", "", [make("h2", "Keys for the selected images"), list, close]);
    dialog.id = "labelloop-sheet";
    dialog.setAttribute("aria-label", "Keys for the selected images");
    var mode = document.documentElement.getAttribute("data-mui-color-scheme") || document.documentElement.dataset.theme || "dark";
    dialog.classList.toggle("dark", mode !== "light");
    close.addEventListener("click", function () { dialog.close(); });
    dialog.addEventListener("close", function () { dialog.remove(); });
    document.body.appendChild(dialog);
    dialog.showModal();
  }

  function typing(target) {
    return target && target.closest && target.closest("input, textarea, select, [contenteditable], [role=dialog], [role=listbox]");
  }

  window.addEventListener("keydown", function (event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.repeat || typing(event.target)) return;
    var open = document.getElementById("labelloop-sheet");
    if (event.key === "?") sheet();
    else if (open) return; // Escape and Enter are the sheet's
    else if (/^[1-9]$/.test(event.key)) run("label", { index: Number(event.key) });
    else if (Object.prototype.hasOwnProperty.call(VERDICTS, event.key)) run(VERDICTS[event.key]);
    else if (event.key === "Enter" && !document.querySelector("#modal.modalon")) {
      if (event.target.closest && event.target.closest("button, a, [role=button]")) return;
      run("confirm");
    } else return;
    event.preventDefault();
    event.stopImmediatePropagation();
  }, true);
})();
