// The explorer's detail of a row, and what can be done beside the table.

function detailPart(facts, ask, close, id) {
  const body = make("div"), form = triageForm(facts, ask, id);
  const shut = make("button", { type: "button", class: "batchnb-small", "aria-label": "Close the detail", onclick: close }, "✕ Close");
  const title = make("h4", { tabindex: -1 });
  const node = make("section", { class: "batchnb-x-detail", "aria-label": "Detail", hidden: true },
    make("div", { class: "batchnb-x-detail-head" }, title, shut), body, form.node);
  node.onkeydown = (event) => { if (event.key === "Escape") { event.stopPropagation(); close(); } };
  let drawn = "", key = "";

  function weakness(cwe) {
    if (!cwe || !Number.isSafeInteger(cwe.number)) return make("p", {}, "The tools name no CWE.");
    return make("p", {}, make("a", { href: `https://cwe.mitre.org/data/definitions/${cwe.number}.html`, target: "_blank", rel: "noopener noreferrer" }, cwe.title),
      cwe.top10 ? ` · OWASP ${cwe.top10}` : "");
  }
  function code(pairs) {
    if (!pairs.length) return null;
    return make("pre", { class: "batchnb-x-code", tabindex: 0, "aria-label": "Source" },
      ...pairs.map(([name, text]) => name ? make("span", { class: `batchnb-x-code-${name}` }, text) : text));
  }
  function evidence(detail) {
    if (!detail.evidence.length) return null;
    const heads = ["tool, rule", "severity", "confidence", "CWE", "line", "says"];
    const row = (each) => make("tr", {}, make("td", {}, `${each.tool} ${each.rule}`), make("td", {}, severityChip(each.severity)),
      ...[each.confidence || "not said", each.cwe || "–", each.line || "whole file", each.message].map((text) => make("td", {}, text)));
    return make("div", {}, make("h5", {}, `Evidence: ${number(detail.evidence.length + detail.evidence_more)} ${detail.evidence.length === 1 ? "report" : "reports"}`),
      make("div", { class: "batchnb-x-evidence", tabindex: 0, role: "region", "aria-label": "Evidence" }, make("table", {},
        make("thead", {}, make("tr", {}, ...heads.map((text) => make("th", { scope: "col" }, text)))), make("tbody", {}, ...detail.evidence.map(row)))),
      detail.evidence_more ? make("p", { class: "batchnb-quiet" }, `and ${number(detail.evidence_more)} more`) : null);
  }
  function decided(decision) {
    if (!decision) return make("p", { class: "batchnb-x-verdict" }, "Undecided.");
    const until = decision.expires ? `, until ${decision.expires}` : "";
    return make("p", { class: "batchnb-x-verdict" }, make("strong", {}, decision.verdict), `: ${decision.reason} (${decision.author}, ${decision.decided}${until})`);
  }
  function update(detail, desk) {
    node.hidden = !detail.key;
    if (!detail.key) { drawn = key = ""; return; }
    const text = JSON.stringify(detail), opened = JSON.stringify(detail.key);
    if (text !== drawn) {
      drawn = text;
      title.textContent = detail.title;
      body.replaceChildren(make("p", { class: "batchnb-x-where" }, make("code", {}, detail.place)), make("p", { class: "batchnb-x-says" }, detail.message),
        ...[code(detail.snippet), weakness(detail.cwe), detail.tags ? make("p", {}, `Tags: ${detail.tags}`) : null,
          detail.facts.length ? make("dl", {}, ...detail.facts.flatMap(([name, value]) => [make("dt", {}, name), make("dd", {}, value)])) : null,
          evidence(detail), detail.can_decide ? decided(detail.decision) : null].filter(Boolean));
      if (opened !== key) { key = opened; form.clear(); title.focus({ preventScroll: true }); node.scrollIntoView({ block: "nearest" }); }
    }
    form.update(detail, desk.decide);
  }
  return { node, update };
}

function triageForm(facts, send, id) {
  const field = (name, label, attributes) => {
    const input = make(name === "reason" ? "textarea" : "input", { id: `${id}-${name}`, autocomplete: "off", ...attributes });
    return [input, make("label", { for: input.id }, label, input)];
  };
  const [reason, reasonRow] = field("reason", "Reason (needed)", { rows: 2, maxlength: 4000 });
  const [expires, expiresRow] = field("expires", "Holds until", { type: "date" });
  const [author, authorRow] = field("author", "Author", { type: "text", maxlength: 200, placeholder: "you" });
  let key = null;
  const ask = (verdict) => send({ do: "decide", key, verdict, reason: reason.value, expires: expires.value, author: author.value });
  const button = (text, verdict) => make("button", { type: "button", class: "batchnb-button", onclick: () => ask(verdict) }, text);
  const verdicts = facts.can_decide ? [button("False positive", "false_positive"), button("Accepted", "accepted"), button("Confirmed", "confirmed")] : [];
  const back = button("Withdraw the decision", "");
  const said = make("p", { role: "status" }), failed = make("p", { class: "batchnb-note-error", role: "alert" });
  const only = make("p", { class: "batchnb-quiet" }, "Decisions are only shown here: this explorer was opened without a way to store them.");
  const fields = make("div", { class: "batchnb-x-triage-fields" }, reasonRow, expiresRow, authorRow);
  const node = make("div", { class: "batchnb-x-triage", role: "group", "aria-label": "Decide about it" }, fields,
    make("div", { class: "batchnb-x-buttons" }, ...verdicts, back), said, failed, only);
  return {
    node,
    clear() { reason.value = ""; expires.value = ""; },
    update(detail, wish) {
      key = detail.key;
      const can = facts.can_decide || facts.can_withdraw;
      node.hidden = !detail.can_decide;
      fields.hidden = !can; only.hidden = can;
      back.hidden = !(facts.can_withdraw && detail.decision);
      for (const each of [...verdicts, back]) dim(each, wish.busy);
      say(said, wish.busy ? "Storing …" : wish.said); say(failed, wish.failed ? `⚠ ${wish.failed}` : "");
    },
  };
}

