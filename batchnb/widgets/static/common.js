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

// Every widget: draw once, then again on each new state; tidy up when its view goes.
function render({ model, el }) {
  el.classList.add("batchnb-live");
  const redraw = draw(el, model);
  model.on("change:state", redraw);
  redraw();
  return () => model.off("change:state", redraw);
}

export default { render };

