// The explorer's table, facets and bars. Only numbers go back to the kernel: places of rows and of values.

// Build a part anew, and leave the focus on what stands for the same thing.
function rebuilt(node, children) {
  const held = node.contains(document.activeElement) ? document.activeElement.dataset.key : undefined;
  node.replaceChildren(...children);
  if (held === undefined) return;
  const again = [...node.querySelectorAll("[data-key]")].find((each) => each.dataset.key === held);
  if (again) again.focus({ preventScroll: true });
}

// A button that has nothing to do just now; it keeps the focus, which a disabled one would lose.
const dim = (button, off) => button.setAttribute("aria-disabled", String(Boolean(off)));

const number = (value) => value.toLocaleString("en");

function severityChip(level) {
  return make("span", { class: `batchnb-chip batchnb-${["high", "medium", "low"].includes(level) ? level : "none"}` }, level);
}

function tablePart(ask, open) {
  const head = make("tr", { role: "row" }), body = make("tbody", { role: "rowgroup" });
  const table = make("table", { role: "grid", "aria-label": "Findings", "aria-readonly": "true" }, make("thead", { role: "rowgroup" }, head), body);
  const empty = make("p", { class: "batchnb-x-empty", hidden: true });
  const box = make("div", { class: "batchnb-x-scroll" }, table, empty);
  const at = make("span", { class: "batchnb-x-at" });
  const turn = (text, label, step) => make("button", { type: "button", class: "batchnb-small", "aria-label": label, onclick: () => go(step) }, text);
  const [first, back, next, last] = [turn("« First", "First page", -Infinity), turn("◀ Previous", "Previous page", -1),
    turn("Next ▶", "Next page", 1), turn("Last »", "Last page", Infinity)];
  const pager = make("nav", { class: "batchnb-x-pager", "aria-label": "Pages of the table" }, first, back, at, next, last);
  const node = make("div", { class: "batchnb-x-main" }, box, pager);
  let now = null, drawn = "", heads = "", goal = 0, focus = null;

  function go(step) {
    const wanted = Math.min(now.pages - 1, Math.max(0, now.page + step));
    if (wanted !== now.page) { goal = step < 0 ? -1 : 0; ask({ do: "page", page: wanted }); }
    return wanted !== now.page;
  }
  function hold(index) {
    const rows = [...body.children];
    for (const row of rows) row.tabIndex = -1;
    if (!rows.length) return;
    const row = rows[Math.min(rows.length - 1, Math.max(0, index))];
    row.tabIndex = 0;
    return row;
  }
  function pressed(event) {
    const row = event.target.closest("tbody tr");
    if (!row || event.ctrlKey || event.metaKey || event.altKey) return;
    const rows = [...body.children], index = rows.indexOf(row);
    const steps = { ArrowDown: 1, ArrowUp: -1, Home: -rows.length, End: rows.length };
    if (event.key === "Enter" || event.key === " ") open(Number(row.dataset.row));
    else if (event.key === "Escape") ask({ do: "close" });
    else if (event.key === "PageDown" || event.key === "PageUp") { if (go(event.key === "PageDown" ? 1 : -1)) focus = true; }
    else if (event.key in steps) {
      const to = index + steps[event.key];
      if (Math.abs(steps[event.key]) === 1 && (to < 0 || to >= rows.length)) { if (go(Math.sign(steps[event.key]))) focus = true; }
      else { const target = hold(to); target.focus({ preventScroll: true }); target.scrollIntoView({ block: "nearest" }); }
    } else return;
    event.preventDefault();
    event.stopPropagation();
  }
  body.onkeydown = pressed;
  body.onclick = (event) => {
    const row = event.target.closest("tr");
    if (row && !String(document.getSelection())) { hold([...body.children].indexOf(row)); open(Number(row.dataset.row)); }
  };

  function header(column, sort) {
    const on = sort.column === column.name, arrow = on ? (sort.descending ? " ▼" : " ▲") : "";
    return make("th", { scope: "col", role: "columnheader", class: `batchnb-x-${column.name}`, "aria-sort": on ? (sort.descending ? "descending" : "ascending") : "none" },
      make("button", { type: "button", "data-key": `sort-${column.name}`, title: "Sort", onclick: () => ask({ do: "sort", name: column.name }) }, `${column.title}${arrow}`));
  }
  function line(row, index) {
    return make("tr", { role: "row", tabindex: -1, "data-row": row.row, "aria-rowindex": now.first + index + 2 },
      ...row.cells.map((text, place) => make("td", { role: "gridcell", class: `batchnb-x-${now.columns[place].name}` },
        now.columns[place].name === "severity" ? severityChip(text) : text)));
  }
  function update(state) {
    now = state;
    const headKey = JSON.stringify([state.columns, state.sort]);
    if (headKey !== heads) { heads = headKey; rebuilt(head, state.columns.map((column) => header(column, state.sort))); }
    table.setAttribute("aria-rowcount", state.count + 1);
    table.setAttribute("aria-label", `${state.sheets[state.sheet].noun}s`);
    const key = JSON.stringify([state.generation, state.sheet, state.rows, state.first]);
    if (key !== drawn) {
      const inside = body.contains(document.activeElement), page = drawn && JSON.parse(drawn)[3] !== state.first;
      const held = [...body.children].findIndex((row) => row.tabIndex === 0);
      drawn = key;
      body.replaceChildren(...state.rows.map(line));
      const row = hold(page ? (goal < 0 ? state.rows.length - 1 : 0) : Math.max(0, held));
      if (page) box.scrollTop = goal < 0 ? box.scrollHeight : 0;
      if (row && (inside || focus)) { row.focus({ preventScroll: true }); row.scrollIntoView({ block: "nearest" }); }
      focus = null; goal = 0;
    }
    const opened = state.opened && state.opened[0] === state.sheet ? state.opened[1] : -1;
    for (const row of body.children) row.setAttribute("aria-selected", String(Number(row.dataset.row) === opened));
    table.hidden = !state.count;
    empty.hidden = Boolean(state.count);
    say(empty, state.measured.empty);
    pager.hidden = state.pages < 2;
    at.textContent = `${number(state.first + 1)}–${number(state.first + state.rows.length)} of ${number(state.count)}`;
    for (const each of [first, back]) dim(each, state.page === 0);
    for (const each of [next, last]) dim(each, state.page >= state.pages - 1);
  }
  function returnFocus() { const row = body.querySelector('tr[tabindex="0"]'); if (row) row.focus(); }
  return { node, update, returnFocus };
}

