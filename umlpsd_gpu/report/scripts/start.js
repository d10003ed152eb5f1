// Starts the explorer: draws the plots, then connects controls, pointer and keys with one state.

function readPlots() {
  const { Document } = Bokeh.require("document");
  const drawn = Document.from_json(JSON.parse(document.getElementById("explorer-plots").textContent));
  const plots = Object.fromEntries(drawn.roots().map((plot) => [plot.name, plot]));
  const sources = {};
  for (const plot of drawn.roots()) {
    for (const renderer of plot.renderers) sources[renderer.data_source.name] = renderer.data_source;
  }
  return { drawn, plots, sources };
}

async function startExplorer() {
  const data = await readExplorer();
  const saved = data.labellings;
  const state = {
    item: data.first, picture: data.pictureOf[data.first], layer: 0, colourBy: data.columns.length,
    isOverlay: true, histogram: 0, view: saved?.view ?? 0, k: saved?.k ?? 0, metric: 0,
    brushed: null, brushText: "",
  };
  const { drawn, plots, sources } = readPlots();
  const view = { data, state, plots, sources };
  const change = (values) => applyChange(view, values);
  fillControls(data, state);
  colourPlots(data, plots);
  // filled before they are drawn, so that axes find their ranges
  change({ ...state });
  // hidden plots would get no width
  byId("section").hidden = false;
  fitHeight(view);
  addEventListener("resize", () => fitHeight(view));
  if (matchMedia("(pointer: coarse)").matches) {
    // a finger that moves over a plot scrolls the page
    for (const plot of Object.values(plots)) plot.toolbar.active_drag = null;
  }
  const targets = drawn.roots().map((plot) => document.getElementById(`plot-${plot.name}`));
  await Bokeh.embed.add_document_standalone(drawn, document.body, targets);
  connectControls(view, change);
  connectPlots(view, change);
  listOutliers(data, (item) => change({ item }));
  const dark = matchMedia("(prefers-color-scheme: dark)");
  dark.addEventListener("change", () => { colourPlots(data, plots); change({}); });
  byId("section").dataset.state = "ready";
}

// The picture is as high as its shape asks for, and not higher than the screen.
function fitHeight({ data, state, plots }) {
  const layer = data.pictures[state.picture]?.layers[0];
  const width = byId("map").clientWidth - 70;
  const part = layer ? partOf(data, state, layer) : { nRows: 7, nCols: 10 };
  const height = (width * part.nRows) / part.nCols;
  plots.map.height = Math.round(Math.min(Math.max(height, 150), innerHeight - 180, 620)) + 75;
}

// Which parts of the page depend on which part of the state.
const DEPENDENCE = [
  [["picture", "layer", "colourBy", "isOverlay", "view", "k", "brushed"],
    ({ data, state, sources }) => drawPicture(data, state, sources)],
  [["picture"], (view) => fitHeight(view)],
  [["item", "picture"], ({ data, state, sources }) => drawChosen(data, state, sources)],
  [["item", "view", "k"], ({ data, state, sources, plots }) => drawCurves(data, state, sources, plots)],
  [["item", "view", "k"], ({ data, state }) => showValues(data, state)],
  [["histogram", "brushed"], ({ data, state, sources, plots }) => drawHistogram(data, state, sources, plots)],
  [["histogram", "item"], ({ data, state, plots }) => markInHistogram(data, state, spanOf(plots))],
  [["view", "k", "metric"], ({ data, state, sources, plots }) => drawMetrics(data, state, sources, plots)],
  [["view", "k"], ({ data, state }) => showChoice(data, state)],
  [["colourBy", "view", "k"], ({ data, state }) => showKey(data, state)],
  [["brushed"], ({ data, state }) => showBrush(data, state)],
];

function applyChange(view, values) {
  const { data, state } = view;
  if ("item" in values && Number.isFinite(data.x[values.item] + data.y[values.item])) {
    values.picture ??= data.pictureOf[values.item];
    byId("picture").value = String(values.picture);
  }
  const changed = Object.keys(values).length ? Object.keys(values) : Object.keys(state);
  Object.assign(state, values);
  for (const [names, draw] of DEPENDENCE) {
    if (names.some((name) => changed.includes(name))) draw(view);
  }
}

