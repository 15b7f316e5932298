"use strict";
(() => {
  const PRINT_WIDTH = 690;
  const FEW_ROWS = 200; // a browser takes its time to lay out thousands
  const config = {
    responsive: true,
    displaylogo: false,
    modeBarButtonsToRemove: ["select2d", "lasso2d", "autoScale2d"],
    toImageButtonOptions: { scale: 2 },
  };

  const specs = JSON.parse(document.getElementById("figures-data").textContent);
  const plots = Array.from(document.querySelectorAll(".plot"));
  const drawn = new Set();
  const draw = (place) => {
    if (drawn.has(place)) return;
    drawn.add(place);
    const spec = specs[place.dataset.figure];
    Plotly.newPlot(place, spec.data, spec.layout, config).then(() => {
      place.style.minHeight = "";
      place.setAttribute("data-ready", "yes");
    });
  };
  const drawNearby = () => {
    // Each takes a while; a page with twenty of them would be slow to open.
    const watcher = new IntersectionObserver((entries) => {
      for (const { target, isIntersecting } of entries) {
        if (!isIntersecting) continue;
        watcher.unobserve(target);
        draw(target);
      }
    }, { rootMargin: "600px" });
    plots.forEach((place) => watcher.observe(place));
  };
  window.addEventListener("beforeprint", () => {
    plots.forEach((place) => {
      draw(place);
      Plotly.relayout(place, { width: PRINT_WIDTH });
    });
  });
  window.addEventListener("afterprint", () => {
    plots.forEach((place) => Plotly.relayout(place, { width: null, autosize: true }));
  });

  const theme = document.getElementById("theme");
  const isDark = () => {
    const chosen = document.documentElement.dataset.theme;
    return chosen ? chosen === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  };
  const nameTheme = () => { theme.textContent = isDark() ? "Light" : "Dark"; };
  theme.addEventListener("click", () => {
    document.documentElement.dataset.theme = isDark() ? "light" : "dark";
    nameTheme();
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", nameTheme);
  nameTheme();
  theme.hidden = false;

  const order = new Intl.Collator("en", { numeric: true }).compare;
  const COLUMNS = { severity: "severity", model: "model", analysis: "analysis", tool: "tools", rule: "rules", verdict: "verdict" };

  const makeTable = (table) => {
    const body = table.tBodies[0];
    const heads = Array.from(table.tHead.rows[0].cells);
    const search = document.getElementById("search");
    const counter = document.getElementById("search-count");
    const everything = document.getElementById("all");
    let most = FEW_ROWS;
    const filters = Array.from(document.querySelectorAll("select[data-filter]"), (select) => ({
      select,
      name: select.dataset.filter,
      column: heads.findIndex((head) => head.classList.contains(COLUMNS[select.dataset.filter])),
    }));
    const valuesOf = (cell) => {
      const items = cell.getElementsByClassName("item");
      return items.length ? Array.from(items, (item) => item.textContent) : [cell.textContent];
    };
    const rows = Array.from(body.rows, (row) => ({
      row,
      text: row.textContent.toLowerCase(),
      values: filters.map(({ column }) => valuesOf(row.cells[column])),
    }));

    filters.forEach(({ select, name, column }, number) => {
      const found = new Map();
      for (const { values } of rows) for (const value of values[number]) found.set(value, (found.get(value) ?? 0) + 1);
      const rank = (value) => ["high", "medium", "low"].indexOf(value);
      const names = Array.from(found.keys()).sort(name === "severity" ? (a, b) => rank(a) - rank(b) : order);
      for (const value of names) {
        const option = document.createElement("option");
        option.value = `=${value}`; // so that an empty value is not "all"
        option.textContent = `${value} (${found.get(value).toLocaleString("en")})`;
        select.append(option);
      }
    });

    const filter = () => {
      const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
      const wanted = filters.map(({ select }) => (select.value ? select.value.slice(1) : null));
      let matching = 0;
      for (const { row, text, values } of rows) {
        const matches =
          wanted.every((value, number) => value === null || values[number].includes(value)) &&
          words.every((word) => text.includes(word));
        matching += matches ? 1 : 0;
        row.hidden = !matches || matching > most;
      }
      const count = rows.length.toLocaleString("en");
      const found = matching < rows.length ? `${matching.toLocaleString("en")} of ${count} rows match` : `${count} rows`;
      counter.textContent = matching > most ? `${found}; the first ${most} are shown` : found;
      everything.hidden = matching <= most;
    };

    const keyOf = (row, index, numeric) => {
      const cell = row.cells[index];
      const key = cell.dataset.key ?? cell.textContent.trim();
      return numeric ? (key === "" ? Infinity : Number(key)) : key;
    };

    const sort = (head) => {
      const index = head.cellIndex;
      const numeric = head.dataset.type === "number";
      const down = head.getAttribute("aria-sort") === "ascending";
      for (const other of heads) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
      const keyed = rows.map((item) => ({ item, key: keyOf(item.row, index, numeric) }));
      keyed.sort((a, b) => {
        const way = numeric ? (a.key === b.key ? 0 : a.key < b.key ? -1 : 1) : order(a.key, b.key);
        return down ? -way : way;
      });
      rows.splice(0, rows.length, ...keyed.map(({ item }) => item));
      for (const { row } of rows) row.hidden = true;
      body.append(...rows.map(({ row }) => row));
      filter();
    };

    for (const head of heads) head.querySelector("button").addEventListener("click", () => sort(head));
    let waiting = 0;
    search.addEventListener("input", () => {
      clearTimeout(waiting);
      waiting = setTimeout(filter, 120);
    });
    for (const { select } of filters) select.addEventListener("change", filter);
    document.getElementById("reset").addEventListener("click", () => {
      search.value = "";
      for (const { select } of filters) select.value = "";
      filter();
    });
    everything.addEventListener("click", () => {
      most = Infinity;
      filter();
    });
    filter();
    table.classList.add("ready");
  };

  const table = document.getElementById("findings-table");
  if (table) {
    makeTable(table);
    document.getElementById("toolbar").hidden = false;
  }
  drawNearby();
})();