function facetsPart(ask) {
  const lists = make("div", { class: "batchnb-x-facets" });
  const fold = make("details", { class: "batchnb-x-side", open: true }, make("summary", {}, "Filter"), lists);
  let drawn = "";
  function value(facet, each) {
    const box = make("input", { type: "checkbox", "data-key": `${facet.name}-${each.value}`,
      onchange: () => ask({ do: "facet", name: facet.name, value: each.value, on: box.checked }) });
    box.checked = each.on;
    return make("label", { class: each.count ? "" : "batchnb-x-none" }, box, make("span", { class: "batchnb-x-label", title: each.label }, each.label),
      make("span", { class: "batchnb-x-count" }, number(each.count)));
  }
  function group(facet) {
    const more = facet.wide || facet.more ? make("button", { type: "button", class: "batchnb-x-more", "data-key": `wide-${facet.name}`, "aria-expanded": String(facet.wide),
      onclick: () => ask({ do: "wide", name: facet.name }) }, facet.wide ? "show fewer" : `and ${number(facet.more)} more`) : null;
    const rest = facet.wide && facet.more ? make("span", { class: "batchnb-quiet" }, `and ${number(facet.more)} more: search for them. `) : null;
    return make("fieldset", {}, make("legend", {}, facet.title), ...facet.values.map((each) => value(facet, each)), rest, more);
  }
  function update({ facets, generation }) {
    const key = JSON.stringify([generation, facets]);
    if (key === drawn) return;
    drawn = key;
    rebuilt(lists, facets.filter((facet) => facet.values.length).map(group));
  }
  return { node: fold, update };
}

