// The chosen item: its curves, its values as text; the histogram and the metrics of labellings.

function drawCurves(data, state, sources, plots) {
  const colour = clusterColour(data, labelsOf(data, state)[state.item]);
  data.panels.forEach((panel, number) => {
    panel.curves.forEach((curves, place) => {
      sources[`panel-${number}-${place}`].data = curveOf(curves, state.item, panel.isLog);
    });
    for (const renderer of plots[`panel-${number}`].renderers) {
      if (renderer.name === "cluster") paintGlyph(renderer.glyph, colour);
    }
  });
}

function listValues(data, state) {
  const item = state.item;
  const picture = data.pictures[data.pictureOf[item]];
  const cluster = labelsOf(data, state)[item];
  const rows = data.ids.length ? [["Name", data.ids[item]]] : [];
  if (picture) {
    rows.push(["Picture", picture.name]);
    if (Number.isFinite(data.x[item])) {
      const place = `row ${withUnit(data.y[item])}, column ${withUnit(data.x[item])}`;
      rows.push(["Place", place + lengthText(picture, data.y[item], data.x[item])]);
    }
  }
  const word = capitalised(data.clusterWord);
  rows.push([word, clusterText(data, cluster)]);
  if (cluster !== data.labels[item]) {
    rows.push([`${word} in the result`, clusterText(data, data.labels[item])]);
  }
  for (const column of data.columns) rows.push([column.name, valueOfColumn(column, item)]);
  if (data.outliers.includes(item)) rows.push(["Outlier", `yes: fits no ${data.clusterWord}`]);
  return rows;
}

const N_BINS = 40;

// Edges and counts of a histogram of the finite values among some items.
function drawHistogram(data, state, sources, plots) {
  const column = data.columns[state.histogram];
  const finite = Array.from(column.values).filter(Number.isFinite);
  const low = finite.reduce((a, b) => Math.min(a, b), Infinity);
  const high = finite.reduce((a, b) => Math.max(a, b), -Infinity);
  const width = (high - low) / N_BINS || 1;
  const left = Array.from({ length: N_BINS }, (_, bin) => low + bin * width);
  const right = left.map((edge) => edge + width);
  const counts = (isCounted) => {
    const top = new Array(N_BINS).fill(0);
    column.values.forEach((value, item) => {
      if (!Number.isFinite(value) || !isCounted(item)) return;
      top[Math.min(N_BINS - 1, Math.floor((value - low) / width))] += 1;
    });
    return top;
  };
  if (!finite.length) left.length = right.length = 0;
  const all = finite.length ? counts(() => true) : [];
  const brushed = finite.length && state.brushed ? counts((item) => state.brushed[item]) : [];
  sources["histogram-all"].data = { left, right, top: all };
  const shown = state.brushed ? { left, right, top: brushed } : { left: [], right: [], top: [] };
  sources["histogram-brushed"].data = shown;
  const label = column.name + (column.unit ? ` (${column.unit})` : "");
  plots.histogram.below.find((part) => "axis_label" in part).axis_label = label;
}

function markInHistogram(data, state, span) {
  const value = data.columns[state.histogram].values[state.item];
  span.location = Number.isFinite(value) ? value : null;
}

function drawMetrics(data, state, sources, plots) {
  const saved = data.labellings;
  if (!saved) return;
  const metric = saved.metrics[state.metric];
  const n = saved.kValues.length;
  const profile = (view) => Array.from(metric.values.subarray(view * n, (view + 1) * n));
  const others = saved.views.map((_, view) => view).filter((view) => view !== state.view);
  sources["metrics-others"].data = { xs: others.map(() => saved.kValues), ys: others.map(profile) };
  const chosen = profile(state.view);
  sources["metrics-chosen"].data = { x: saved.kValues, y: chosen };
  sources["metrics-k"].data = { x: [saved.kValues[state.k]], y: [chosen[state.k]] };
  const label = metric.name + (metric.unit ? ` (${metric.unit})` : "");
  plots.metrics.left.find((part) => "axis_label" in part).axis_label = label;
}
