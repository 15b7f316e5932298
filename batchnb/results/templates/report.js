"use strict";
(() => {
  const drawChart = () => {
    const spec = JSON.parse(document.getElementById("figure-data").textContent);
    const place = document.getElementById("figure");
    const config = {
      responsive: true,
      displaylogo: false,
      modeBarButtonsToRemove: ["select2d", "lasso2d", "autoScale2d"],
      toImageButtonOptions: { filename: "severity", scale: 2 },
    };
    Plotly.newPlot(place, spec.data, spec.layout, config).then(
      () => place.setAttribute("data-ready", "yes"),
    );
  };

  const makeTable = (table, search, counter) => {
    const body = table.tBodies[0];
    const rows = Array.from(body.rows, (row) => ({ row, text: row.textContent.toLowerCase() }));
    const total = rows.length;

    const filter = () => {
      const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
      let shown = 0;
      for (const { row, text } of rows) {
        row.hidden = !words.every((word) => text.includes(word));
        shown += row.hidden ? 0 : 1;
      }
      const count = shown.toLocaleString("en");
      counter.textContent = words.length ? `${count} of ${total.toLocaleString("en")} rows match` : `${count} rows`;
    };

    const keyOf = (row, index, numeric) => {
      const cell = row.cells[index];
      const key = cell.dataset.key ?? cell.textContent.trim();
      return numeric ? (key === "" ? Infinity : Number(key)) : key.toLowerCase();
    };

    const sort = (header) => {
      const index = header.cellIndex;
      const numeric = header.dataset.type === "number";
      const down = header.getAttribute("aria-sort") === "ascending";
      for (const other of header.parentNode.cells) other.removeAttribute("aria-sort");
      header.setAttribute("aria-sort", down ? "descending" : "ascending");
      const keyed = rows.map((item) => ({ item, key: keyOf(item.row, index, numeric) }));
      const order = new Intl.Collator("en", { numeric: true }).compare;
      keyed.sort((a, b) => {
        const way = numeric ? (a.key === b.key ? 0 : a.key < b.key ? -1 : 1) : order(a.key, b.key);
        return down ? -way : way;
      });
      rows.splice(0, rows.length, ...keyed.map(({ item }) => item));
      body.append(...rows.map(({ row }) => row));
    };

    for (const header of table.tHead.rows[0].cells) {
      header.querySelector("button")?.addEventListener("click", () => sort(header));
    }
    let waiting = 0;
    search.addEventListener("input", () => {
      clearTimeout(waiting);
      waiting = setTimeout(filter, 120);
    });
    filter();
  };

  const table = document.getElementById("findings-table");
  if (table) {
    makeTable(table, document.getElementById("search"), document.getElementById("search-count"));
    document.getElementById("toolbar").hidden = false;
  }
  drawChart();
})();
