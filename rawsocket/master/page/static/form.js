// Puts labels, help and groups into Locust's start form, from window.templateArgs.holdfast (made by form.py).
//
// Locust makes the form with React. React's nodes are never moved or removed: their texts are changed, which React does
// not notice, and nodes of ours are added between them. A form can appear at any time, in a dialog as well.
(() => {
  "use strict";

  const { fields, about } = window.templateArgs.holdfast;
  const SETTINGS = "What users do, pace, thresholds";

  const element = (name, className, text) => {
    const node = document.createElement(name);
    node.className = className;
    node.textContent = text;
    return node;
  };
  const say = (node, text) => {
    if (node && node.textContent !== text) node.textContent = text;
  };
  const thousands = (value) => Number(value).toLocaleString("en");

  const introduction = () => {
    const server = about.model
      ? `server ${about.model}${about.cap ? `, holds at most ${thousands(about.cap)} connections` : ""}`
      : `target ${about.target}`;
    const shape = about.shape ? [`${about.shape} decides on users, rate and time`] : [];
    if (about.levels) shape.push(`load shape: ${about.levels}; it decides on users and time, and they start at the rate below`);
    return [`Scenario ${about.scenario}`, server, ...shape].join(" · ");
  };

  const label = (form, { input, label: text, help, default: value }) => {
    const field = form.querySelector(`[name="${input}"]`);
    const control = field?.closest(".MuiFormControl-root") || field?.closest(".MuiFormControlLabel-root");
    if (!control) return null;
    say(control.querySelector("label") || control.querySelector(".MuiFormControlLabel-label"), text);
    say(control.querySelector("legend span"), text);
    const note = element("p", "holdfast-help", `${help}. Default: ${value}.`);
    note.id = `holdfast-help-${input}-${Math.random().toString(36).slice(2)}`;
    field.setAttribute("aria-describedby", note.id);
    control.append(note);
    return control;
  };

  const hint = (form) => {
    const starts = form.querySelector('[name="host"]') && about.most_users; // a shape decides, until users are changed
    const users = starts || Number(form.querySelector('[name="userCount"]').value);
    if (users < 1) return "A run needs at least 1 user.";
    if (about.cap && users > about.cap) {
      return `The server holds ${thousands(about.cap)}: it refuses the other ${thousands(users - about.cap)}, or lets them wait.`;
    }
    return "";
  };

  const enhance = (form) => {
    form.dataset.holdfast = "yes";
    if (form.querySelector('[name="host"]')) form.prepend(element("p", "holdfast-about", introduction()));
    let group = "";
    for (const field of fields) {
      const control = label(form, field);
      if (!control) continue;
      if (field.group !== group) control.before(element("h3", "holdfast-group", field.group));
      group = field.group;
      control.parentElement.classList.add("holdfast-fields");
      say(control.closest(".MuiAccordion-root")?.querySelector(".MuiAccordionSummary-content p"), SETTINGS);
    }
    const warning = element("p", "holdfast-hint", hint(form));
    warning.setAttribute("role", "status");
    form.querySelector('[name="userCount"]').closest(".MuiFormControl-root").append(warning);
    form.addEventListener("input", () => say(warning, hint(form)));
  };

  const look = () => {
    for (const form of document.querySelectorAll("form:not([data-holdfast])")) {
      if (form.querySelector('[name="userCount"]')) enhance(form);
    }
  };
  new MutationObserver(look).observe(document.body, { childList: true, subtree: true });
  look();
})();