function spanOf(plots) {
  return plots.histogram.center.find((part) => part.name === "histogram-chosen");
}

function connectControls({ data, state }, change) {
  const number = (name, key) => byId(name).addEventListener("change", (event) => {
    change({ [key]: Number(event.target.value) });
  });
  number("picture", "picture");
  number("layer", "layer");
  number("colour", "colourBy");
  number("view", "view");
  number("k", "k");
  number("metric", "metric");
  number("histogram-column", "histogram");
  byId("overlay").addEventListener("change", (event) => change({ isOverlay: event.target.checked }));
  byId("number").addEventListener("input", (event) => {
    const item = Number(event.target.value);
    if (event.target.value !== "" && Number.isInteger(item) && item >= 0 && item < data.n) {
      change({ item });
    }
  });
  byId("previous").addEventListener("click", () => change({ item: nextItem(data, state, -1) }));
  byId("next").addEventListener("click", () => change({ item: nextItem(data, state, 1) }));
  byId("clear").addEventListener("click", () => {
    byId("from").value = byId("to").value = "";
    change({ brushed: null, brushText: "" });
  });
  for (const end of ["from", "to"]) {
    byId(end).addEventListener("change", () => {
      const [low, high] = [byId("from").value, byId("to").value];
      brushValues({ data, state }, change, low === "" ? -Infinity : Number(low), high === "" ? Infinity : Number(high));
    });
  }
  const up = data.pictures.length ? -1 : 1;
  const arrows = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, up], ArrowDown: [0, -up] };
  byId("map").addEventListener("keydown", (event) => {
    if (!arrows[event.key]) return;
    event.preventDefault();
    change({ item: itemToward(data, state, arrows[event.key]) });
  });
}

// The item after or before the chosen one, among the selected ones if there are any.
function nextItem(data, state, step) {
  const n = data.n;
  for (let i = 1; i <= n; i++) {
    const item = (((state.item + step * i) % n) + n) % n;
    if (!state.brushed || state.brushed[item]) return item;
  }
  return state.item;
}

function brushValues({ data, state }, change, low, high) {
  const column = data.columns[state.histogram];
  const brushed = Uint8Array.from(column.values, (value) => value >= low && value <= high);
  const brushText = `: ${column.name} from ${withUnit(low)} to ${withUnit(high, column.unit)}`;
  change({ brushed, brushText });
}

function brushPlaces({ data, state }, change, { x0, x1, y0, y1 }) {
  const isIn = (value, one, other) => value >= Math.min(one, other) && value <= Math.max(one, other);
  const brushed = Uint8Array.from(data.x, (x, item) => isHere(data, state, item)
    && isIn(x, x0, x1) && isIn(data.y[item], y0, y1));
  change({ brushed, brushText: " in the picture" });
}

function connectPlots(view, change) {
  const { data, state, plots } = view;
  const reach = () => {
    const [x, y] = [plots.map.x_range, plots.map.y_range];
    // about 14 of 500 pixels
    return { x: 0.028 * Math.abs(x.end - x.start), y: 0.028 * Math.abs(y.end - y.start) };
  };
  plots.map.on_event("tap", ({ x, y }) => {
    const item = itemAt(data, state, x, y, reach());
    if (item >= 0) change({ item });
  });
  plots.map.on_event("mousemove", ({ x, y }) => {
    byId("pointer").textContent = textAt(data, state, x, y, itemAt(data, state, x, y, reach()));
  });
  plots.map.on_event("selectiongeometry", ({ geometry, final }) => {
    if (final && geometry.type === "rect") brushPlaces(view, change, geometry);
  });
  plots.histogram.on_event("selectiongeometry", ({ geometry, final }) => {
    if (!final || geometry.type !== "rect") return;
    const [low, high] = [Math.min(geometry.x0, geometry.x1), Math.max(geometry.x0, geometry.x1)];
    [byId("from").value, byId("to").value] = [low, high].map((end) => String(Number(end.toPrecision(4))));
    brushValues(view, change, low, high);
  });
  plots.metrics?.on_event("tap", ({ x }) => {
    const distance = data.labellings.kValues.map((k) => Math.abs(k - x));
    const k = distance.indexOf(Math.min(...distance));
    byId("k").value = String(k);
    change({ k });
  });
}

startExplorer();
