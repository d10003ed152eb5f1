// The mean image, the emitters on it, and the chosen one: its trace, values and spectrum.

// Names of emitters as short numbers: what follows the last colon, if that tells them apart.
function shortNames(ids) {
  const found = ids.map((id) => id.match(/:(\d+)$/)?.[1]);
  const areNumbers = found.every((name) => name !== undefined) && new Set(found).size === ids.length;
  return areNumbers ? found : ids.map((_, number) => String(number));
}

// In the form that picture.js takes.
function takePicture(view, { ids, rows, cols, image }) {
  const n = ids.length;
  Object.assign(view.data, {
    n, ids, x: numbersOf(cols), y: numbersOf(rows), names: shortNames(ids),
    pictureOf: new Uint8Array(n), at: new Map(ids.map((id, item) => [id, item])),
  });
  view.image = image;
  for (const id of ["number", "previous", "next"]) byId(id).disabled = n === 0;
  if (!view.data.at.has(view.chosen)) view.chosen = ids[0] ?? null;
}

const chosenItem = (view) => view.data.at.get(view.chosen) ?? -1;

function clusterOf(view, id) {
  const cluster = view.labels.get(id);
  return cluster === undefined ? null : cluster;
}

function colourOf(view, id) {
  const cluster = clusterOf(view, id);
  return cluster ? view.study.clusters[cluster - 1].colour : view.header.noCluster;
}

function drawMap(view) {
  const { data } = view;
  const here = data.ids.map((_, item) => item).filter((item) => Number.isFinite(data.x[item] + data.y[item]));
  if (!view.image && !here.length) return;
  const places = {
    x: here.map((item) => data.x[item]),
    y: here.map((item) => data.y[item]),
    colour: here.map((item) => colourOf(view, data.ids[item])),
  };
  const none = { x: [], y: [], colour: [] };
  const columns = {
    "map-emitters": data.isPixels ? none : places,
    "map-pixels": data.isPixels ? places : none,
  };
  if (view.image && view.image !== view.drawnImage) columns["map-image"] = imageColumns(view.image);
  view.drawnImage = view.image;
  const isFirst = !view.plots.map.ready;
  fillPlot(view, "map", columns);
  if (isFirst) fitMap(view);
  drawMark(view);
}

function imageColumns({ n_rows: nRows, n_cols: nCols, width, grey }) {
  const bytes = atob(grey);
  const shape = [Math.ceil(nRows / width), Math.ceil(nCols / width)];
  const pixels = new Uint32Array(bytes.length);
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes.charCodeAt(i);
    pixels[i] = ((255 << 24) | (byte << 16) | (byte << 8) | byte) >>> 0;
  }
  const { ndarray } = Bokeh.require("core/util/ndarray");
  return {
    image: [ndarray(pixels.buffer, { dtype: "uint32", shape })],
    // the centre of the first pixel is 0
    x: [-0.5], y: [-0.5], dw: [shape[1] * width], dh: [shape[0] * width],
  };
}

// The picture is as high as its shape asks for, and not higher than the screen.
function fitMap(view) {
  const { plot } = view.plots.map;
  if (!plot) return;
  const { n_rows: nRows, n_cols: nCols } = view.image ?? { n_rows: 7, n_cols: 10 };
  const height = ((byId("map").clientWidth - 70) * nRows) / nCols;
  plot.height = Math.round(Math.min(Math.max(height, 150), Math.max(innerHeight - 180, 250), 620)) + 75;
}

function drawMark(view) {
  const item = chosenItem(view);
  const isHere = item >= 0 && Number.isFinite(view.data.x[item] + view.data.y[item]);
  const place = isHere ? { x: [view.data.x[item]], y: [view.data.y[item]] } : { x: [], y: [] };
  for (const role of ["halo", "ink"]) {
    if (view.plots.map.plot) view.plots.map.sources[`map-chosen-${role}`].data = place;
  }
  if (item >= 0 && document.activeElement !== byId("number")) byId("number").value = view.data.names[item];
}

function drawEmitter(view, emitter) {
  const { trace, study } = emitter;
  const colour = clusterOf(view, emitter.id) ? colourOf(view, emitter.id) : pageColour("accent");
  const curve = ({ x, y }) => ({ x: numbersOf(x), y: numbersOf(y) });
  if (isSomething(trace.y)) fillPlot(view, "trace", { "trace-data": curve(trace) });
  if (study?.processed) fillPlot(view, "processed", { "processed-data": curve(study.processed) });
  else clearPlot(view, "processed");
  if (study && isSomething(study.spectrum.y)) {
    const { fit, spectrum } = study;
    fillPlot(view, "spectrum", {
      "spectrum-points": curve(spectrum),
      "spectrum-fit": curve(fit),
      "spectrum-band": { x: numbersOf(fit.x), y: numbersOf(fit.low), top: numbersOf(fit.high) },
    });
  } else clearPlot(view, "spectrum");
  for (const name of ["trace", "processed", "spectrum"]) paintCurve(view, name, colour);
  listValues(view, emitter);
}

function listValues(view, { id, number, row, col, study }) {
  const rows = [["Name", id]];
  if (row !== null) rows.push(["Place", `row ${withUnit(row)}, column ${withUnit(col)}`]);
  if (study) {
    const interval = study.beta_low === null && study.beta_high === null ? ""
      : ` (95 %: ${withUnit(study.beta_low ?? -Infinity)} … ${withUnit(study.beta_high ?? Infinity)})`;
    rows.push(
      ["Cluster", study.cluster ? `cluster ${study.cluster}` : "not clustered"],
      ["β", study.beta === null ? "–" : decimals(study.beta, 3) + interval],
      ["Silhouette", decimals(study.silhouette, 3)],
      ["Label uncertainty", decimals(study.label_uncertainty, 3)],
    );
    if (study.is_outlier) rows.push(["Outlier", "yes: fits no cluster"]);
  }
  byId("values").replaceChildren(...rows.flatMap(([name, value]) => {
    const [term, text] = [document.createElement("dt"), document.createElement("dd")];
    [term.textContent, text.textContent] = [name, value];
    return [term, text];
  }));
  // what is shown, for those who wait for it
  Object.assign(byId("values").dataset, { id, number, seconds: byId("seconds").value });
}

function pointerText(view, x, y) {
  const item = itemAt(view.data, { picture: 0 }, x, y, reachOf(view));
  const place = `Row ${withUnit(Math.round(y))}, column ${withUnit(Math.round(x))}`;
  if (item < 0) return place;
  const id = view.data.ids[item];
  const cluster = clusterOf(view, id);
  const text = cluster === null ? "no decision yet" : cluster ? `cluster ${cluster}` : "not clustered";
  return `${place}; ${view.data.item} ${view.data.names[item]}: ${text}`;
}

function reachOf(view) {
  const { x_range: x, y_range: y } = view.plots.map.plot;
  // about 14 of 500 pixels
  return { x: 0.028 * Math.abs(x.end - x.start), y: 0.028 * Math.abs(y.end - y.start) };
}
