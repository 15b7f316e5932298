// The board of a job: the grid of its tasks, those that run, the picked one, and its log.

const WORDS = {
  p: ["·", "waiting"], r: ["▶", "running"], c: ["✓", "completed"], f: ["✗", "failed"],
  t: ["T", "timed out"], x: ["⊘", "cancelled"], s: ["–", "skipped"],
};
const word = (letter) => (WORDS[letter] || ["?", "unknown"])[1];
const symbol = (letter) => (WORDS[letter] || ["?", ""])[0];

function draw(root, model) {
  const send = (message) => model.send(message);
  const parts = [notePart(), gridPart(send), barsPart(), pickedPart(send), runningPart(send), logPart()];
  root.replaceChildren(...parts.map((part) => part.node));
  const { job, durable } = model.get("state");
  const way = durable ? `Job ${job} is kept in the store: open the workspace again and run ws.attach(${job}).`
    : "The job was only in the kernel's memory, and is lost.";
  watchKernel(root, model, `The kernel that showed this has ended, so the picture is old. ${way}`);
  return () => {
    const state = model.get("state");
    for (const part of parts) part.update(state);
  };
}

function notePart() {
  const node = make("p", { class: "batchnb-note-error", role: "alert" });
  return { node, update({ note }) { node.hidden = !note; if (node.textContent !== note) node.textContent = note; } };
}

function legend(letters) {
  return make("p", { class: "batchnb-legend" }, ...[...letters].map((letter) => make("span", {},
    make("span", { class: `batchnb-cell batchnb-cell-${letter}`, "aria-hidden": "true" }, symbol(letter)), word(letter))));
}

function gridPart(send) {
  const node = make("div", { class: "batchnb-board" });
  let drawn = "", buttons = [], letters = [], places = [], plan = null;

  function label(index) {
    const [kind, row, app] = places[index];
    return `${plan.labels[row]} app ${app}, ${plan.titles[kind]}: ${word(letters[index])}`;
  }
  function paint(index, letter) {
    letters[index] = letter;
    const button = buttons[index];
    button.className = `batchnb-cell batchnb-cell-${letter}`;
    button.textContent = symbol(letter);
    button.title = label(index);
    button.setAttribute("aria-label", label(index));
  }
  function move(from, event) {
    const width = plan.apps.length;
    const step = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -width, ArrowDown: width }[event.key];
    if (!step) return;
    event.preventDefault();
    let next = from + step;
    while (next >= 0 && next < buttons.length && !buttons[next]) next += step;
    if (buttons[next]) focusOn(next);
  }
  function focusOn(index) {
    for (const button of buttons) if (button) button.tabIndex = -1;
    buttons[index].tabIndex = 0;
    buttons[index].focus();
  }
  function table(kind) {
    const { apps, models, labels, titles, cells } = plan;
    const head = make("tr", { role: "row" }, make("th", { scope: "col" }, titles[kind]),
      ...apps.map((app) => make("th", { scope: "col", class: "batchnb-app" }, String(app))));
    const rows = models.map((_, row) => make("tr", { role: "row" }, make("th", { scope: "row", title: labels[row] }, labels[row]),
      ...apps.map((app, column) => {
        const index = (kind * models.length + row) * apps.length + column;
        places[index] = [kind, row, app];
        if (cells[index] === " ") { buttons[index] = null; return make("td", { role: "gridcell" }); }
        buttons[index] = make("button", {
          type: "button", tabindex: -1,
          onclick: () => { send({ do: "pick", place: [plan.analyses[kind], models[row], app] }); },
          onkeydown: (event) => move(index, event),
        });
        return make("td", { role: "gridcell" }, buttons[index]);
      })));
    return make("table", { role: "grid", "aria-label": `Tasks of ${titles[kind]}` },
      make("thead", {}, head), make("tbody", {}, ...rows));
  }
  function rebuild() {
    buttons = []; letters = []; places = [];
    const tables = plan.analyses.map((_, kind) => table(kind));
    node.replaceChildren(make("div", { class: "batchnb-board-scroll" }, ...tables), legend("prcftxs"));
    const first = buttons.findIndex(Boolean);
    if (first >= 0) buttons[first].tabIndex = 0;
  }
  function update({ grid }) {
    node.hidden = !grid;
    if (!grid) return;
    plan = grid;
    const shape = JSON.stringify([grid.models, grid.apps, grid.analyses, grid.cells.replace(/\S/g, "#")]);
    if (shape !== drawn) { drawn = shape; rebuild(); }
    for (let index = 0; index < grid.cells.length; index += 1) {
      if (buttons[index] && letters[index] !== grid.cells[index]) paint(index, grid.cells[index]);
    }
  }
  return { node, update };
}

