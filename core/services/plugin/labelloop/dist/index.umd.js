// Number keys label the selected images (or the one that is open), Enter confirms, u takes back.
// window.__foo__ is FiftyOne's own plugin global, not documented as stable: FiftyOne is pinned and a test looks for it.
(function () {
  try { localStorage.setItem("fiftyone-enterprise-tooltip-seen", "true"); } catch (error) { /* storage is off */ }
  if (window.labelloopKeys) return;
  window.labelloopKeys = true;

  var style = document.createElement("style"); // the way back to what is being reviewed is shorter without the advertisement
  style.textContent = 'a[href^="https://voxel51.com/why-upgrade"] { display: none }';
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

  function typing(target) {
    return target && target.closest && target.closest("input, textarea, select, [contenteditable], [role=dialog], [role=listbox]");
  }

  window.addEventListener("keydown", function (event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.repeat || typing(event.target)) return;
    if (/^[1-9]$/.test(event.key)) run("label", { index: Number(event.key) });
    else if (event.key === "u") run("undo");
    else if (event.key === "Enter" && !document.querySelector("#modal.modalon")) {
      if (event.target.closest && event.target.closest("button, a, [role=button]")) return;
      run("confirm");
    } else return;
    event.preventDefault();
    event.stopImmediatePropagation();
  }, true);
})();
