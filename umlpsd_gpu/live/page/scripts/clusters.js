// What the latest decision says: table, profiles, means of clusters, and how it came about.

function takeStudy(view, study) {
  view.study = study;
  view.labels = new Map(study ? study.ids.map((id, i) => [id, study.labels[i]]) : []);
  view.data.isPixels = Boolean(study?.is_pixels);
  view.data.item = view.data.isPixels ? "pixel" : "emitter";
  for (const word of document.querySelectorAll(".item-word")) word.textContent = view.data.item;
}

function drawStudy(view) {
  const { study } = view;
  if (!study) return;
  listClusters(study.clusters);
  showKey(study.clusters);
  setText("reason", study.reason);
  setText("scale", study.scale);
  drawMeanTraces(view, study);
  drawClusterSpectra(view, study);
  drawHistory(view, study.history);
  fillMetrics(study.profiles);
  drawMetric(view);
}

function swatch(colour) {
  const box = document.createElement("span");
  box.className = "swatch";
  box.style.background = colour;
  return box;
}

function listClusters(clusters) {
  byId("clusters").replaceChildren(...clusters.map((cluster) => {
    const row = document.createElement("tr");
    const values = [
      whole(cluster.n),
      `${decimals(cluster.beta, 3)} ± ${decimals(cluster.beta_stderr, 3)}`,
      cluster.beta_low === null ? "–" : `${decimals(cluster.beta_low, 2)} … ${decimals(cluster.beta_high, 2)}`,
      decimals(cluster.silhouette, 3),
      decimals(cluster.label_uncertainty, 3),
    ];
    const name = document.createElement("td");
    name.append(swatch(cluster.colour), String(cluster.cluster));
    row.append(name, ...values.map((text) => {
      const cell = document.createElement("td");
      cell.className = "n";
      cell.textContent = text;
      return cell;
    }));
    return row;
  }));
}

function showKey(clusters) {
  byId("key").replaceChildren(...clusters.map(({ cluster, colour, n }) => {
    const part = document.createElement("span");
    part.append(swatch(colour), `cluster ${cluster}: ${whole(n)}`);
    return part;
  }));
}

function linesOf(curves, clusters) {
  return {
    xs: curves.map(({ x }) => numbersOf(x)),
    ys: curves.map(({ y }) => numbersOf(y)),
    colour: clusters.map(({ colour }) => colour),
    cluster: clusters.map(({ cluster }) => cluster),
  };
}

function drawMeanTraces(view, { mean_traces: { x, y }, clusters }) {
  if (!y.length) return;
  fillPlot(view, "mean-traces", { "mean-traces-data": linesOf(y.map((each) => ({ x, y: each })), clusters) });
}

function drawClusterSpectra(view, { spectra: { x, y, low, high }, clusters }) {
  if (!y.some(isSomething)) return;
  const curves = y.map((each) => ({ x, y: each }));
  const bands = y.map((_, row) => bandOf(x, low[row], high[row]));
  fillPlot(view, "cluster-spectra", {
    "cluster-spectra-data": linesOf(curves, clusters),
    "cluster-bands": linesOf(bands, clusters),
  });
}

// The outline of a band; a cluster of a single trace has none.
function bandOf(x, low, high) {
  const known = x.map((_, i) => i).filter((i) => low[i] !== null && high[i] !== null && low[i] > 0);
  const back = known.toReversed();
  return {
    x: [...known, ...back].map((i) => x[i]),
    y: [...known.map((i) => low[i]), ...back.map((i) => high[i])],
  };
}

const MOST_NAMES = 12;

function drawHistory(view, { x, k, confidence, betas }) {
  if (!x.length) return;
  const changes = k.map((_, i) => i).filter((i) => i === 0 || k[i] !== k[i - 1]).slice(-MOST_NAMES);
  fillPlot(view, "probability", {
    "probability-data": { x: numbersOf(x), y: numbersOf(confidence), k },
    "probability-k": {
      x: changes.map((i) => x[i]), y: changes.map((i) => confidence[i]), text: changes.map((i) => `K = ${k[i]}`),
    },
  });
  const points = betas.flatMap(({ colour, ...curve }) => curve.x.map((at, i) => ({
    x: at, y: curve.y[i], low: curve.low[i], high: curve.high[i], colour,
  }))).filter(({ y }) => y !== null);
  if (!points.length) return;
  const bars = points.filter(({ low, high }) => low !== null && high !== null);
  const columns = (list, names) => Object.fromEntries(names.map((name) => [name, list.map((point) => point[name])]));
  fillPlot(view, "betas", {
    "betas-data": columns(points, ["x", "y", "colour"]),
    "betas-bars": columns(bars, ["x", "low", "high", "colour"]),
    "betas-lines": {
      xs: betas.map((curve) => numbersOf(curve.x)), ys: betas.map((curve) => numbersOf(curve.y)),
      colour: betas.map(({ colour }) => colour),
    },
  });
}

// The chosen metric is kept by its name.
function fillMetrics({ metrics }) {
  const select = byId("metric");
  const names = metrics.map(({ name }) => name);
  const old = Array.from(select.options, (option) => option.text);
  if (names.join("\n") === old.join("\n")) return;
  const chosen = Math.max(0, names.indexOf(select.selectedOptions[0]?.text));
  select.replaceChildren(...names.map((name, value) => new Option(name, value)));
  select.value = String(chosen);
  select.disabled = false;
}

function drawMetric(view) {
  const { profiles, k } = view.study;
  const { k_values: kValues, metrics } = profiles;
  const metric = metrics[Number(byId("metric").value)] ?? metrics[0];
  const values = numbersOf(metric.values);
  if (!isSomething(values)) { clearPlot(view, "metrics"); return; }
  const at = kValues.indexOf(k);
  const { plot } = fillPlot(view, "metrics", {
    "metrics-data": { x: kValues, y: values },
    "metrics-k": at < 0 ? { x: [], y: [] } : { x: [k], y: [values[at]] },
  });
  const label = metric.name + (metric.unit ? ` (${metric.unit})` : "");
  plot.left.find((part) => "axis_label" in part).axis_label = label;
}
