// The data of the page: a header of plain values, and arrays in one deflated block.

async function readExplorer() {
  const header = JSON.parse(document.getElementById("explorer-header").textContent);
  const text = atob(document.getElementById("explorer-arrays").textContent.trim());
  const packed = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) packed[i] = text.charCodeAt(i);
  const unpacked = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"));
  const block = await new Response(unpacked).arrayBuffer();
  return withArrays(header, block);
}

const ARRAY_TYPES = {
  u1: Uint8Array, u2: Uint16Array, i2: Int16Array, i4: Int32Array, f4: Float32Array,
};

// Puts arrays in the place of their descriptions {at, n, type}.
function withArrays(value, block) {
  if (Array.isArray(value)) return value.map((part) => withArrays(part, block));
  if (value === null || typeof value !== "object") return value;
  if ("at" in value && "type" in value) {
    return new ARRAY_TYPES[value.type](block, value.at, value.n);
  }
  const found = {};
  for (const [key, part] of Object.entries(value)) found[key] = withArrays(part, block);
  return found;
}

// One row of values in 16 bits: low + (code − 1) · step; code 0 is NaN.
function rowOf(values, row, n, isLog) {
  const [low, step] = [values.scale[2 * row], values.scale[2 * row + 1]];
  const found = new Float64Array(n);
  for (let i = 0; i < n; i++) {
    const code = values.codes[row * n + i];
    const number = code ? low + (code - 1) * step : NaN;
    found[i] = isLog ? 10 ** number : number;
  }
  return found;
}

// The curve of an item as columns of its source; empty where the item has none.
function curveOf(curves, item, isLog) {
  const row = curves.rows ? curves.rows[item] : item;
  if (row < 0) return { x: [], y: [], top: [] };
  const n = curves.n;
  const x = curves.isCommon ? curves.x : curves.x.subarray(row * n, (row + 1) * n);
  const y = curves.parts ? sumOfParts(curves, row) : rowOf(curves.y, row, n, isLog);
  const found = { x: Float64Array.from(x), y };
  if (curves.top) found.top = rowOf(curves.top, row, n, isLog);
  return found;
}

function sumOfParts({ weights, parts, n }, row) {
  const nParts = parts.length / n;
  const found = new Float64Array(n);
  for (let part = 0; part < nParts; part++) {
    const weight = weights[row * nParts + part];
    for (let i = 0; i < n; i++) found[i] += weight * parts[part * n + i];
  }
  return found;
}

const capitalised = (text) => text[0].toUpperCase() + text.slice(1);

// Four significant digits, a true minus sign, and the unit; a dash for NaN.
function withUnit(value, unit = "") {
  if (!Number.isFinite(value)) return value === Infinity ? "∞" : value === -Infinity ? "−∞" : "–";
  const size = Math.abs(value);
  const text = size !== 0 && (size >= 1e6 || size < 1e-3)
    ? value.toExponential(3)
    : String(Number(value.toPrecision(4)));
  return text.replaceAll("-", "−") + (unit ? ` ${unit}` : "");
}

function valueOfColumn(column, item) {
  const value = column.values[item];
  const text = withUnit(value, column.unit);
  if (!column.low || !Number.isFinite(value)) return text;
  const [low, high] = [column.low[item], column.high[item]];
  if (column.interval === "standard error") {
    return `${withUnit(value)} ± ${withUnit(Number(((high - low) / 2).toPrecision(2)), column.unit)}`;
  }
  return `${text} (${column.interval}: ${withUnit(low)} … ${withUnit(high)})`;
}
