// The cancel button: it says at once what it was told, and measures how long the kernel took to hear it.

const PATIENCE = 1500;

function draw(root, model) {
  const said = make("span", { role: "status", class: "batchnb-cancel-said" });
  const button = make("button", { type: "button", class: "batchnb-button batchnb-cancel", title: "Stop this job and every tool that it runs",
    onclick: () => click() }, "Cancel");
  root.replaceChildren(button, said);
  let clicked = null, heard = null, timer = null;

  function click() {
    clicked = performance.now();
    heard = null;
    button.disabled = true;
    model.send({ do: "cancel" });
    show();
    timer = setTimeout(show, PATIENCE);
  }
  function show() {
    const { ended, result, refused, job } = model.get("state");
    const parts = [];
    if (clicked !== null) {
      if (heard !== null) parts.push(`heard after ${Math.round(heard - clicked)} ms`);
      else if (!ended && performance.now() - clicked > PATIENCE - 1) {
        parts.push(`asked, but the kernel has not answered yet: it is busy. In a terminal, "batchnb cancel ${job}" stops the job at once`);
      } else if (!ended) parts.push("asked");
    }
    if (refused) parts.push(`not cancelled: ${refused}`);
    if (result) parts.push(result);
    said.textContent = parts.join("; ");
  }
  model.on("msg:custom", (message) => {
    if (message.do !== "heard" || clicked === null || heard !== null) return;
    heard = performance.now();
    clearTimeout(timer);
    show();
  });
  return () => {
    const { can_cancel, ended, refused } = model.get("state");
    button.hidden = ended;
    button.disabled = !can_cancel || (clicked !== null && heard === null && !refused);
    show();
  };
}
