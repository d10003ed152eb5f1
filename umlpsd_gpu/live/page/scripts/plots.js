// Plots of Bokeh, each made when its first data come: an empty plot would have no axes.

const numbersOf = (values) => Float64Array.from(values, (value) => value ?? NaN);
const isSomething = (values) => values.some((value) => Number.isFinite(value));

function readPlots() {
  const documents = JSON.parse(document.getElementById("live-plots").textContent);
  return Object.fromEntries(Object.entries(documents).map(([name, json]) => [name, {
    name, json, plot: null, sources: {}, ready: null,
  }]));
}

function makePlot(view, entry) {
  const { Document } = Bokeh.require("document");
  entry.document = Document.from_json(entry.json);
  [entry.plot] = entry.document.roots();
  for (const renderer of entry.plot.renderers) {
    entry.sources[renderer.data_source.name] = renderer.data_source;
  }
  if (matchMedia("(pointer: coarse)").matches) {
    // a finger that moves over a plot scrolls the page
    entry.plot.toolbar.active_drag = null;
  }
  colourPlot(view, entry.plot);
  entry.connect?.(entry.plot);
}

function colourPlot(view, plot) {
  colourPlots(view.header, { plot });
  for (const renderer of plot.renderers) {
    if (renderer.name === "ink-text") renderer.glyph.text_color = pageColour("ink");
  }
}

// Puts new columns into the sources of a plot, {source: {column: values}}; zoom and selection stay.
function fillPlot(view, name, columns) {
  const entry = view.plots[name];
  if (!entry.plot) makePlot(view, entry);
  for (const [source, data] of Object.entries(columns)) entry.sources[source].data = data;
  if (!entry.ready) {
    document.getElementById(`empty-${name}`).hidden = true;
    const target = document.getElementById(`plot-${name}`);
    entry.ready = Bokeh.embed.add_document_standalone(entry.document, document.body, [target]);
  }
  return entry;
}

function clearPlot(view, name) {
  const entry = view.plots[name];
  for (const source of Object.values(entry.sources)) {
    source.data = Object.fromEntries(Object.keys(source.data).map((column) => [column, []]));
  }
}

function paintCurve(view, name, colour) {
  for (const renderer of view.plots[name].plot?.renderers ?? []) {
    if (renderer.name === "cluster") paintGlyph(renderer.glyph, colour);
  }
}

function recolourAll(view) {
  for (const { plot } of Object.values(view.plots)) if (plot) colourPlot(view, plot);
}
