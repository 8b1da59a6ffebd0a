// Choosing many at once with the mouse.

// Dragging with the mouse draws a box; what it touches is selected (with Ctrl or Shift: as well).
function onBox(view, down) {
  if (down.pointerType !== "mouse" || down.button !== 0 || down.target.closest("button")) return;
  const { model } = view;
  const start = { x: down.clientX, y: down.clientY + view.scroll.scrollTop };
  const kept = down.ctrlKey || down.metaKey || down.shiftKey ? new Set(model.selected) : new Set();
  const over = new AbortController();
  const drag = (event) => {
    const now = { x: event.clientX, y: event.clientY + view.scroll.scrollTop };
    if (view.box.hidden && Math.hypot(now.x - start.x, now.y - start.y) < 8) return;
    const room = view.scroll.getBoundingClientRect();
    if (event.clientY > room.bottom - 24) view.scroll.scrollTop += 16;
    if (event.clientY < room.top + 24) view.scroll.scrollTop -= 16;
    const left = Math.min(start.x, now.x), right = Math.max(start.x, now.x);
    const top = Math.min(start.y, now.y) - view.scroll.scrollTop, bottom = Math.max(start.y, now.y) - view.scroll.scrollTop;
    view.box.hidden = false;
    const frame = view.frame.getBoundingClientRect();
    Object.assign(view.box.style, { left: `${left - frame.left}px`, top: `${top - frame.top}px`, width: `${right - left}px`, height: `${bottom - top}px` });
    model.selected = new Set(kept);
    for (const [id, node] of view.nodes) {
      const tile = node.getBoundingClientRect();
      if (tile.left < right && tile.right > left && tile.top < bottom && tile.bottom > top) model.selected.add(id);
    }
    for (const [id, node] of view.nodes) node.classList.toggle("picked", model.selected.has(id));
    paintBar(view);
  };
  const drop = () => {
    over.abort();
    if (view.box.hidden) return;
    view.box.hidden = true;
    view.boxed = Date.now();
    paintPage(view);
    focusTiles(view);
  };
  window.addEventListener("pointermove", drag, { signal: over.signal });
  window.addEventListener("pointerup", drop, { signal: over.signal });
  window.addEventListener("pointercancel", drop, { signal: over.signal });
}
