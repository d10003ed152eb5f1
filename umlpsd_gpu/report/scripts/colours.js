// Colours: of the page's theme for lines and axes, of clusters and values for items.

function pageColour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}

const ROLES = { ink: "ink", soft: "soft", accent: "mark", halo: "page", cluster: "accent" };

// Renderers are named by their role; axes and titles take the colours of text.
function colourPlots(data, plots) {
  const [ink, soft, line] = ["ink", "soft", "line"].map(pageColour);
  for (const plot of Object.values(plots)) {
    for (const axis of [...plot.below, ...plot.left].filter((part) => "axis_label" in part)) {
      axis.setv({
        axis_label_text_color: ink, major_label_text_color: soft, axis_line_color: soft,
        major_tick_line_color: soft, minor_tick_line_color: null, axis_label_text_font_style: "normal",
      });
    }
    for (const grid of plot.center.filter((part) => "grid_line_color" in part)) {
      grid.grid_line_color = line;
    }
    for (const part of plot.center) {
      if (part.type === "Legend") part.label_text_color = ink;
      if (part.type === "Span") part.line_color = ink;
    }
    for (const renderer of plot.renderers) {
      const [, part] = renderer.name?.match(/^part-(\d+)$/) ?? [];
      if (part) paintGlyph(renderer.glyph, clusterColour(data, Number(part)));
      if (ROLES[renderer.name]) paintGlyph(renderer.glyph, pageColour(ROLES[renderer.name]));
    }
  }
}

function paintGlyph(glyph, colour) {
  if (glyph.type === "Quad" || glyph.type === "VArea") glyph.fill_color = colour;
  else glyph.line_color = colour;
  if (glyph.type === "Scatter" && glyph.fill_color?.value !== null) glyph.fill_color = colour;
}

function clusterColour(data, cluster) {
  if (cluster === 0) return data.noCluster;
  return data.clusterColours[(cluster - 1) % data.clusterColours.length];
}

// Between the 2nd and 98th percentile of the finite values, so that a few extremes hide nothing.
function limitsOf(values) {
  const finite = Float64Array.from(values).filter(Number.isFinite).sort();
  if (!finite.length) return [0, 1];
  const at = (share) => finite[Math.round(share * (finite.length - 1))];
  const [low, high] = [at(0.02), at(0.98)];
  return high > low ? [low, high] : [low, low + Math.max(1e-12, Math.abs(low) * 1e-6)];
}

function shade(palette, value, [low, high], missing) {
  if (!Number.isFinite(value)) return missing;
  const share = Math.min(1, Math.max(0, (value - low) / (high - low)));
  return palette[Math.round(share * (palette.length - 1))];
}

// #rrggbb as a number whose bytes are red, green, blue, alpha
function toPixel(colour) {
  const rgb = parseInt(colour.slice(1), 16);
  return ((255 << 24) | ((rgb & 255) << 16) | (rgb & 0xff00) | (rgb >> 16)) >>> 0;
}
