// The list of jobs: filter, and what can be done with each.

const SIGNS = { completed: "✓", failed: "✗", error: "✗", cancelled: "⊘", running: "▶", queued: "·", pending: "·", initializing: "▶", cancelling: "⊘" };

function draw(root, model) {
  const send = (message) => model.send(message);
  const filter = make("input", { type: "search", placeholder: "filter by name, status, model, analysis", "aria-label": "Filter the jobs",
    oninput: () => send({ do: "filter", text: filter.value }) });
  const note = make("span", { class: "batchnb-quiet", role: "status" });
  const said = make("p", { class: "batchnb-note", role: "alert" });
  const body = make("tbody", { role: "rowgroup" }); // roles: a narrow page shows no table, and would lose them
  const heads = ["job", "name", "status", "ended", "findings", "started", "took", ""];
  root.replaceChildren(make("div", { class: "batchnb-log-head" }, filter, note), said,
    make("div", { class: "batchnb-board-scroll batchnb-jobs-box", tabindex: 0, role: "region", "aria-label": "List of jobs" },
      make("table", { class: "batchnb-jobs", role: "table", "aria-label": "Jobs" },
        make("thead", { role: "rowgroup" }, make("tr", { role: "row" }, ...heads.map((head) => make("th", { scope: "col", role: "columnheader" }, head)))), body)));
  watchKernel(root, model, "The kernel that showed this list has ended: open the workspace again.");
  let sure = null;

  function act(what, row, label, title) {
    return make("button", { type: "button", class: "batchnb-small", title, "data-key": `${row.id} ${what}`,
      onclick: () => send({ do: what, job: row.id }) }, label);
  }
  function remove(row) {
    const asks = sure === row.id;
    return make("button", { type: "button", class: "batchnb-small", "data-key": `${row.id} delete`, title: "Delete the job, its results and its raw output",
      onclick: () => { if (asks) { sure = null; send({ do: "delete", job: row.id }); } else { sure = row.id; show(); } } },
    asks ? `Delete job ${row.id} for good?` : "Delete");
  }
  function line(row) {
    const actions = [act("open", row, "Open", "Show the job below")];
    if (row.can_cancel) actions.push(act("cancel", row, "Cancel", "Stop the job and its tools"));
    if (row.can_resume) actions.push(act("resume", row, "Resume", "A new job takes over what is done, and runs the rest"));
    if (row.ended) actions.push(act("report", row, "Report", "Write the HTML report"), remove(row));
    const cell = (attributes, ...content) => make("td", { role: "cell", ...attributes }, ...content);
    return make("tr", { role: "row" }, make("th", { scope: "row", role: "rowheader" }, String(row.id)), cell({ title: row.scope }, row.name),
      ...[`${SIGNS[row.status] || "?"} ${row.status}`, `${row.tasks} tasks`, row.found, row.created, row.took].map((text) => cell({}, text)),
      cell({ class: "batchnb-actions" }, ...actions));
  }
  let drawn = "";
  function show() {
    const state = model.get("state");
    note.textContent = state.note;
    if (said.textContent !== state.said) said.textContent = state.said;
    said.hidden = !state.said;
    const key = JSON.stringify([state.rows, sure]);
    if (key === drawn) return;
    drawn = key;
    const held = root.ownerDocument.activeElement?.dataset?.key;
    body.replaceChildren(...(state.rows.length ? state.rows.map(line) : [make("tr", { role: "row" }, make("td", { colspan: heads.length, role: "cell" }, "no job"))]));
    if (held) for (const button of body.querySelectorAll("button")) if (button.dataset.key === held) button.focus();
  }
  return show;
}
