// The parts of the tab: each is made once and then updated in place, so that text can be selected and nothing jumps.
//
// A part is {node, update(view)}; `view` is /lab/state.json with what page.js adds: `ended`, `word`, `silent_s`.
// Nothing is shown by colour alone: each mark is a sign and a word.
(() => {
  "use strict";

  const h = (name, attributes = {}, ...children) => {
    const node = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
    node.append(...children);
    return node;
  };
  const say = (node, text) => {
    if (node.textContent === text) return;
    if (node.childNodes.length === 1 && node.firstChild.nodeType === Node.TEXT_NODE) node.firstChild.data = text;
    else node.textContent = text;
  };
  const show = (node, visible) => {
    if (node.hidden === visible) node.hidden = !visible;
  };
  const mark = (node, name, value) => {
    if (node.getAttribute(name) !== value) node.setAttribute(name, value);
  };

  const known = (value) => value !== null && value !== undefined;
  const count = (value) => (known(value) ? Math.round(value).toLocaleString("en") : "–");
  const decimals = (value, digits) =>
    value.toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits });
  const rate = (value) => (known(value) ? decimals(value, value < 100 ? 1 : 0) : "–");
  // A time as [number, unit]: seconds from a second on, three digits, as in verdict/words.py.
  const digitsOf = (value) => (value < 1 ? Number(value.toPrecision(3)).toLocaleString("en", { maximumFractionDigits: 6 })
    : value.toLocaleString("en", { maximumFractionDigits: Math.max(0, 3 - String(Math.floor(value)).length) }));
  const time = (value) => (known(value) ? (value < 999.5 ? [digitsOf(value), "ms"] : [digitsOf(value / 1000), "s"]) : ["–", ""]);
  const ms = (value) => (known(value) ? decimals(value, value < 1 ? 2 : value < 10 ? 1 : 0) : "–");
  const percent = (value) => (known(value) ? `${Math.round(100 * value)} %` : "–");
  const clock = (seconds) => {
    const [whole, two] = [Math.floor(seconds), (value) => String(value).padStart(2, "0")];
    const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60];
    return hours ? `${hours}:${two(minutes)}:${two(whole % 60)}` : `${minutes}:${two(whole % 60)}`;
  };
  // No line ends between a number and its unit.
  const unbroken = (text) => text.replace(/(\d) (?=(?:ms|s|min|%)(?!\w))/g, "$1\u00a0");
  const plural = (number, one, many) => `${count(number)} ${number === 1 ? one : many}`;

  // -- top line -------------------------------------------------------------------------------------------------------

  const SIGNS = { "on track": "✓", PASS: "✓", FAIL: "✕", UNKNOWN: "?", "in trouble": "!", "no answer": "!" };
  const top = () => {
    const [sign, word] = [h("span", { class: "sign", "aria-hidden": "true" }), h("span")];
    const status = h("p", { class: "status", role: "status" }, sign, word);
    const facts = ["state", "scenario", "server", "workers"].map((name) => h("li", { class: name }));
    const links = {
      report: h("a", { target: "_blank", rel: "noopener" }, "Report"),
      summary: h("a", { target: "_blank", rel: "noopener" }, "Summary"),
      all: h("a", { href: "lab/artefacts.zip", download: "" }, "All files (zip)"),
    };
    const again = h("button", { type: "button" }, "Run again");
    const said = h("span", { class: "note", role: "status" });
    const after = h("div", { class: "links", hidden: "" }, ...Object.values(links), again, said);
    const node = h("div", { class: "top" }, status, h("ul", { class: "facts" }, ...facts), after);
    const update = (view) => {
      say(sign, SIGNS[view.word] || "○");
      say(word, view.word);
      mark(status, "data-status", view.word.replace(" ", "-").toLowerCase());
      factsOf(view).forEach((text, i) => say(facts[i], text));
      show(after, view.ended);
      const has = (name) => (view.artefacts || []).includes(name);
      mark(links.report, "href", has("report.html") ? "lab/files/report.html" : "stats/report");
      mark(links.summary, "href", "lab/files/summary.md");
      show(links.summary, has("summary.md"));
      show(links.all, has("verdict.json"));
      show(again, Object.keys(view.last_start || {}).length > 0);
      if (!view.ended) say(said, "");
    };
    return { node, update, again, said };
  };
  const factsOf = ({ run, server_known: server, workers, elapsed_s: elapsed, ended, doing }) => {
    const length = ended && known(run.length_s) ? run.length_s : elapsed;
    const cap = server?.max_connections ? `, at most ${count(server.max_connections)}` : "";
    const live = workers.filter((worker) => !worker.lost).length;
    return [
      run.id ? `${doing} ${clock(length)}` : doing,
      `scenario ${run.scenario}`,
      server?.model ? `server ${server.model}${cap}` : server?.name ? `server ${server.name}` : `target ${run.target}`,
      plural(live, "worker", "workers"),
    ];
  };

  // -- what to know first ---------------------------------------------------------------------------------------------

  const headline = () => {
    const [text, remedy] = [h("p", { class: "said" }), h("p", { class: "remedy" })];
    const others = h("ul");
    const more = h("details", { hidden: "" }, h("summary", {}, "All reasons"), others);
    const update = (view) => {
      const { verdict, ended } = view;
      say(text, unbroken(ended && verdict ? ending(verdict) : progress(view)));
      say(remedy, unbroken(ended && verdict?.cause?.remedy && `What to try: ${verdict.cause.remedy}` || ""));
      show(remedy, remedy.textContent !== "");
      const reasons = (ended && verdict?.reasons) || [];
      show(more, reasons.length > 1 || (reasons.length === 1 && Boolean(verdict.cause)));
      list(others, reasons, (reason) => reason, (item, reason) => say(item, reason));
    };
    return { node: h("div", { class: "headline" }, text, remedy, more), update };
  };
  const ending = ({ verdict, cause, reasons }) => {
    const word = { pass: "The run passed", fail: "The run failed", unknown: "The run says nothing about the server" }[verdict];
    const why = cause?.text || reasons[0];
    return why ? `${word}. ${why[0].toUpperCase()}${why.slice(1)}` : `${word}.`;
  };
  const progress = (view) => (view.beginning ? soFar(view) : [faultOf(view), soFar(view)].filter(Boolean).join(" "));
  // A reader who sees trouble must know that a drill has made it.
  const faultOf = ({ drill }) => {
    if (!drill) return "";
    const [from, to] = drill;
    return known(to) ? `The fault of the drill was healed at ${clock(to)}.` : `The fault of the drill began at ${clock(from)}.`;
  };
  const soFar = (view) => {
    const missed = view.thresholds.filter((check) => check.ok === false);
    if (view.beginning || !view.run.id) return "The run is about to start.";
    if (view.state === "stopping") return "The run is ending: the workers send their last figures.";
    if (missed.length) return `Missed so far: ${missed.map((check) => check.text || worded(check)).join("; ")}.`;
    const since = view.alerts.map((alert) => alert.since_s).filter(known);
    if (view.word === "in trouble" && since.length) return `In trouble since ${clock(Math.min(...since))} of the run.`;
    if (view.shape && view.levels.length) return climbing(view);
    if (!view.steady) return `Users are being started: ${count(view.held)} of ${count(view.limits.wanted)} connections are held.`;
    return `Steady for ${clock(view.steady[1] - view.steady[0])}: every threshold is met so far.`;
  };

  const climbing = ({ shape, levels: found, elapsed_s: elapsed }) => {
    const level = found.at(-1);
    const doing = known(level.held_s) ? `held for ${clock(Math.max(0, elapsed - level.held_s))}` : "users start or stop until it is held";
    return `Level ${level.number} of ${count(shape.levels)}, ${plural(level.users, "user", "users")}: ${doing}.`;
  };

  // A keyed list: items stay the same nodes as long as their key is there.
  const list = (parent, values, keyOf, update, make = () => h("li", {}, "")) => {
    const kept = new Map([...parent.children].map((node) => [node.dataset.key, node]));
    const taken = new Set(); // two workers may have the same alert since the same moment
    values.forEach((value, i) => {
      let key = String(keyOf(value));
      while (taken.has(key)) key += "+";
      taken.add(key);
      let node = kept.get(key);
      kept.delete(key);
      if (!node) {
        node = make(value);
        node.dataset.key = key;
      }
      if (parent.children[i] !== node) parent.insertBefore(node, parent.children[i] || null);
      update(node, value);
    });
    kept.forEach((node) => node.remove());
  };

  // -- alerts ---------------------------------------------------------------------------------------------------------

  // New strips are read out; a text that only counts seconds is not.
  const alerts = () => {
    const node = h("ul", { class: "alerts", "aria-live": "polite", "aria-relevant": "additions", "aria-label": "Alerts" });
    const make = () => h("li", {}, h("span", { class: "sign", "aria-hidden": "true" }, "!"), h("span", {}, ""));
    const update = (view) => {
      list(node, view.alerts, (alert) => alert.key || alert.name, (item, alert) => say(item.lastChild, unbroken(alert.text)), make);
      show(node, view.alerts.length > 0);
    };
    return { node, update };
  };

  // -- tiles ----------------------------------------------------------------------------------------------------------

  const TILES = [
    ["held", "Connections held", (check) => is(check, "min_held")],
    ["server", "Held, by the server's count", () => false],
    ["p99", "p99 latency from due", (check) => is(check, "max_p99_ms")],
    ["messages", "Messages a second", (check) => is(check, "min_messages_s")],
    ["failures", "Failures", (check) => is(check, "max_failures") || is(check, "max_failures_percent")],
  ];
  const is = (check, name) => check.name === name || check.name.startsWith(`${name}[`);
  const tiles = () => {
    const made = TILES.map(([name, title, concerns]) => {
      const [value, unit, note, missed] = [h("span", { class: "value" }), h("span", { class: "unit" }), h("p", { class: "note" }), h("p", { class: "missed" })];
      const item = h("li", { class: `tile ${name}` }, h("h3", {}, title), h("p", { class: "figure" }, value, " ", unit), note, missed);
      return { name, item, value, unit, note, missed, concerns };
    });
    const update = (view) => {
      const figures = view.ended ? final(view) : live(view);
      for (const { name, item, value, unit, note, missed, concerns } of made) {
        const [shown, of, words] = figures[name];
        say(value, shown);
        say(unit, of);
        say(note, words);
        const failed = view.thresholds.filter((check) => concerns(check) && check.ok === false);
        item.classList.toggle("is-missed", failed.length > 0);
        const short = name === "held" && heldShort(view);
        item.classList.toggle("is-short", short);
        say(missed, failed.length ? `✕ missed${view.ended ? "" : " so far"}: ${failed.map(demanded).join("; ")}` : short ? `! short of ${count(view.limits.wanted)}` : "");
        show(missed, failed.length > 0 || short);
      }
    };
    return { node: h("ul", { class: "tiles", "aria-label": "Figures" }, ...made.map(({ item }) => item)), update };
  };
  // Whether too few connections were held, and no threshold says whether that matters.
  const heldShort = ({ ended, figures, limits, thresholds: checks, levels: found }) =>
    ended && known(figures.held_min) && figures.held_min < limits.wanted && !found?.length && !checks.some((check) => is(check, "min_held"));
  // The limit of a threshold, unless it is missed: then the line below says it.
  const limitOf = ({ thresholds }, name) => {
    const check = thresholds.find((one) => one.name === name);
    return check && check.ok !== false ? limit(check).replaceAll(" ", "\u00a0") : "";
  };
  const joined = (...words) => words.filter(Boolean).join("\u00a0· "); // no line begins with a dot
  const failuresOf = (view) => {
    const allowed = limitOf(view, "max_failures") || limitOf(view, "max_failures_percent");
    return [count(view.figures.failures), "", joined(view.figures.failure_kinds, "whole run", allowed)];
  };
  const live = (view) => {
    const { now, figures, limits } = view;
    const cap = limits.cap ? `at most ${count(limits.cap)}` : "";
    const mute = view.server_known && !view.server_known.source ? "the server does not answer" : "the server can't be asked";
    const steady = (value) => (known(value) ? `steady so far ${time(value).join("\u00a0")}` : "");
    return {
      held: [count(view.held), known(limits.wanted) ? `of ${count(limits.wanted)}` : "", joined("now", limitOf(view, "min_held"))],
      server: [count(view.server_held), "", known(view.server_held) ? joined("now", cap) : mute],
      p99: [...time(now.p99_ms), joined("last second", steady(figures.p99_ms), limitOf(view, "max_p99_ms"))],
      messages: [rate(now.messages_s), "", joined("last second", limitOf(view, "min_messages_s"))],
      failures: failuresOf(view),
    };
  };
  const final = (view) => {
    const { figures, limits } = view;
    const steady = (value) => (known(value) ? "steady window" : "no steady window");
    return {
      held: [count(figures.held_min), `of ${count(limits.wanted)}`, joined(known(figures.held_min) ? "least in the steady window" : "no steady window", limitOf(view, "min_held"))],
      server: [count(figures.server_held_min), "", known(figures.server_held_min) ? "least in the steady window" : "unknown"],
      p99: [...time(figures.p99_ms), joined(steady(figures.p99_ms), limitOf(view, "max_p99_ms"))],
      messages: [rate(figures.messages_s), "", joined(steady(figures.messages_s), limitOf(view, "min_messages_s"))],
      failures: failuresOf(view),
    };
  };

  // -- thresholds -----------------------------------------------------------------------------------------------------

  const UNITS = { "%": " %" };
  const unitOf = ({ name, unit }) => {
    if (known(unit)) return UNITS[unit] ?? (unit ? ` ${unit}` : "");
    return /_ms(\[|$)/.test(name) ? " ms" : /_percent(\[|$)/.test(name) ? " %" : "";
  };
  const amount = (check, value) => {
    if (!known(value)) return "–";
    if (unitOf(check) === " ms") return time(value).join(" ");
    const text = value.toLocaleString("en", { maximumFractionDigits: Math.abs(value) < 10 ? 2 : 1 });
    return text + unitOf(check);
  };
  const limit = (check) => {
    if (check.limit === 0 && check.name.startsWith("max_")) return "none allowed";
    return `${check.name.startsWith("min_") ? "at least" : "at most"} ${amount(check, check.limit)}`;
  };
  const demanded = (check) => {
    const row = /\[(.*)\]$/.exec(check.name);
    return `${row ? `${row[1]}: ` : ""}${limit(check)}${known(check.actual) ? `, is ${amount(check, check.actual)}` : ""}`;
  };
  const title = (check) => check.title || check.name.replace(/^(max|min)_/, "").replace(/_(ms|s|percent)(?=\[|$)/, "").replace(/_/g, " ");
  const worded = (check) => `${title(check)} is ${amount(check, check.actual)}, ${limit(check)}`;
  const RESULTS = new Map([[true, "✓ met"], [false, "✕ missed"], [null, "– not measured"]]);
  const uncounted = ({ ended, verdict }, check) => ended && verdict?.verdict === "unknown" && check.ok === true;
  const thresholds = () => {
    const body = h("tbody");
    const head = ["Threshold", "Limit", "Actual", "Result"].map((text, i) =>
      h("th", { scope: "col", class: i === 1 || i === 2 ? "number" : "" }, text));
    const table = h("table", {}, h("caption", {}, "Thresholds"), h("thead", {}, h("tr", {}, ...head)), body);
    const none = h("p", { class: "note" }, "No threshold is judged.");
    const make = () => h("tr", {}, h("th", { scope: "row" }, ""), h("td", { class: "number" }, ""), h("td", { class: "number" }, ""), h("td", {}, ""));
    const update = (view) => {
      list(body, view.thresholds, (check) => check.name, (row, check) => {
        const cells = [title(check), limit(check), amount(check, check.actual), uncounted(view, check) ? "– met, not counted" : RESULTS.get(check.ok)];
        cells.forEach((text, i) => say(row.children[i], text));
        mark(row, "data-ok", uncounted(view, check) ? "not-counted" : String(check.ok));
      }, make);
      show(table, view.thresholds.length > 0);
      show(none, view.thresholds.length === 0);
    };
    return { node: h("div", { class: "thresholds" }, table, none), update };
  };

  // -- levels of a load shape -----------------------------------------------------------------------------------------

  const LEVELS = [
    ["Held", "The least connections held in its steady window", (level) => count(level.held_min)],
    ["p50 (ms)", "Half of the messages were answered faster, from when they were due", (level) => ms(level.p50_ms)],
    ["p99 (ms)", "99 % of the messages were answered faster, from when they were due", (level) => ms(level.p99_ms)],
    ["Messages/s", "Messages answered a second, and one-way messages that were sent", (level) => rate(level.messages_s)],
    ["Failures", "Failed connects, messages and drops, from its ramp on", (level) => count(level.failures)],
    ["Server CPU", "Share of one core of the server", (level) => percent(level.server_cpu_share)],
  ];
  const outcome = (level, elapsed) => {
    if (level.stopped && level.verdict !== "fail") return "– stopped";
    if (level.verdict) return { pass: "✓ passed", fail: "✕ failed", unknown: "? unknown" }[level.verdict];
    return known(level.held_s) ? `held for ${clock(Math.max(0, elapsed - level.held_s))}` : "users start or stop";
  };
  const levels = () => {
    const body = h("tbody");
    const numbers = LEVELS.map(([name, help]) => h("th", { scope: "col", class: "number", title: help }, name));
    const [level, result, why] = ["Level", "Result", "Why"].map((name) => h("th", { scope: "col" }, name));
    const head = h("tr", {}, level, result, ...numbers, why);
    const table = h("table", {}, h("caption", {}, "Levels of the load shape"), h("thead", {}, head), body);
    const scroll = h("div", { class: "wide", tabindex: "0", role: "region", "aria-label": "Levels of the load shape" }, table);
    const about = h("h3", {}, "");
    const node = h("section", { class: "levels", "aria-label": "Load shape", hidden: "" }, about, scroll);
    const make = () => h("tr", {}, h("th", { scope: "row" }, ""), h("td", {}, ""), ...LEVELS.map(() => h("td", { class: "number" }, "")), h("td", {}, ""));
    const update = ({ shape, levels: found, elapsed_s: elapsed }) => {
      show(node, Boolean(shape));
      if (!shape) return;
      say(about, `Load shape: ${shape.text} · ${plural(found.length, "level", "levels")} of ${count(shape.levels)}`);
      list(body, found, ({ number }) => number, (row, level) => {
        const users = plural(level.users, "user", "users");
        say(row.children[0], level.when ? `${level.when}, ${users}` : users);
        say(row.children[1], outcome(level, elapsed));
        LEVELS.forEach(([, , text], i) => say(row.children[i + 2], text(level)));
        say(row.lastChild, level.reason);
        mark(row, "data-ok", String(level.verdict ? level.verdict === "pass" : null));
      }, make);
    };
    return { node, update };
  };

  // -- workers and server ---------------------------------------------------------------------------------------------

  const COLUMNS = [
    ["Worker", "Workers have numbers in the order in which they came", (worker) => worker.name],
    ["State", "What Locust says about it, or why it is lost", (worker) => (worker.lost ? `✕ lost${worker.why_lost ? `: ${worker.why_lost}` : ""}` : worker.state || "–")],
    ["Users", "Users that run there now", (worker) => count(worker.users)],
    ["Held", "Connections that it holds now", (worker) => count(worker.held)],
    ["Messages/s", "Messages answered in the last second, and one-way messages that were sent", (worker) => rate(worker.messages_s)],
    ["Failures", "Failed connects, messages and drops in the whole run", (worker) => count(worker.failures)],
    ["CPU", "Share of one core in the last second; near 100 % the worker itself is the bottleneck", (worker) => percent(worker.cpu_share)],
    ["Lag p99 (ms)", "How late the worker's own loop was: 99 % of the last second was better", (worker) => ms(worker.lag_p99_ms)],
    ["Worst lag (ms)", "The worst lag of this run", (worker) => ms(worker.lag_max_ms)],
    ["Turns/s", "Turns of the worker's loop in a second", (worker) => count(worker.turns_s)],
    ["Report age (s)", "Seconds since its last report; it sends one a second", (worker) => rate(worker.report_age_s)],
  ];
  const isHealthy = (worker) => !worker.lost && !["missing", "lost"].includes(worker.state);
  const workerTable = (caption) => {
    const body = h("tbody");
    const head = COLUMNS.map(([name, help], i) => h("th", { scope: "col", class: i > 1 ? "number" : "", title: help }, name));
    const table = h("table", {}, h("caption", {}, caption), h("thead", {}, h("tr", {}, ...head)), body);
    const make = () => h("tr", {}, ...COLUMNS.map((_, i) => h(i ? "td" : "th", i ? { class: i > 1 ? "number" : "" } : { scope: "row" }, "")));
    const update = (rows) => list(body, rows, (worker) => worker.id, (row, worker) => {
      COLUMNS.forEach(([, , text], i) => say(row.children[i], text(worker)));
      mark(row.children[0], "title", worker.id);
    }, make);
    return { node: h("div", { class: "wide", tabindex: "0", role: "region", "aria-label": caption }, table), update };
  };
  const workers = () => {
    const [ill, well] = [workerTable("Workers in trouble"), workerTable("Healthy workers")];
    const summary = h("summary", {}, "");
    const [folded, silent] = [h("details", {}, summary, well.node), h("p", { class: "note" })];
    const update = (view) => {
      const order = [...view.workers].sort((a, b) => a.name.localeCompare(b.name, "en", { numeric: true }));
      const [lost, healthy] = [order.filter((worker) => !isHealthy(worker)), order.filter(isHealthy)];
      ill.update(lost);
      well.update(healthy);
      show(ill.node, lost.length > 0);
      show(folded, healthy.length > 0);
      say(summary, `${plural(healthy.length, "healthy worker", "healthy workers")}${healthy.length ? ` · busiest ${percent(Math.max(...healthy.map((worker) => worker.cpu_share || 0)))} of a core` : ""}`);
      say(silent, view.silent_connections ? `No byte has arrived on ${plural(view.silent_connections, "connection", "connections")}.` : "");
    };
    return { node: h("section", { class: "workers", "aria-label": "Workers" }, h("h3", {}, "Workers"), ill.node, folded, silent), update };
  };

  const SERVER = [
    ["Model", "How the server waits for many connections", ({ server }) => server.model || "–"],
    ["Held", "Connections open now, by the server's own count", (view) => count(view.server_held)],
    ["At most", "Connections that it holds at most (MAX_CONNECTIONS)", ({ server }) => (server.max_connections ? count(server.max_connections) : "no limit")],
    ["Messages/s", "Messages that arrived in the last second", ({ server }) => rate(server.messages_s)],
    ["CPU", "Share of one core; several processes can have more than 100 %", ({ server }) => percent(server.cpu_share), "both"],
    ["Memory", "Memory in use, without the pages of files", ({ server }) => (known(server.memory_bytes) ? `${count(server.memory_bytes / 1e6)} MB` : "–"), "theirs"],
    ["Longest turn", "The longest turn of its loop in the last second or two: all connections wait so long", ({ server }) => (known(server.lag_ms) ? `${ms(server.lag_ms)} ms` : "–")],
    ["Turns/s", "Turns of its loop in a second", ({ server }) => count(server.turns_s)],
  ];
  const server = () => {
    const cells = SERVER.map(() => h("td", { class: "number" }, ""));
    const rows = SERVER.map(([name, help], i) => h("tr", {}, h("th", { scope: "row", title: help }, name), cells[i]));
    const table = h("table", {}, h("caption", {}, "Server, now"), h("tbody", {}, ...rows));
    const [none, words, each] = [h("p", { class: "note" }), h("p"), h("ul", { class: "processes", "aria-label": "The server's processes" })];
    const update = (view) => {
      show(table, Boolean(view.server));
      show(none, !view.server);
      const mute = view.server_known && !view.server_known.source;
      say(none, mute ? "The server does not answer on its admin port: its own counters are unknown now."
        : "The server's own counters are unknown: it has no admin port, or it does not answer.");
      // Of a server in the place of the lab's own, the engine knows CPU and memory alone.
      const whose = view.server?.source ? "theirs" : "ours";
      if (view.server) SERVER.forEach(([, , text, of = "ours"], i) => {
        say(cells[i], text(view));
        show(rows[i], of === "both" || of === whose);
      });
      const many = Boolean(view.server) && (view.server.processes_wanted > 1 || view.server_processes.length > 0);
      show(words, many);
      show(each, many);
      if (many) processes(view, words, each);
    };
    return { node: h("section", { class: "server", "aria-label": "Server" }, table, none, words, each), update };
  };
  const processes = ({ server: all, server_processes: each }, words, cells) => {
    const held = each.map((process) => process.held);
    const [low, high] = [Math.min(...held), Math.max(...held)];
    const wanted = Math.max(all.processes_wanted, ...each.map(({ process }) => process + 1));
    const full = Math.max(all.max_connections / all.processes_wanted || high, high, 1);
    const by = new Map(each.map((process) => [process.process, process.held]));
    const memory = all.memory_bytes ? `, ${count(all.memory_bytes / 1e6)} MB of memory together` : "";
    const span = each.length ? `, ${low === high ? count(low) : `${count(low)} to ${count(high)}`} connections each` : "";
    say(words, `${each.length} of ${all.processes_wanted} processes serve${span}${memory}, ${count(all.respawns)} respawned since it began`);
    const make = () => h("li", { class: "process" }, h("span", { class: "note" }, ""), h("span", {}, ""), h("span", { class: "bar" }));
    list(cells, Array.from({ length: wanted }, (_, i) => i), (number) => number, (cell, number) => {
      const has = by.get(number);
      say(cell.children[0], String(number));
      say(cell.children[1], known(has) ? count(has) : "gone");
      cell.children[2].style.width = `${((100 * (has || 0)) / full).toFixed(1)}%`;
      cell.classList.toggle("gone", !known(has));
      mark(cell, "title", known(has) ? `process ${number} holds ${count(has)}` : `process ${number} is gone`);
    }, make);
  };

  // -- metrics of the target ------------------------------------------------------------------------------------------

  const digits = (value) => (known(value) ? value.toLocaleString("en", { maximumSignificantDigits: 4, notation: Math.abs(value) < 1e7 ? "standard" : "compact" }) : "–");
  const targetMetrics = () => {
    const columns = ["now", "min", "mean", "max"];
    const head = ["Series", "Now", "Lowest", "Mean", "Highest"].map((name, i) => h("th", { scope: "col", class: i ? "number" : "" }, name));
    const [body, said] = [h("tbody"), h("p", { class: "note" })];
    const table = h("table", {}, h("caption", {}, "Series of the target's own metrics in this run"), h("thead", {}, h("tr", {}, ...head)), body);
    const scroll = h("div", { class: "wide", tabindex: "0", role: "region", "aria-label": "Metrics of the target" }, table);
    const node = h("section", { class: "target-metrics", "aria-label": "The target's own metrics", hidden: "" }, h("h3", {}, "The target's own metrics"), scroll, said);
    const make = () => h("tr", {}, h("th", { scope: "row" }, ""), ...columns.map(() => h("td", { class: "number" }, "")));
    const update = ({ target_metrics: found }) => {
      show(node, Boolean(found));
      if (!found) return;
      show(scroll, found.series.length > 0);
      list(body, found.series, ({ name }) => name, (row, one) => {
        say(row.children[0], one.name);
        columns.forEach((column, i) => say(row.children[i + 1], digits(one[column])));
      }, make);
      say(said, found.error ? `✕ ${found.url} does not answer: ${found.error}` : found.series.length ? "" : `No series of ${found.url} in this run so far.`);
    };
    return { node, update };
  };

  window.holdfastParts = { h, show, say, top, headline, alerts, tiles, thresholds, workers, server, levels, targetMetrics, clock };
})();