function barsPart(ask) {
  const list = make("div", { class: "batchnb-x-bars", role: "group", "aria-label": "Findings by severity: a bar filters; arrows lead to its parts" });
  const by = make("select", { "aria-label": "Bars by", onchange: () => ask({ do: "bars", by: by.value }) },
    make("option", { value: "model" }, "by model"), make("option", { value: "app" }, "by app"));
  const key = make("p", { class: "batchnb-legend" }, ...["high", "medium", "low"].map(severityChip),
    make("span", { class: "batchnb-x-hatch-key" }, "not measured"));
  const node = make("details", { class: "batchnb-x-chart", open: true }, make("summary", {}, "Severity"),
    make("div", { class: "batchnb-x-chart-head" }, by, key), list);
  let drawn = "";
  // the names are reached by Tab, the parts of a bar from its name by the arrows
  list.onkeydown = (event) => {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (!step) return;
    const across = event.key === "ArrowLeft" || event.key === "ArrowRight";
    const among = [...(across ? event.target.closest(".batchnb-x-bar") : list).querySelectorAll(across ? "button" : ".batchnb-x-name")];
    const from = across ? event.target : event.target.closest(".batchnb-x-bar").querySelector(".batchnb-x-name");
    const next = among.filter((each) => !each.disabled || each === from);
    const to = next[next.indexOf(from) + step];
    event.preventDefault();
    event.stopPropagation();
    if (to) to.focus();
  };
  function part(bars, row, place, level) {
    const count = row.counts[place];
    if (!count) return null;
    return make("button", { type: "button", tabindex: -1, class: `batchnb-x-part batchnb-${level}`, "data-key": `${row.value}-${level}`, "data-size": count,
      "aria-label": `${row.label}: ${number(count)} ${level}`, title: `${row.label}: ${number(count)} ${level}: show only these`,
      onclick: () => ask({ do: "bar", name: bars.by, value: row.value, severity: bars.severities[place] }) });
  }
  function bar(bars, row) {
    const total = row.counts.reduce((sum, count) => sum + count, 0);
    const track = make("div", { class: "batchnb-x-track" }, ...["high", "medium", "low"].map((level, place) => part(bars, row, place, level)),
      row.unmeasured ? make("span", { class: "batchnb-x-hatch", "aria-hidden": "true", "data-share": row.unmeasured }) : null);
    const blind = row.unmeasured === 1 && !total;
    const words = blind ? row.gap : [row.counts.map((count, place) => `${"HML"[place]} ${number(count)}`).join("  "), row.gap].filter(Boolean).join(" · ");
    return make("div", { class: "batchnb-x-bar" },
      make("button", { type: "button", class: "batchnb-x-name", "data-key": `${row.value}`, "aria-pressed": String(row.chosen), disabled: row.value === null, title: row.label,
        onclick: () => ask({ do: "bar", name: bars.by, value: row.value, severity: null }) }, `${row.chosen ? "✓ " : ""}${row.label}`),
      track, make("span", { class: "batchnb-x-words" }, words));
  }
  function update({ bars, generation }) {
    const now = JSON.stringify([generation, bars]);
    if (now === drawn) return;
    drawn = now;
    by.value = bars.by;
    rebuilt(list, [...bars.rows.map((row) => bar(bars, row)), bars.more ? make("p", { class: "batchnb-quiet" }, `and ${number(bars.more)} more`) : ""]);
    // set here, by the object model: numbers of the kernel never become style text
    for (const each of list.querySelectorAll("[data-size]")) each.style.flexGrow = 0, each.style.flexBasis = `${85 * Number(each.dataset.size) / bars.most}%`;
    for (const each of list.querySelectorAll("[data-share]")) each.style.flexBasis = `${Math.max(4, 15 * Number(each.dataset.share))}%`, each.style.flexGrow = Number(each.dataset.share) === 1 ? 1 : 0;
  }
  return { node, update };
}
