// Models x apps: a cell, a model, an app number or all of them are picked by click, by Space or by a range text.

const MARKS = [["B", "backend"], ["F", "frontend"], ["C", "compose file"]];

function draw(root, model) {
  const facts = model.get("facts"), link = twoWay(model), id = `batchnb-${link.page}`;
  const width = facts.numbers.length, height = facts.models.length;
  let rows = [], counts = [], anchor = null;

  const range = make("input", { id: `${id}-range`, type: "text", spellcheck: "false", autocomplete: "off",
    oninput: () => link.send({ do: "range", text: range.value }) });
  range.addEventListener("blur", () => redraw());
  const fault = faultOf(range, `${id}-fault`);
  const summary = make("span", { class: "batchnb-quiet", role: "status" });
  const every = (on) => () => pick(null, null, on);
  const head = make("div", { class: "batchnb-apps-head" }, make("label", { for: range.id }, "Apps"), range,
    make("button", { type: "button", class: "batchnb-small", onclick: every(true) }, "All"),
    make("button", { type: "button", class: "batchnb-small", onclick: every(false) }, "None"), summary);

  // at[row + 1][column + 1]; the first of each is a header, the very first one stands for everything
  const at = Array.from({ length: height + 1 }, () => Array(width + 1).fill(null));

  function words(row, column) {
    const [parts, placeholder, files, lines, unparsed] = facts.cells[row][column];
    const has = MARKS.filter((_, place) => parts[place] !== "·").map(([, word]) => word);
    const notes = [`${files.toLocaleString("en")} files, ${lines.toLocaleString("en")} lines of code`];
    if (placeholder) notes.push("placeholder: almost nothing to analyse");
    if (unparsed) notes.push(`${unparsed} ${unparsed === 1 ? "file does" : "files do"} not parse`);
    return `${facts.models[row]} app ${facts.numbers[column]}: ${has.join(", ") || "nothing"}; ${notes.join("; ")}`;
  }
  function box(row, column, name, ...children) {
    const node = make("button", { type: "button", role: "checkbox", "aria-checked": "false", "aria-label": name, title: name,
      class: row < 0 || column < 0 ? "batchnb-pick batchnb-pick-many" : "batchnb-pick", tabindex: -1,
      onclick: (event) => click(row, column, event), onkeydown: (event) => move(row, column, event) },
      make("span", { class: "batchnb-tick", "aria-hidden": "true" }), ...children);
    at[row + 1][column + 1] = node;
    node.addEventListener("focus", () => rove(node));
    return node;
  }
  function cell(row, column) {
    if (!facts.cells[row][column]) return make("td", { role: "gridcell", "aria-label": "no such app" });
    const [parts, placeholder, , , unparsed] = facts.cells[row][column];
    const marks = `${placeholder ? "∅" : ""}${unparsed ? "⚠" : ""}`;
    return make("td", { role: "gridcell" }, box(row, column, words(row, column),
      make("span", { class: "batchnb-parts" }, parts), make("span", { class: "batchnb-marks" }, marks)));
  }
  const count = facts.models.map(() => make("span", { class: "batchnb-count" }));
  const table = make("table", { role: "grid", "aria-label": "Apps: models in rows, app numbers in columns" },
    make("thead", {}, make("tr", { role: "row" },
      make("th", { role: "columnheader" }, box(-1, -1, "all apps of all models", make("span", {}, "all"))),
      ...facts.numbers.map((number, column) => make("th", { role: "columnheader" },
        box(-1, column, `app ${number} of all models`, make("span", {}, String(number))))))),
    make("tbody", {}, ...facts.models.map((name, row) => make("tr", { role: "row" },
      make("th", { role: "rowheader" }, box(row, -1, `all apps of ${name}`, make("span", { class: "batchnb-model" }, name), count[row])),
      ...facts.numbers.map((_, column) => cell(row, column))))));
  const hint = width ? "B backend, F frontend, C compose file, · not there, ∅ placeholder, ⚠ files that do not parse. " +
    "Arrow keys move, Space picks, Shift and click picks a block." : "Too many apps to draw one by one: pick models here, and apps by the range above.";
  root.replaceChildren(make("section", { class: "batchnb-apps", "aria-label": "Choice of apps", "data-lm-suppress-shortcuts": "true" }, head, fault.node,
    make("div", { class: "batchnb-apps-scroll" }, table), make("p", { class: "batchnb-quiet" }, hint)));
  watchKernel(root, model, "");
  at[0][0].tabIndex = 0;

  function rove(node) {
    for (const line of at) for (const other of line) if (other && other.tabIndex === 0 && other !== node) other.tabIndex = -1;
    node.tabIndex = 0;
  }
  function move(row, column, event) {
    const step = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] }[event.key];
    const edge = { Home: [0, -1], End: [0, 1] }[event.key];
    if ((!step && !edge) || event.altKey || event.metaKey) return;
    event.preventDefault();
    event.stopPropagation();
    let next = null, [r, c] = [row + 1, column + 1];
    const [down, right] = step || edge;
    for (r += down, c += right; at[r] && c >= 0 && c <= width; r += down, c += right) {
      if (at[r][c]) { next = at[r][c]; if (step) break; }
    }
    if (next) { next.focus(); next.scrollIntoView({ block: "nearest", inline: "nearest" }); }
  }
  function click(row, column, event) {
    const on = state(row, column) !== "true";
    const single = row >= 0 && column >= 0;
    if (single && event.shiftKey && anchor) pick([anchor[0], row], [anchor[1], column], anchor[2]);
    else pick(row < 0 ? null : [row, row], column < 0 ? null : [column, column], on);
    if (single) anchor = [row, column, on];
  }
  // What the kernel will say, shown at once.
  function pick(rowEnds, columnEnds, on) {
    link.send({ do: "pick", rows: rowEnds, columns: columnEnds, on });
    const inside = (ends, place) => !ends || (place >= Math.min(...ends) && place <= Math.max(...ends));
    rows = rows.map((line, row) => [...line].map((mark, column) =>
      mark !== " " && inside(rowEnds, row) && inside(columnEnds, column) ? (on ? "1" : "0") : mark).join(""));
    if (!width) counts = counts.map(([some, all], row) => inside(rowEnds, row) ? [on ? all : 0, all] : [some, all]);
    paint();
  }
  function sum(row) {
    if (!width) return counts[row];
    const line = rows[row];
    return [line.split("1").length - 1, line.replaceAll(" ", "").length];
  }
  function state(row, column) {
    if (row >= 0 && column >= 0) return rows[row][column] === "1" ? "true" : "false";
    let some = 0, all = 0;
    if (column < 0) for (let r = row < 0 ? 0 : row; r <= (row < 0 ? height - 1 : row); r += 1) { const [s, a] = sum(r); some += s; all += a; }
    else for (const line of rows) { some += line[column] === "1"; all += line[column] !== " "; }
    return some === 0 ? "false" : some === all ? "true" : "mixed";
  }
  function paint() {
    for (let row = -1; row < height; row += 1) for (let column = -1; column < width; column += 1) {
      const node = at[row + 1][column + 1];
      if (!node) continue;
      const now = state(row, column);
      if (node.getAttribute("aria-checked") === now && node.dataset.drawn) continue;
      node.setAttribute("aria-checked", now);
      node.dataset.drawn = "1";
      node.firstChild.textContent = { true: "✓", mixed: "–", false: "" }[now];
    }
    count.forEach((node, row) => { const [some, all] = sum(row); say(node, `${some}/${all}`); });
  }
  function redraw() {
    const now = model.get("state");
    if (!link.settled()) return;
    ({ rows, counts } = now);
    fill(range, now.text);
    range.placeholder = now.mixed ? "differs between models" : "all, or for example 1-3,5";
    fault.show(now.fault);
    say(summary, now.summary);
    paint();
  }
  return redraw;
}
