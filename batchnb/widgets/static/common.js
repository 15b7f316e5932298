// Shared by all of our widgets: it stands before each module. Texts become text nodes, never markup.

function make(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "onclick" || name === "oninput" || name === "onchange" || name === "onkeydown") node[name] = value;
    else if (value === true) node.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) node.setAttribute(name, String(value));
  }
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

// What a kernel that is gone leaves on the page: say so, and how to get the job back; without words, only so
// that nobody clicks in vain.
function watchKernel(root, model, words) {
  const note = make("div", { class: "batchnb-dead", role: "alert", hidden: true }, words);
  root.prepend(note);
  const died = () => {
    note.hidden = !words;
    root.classList.add("batchnb-is-dead");
    for (const control of root.querySelectorAll("button, input, select, textarea")) control.disabled = true;
  };
  model.on("comm_live_update", died);
  return () => model.off("comm_live_update", died);
}

// Messages arrive once and in order: each is numbered, and sent again until the kernel says that it heard it.
// One that is sent before JupyterLab has made its subshell would otherwise wait for the end of a busy cell.
function post(model) {
  const page = Math.random().toString(36).slice(2, 12), unheard = [];
  let at = 0, pause = AGAIN, timer = null;
  const plan = () => { clearTimeout(timer); timer = unheard.length ? setTimeout(again, pause) : null; };
  function again() {
    pause = Math.min(2 * pause, SELDOM);
    for (const { letter } of unheard) model.send(letter);
    plan();
  }
  function hear(message) {
    if (message.to !== page) return;
    while (unheard.length && unheard[0].letter.n <= message.heard) unheard.shift().told?.();
    pause = AGAIN;
    plan();
  }
  function send(said, told) {
    at += 1;
    const letter = { from: page, n: at, said };
    unheard.push({ letter, told });
    model.send(letter);
    plan();
  }
  function end() { clearTimeout(timer); unheard.length = 0; model.off("msg:custom", hear); }
  model.on("msg:custom", hear);
  model.on("comm_live_update", end);
  return { send, end };
}

const AGAIN = 250, SELDOM = 30000; // ms until a message is sent again

// Every widget: draw once, then again on each new state; tidy up when its view goes.
function render({ model, el }) {
  el.classList.add("batchnb-live");
  el.dataset.lmSuppressShortcuts = "true"; // keys are ours here: the notebook would move, or delete, its cells
  const { send, end } = post(model);
  const redraw = draw(el, { ...model, send });
  model.on("change:state", redraw);
  redraw();
  return () => { end(); model.off("change:state", redraw); };
}

export default { render };

