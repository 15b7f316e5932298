// The explorer: what is searched and chosen goes to the kernel, which answers with counts and one page of rows.

function draw(root, model) {
  const facts = model.get("facts"), link = twoWay(model), id = `batchnb-${link.page}`;
  const ask = (message) => { main.setAttribute("aria-busy", "true"); link.send({ ...message, generation: model.get("state").generation }); };
  const close = () => { ask({ do: "close" }); table.returnFocus(); };
  const tabs = make("div", { class: "batchnb-x-tabs", role: "group", "aria-label": "What is listed" });
  const search = make("input", { type: "search", class: "batchnb-x-search", placeholder: "Search in all texts", "aria-label": "Search in all texts", maxlength: 200,
    autocomplete: "off", oninput: () => ask({ do: "search", text: search.value }) });
  const clear = make("button", { type: "button", class: "batchnb-small", onclick: () => { search.value = ""; ask({ do: "clear" }); } }, "Clear the filter");
  const again = make("button", { type: "button", class: "batchnb-small", title: "Read the findings anew, such as those of a job that runs", onclick: () => ask({ do: "read" }) }, "↻ Read again");
  const count = make("p", { class: "batchnb-x-found", role: "status" });
  const gapText = make("summary", {}), gapList = make("ul"), gaps = make("details", { class: "batchnb-x-gaps" }, gapText, gapList);
  const complete = make("p", { class: "batchnb-quiet" });
  const failure = make("p", { class: "batchnb-note-error", role: "alert", hidden: true });
  const reading = make("p", { role: "status" }, "Reading the findings …");
  const bars = barsPart(ask), facets = facetsPart(ask), table = tablePart(ask, (row) => ask({ do: "open", row }));
  const detail = detailPart(facts, ask, close, id), desk = deskPart(facts, ask, id);
  const main = make("div", { class: "batchnb-x-body" }, facets.node, table.node);
  const rest = [make("div", { class: "batchnb-x-head" }, tabs, search, clear, again), count, complete, gaps, bars.node, main, detail.node, desk.node];
  root.replaceChildren(make("section", { class: "batchnb-x", "aria-label": "Explorer", "data-lm-suppress-shortcuts": "true" }, failure, reading, ...rest));
  watchKernel(root, model, "The kernel that this explorer belongs to has ended, so it answers no more. Run the cells above again to open the workspace; " +
    "jobs are kept in the store: ws.attach(N) gives job N.");
  new ResizeObserver((_, watch) => {  // at first it is not in the page, and has no width
    if (!root.clientWidth) return;
    watch.disconnect();
    if (root.clientWidth < 700) facets.node.open = bars.node.open = false;
  }).observe(root);
  let sheets = "", lines = "";

  function tabButtons(state) {
    return Object.entries(state.sheets).map(([name, { noun, total }]) => make("button", { type: "button", class: "batchnb-x-tab", "data-key": `tab-${name}`,
      "aria-pressed": String(name === state.sheet), onclick: () => ask({ do: "sheet", name }) }, `${noun}s `, make("span", { class: "batchnb-x-count" }, number(total))));
  }
  function update() {
    const state = model.get("state"), read = state.sheets !== undefined;
    reading.hidden = !state.reading;
    say(failure, state.failure ? `⚠ ${state.failure}` : "");
    for (const node of rest) node.classList.toggle("batchnb-x-off", !read);
    if (read && link.settled()) show(state);
    detail.update(model.get("detail"), model.get("desk"));
    desk.update(model.get("desk"));
  }
  function show(state) {
    main.removeAttribute("aria-busy");
    const key = JSON.stringify([state.sheet, state.sheets]);
    if (key !== sheets) { sheets = key; rebuilt(tabs, tabButtons(state)); }
    fill(search, state.search);
    dim(clear, !state.filtered);
    say(count, `${number(state.count)} of ${number(state.total)} ${state.sheets[state.sheet].noun}s`);
    const { text, lines: all, complete: whole } = state.measured;
    gaps.hidden = whole; complete.hidden = !whole;
    say(whole ? complete : gapText, whole ? text : `⚠ ${text}`);
    const now = JSON.stringify(all);
    if (now !== lines) { lines = now; gapList.replaceChildren(...all.map((line) => make("li", {}, line))); }
    bars.update(state); facets.update(state); table.update(state);
  }
  for (const name of ["detail", "desk"]) model.on(`change:${name}`, update);
  return update;
}
