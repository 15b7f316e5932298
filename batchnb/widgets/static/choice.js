// Which job is explored.

function draw(root, model) {
  const choice = make("select", { "aria-label": "Job to explore" });
  choice.addEventListener("focus", () => model.send({ do: "look" }));
  const show = make("button", { type: "button", class: "batchnb-small", onclick: () => model.send({ do: "show", job: Number(choice.value) }) }, "Explore");
  const more = make("span", { class: "batchnb-quiet" }), said = make("p", { class: "batchnb-note-error", role: "alert" });
  root.replaceChildren(make("div", { class: "batchnb-log-head" }, make("label", { class: "batchnb-choice" }, "Job ", choice), show, more), said);
  watchKernel(root, model, "The kernel that showed this has ended: open the workspace again.");
  let drawn = "";
  return () => {
    const state = model.get("state"), kept = choice.value;
    const key = JSON.stringify(state.jobs);
    if (key !== drawn) {
      drawn = key;
      choice.replaceChildren(...state.jobs.map(([id, text]) => make("option", { value: id }, text)));
      if (state.jobs.some(([id]) => String(id) === kept)) choice.value = kept;
    }
    choice.disabled = show.disabled = !state.jobs.length;
    more.textContent = !state.jobs.length ? "no job yet: start one in the tab Run"
      : state.more ? `the newest; ws.attach(N) has the ${state.more.toLocaleString("en")} before them` : "";
    said.hidden = !state.said;
    said.textContent = state.said;
  };
}
