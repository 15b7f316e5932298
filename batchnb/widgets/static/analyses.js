// The analyses: which are chosen, what each needs, and its options as its schema has them.

function draw(root, model) {
  const facts = model.get("facts"), link = twoWay(model);
  const fault = make("p", { class: "batchnb-fault", role: "status", hidden: true });
  const parts = facts.analyses.map((offer, place) => analysisPart(offer, `batchnb-${link.page}-${place}`, link));
  root.replaceChildren(make("section", { class: "batchnb-analyses", "aria-label": "Analyses", "data-lm-suppress-shortcuts": "true" },
    make("h4", {}, "Analyses"), fault, ...parts.map((part) => part.node),
    ...facts.broken.map((text) => make("p", { class: "batchnb-fault" }, `⚠ ${text}`))));
  watchKernel(root, model, "");
  queueMicrotask(() => link.send({ do: "look" })); // after the first drawing, which shows what the kernel last said
  return () => {
    const state = model.get("state"), settled = link.settled();
    say(fault, state.fault ? `⚠ ${state.fault}` : "");
    facts.analyses.forEach(({ key }, place) => parts[place].update(state.analyses[key], settled));
  };
}

function analysisPart(offer, id, link) {
  const send = (message) => link.send({ ...message, analysis: offer.key });
  const box = make("input", { id, type: "checkbox", "aria-describedby": `${id}-about`, onchange: () => send({ do: "choose", on: box.checked }) });
  const tools = make("p", { class: "batchnb-quiet", hidden: true });
  const limit = make("input", { id: `${id}-limit`, type: "text", inputmode: "numeric", autocomplete: "off",
    placeholder: `as for the job, or ${offer.limit}`, oninput: () => send({ do: "limit", text: limit.value }) });
  const limitFault = faultOf(limit, `${id}-limit-fault`);
  const options = offer.options.map((option, place) => optionField(option, `${id}-${place}`, send));
  const whole = make("p", { class: "batchnb-fault", role: "status", hidden: true });
  const note = make("span", { class: "batchnb-quiet" }), alarm = make("span", { class: "batchnb-fault-mark" });
  const more = make("details", {},
    make("summary", {}, "Options", make("span", { class: "batchnb-hidden" }, ` of ${offer.title}`), " ", note, alarm),
    whole,
    ...(offer.fault ? [make("p", { class: "batchnb-fault" }, `⚠ ${offer.fault}`)] : []),
    ...offer.keys.map((text) => make("p", { class: "batchnb-quiet" }, text)),
    fieldRow("Time limit (s)", limit, limitFault, make("p", { class: "batchnb-help" }, "Of one task of this analysis.")),
    ...options.map((option) => option.node),
    make("button", { type: "button", class: "batchnb-small", onclick: () => send({ do: "reset" }) }, "Back to the defaults"));
  const node = make("div", { class: "batchnb-analysis" },
    make("div", { class: "batchnb-analysis-head" }, box, make("label", { for: id }, offer.title),
      make("span", { class: "batchnb-tag" }, offer.usual ? "usual" : "only if chosen")),
    make("p", { id: `${id}-about`, class: "batchnb-quiet" }, offer.about), tools, more);
  function update(state, settled) {
    say(tools, state.tools);
    limitFault.show(state.limit_fault);
    say(whole, state.whole ? `⚠ ${state.whole}` : "");
    const wrong = Object.keys(state.faults).length + (state.limit_fault ? 1 : 0) + (state.whole ? 1 : 0);
    say(note, state.changed ? `(${state.changed} changed)` : `(${offer.options.length})`);
    say(alarm, wrong ? ` ⚠ ${wrong} to correct` : "");
    options.forEach((option) => option.update(state, settled));
    if (!settled) return;
    if (box.checked !== state.on) box.checked = state.on;
    fill(limit, state.limit);
  }
  return { node, update };
}

function optionField(option, id, send) {
  const tell = (value) => send({ do: "option", option: option.name, value });
  const field = control(option, id, tell);
  const allowed = [option.allowed, option.required ? "has to be given" : `default: ${option.initial}`].filter(Boolean).join("; ");
  const help = make("p", { id: `${id}-help`, class: "batchnb-help" }, `${option.help} (${allowed})`.trim());
  field.setAttribute("aria-describedby", help.id);
  const fault = faultOf(field, `${id}-fault`);
  const isBox = option.control === "checkbox";
  function update({ values, faults }, settled) {
    fault.show(faults[option.name] || "");
    if (!settled || option.control === "secret") return;
    const value = values[option.name];
    if (isBox) { if (field.checked !== value) field.checked = value; } else fill(field, value);
  }
  return { node: fieldRow(option.title, field, fault, help), update };
}

function control(option, id, tell) {
  const common = { id, autocomplete: "off", spellcheck: "false" };
  if (option.control === "checkbox") {
    const box = make("input", { ...common, type: "checkbox", onchange: () => tell(box.checked) });
    return box;
  }
  if (option.control === "choice") {
    const choice = make("select", { ...common, onchange: () => tell(choice.value) },
      ...(option.nullable ? [make("option", { value: "" }, "none")] : []),
      ...option.choices.map(([value, text]) => make("option", { value }, text)));
    return choice;
  }
  if (option.control === "lines" || option.control === "json") {
    const text = make("textarea", { ...common, rows: 2, oninput: () => tell(text.value) });
    return text;
  }
  if (option.control === "secret") {
    return make("input", { ...common, type: "text", disabled: true, placeholder: "a secret is no option: it would be kept with the job" });
  }
  const text = make("input", { ...common, type: "text", inputmode: option.control === "number" ? "decimal" : "text",
    oninput: () => tell(text.value) });
  return text;
}