// A wish that takes its time: what it says, and what went wrong.
function wishLines(busyText) {
  const said = make("p", { role: "status", hidden: true }), failed = make("p", { class: "batchnb-note-error", role: "alert", hidden: true });
  return { nodes: [said, failed], update(wish) { say(said, wish.busy ? busyText : wish.said); say(failed, wish.failed ? `⚠ ${wish.failed}` : ""); } };
}

function deskPart(facts, ask, id) {
  const parts = [comparePart(facts, ask, id), modelsPart(ask, id), exportPart(facts, ask)];
  return { node: make("div", { class: "batchnb-x-desk" }, ...parts.map((part) => part.node)), update(desk) { for (const part of parts) part.update(desk); } };
}

function comparePart(facts, ask, id) {
  const choice = make("select", { id: `${id}-baseline` }, ...facts.baselines.map((label, index) => make("option", { value: index }, label)));
  const go = make("button", { type: "button", class: "batchnb-button", onclick: () => ask({ do: "compare", index: Number(choice.value) }) }, "Compare");
  const lines = wishLines("Comparing …"), counts = make("div", { class: "batchnb-x-evidence", tabindex: 0, role: "region", "aria-label": "Changes by model" });
  const none = make("p", { class: "batchnb-quiet" }, "There is no other run to compare with here.");
  const node = make("details", {}, make("summary", {}, "Compare with another run"),
    ...(facts.baselines.length ? [make("div", { class: "batchnb-x-buttons" }, make("label", { for: choice.id }, "Before"), choice, go)] : [none]), ...lines.nodes, counts);
  let drawn = "";
  return { node, update({ compare, comparison }) {
    dim(go, compare.busy);
    lines.update(compare);
    const key = JSON.stringify(comparison);
    counts.hidden = !comparison;
    if (key === drawn || !comparison) return;
    drawn = key;
    const { states, rows, more, label } = comparison;
    counts.replaceChildren(make("table", {}, make("caption", {}, `Findings by model, compared with ${label}`),
      make("thead", {}, make("tr", {}, ...["model", ...states].map((text) => make("th", { scope: "col" }, text)))),
      make("tbody", {}, ...rows.map((row) => make("tr", {}, make("th", { scope: "row" }, row.model), ...row.counts.map((count) => make("td", { class: "batchnb-number" }, number(count))))))),
      more ? make("p", { class: "batchnb-quiet" }, `and ${number(more)} more models`) : "");
  } };
}

function modelsPart(ask, id) {
  const without = make("input", { id: `${id}-without`, type: "text", autocomplete: "off", maxlength: 4000, placeholder: "such as B104, ruff:S105" });
  const go = make("button", { type: "button", class: "batchnb-button", onclick: () => ask({ do: "models", without: without.value }) }, "Compare models");
  const lines = wishLines("Comparing the models: this takes some seconds …");
  const node = make("details", {}, make("summary", {}, "Compare the models"),
    make("div", { class: "batchnb-x-buttons" }, make("label", { for: without.id }, "Leave out the rules"), without, go), ...lines.nodes);
  return { node, update({ models }) { dim(go, models.busy); lines.update(models); } };
}

function exportPart(facts, ask) {
  const lines = wishLines("Writing …");
  const button = ([ending, title, filtered]) => make("button", { type: "button", class: "batchnb-button", title: filtered ? "Only what the filter leaves" : "Everything, without the filter",
    onclick: () => ask({ do: "export", ending }) }, title);
  const group = (text, filtered) => make("div", { class: "batchnb-x-buttons" }, make("span", {}, text), ...facts.formats.filter((format) => format[2] === filtered).map(button));
  const node = make("details", {}, make("summary", {}, "Export"), group("What the filter leaves:", true), group("Everything:", false),
    make("p", { class: "batchnb-quiet" }, `Into the folder ${facts.folder}`), ...lines.nodes);
  return { node, update({ export: wish }) { for (const each of node.querySelectorAll("button")) dim(each, wish.busy); lines.update(wish); } };
}
