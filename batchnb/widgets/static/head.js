// The head of a job's view: how far it is, what it found so far, and what a reader can do to it.

const PATIENCE = 1500;

function draw(root, model) {
  const send = model.send;
  const title = make("strong", { class: "batchnb-title" });
  const bar = make("div", { class: "batchnb-progress", role: "progressbar", "aria-label": "Tasks that ended", "aria-valuemin": 0 }, make("span"));
  const progress = make("div"), status = make("div", { role: "status" }), elapsed = make("div", { class: "batchnb-quiet" });
  const chips = make("div", { class: "batchnb-counts" });
  const errors = make("ul", { class: "batchnb-errors" });
  const failures = make("div", { hidden: true }, make("strong", {}, "Errors"), errors);
  const cancel = cancelPart(send), control = controlPart(send);
  root.replaceChildren(make("div", { class: "batchnb-card batchnb-head-card" }, title,
    make("div", { class: "batchnb-row" }, bar, cancel.node), progress,
    make("div", { class: "batchnb-row" }, status, elapsed), chips, control.node, failures));
  watchKernel(root, model, "");  // the board below says what happened
  const put = (node, text) => { if (node.textContent !== text) node.textContent = text; };
  let counted = "", failed = "";
  return () => {
    const state = model.get("state");
    put(title, state.title);
    put(progress, state.progress);
    put(status, state.status);
    put(elapsed, state.elapsed);
    bar.setAttribute("aria-valuemax", state.maximum);
    bar.setAttribute("aria-valuenow", state.value);
    bar.className = `batchnb-progress batchnb-progress-${state.bar}`;
    bar.firstChild.style.width = `${(100 * state.value) / state.maximum}%`;
    const counts = JSON.stringify([state.counts, state.counts_note]);
    if (counts !== counted) {
      counted = counts;
      chips.replaceChildren(...state.counts.map(([level, count]) => make("span", { class: `batchnb-chip batchnb-${level}` },
        make("b", {}, count.toLocaleString("en")), ` ${level}`)), make("span", { class: "batchnb-quiet" }, state.counts_note));
    }
    const told = JSON.stringify(state.errors);
    if (told !== failed) {
      failed = told;
      errors.replaceChildren(...state.errors.map((text) => make("li", {}, text)));
      failures.hidden = !state.errors.length;
    }
    cancel.update(state);
    control.update(state);
  };
}

// It says at once what it was told, and measures how long the kernel took to hear it.
function cancelPart(send) {
  const said = make("span", { role: "status", class: "batchnb-cancel-said" });
  const button = make("button", { type: "button", class: "batchnb-button batchnb-cancel", title: "Stop this job and every tool that it runs",
    onclick: () => click() }, "Cancel");
  const node = make("div", { class: "batchnb-row" }, button, said);
  let clicked = null, heard = null, timer = null, state = null;

  function click() {
    clicked = performance.now();
    heard = null;
    button.disabled = true;
    send({ do: "cancel" }, () => { heard = performance.now(); clearTimeout(timer); show(); });
    show();
    timer = setTimeout(show, PATIENCE);
  }
  function show() {
    const parts = [];
    if (clicked !== null) {
      if (heard !== null) parts.push(`heard after ${Math.round(heard - clicked)} ms`);
      else if (!state.ended && performance.now() - clicked > PATIENCE - 1) {
        parts.push(`asked, but the kernel has not answered yet: it is busy. ${state.way
          ? `In a terminal, this stops the job at once: ${state.way}` : "Interrupting its running cell lets it hear"}`);
      } else if (!state.ended) parts.push("asked");
    }
    if (state.refused) parts.push(`not cancelled: ${state.refused}`);
    if (state.result) parts.push(state.result);
    const text = parts.join("; ");
    if (said.textContent !== text) said.textContent = text;
  }
  function update(next) {
    state = next;
    button.hidden = state.ended;
    button.disabled = !state.can_cancel || (clicked !== null && heard === null && !state.refused);
    show();
  }
  return { node, update };
}

function controlPart(send) {
  const pause = make("button", { type: "button", class: "batchnb-button", onclick: () => send({ do: "pause" }) });
  const number = make("output", {});
  const slider = make("input", { type: "range", min: 1, step: 1, oninput: () => { number.textContent = slider.value; },
    onchange: () => send({ do: "at_once", tasks: Number(slider.value) }) });
  const node = make("div", { class: "batchnb-row" }, pause, make("label", { class: "batchnb-at-once" }, "Tasks at once ", slider, number));
  let known = null;
  function update({ ended, paused, can_cancel, at_once, most_at_once }) {
    node.hidden = ended;
    const text = paused ? "Resume" : "Pause";
    if (pause.textContent !== text) pause.textContent = text;
    pause.title = paused ? "Start tasks again" : "Start no new task; those that run go on";
    pause.disabled = slider.disabled = !can_cancel;
    if (known === at_once) return; // what the reader holds is not moved under his hand
    known = at_once;
    slider.max = Math.max(most_at_once, at_once);
    slider.value = at_once;
    number.textContent = String(at_once);
  }
  return { node, update };
}
