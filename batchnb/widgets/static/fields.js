// Shared by the parts of a form. What is typed goes to the kernel at once; what the kernel says is shown only
// when it has heard all that this page sent, so an older value never takes the place of a newer one.

function twoWay(model) {
  const page = Math.random().toString(36).slice(2, 12);
  let at = 0;
  return {
    page,
    send(message) { at += 1; model.send({ ...message, page, at }); },
    settled: () => at === 0 || (model.get("state").heard[page] || 0) >= at,
  };
}

function fill(node, value) {
  if (!node.matches(":focus") && node.value !== value) node.value = value;
}

function say(node, text) {
  node.hidden = !text;
  if (node.textContent !== text) node.textContent = text;
}

// A message beside a field, and the field that it belongs to.
function faultOf(field, id) {
  const node = make("p", { id, class: "batchnb-fault", role: "status", hidden: true });
  const about = field.getAttribute("aria-describedby");
  field.setAttribute("aria-describedby", about ? `${id} ${about}` : id);
  return { node, show(text) {
    say(node, text ? `⚠ ${text}` : "");
    if (text) field.setAttribute("aria-invalid", "true"); else field.removeAttribute("aria-invalid");
  } };
}

function fieldRow(label, field, fault, help) {
  return make("div", { class: "batchnb-field" }, make("label", { for: field.id }, label),
    make("div", { class: "batchnb-field-body" }, field, fault.node, help));
}
