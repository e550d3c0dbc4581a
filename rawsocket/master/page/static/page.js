// The tab "Held connections" in Locust's page: asks the lab for news and updates its parts (tables_and_tiles.js) and
// charts (charts.js).
//
// The box is a node of our own beside React's root, and React's nodes are only read. It is shown while the tab is open.
// This script runs before Locust's (which is a module), so that the tab can be chosen in the address.
(() => {
  "use strict";

  const { h, show, top, headline, alerts, tiles, thresholds, workers, server, levels, targetMetrics } = window.holdfastParts;
  const [TAB, KEY] = ["Held connections", "held"];
  const [ASK_MS, GIVE_UP_MS, SILENT_S, OUT_OF_STEP_MS] = [1000, 5000, 3, 6000];
  const ACTIVE = ["spawning", "running", "stopping"];
  const ENDINGS = { pass: "PASS", fail: "FAIL", unknown: "UNKNOWN" };

  // -- the box --------------------------------------------------------------------------------------------------------

  const charts = h("section", { class: "charts", "aria-label": "Charts" });
  const head = top();
  const [said, strips, figures, checks, generator, own] = [headline(), alerts(), tiles(), thresholds(), workers(), server()];
  const [theirs, steps] = [targetMetrics(), levels()];
  const parts = [head, said, strips, figures, steps, checks, { update: (view) => draw(view) }, generator, own, theirs];
  const box = h("section", { id: "holdfast", "aria-label": TAB, hidden: "" },
    h("h2", { class: "unseen" }, TAB), head.node, said.node, strips.node, figures.node, steps.node,
    h("div", { class: "pair" }, h("div", { class: "aside" }, checks.node, own.node), charts), theirs.node, generator.node);
  document.body.append(box);

  const draw = ({ timeline, events, steady, levels: shaded, drill, silences, limits, ended }) => {
    if (timeline) holdfastCharts(charts, { timeline, events: events || [], steady, levels: shaded, drill, silences, limits, live: !ended });
  };

  // -- what is shown --------------------------------------------------------------------------------------------------

  const BLANK = {
    held: 0, server_held: null, users: 0, elapsed_s: 0, verdict: null, thresholds: [], figures: {}, now: {}, steady: null, alerts: [], events: [],
    limits: {}, artefacts: [], silent_connections: 0, target_metrics: null, shape: null, levels: [], drill: null, silences: [],
  };
  const wordOf = ({ status, beginning, verdict }) => {
    if (beginning) return "starting";
    return verdict ? ENDINGS[verdict.verdict] : status;
  };
  const DOING = { ready: "ready", stopped: "ended after", spawning: "starting", running: "running", stopping: "ending" };
  const troubles = ({ alerts: found, dead_tasks: dead }) => [
    ...found.map((alert) => ({ ...alert, key: `${alert.name} ${alert.since_s}` })),
    ...Object.entries(dead).map(([name, reason]) => ({ name: `task ${name}`, text: `A task of the master died (${name}): ${reason}` })),
  ];
  let server_known = null; // what the server said last: a frozen one says nothing
  const viewOf = ({ state, timeline }, silent_s) => {
    server_known = state.server || server_known;
    const limits = { ...state.limits, cap: state.limits.cap ?? server_known?.max_connections };
    const shown = state.beginning ? { ...state, ...BLANK, run: { ...state.run, id: "" } } : { ...state, limits, server_known };
    const ended = Boolean(shown.verdict) && !ACTIVE.includes(state.state);
    const view = { ...shown, timeline: state.beginning ? {} : timeline, ended, silent_s };
    view.word = wordOf({ ...shown, verdict: ended ? shown.verdict : null });
    view.alerts = ended ? [] : troubles(shown);
    view.doing = state.beginning ? "starting" : DOING[state.state] || state.state;
    if (silent_s === null) return view;
    const text = `No answer from the lab for ${silent_s} s: the figures below are its last ones.`;
    return { ...view, word: "no answer", alerts: [{ name: "no answer", text }, ...view.alerts] };
  };

  // -- news from the lab ----------------------------------------------------------------------------------------------

  let latest = null;
  let answered = Date.now();
  let asked = Date.now();
  let asking = false;
  let failed = false;
  const json = async (name) => {
    const answer = await fetch(`lab/${name}`, { cache: "no-store", signal: AbortSignal.timeout(GIVE_UP_MS) });
    if (!answer.ok) throw new Error(`${name}: ${answer.status}`);
    return answer.json();
  };
  const ask = async () => {
    if (asking) return;
    [asking, asked] = [true, Date.now()];
    try {
      const state = await json("state.json");
      const timeline = isOpen() ? await json("timeline.json") : null;
      [answered, failed] = [Date.now(), false];
      // A run may have begun between the two: figures of different runs are never shown together.
      if (timeline && timeline.run !== state.run.id) return;
      latest = { state, timeline: timeline || latest?.timeline };
    } catch {
      failed = true; // `update` says so after some seconds
    } finally {
      asking = false;
      update();
    }
  };
  const update = () => {
    if (!latest) return;
    // A browser may pause this script while its window is hidden: that is no silence of the lab.
    const waits = failed || (asking && Date.now() - asked > 1000 * SILENT_S);
    const seconds = Math.floor((Date.now() - answered) / 1000);
    const view = viewOf(latest, waits && seconds > SILENT_S ? seconds : null);
    box.classList.toggle("is-old", view.silent_s !== null);
    if (isOpen()) for (const part of parts) part.update(view);
    follow(view);
  };

  // -- beside Locust's page -------------------------------------------------------------------------------------------

  const tab = () => [...document.querySelectorAll('[role="tab"]')].find((node) => node.textContent.trim() === TAB);
  const isOpen = () => tab()?.getAttribute("aria-selected") === "true";
  const isDark = () => {
    const rgb = getComputedStyle(document.body).backgroundColor.match(/\d+/g) || [255, 255, 255];
    return rgb.slice(0, 3).reduce((sum, part) => sum + Number(part), 0) < 384;
  };
  const dress = () => {
    if (isOpen() && box.hidden) ask();
    show(box, isOpen());
    document.body.classList.toggle("holdfast-open", isOpen());
    const own = tab();
    if (own && !own.classList.contains("holdfast-tab")) {
      own.classList.add("holdfast-tab");
      if (isOpen()) own.scrollIntoView({ inline: "center", block: "nearest" });
    }
    document.body.classList.toggle("holdfast-dark", isDark());
    box.classList.toggle("dark", isDark());
    box.classList.toggle("light", !isDark());
  };

  // The state that Locust's page shows, "" while it shows the start form.
  const shownByLocust = () => {
    const title = [...document.querySelectorAll("header p")].find((node) => node.textContent === "Status");
    return tab() ? title?.nextElementSibling?.textContent.toLowerCase() || "" : "";
  };
  let differs = 0;
  let seen = null;
  const follow = ({ state, run, beginning, silent_s }) => {
    if (silent_s !== null) return;
    if (run.id && seen !== null && run.id !== seen && !isOpen()) tab()?.click();
    seen = run.id;
    // Locust's page may have missed the end of a run, or one that was started elsewhere.
    const [really, shown] = [ACTIVE.includes(state) || beginning, ACTIVE.includes(shownByLocust())];
    if (really === shown || busy()) differs = 0;
    else differs ||= Date.now();
    if (differs && Date.now() - differs > OUT_OF_STEP_MS) location.reload();
  };
  // Whether someone fills in a form: it must not vanish.
  let typed = false;
  const busy = () => Boolean(document.querySelector('[role="presentation"] form')) || (typed && !tab());
  document.addEventListener("input", () => (typed = true));

  const startAgain = async () => {
    head.again.disabled = true;
    head.said.textContent = "";
    try {
      const body = new URLSearchParams(latest.state.last_start);
      const answer = await (await fetch("swarm", { method: "POST", body })).json();
      if (answer.success) location.reload();
      else head.said.textContent = answer.message.replace("Press Start again", "Press it again");
    } catch {
      head.said.textContent = "The lab does not answer.";
    } finally {
      head.again.disabled = false;
    }
  };
  head.again.addEventListener("click", startAgain);

  const address = new URL(location.href);
  if (!address.searchParams.has("tab")) {
    address.searchParams.set("tab", KEY);
    history.replaceState(null, "", address);
  }
  setInterval(dress, 200);
  setInterval(ask, ASK_MS);
  setInterval(update, 1000);
  ask();
})();
