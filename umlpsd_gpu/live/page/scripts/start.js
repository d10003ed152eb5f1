// Starts the page: connects its parts with the news of the run and with controls, pointer and keys.

function startPage() {
  const view = {
    root: document.getElementById("live"),
    header: JSON.parse(document.getElementById("live-header").textContent),
    plots: readPlots(),
    data: { n: 0, ids: [], names: [], x: [], y: [], pictureOf: [], at: new Map(), isPixels: false, item: "emitter" },
    state: null, study: null, labels: new Map(), image: null, drawnImage: null,
    chosen: null, versions: { study: 0, picture: 0 }, newsTime: performance.now(),
  };
  const readEmitter = emitterReader(view, (emitter) => drawEmitter(view, emitter));
  connectControls(view, readEmitter);
  setInterval(() => drawAge(view), 1000);
  followRun(view, (answer) => takeNews(view, answer, readEmitter));
}

function takeNews(view, answer, readEmitter) {
  view.newsTime = performance.now();
  view.state = answer.state;
  view.versions = answer.versions;
  const hasStudy = "study" in answer, hasPicture = "picture" in answer;
  if (hasStudy) takeStudy(view, answer.study);
  if (hasPicture && answer.picture) takePicture(view, answer.picture);
  // asked for before anything is drawn, since a server that stops answers for a moment only
  readEmitter();
  drawHead(view);
  if (hasStudy) drawStudy(view);
  if (hasStudy || hasPicture) drawMap(view);
  drawAge(view);
  view.root.dataset.number = String(view.state.number);
}

function connectControls(view, readEmitter) {
  const choose = (item) => {
    if (item < 0 || item >= view.data.n) return;
    view.chosen = view.data.ids[item];
    drawMark(view);
    readEmitter();
  };
  const step = (by) => choose((chosenItem(view) + by + view.data.n) % view.data.n);
  byId("number").addEventListener("input", (event) => choose(view.data.names.indexOf(event.target.value)));
  byId("number").addEventListener("blur", () => drawMark(view));
  byId("previous").addEventListener("click", () => step(-1));
  byId("next").addEventListener("click", () => step(1));
  byId("seconds").addEventListener("change", readEmitter);
  byId("metric").addEventListener("change", () => drawMetric(view));
  const arrows = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  byId("map").addEventListener("keydown", (event) => {
    const item = chosenItem(view);
    if (!arrows[event.key] || item < 0) return;
    event.preventDefault();
    choose(itemToward(view.data, { picture: 0, item }, arrows[event.key]));
  });
  connectMap(view, choose);
  addEventListener("resize", () => fitMap(view));
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
    recolourAll(view);
    readEmitter();
  });
}

// The plot of the map is made with the first image.
function connectMap(view, choose) {
  view.plots.map.connect = (plot) => {
    plot.on_event("tap", ({ x, y }) => choose(itemAt(view.data, { picture: 0 }, x, y, reachOf(view))));
    plot.on_event("mousemove", ({ x, y }) => { byId("pointer").textContent = pointerText(view, x, y); });
    plot.on_event("mouseleave", () => { byId("pointer").textContent = ""; });
  };
}

startPage();
