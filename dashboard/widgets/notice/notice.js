// Notifications of the browser. Asked for by a click only; told once a tab for each run.

const SAID = {
  granted: "You get a notification when it has ended.",
  denied: "This browser refuses notifications from here; its settings for this page allow them.",
};

export default function (component) {
  const { parentElement: root, data } = component;
  const box = root.querySelector(".notice");
  if (!("Notification" in window)) return;
  if (data.ask) ask(box);
  else tell(data);
}

function ask(box) {
  if (box.dataset.drawn === Notification.permission) return;
  box.dataset.drawn = Notification.permission;
  if (Notification.permission !== "default") {
    box.textContent = SAID[Notification.permission];
    return;
  }
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = "Notify me when it has ended";
  button.addEventListener("click", async () => {
    await Notification.requestPermission();
    ask(box);
  });
  box.replaceChildren(button);
}

function tell({ id, title, body }) {
  const key = `labelloop-told-${id}`;
  if (Notification.permission !== "granted" || sessionStorage.getItem(key)) return;
  sessionStorage.setItem(key, "1");
  const shown = new Notification(title, { body, tag: `labelloop-${id}` });
  shown.addEventListener("click", () => { window.focus(); shown.close(); });
}
