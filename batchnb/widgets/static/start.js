// The job's own fields, saved presets, and the button that starts it.

const REST = 1000;

function draw(root, model) {
  const facts = model.get("facts"), link = twoWay(model), id = `batchnb-${link.page}`;
  const texts = {}, faults = {};
  const row = (name, label, placeholder, numeric) => {
    texts[name] = make("input", { id: `${id}-${name}`, type: "text", autocomplete: "off", placeholder,
      inputmode: numeric ? "numeric" : "text", oninput: () => link.send({ do: "field", field: name, text: texts[name].value }) });
    faults[name] = faultOf(texts[name], `${id}-${name}-fault`);
    return fieldRow(label, texts[name], faults[name]);
  };
  const fields = [row("name", "Job name", "optional"), row("description", "Description", "optional"),
    row("timeout", "Time limit", `seconds per task, ${facts.timeout} if empty`, true),
    row("at_once", "Tasks at once", `${facts.at_once} if empty`, true)];
  const presets = presetPart(link, id);
  const run = make("button", { type: "button", class: "batchnb-button batchnb-run", title: "Start the job in the background", onclick: () => start() }, "▶ Run");
  const lines = ["said", "refusal", "summary", "expected"].map((name) => [name, make("div", { class: `batchnb-run-${name}` })]);
  const said = make("div", { class: "batchnb-grow", role: "status" }, ...lines.map(([, node]) => node));
  root.replaceChildren(make("section", { "aria-label": "Job", "data-lm-suppress-shortcuts": "true" }, make("h4", {}, "Job"),
    make("div", { class: "batchnb-fields" }, ...fields), presets.node, make("div", { class: "batchnb-run-row" }, run, said)));
  watchKernel(root, model, "The kernel that this form belongs to has ended. Run the cells above again to open the workspace anew; " +
    "its jobs are kept in the store: ws.attach(N) shows job N.");

  function start() {
    link.send({ do: "run" });
    run.disabled = true;
    setTimeout(() => { if (!root.classList.contains("batchnb-is-dead")) run.disabled = false; }, REST);
  }
  return () => {
    const state = model.get("state"), settled = link.settled();
    for (const name of ["timeout", "at_once"]) faults[name].show(state.faults[name]);
    for (const [name, node] of lines) say(node, name === "refusal" && state.refusal ? `⚠ ${state.refusal}` : state[name]);
    presets.update(state);
    if (settled) for (const [name, node] of Object.entries(texts)) fill(node, state.values[name]);
  };
}

function presetPart(link, id) {
  const send = (message) => { sure = false; link.send(message); };
  const button = (text, onclick) => make("button", { type: "button", class: "batchnb-small", onclick }, text);
  const choice = make("select", { id: `${id}-preset`, onchange: () => { sure = false; paint(); } });
  const name = make("input", { id: `${id}-preset-name`, type: "text", autocomplete: "off", "aria-label": "Name of a new preset",
    placeholder: "name", maxlength: 80, oninput: () => paint() });
  const load = button("Load", () => send({ do: "load", name: choice.value }));
  const drop = button("Delete", () => { if (sure) send({ do: "delete", name: choice.value }); else { sure = true; paint(); } });
  const save = button("Save", () => { send({ do: "save", name: name.value }); });
  const notes = make("div", { role: "status", class: "batchnb-quiet" }), fault = make("p", { class: "batchnb-fault", role: "alert", hidden: true });
  let sure = false, drawn = "", names = [], canSave = false;
  drop.addEventListener("blur", () => { sure = false; paint(); });
  const node = make("div", { class: "batchnb-presets" }, make("div", { class: "batchnb-field" }, make("label", { for: choice.id }, "Preset"),
    make("div", { class: "batchnb-field-body" }, make("div", { class: "batchnb-preset-row" }, choice, load, drop, name, save), fault, notes)));
  function paint() {
    load.disabled = drop.disabled = choice.disabled = !names.length;
    drop.textContent = sure ? "Really delete?" : "Delete";
    save.disabled = !canSave || !name.value.trim();
    save.textContent = names.some(([known]) => known === name.value.trim()) ? "Replace" : "Save";
  }
  function update(state) {
    names = state.presets;
    canSave = state.can_save;
    const key = JSON.stringify(names), kept = choice.value;
    if (key !== drawn) {
      drawn = key;
      choice.replaceChildren(...(names.length ? names.map(([value, text]) => make("option", { value }, text)) : [make("option", { value: "" }, "none is saved")]));
      if (names.some(([value]) => value === kept)) choice.value = kept;
    }
    say(fault, state.preset_fault ? `⚠ ${state.preset_fault}` : "");
    const words = JSON.stringify(state.preset_notes);
    if (notes.dataset.drawn !== words) { notes.dataset.drawn = words; notes.replaceChildren(...state.preset_notes.map((text) => make("div", {}, text))); }
    paint();
  }
  return { node, update };
}
