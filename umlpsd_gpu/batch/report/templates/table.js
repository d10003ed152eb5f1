// Sorts and filters the table of the archive. Without it the table is whole and plain.
"use strict";
document.documentElement.classList.add("js");
document.addEventListener("DOMContentLoaded", () => {
  const PAGE = 200;
  const table = document.getElementById("inputs");
  const body = table.tBodies[0];
  const heads = [...table.tHead.rows[0].cells];
  const words = document.getElementById("words");
  const kind = document.getElementById("kind");
  const count = document.getElementById("count");
  const more = document.getElementById("more");
  const natural = new Intl.Collator("en", { numeric: true, sensitivity: "base" });
  const rows = [...body.rows].map((row, place) => ({
    row, place, text: row.textContent.toLowerCase(), kind: row.dataset.kind || "",
  }));
  let sorted = { column: -1, sign: 1 };
  let shown = PAGE;
  let matching = rows;

  // the first number of a cell, NaN where it has none
  const numberOf = (cell) => {
    const found = cell && !cell.hasAttribute("colspan")
      && cell.textContent.replace(/,/g, "").replace(/\u2212/g, "-").match(/-?\d+(\.\d+)?(e[+-]?\d+)?/i);
    return found ? parseFloat(found[0]) : NaN;
  };
  const compare = (one, other) => {
    const { column, sign } = sorted;
    if (column < 0) return one.place - other.place;
    if (column === 0) {
      return sign * natural.compare(one.row.cells[0].textContent, other.row.cells[0].textContent)
        || one.place - other.place;
    }
    const a = one.key, b = other.key;
    // what has no number comes last, whichever way the others are sorted
    if (Number.isNaN(a) || Number.isNaN(b)) {
      return Number.isNaN(a) - Number.isNaN(b) || one.place - other.place;
    }
    return sign * (a - b) || one.place - other.place;
  };
  const draw = () => {
    body.replaceChildren(...matching.slice(0, shown).map((each) => each.row));
    const n = Math.min(shown, matching.length);
    count.textContent = `${n.toLocaleString("en")} of ${matching.length.toLocaleString("en")} shown`
      + (matching.length < rows.length ? `, ${rows.length.toLocaleString("en")} in all` : "");
    more.hidden = n === matching.length;
  };
  const update = () => {
    const wanted = words.value.toLowerCase().split(/\s+/).filter(Boolean);
    matching = rows.filter((each) =>
      (!kind.value || each.kind.split(" ").includes(kind.value))
      && wanted.every((word) => each.text.includes(word)));
    if (sorted.column > 0) {
      for (const each of matching) each.key = numberOf(each.row.cells[sorted.column]);
    }
    matching = [...matching].sort(compare);
    shown = PAGE;
    draw();
  };

  heads.forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    head.setAttribute("aria-sort", "none");
    button.addEventListener("click", () => {
      const again = sorted.column === column;
      sorted = { column, sign: again ? -sorted.sign : 1 };
      for (const other of heads) other.setAttribute("aria-sort", "none");
      head.setAttribute("aria-sort", sorted.sign > 0 ? "ascending" : "descending");
      update();
    });
  });
  words.addEventListener("input", update);
  kind.addEventListener("change", update);
  more.addEventListener("click", () => { shown += 10 * PAGE; draw(); });
  window.addEventListener("beforeprint", () => { shown = matching.length; draw(); });
  update();
  document.documentElement.classList.add("ready");
});
