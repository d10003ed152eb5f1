// The top of the page: how far the run is, what is decided, what to look at now.

const KINDS = { drift: "Drift", bleaching: "Bleaching", focus: "Focus", frames: "Frames" };

function drawHead(view) {
  const { state, study } = view;
  byId("name").textContent = state.name;
  setText("headline", headlineText(state, study));
  setText("state", stateText(state));
  setText("detail", detailText(state, view.data.item));
  setText("announced", announcement(state, study));
  view.root.dataset.run = state.state;
  document.title = `${state.decision ? `K = ${state.decision.k}` : capitalised(STATES[state.state])} – ${state.name} – live`;
  drawMessage(state);
  drawAlarms(state.alarms);
  show("hint", sentence(state.hint));
}

function drawMessage({ state, message }) {
  const box = byId("message");
  const isBad = state === "failed" || state === "stalled";
  box.classList.toggle("alarm", isBad);
  box.setAttribute("role", isBad ? "alert" : "status");
  show("message", sentence(message) || (state === "finished" ? "The run has finished." : ""));
}

// Boxes that stay are not made anew, so that they are read out once.
function drawAlarms(alarms) {
  const place = byId("alarms");
  const boxes = new Map(Array.from(place.children, (box) => [box.dataset.kind, box]));
  for (const { kind, text, since_s: since } of alarms) {
    let box = boxes.get(kind);
    boxes.delete(kind);
    if (!box) {
      box = document.createElement("p");
      box.className = "box alarm";
      box.dataset.kind = kind;
      box.setAttribute("role", "alert");
      place.append(box);
    }
    const content = ` since ${since === null ? "the start" : duration(since)}: ${text}`;
    if (box.dataset.content !== content) {
      const title = document.createElement("b");
      title.textContent = KINDS[kind] ?? kind;
      box.replaceChildren(title, content);
      box.dataset.content = content;
    }
  }
  for (const box of boxes.values()) box.remove();
  place.hidden = alarms.length === 0;
}

const OLD_S = 5;

// How long ago the last news came, where news should come every second.
function drawAge(view) {
  const age = (performance.now() - view.newsTime) / 1000;
  setText("age", view.state?.state === "recording" && age > OLD_S ? `Last news ${Math.round(age)} s ago.` : "");
}
