// Native controls: they work with a keyboard and with screen readers.

const byId = (id) => document.getElementById(`explorer-${id}`);

function fillSelect(select, texts, chosen, isHidden = texts.length < 2) {
  select.replaceChildren(...texts.map((text, value) => new Option(text, value)));
  select.value = String(chosen);
  select.closest("label").hidden = isHidden;
}

function fillControls(data, state) {
  const saved = data.labellings;
  fillSelect(byId("picture"), data.pictures.map((picture) => picture.name), 0);
  const layers = data.pictures[0]?.layers ?? [];
  fillSelect(byId("layer"), layers.map((layer) => layer.name), 0);
  const columns = data.columns.map((column) => column.name);
  fillSelect(byId("colour"), [...columns, capitalised(data.clusterWord)], columns.length);
  fillSelect(byId("histogram-column"), columns, 0);
  fillSelect(byId("view"), saved?.views ?? [], state.view, !saved);
  fillSelect(byId("k"), (saved?.kValues ?? []).map((k) => `K = ${k}`), state.k, !saved);
  fillSelect(byId("metric"), (saved?.metrics ?? []).map((metric) => metric.name), 0);
  byId("overlay").closest("label").hidden = !(data.isPixels && layers.length);
  byId("picture").value = String(state.picture);
  byId("number").max = data.n - 1;
}

function showValues(data, state) {
  byId("number").value = state.item;
  byId("values").replaceChildren(...listValues(data, state).flatMap(([name, value]) => {
    const [term, text] = [document.createElement("dt"), document.createElement("dd")];
    [term.textContent, text.textContent] = [name, value];
    return [term, text];
  }));
}

function showChoice(data, state) {
  const saved = data.labellings;
  if (!saved) return;
  const isDecided = state.view === saved.view && state.k === saved.k;
  byId("choice").textContent = isDecided
    ? "Shown: the labels of the result."
    : `Shown: saved labels at ${saved.views[state.view]}, K = ${saved.kValues[state.k]}; the result is `
      + `${saved.views[saved.view]}, K = ${saved.kValues[saved.k]}.`;
}

function showKey(data, state) {
  const column = data.columns[state.colourBy];
  const parts = column ? scaleKey(data, column) : clusterKey(data, state);
  byId("key").replaceChildren(...parts);
}

function swatch(colour) {
  const box = document.createElement("span");
  box.className = "swatch";
  box.style.background = colour;
  return box;
}

function clusterKey(data, state) {
  const counts = new Map();
  for (const label of labelsOf(data, state)) counts.set(label, (counts.get(label) ?? 0) + 1);
  return [...counts.keys()].sort((a, b) => (a || Infinity) - (b || Infinity)).map((label) => {
    const entry = document.createElement("span");
    const text = `${capitalised(clusterText(data, label))} (${counts.get(label)})`;
    entry.append(swatch(clusterColour(data, label)), text);
    return entry;
  });
}

function scaleKey(data, column) {
  const [low, high] = limitsOf(column.values);
  const bar = document.createElement("span");
  bar.className = "bar";
  bar.style.background = `linear-gradient(to right, ${data.palette.filter((_, i) => i % 16 === 0).join()})`;
  return [withUnit(low, column.unit), bar, `${withUnit(high, column.unit)} (2nd to 98th percentile)`];
}

function showBrush(data, state) {
  const n = state.brushed ? state.brushed.reduce((sum, is) => sum + is, 0) : 0;
  byId("brushed").textContent = state.brushed
    ? `${n} of ${data.n} selected${state.brushText}.`
    : "Drag over the histogram or the picture to select, or give limits.";
  byId("clear").disabled = !state.brushed;
}

const MOST_LISTED = 200;

function listOutliers(data, choose) {
  const column = data.columns.find((one) => one.name === data.outlierColumn);
  const first = data.columns[0];
  const rows = Array.from(data.outliers).slice(0, MOST_LISTED).map((item) => {
    const row = document.createElement("tr");
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = `${data.item} ${item}`;
    const cells = [button, data.ids[item] ?? "", column ? valueOfColumn(column, item) : "",
      clusterText(data, data.labels[item]), valueOfColumn(first, item)];
    row.append(...cells.map((content) => {
      const cell = document.createElement("td");
      cell.append(content);
      return cell;
    }));
    row.addEventListener("click", () => choose(item));
    return row;
  });
  byId("outlier-rows").replaceChildren(...rows);
  byId("outliers").hidden = rows.length === 0;
  byId("outlier-score").textContent = column?.name ?? "";
  byId("outlier-first").textContent = first.name;
  const n = data.outliers.length;
  byId("outlier-count").textContent = n > MOST_LISTED ? `the first ${MOST_LISTED} of ${n}` : String(n);
}
