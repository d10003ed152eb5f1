// The picture with its items: colours, rings of outliers, the chosen item, what the pointer is at.

// Colours of all items by cluster or by a column.
function itemColours(data, state) {
  const column = data.columns[state.colourBy];
  if (!column) return Array.from(labelsOf(data, state), (label) => clusterColour(data, label));
  const limits = limitsOf(column.values);
  return Array.from(column.values, (value) => shade(data.palette, value, limits, data.noCluster));
}

// Labels at the chosen view and K: the saved ones, or the final ones where no others are saved.
function labelsOf(data, state) {
  const saved = data.labellings;
  if (!saved) return data.labels;
  const n = data.n;
  const start = (state.view * saved.kValues.length + state.k) * n;
  return saved.labels.subarray(start, start + n);
}

function isHere(data, state, item) {
  return data.pictureOf[item] === state.picture && Number.isFinite(data.x[item] + data.y[item]);
}

function drawPicture(data, state, sources) {
  const colours = itemColours(data, state);
  const here = Array.from(data.x, (_, item) => item).filter((item) => isHere(data, state, item));
  const places = (items) => ({
    x: items.map((item) => data.x[item]),
    y: items.map((item) => data.y[item]),
  });
  drawImage(data, state, sources, colours, here);
  if (sources["map-items"]) {
    sources["map-items"].data = {
      ...places(here),
      colour: here.map((item) => colours[item]),
      alpha: here.map((item) => (!state.brushed || state.brushed[item] ? 1 : 0.2)),
    };
  }
  const outliers = new Set(data.outliers);
  sources["map-outliers"].data = places(here.filter((item) => outliers.has(item)));
}

function drawChosen(data, state, sources) {
  const items = isHere(data, state, state.item) ? [state.item] : [];
  for (const role of ["halo", "ink"]) {
    sources[`map-chosen-${role}`].data = {
      x: items.map((item) => data.x[item]),
      y: items.map((item) => data.y[item]),
    };
  }
}

const MARGIN_PX = 4;

// The part of a picture that is drawn: around its pixels that are items, or all of it.
function partOf(data, state, layer) {
  if (!data.isPixels) return { top: 0, left: 0, nRows: layer.nRows, nCols: layer.nCols };
  let [top, left, bottom, right] = [layer.nRows, layer.nCols, 0, 0];
  for (let item = 0; item < data.n; item++) {
    if (!isHere(data, state, item)) continue;
    [top, bottom] = [Math.min(top, data.y[item]), Math.max(bottom, data.y[item])];
    [left, right] = [Math.min(left, data.x[item]), Math.max(right, data.x[item])];
  }
  [top, left] = [Math.max(0, top - MARGIN_PX), Math.max(0, left - MARGIN_PX)];
  bottom = Math.min(layer.nRows - 1, bottom + MARGIN_PX);
  right = Math.min(layer.nCols - 1, right + MARGIN_PX);
  return { top, left, nRows: bottom - top + 1, nCols: right - left + 1 };
}

function valueAt(layer, row, col) {
  const nCols = Math.ceil(layer.nCols / layer.width);
  const code = layer.codes[Math.floor(row / layer.width) * nCols + Math.floor(col / layer.width)];
  return code ? layer.scale[0] + (code - 1) * layer.scale[1] : NaN;
}

function drawImage(data, state, sources, colours, here) {
  const layer = data.pictures[state.picture]?.layers[state.layer];
  if (!layer) return;
  const part = partOf(data, state, layer);
  // pixels that are items keep their size; other images are drawn as they were thinned
  const width = data.isPixels ? 1 : layer.width;
  const [nRows, nCols] = [Math.ceil(part.nRows / width), Math.ceil(part.nCols / width)];
  const pixels = new Uint32Array(nRows * nCols);
  const [dark, bright] = layer.shown;
  for (let row = 0; row < nRows; row++) {
    for (let col = 0; col < nCols; col++) {
      const value = valueAt(layer, part.top + row * width, part.left + col * width);
      const share = Number.isNaN(value) ? 0 : (value - dark) / (bright - dark);
      const grey = Math.round(255 * Math.min(1, Math.max(0, share)));
      pixels[row * nCols + col] = ((255 << 24) | (grey << 16) | (grey << 8) | grey) >>> 0;
    }
  }
  if (data.isPixels && state.isOverlay) {
    for (const item of here) {
      if (state.brushed && !state.brushed[item]) continue;
      const [row, col] = [data.y[item] - part.top, data.x[item] - part.left].map(Math.round);
      pixels[row * nCols + col] = toPixel(colours[item]);
    }
  }
  const { ndarray } = Bokeh.require("core/util/ndarray");
  sources["map-image"].data = {
    image: [ndarray(pixels.buffer, { dtype: "uint32", shape: [nRows, nCols] })],
    // the centre of the first pixel is 0
    x: [part.left - 0.5], y: [part.top - 0.5], dw: [nCols * width], dh: [nRows * width],
  };
}

// The item at a place: the pixel itself, or the nearest item within a reach {x, y} in data units.
function itemAt(data, state, x, y, reach) {
  let [found, least] = [-1, 1];
  for (let item = 0; item < data.n; item++) {
    if (!isHere(data, state, item)) continue;
    const [dx, dy] = [Math.abs(data.x[item] - x), Math.abs(data.y[item] - y)];
    const distance = data.isPixels ? 2 * Math.max(dx, dy) : Math.hypot(dx / reach.x, dy / reach.y);
    if (distance <= least) [found, least] = [item, distance];
  }
  return found;
}

// The nearest item in one direction, for arrow keys.
function itemToward(data, state, [dx, dy]) {
  let [found, least] = [state.item, Infinity];
  for (let item = 0; item < data.n; item++) {
    if (item === state.item || !isHere(data, state, item)) continue;
    const [x, y] = [data.x[item] - data.x[state.item], data.y[item] - data.y[state.item]];
    const [along, across] = [x * dx + y * dy, Math.abs(x * dy - y * dx)];
    const distance = Math.hypot(along, 2 * across);
    if (along > 0 && across <= along && distance < least) [found, least] = [item, distance];
  }
  return found;
}

// What the pointer is at, as text with units.
function textAt(data, state, x, y, item) {
  const parts = [];
  const picture = data.pictures[state.picture];
  const layer = picture?.layers[state.layer];
  if (layer) {
    const [row, col] = [Math.round(y), Math.round(x)];
    if (row < 0 || col < 0 || row >= layer.nRows || col >= layer.nCols) return "";
    parts.push(`Row ${row}, column ${col}${lengthText(picture, row, col)}`);
    parts.push(`${layer.name.toLowerCase()} ${withUnit(valueAt(layer, row, col), layer.unit)}`);
  }
  if (item >= 0) {
    const shown = data.columns[state.colourBy] ?? data.columns[0];
    parts.push(`${data.item} ${item}: ${clusterText(data, labelsOf(data, state)[item])}`);
    parts.push(`${shown.name} ${valueOfColumn(shown, item)}`);
  }
  return parts.join("; ");
}

function lengthText(picture, row, col) {
  if (!picture?.pixelSize) return "";
  const [y, x] = [row, col].map((pixels) => withUnit(pixels * picture.pixelSize));
  return ` (y ${y}, x ${x} ${picture.lengthUnit})`;
}

function clusterText(data, cluster) {
  return cluster === 0 ? `no ${data.clusterWord}` : `${data.clusterWord} ${cluster}`;
}