function barsPart() {
  const body = make("tbody");
  const node = make("div", { class: "batchnb-board batchnb-board-scroll" },
    make("table", { "aria-label": "Tasks by model and analysis" },
      make("thead", {}, make("tr", {}, ...["model", "analysis", "tasks"].map((text) => make("th", { scope: "col" }, text)))), body));
  function update({ bars }) {
    node.hidden = !bars.length;
    body.replaceChildren(...bars.map((row) => make("tr", {}, make("th", { scope: "row" }, row.model), make("td", {}, row.analysis),
      make("td", {}, [..."crpftxs"].filter((letter) => row.counts[letter])
        .map((letter) => `${row.counts[letter].toLocaleString("en")} ${word(letter)}`).join(", ")))));
  }
  return { node, update };
}

function runningPart(send) {
  const list = make("ul", { class: "batchnb-running" });
  const more = make("p", { class: "batchnb-quiet" });
  const node = make("section", { "aria-label": "Running tasks" }, make("h4", {}, "Running"), list, more);
  const items = new Map();
  function item(task) {
    const text = make("span", { class: "batchnb-grow" });
    const bar = make("progress", { max: 100, value: 0, "aria-label": "progress of the task" });
    const one = make("li", {}, text, bar, ...taskButtons(send, task.task, true));
    return { one, text, bar };
  }
  function update({ running, running_more }) {
    node.hidden = !running.length;
    const alive = new Set(running.map((task) => task.task));
    for (const [id, { one }] of items) if (!alive.has(id)) { one.remove(); items.delete(id); }
    for (const task of running) {
      if (!items.has(task.task)) { items.set(task.task, item(task)); list.append(items.get(task.task).one); }
      const { text, bar } = items.get(task.task);
      text.textContent = `${task.what}, ${task.analysis}: ${task.progress} %, ${task.elapsed}`;
      bar.value = task.progress;
    }
    more.textContent = running_more ? `and ${running_more.toLocaleString("en")} more` : "";
  }
  return { node, update };
}

function taskButtons(send, task, requeue) {
  const cancel = make("button", { type: "button", class: "batchnb-small", onclick: () => send({ do: "cancel", task }) }, "Cancel task");
  const again = make("button", { type: "button", class: "batchnb-small", title: "Stop it and run it again after all that wait",
    onclick: () => send({ do: "requeue", task }) }, "Requeue");
  return requeue ? [again, cancel] : [cancel];
}

function pickedPart(send) {
  const text = make("span", { class: "batchnb-grow" }), buttons = make("span");
  const node = make("div", { class: "batchnb-picked", role: "status" }, text, buttons);
  let drawn = "";
  function update({ selected }) {
    node.hidden = !selected;
    if (!selected) return;
    text.textContent = `${symbol(selected.letter)} task ${selected.task}: ${selected.what}, ${selected.analysis}: ` +
      `${selected.status}${selected.letter === "r" ? ` (${selected.progress} %)` : ""}${selected.why ? `: ${selected.why}` : ""}`;
    const key = `${selected.task} ${selected.can_stop} ${selected.can_requeue}`;
    if (key === drawn) return;
    drawn = key;
    buttons.replaceChildren(...(selected.can_stop ? taskButtons(send, selected.task, selected.can_requeue) : []));
  }
  return { node, update };
}

function logPart() {
  const filter = make("input", { type: "search", placeholder: "filter", "aria-label": "Filter the log", oninput: () => show() });
  const level = make("select", { "aria-label": "Least level of the log", onchange: () => show() },
    ...["info", "warning", "error"].map((name) => make("option", { value: name }, name)));
  const box = make("div", { class: "batchnb-log", role: "log", tabindex: 0, "aria-label": "Log of the job" });
  const node = make("details", {}, make("summary", {}, "Log"), make("div", { class: "batchnb-log-head" }, filter, level), box);
  let lines = [], drawn = "";
  function show() {
    const ranks = { info: 0, warning: 1, error: 2 }, wanted = filter.value.toLowerCase();
    const shown = lines.filter(([time, rank, text]) => ranks[rank] >= ranks[level.value] && `${time} ${rank} ${text}`.toLowerCase().includes(wanted));
    const key = JSON.stringify(shown);
    if (key === drawn) return;
    drawn = key;
    const atEnd = box.scrollTop + box.clientHeight >= box.scrollHeight - 4;
    box.replaceChildren(...(shown.length ? shown.map(([time, rank, text]) =>
      make("div", { class: `batchnb-log-${rank}` }, `${time} ${rank === "info" ? "" : `${rank}: `}${text}`)) : [make("div", {}, "no such line")]));
    if (atEnd) box.scrollTop = box.scrollHeight;
  }
  node.ontoggle = () => { box.scrollTop = box.scrollHeight; };
  function update(state) { lines = state.lines; show(); }
  return { node, update };
}
