// Draws the chart of held connections below the table of the tab "Held connections", in Locust's page.
//
// Locust's tabs render tables only, so this script adds its own box after React's root and never touches React's nodes.
// It shows the box while the tab is open, asks /lab/timeline.json and /lab/state.json, and follows the page's theme.
// Locust refreshes its tables only while a run is on; after that the box shows the table itself, with live numbers, and
// a style rule hides the stale one. A server with several processes has a cell for each: its bar shows how many of the
// connections that the process may hold it holds, and a dashed cell is a process that is missing.
(() => {
  "use strict";

  const SVG = "http://www.w3.org/2000/svg";
  const TAB = "Held connections";
  const REFRESH_MS = 1000;
  const [WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM] = [1000, 300, 56, 16, 14, 30];
  const base = new URL(".", document.currentScript.src).href; // .../lab/
  const CSS = `
    #holdfast-chart { --held: #0b8457; --server: #c2610c; --ink: #1f2933; --soft: #5b6770; --grid: #dfe4e8;
      box-sizing: border-box; max-width: 1536px; margin: 0 auto; padding: 8px 24px 48px;
      font: 14px/1.4 Roboto, Helvetica, Arial, sans-serif; color: var(--ink); }
    #holdfast-chart.dark { --held: #3ddc97; --server: #ffa94d; --ink: #eef2f5; --soft: #a3afb8; --grid: #39424a; }
    #holdfast-chart[hidden] { display: none; }
    #holdfast-chart h3 { font-size: 16px; font-weight: 500; margin: 8px 0 4px; }
    #holdfast-chart .legend { display: flex; flex-wrap: wrap; gap: 4px 28px; margin: 4px 0 8px; }
    #holdfast-chart .key { display: inline-block; width: 22px; height: 0; margin-right: 8px; vertical-align: middle;
      border-top: 3px solid; }
    #holdfast-chart .key.server { border-top-style: dashed; }
    #holdfast-chart b { font-variant-numeric: tabular-nums; }
    #holdfast-chart .verdict { margin: 8px 0; } #holdfast-chart .note { color: var(--soft); }
    #holdfast-chart svg { display: block; width: 100%; height: auto; }
    #holdfast-chart svg text { fill: var(--soft); font-size: 12px; font-variant-numeric: tabular-nums; }
    #holdfast-chart table { border-collapse: collapse; width: 100%; margin: 0 0 16px; }
    #holdfast-chart th, #holdfast-chart td { text-align: left; padding: 6px 16px; border-bottom: 1px solid var(--grid); }
    #holdfast-chart th { font-weight: 500; }
    #holdfast-chart .processes { display: grid; grid-template-columns: repeat(auto-fill, minmax(76px, 1fr)); gap: 4px;
      max-height: 190px; overflow-y: auto; margin: 4px 0 20px; }
    #holdfast-chart .process { position: relative; padding: 1px 6px 6px; border: 1px solid var(--grid); border-radius: 4px;
      text-align: right; white-space: nowrap; font-size: 13px; font-variant-numeric: tabular-nums; overflow: hidden; }
    #holdfast-chart .process .note { float: left; font-size: 11px; }
    #holdfast-chart .process .bar { position: absolute; left: 0; bottom: 0; height: 4px; background: var(--server); }
    #holdfast-chart .process.gone { border: 1px dashed var(--server); }
    body.holdfast-open #root > * { min-height: 0 !important; } /* Locust's page fills the window: leave room for the box */
    body.holdfast-idle #root table { display: none; }`;

  const element = (name, attributes = {}, ...children) => {
    const node = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
    node.append(...children);
    return node;
  };
  const shape = (name, attributes, text = "") => {
    const node = document.createElementNS(SVG, name);
    for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
    node.textContent = text;
    return node;
  };
  const shown = (value) => (value === null || value === undefined ? "unknown" : value.toLocaleString("en"));

  const niceCeiling = (value) => {
    const power = 10 ** Math.floor(Math.log10(Math.max(value, 1)));
    return [1, 2, 2.5, 5, 10].find((step) => step * power >= value) * power;
  };
  const steps = (end) => {
    const step = niceCeiling(end / 5);
    return Array.from({ length: Math.floor(end / step) + 1 }, (_, i) => i * step);
  };
  const clock = (seconds) => {
    if (seconds < 120) return `${seconds} s`;
    return `${Math.floor(seconds / 60)}:${String(Math.round(seconds % 60)).padStart(2, "0")} min`;
  };

  const draw = ({ elapsed_s: at, held, server_held: server }) => {
    const svg = shape("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": "Held connections over time" });
    const end = Math.max(10, ...at.slice(-1));
    const top = niceCeiling(Math.max(1, ...held, ...server));
    const x = (value) => LEFT + (value / end) * (WIDTH - LEFT - RIGHT);
    const y = (value) => HEIGHT - BOTTOM - (value / top) * (HEIGHT - BOTTOM - TOP);
    for (const step of steps(top)) {
      svg.append(shape("line", { x1: LEFT, x2: WIDTH - RIGHT, y1: y(step), y2: y(step), stroke: "var(--grid)" }));
      svg.append(shape("text", { x: LEFT - 8, y: y(step) + 4, "text-anchor": "end" }, step.toLocaleString("en")));
    }
    for (const step of steps(end)) {
      svg.append(shape("text", { x: x(step), y: HEIGHT - BOTTOM + 20, "text-anchor": "middle" }, clock(step)));
    }
    svg.append(line(at, held, x, y, { stroke: "var(--held)", "stroke-width": 3 }));
    svg.append(line(at, server, x, y, { stroke: "var(--server)", "stroke-width": 2, "stroke-dasharray": "7 5" }));
    return svg;
  };
  // A gap where the server's count was unknown stays a gap.
  const line = (at, values, x, y, style) => {
    let path = "";
    let pen = "M";
    values.forEach((value, i) => {
      if (value === null) pen = "M";
      else {
        path += `${pen}${x(at[i]).toFixed(1)} ${y(value).toFixed(1)}`;
        pen = "L";
      }
    });
    return shape("path", { d: path, fill: "none", "stroke-linejoin": "round", ...style });
  };

  const legend = ({ held, server_held: server, users }) =>
    element("div", { class: "legend" },
      element("span", {}, element("span", { class: "key", style: "color: var(--held)" }),
        "held by the workers: ", element("b", {}, shown(held))),
      element("span", {}, element("span", { class: "key server", style: "color: var(--server)" }),
        "the server's own count: ", element("b", {}, shown(server))),
      element("span", { class: "note" }, "users: ", element("b", {}, shown(users))));

  const processes = ({ server, server_processes: each }) => {
    const held = each.map((process) => process.held);
    const [low, high] = [Math.min(...held), Math.max(...held)];
    const wanted = Math.max(server.processes_wanted, ...each.map(({ process }) => process + 1));
    const full = Math.max(server.max_connections / server.processes_wanted || high, high, 1);
    const by = new Map(each.map((process) => [process.process, process.held]));
    const memory = server.memory_bytes && `, ${(server.memory_bytes / 1e6).toFixed(0)} MB of memory together`;
    return [
      element("h3", {}, "The server's processes"),
      element("div", {}, element("b", {}, `${each.length} of ${server.processes_wanted}`), " serve",
        each.length ? `, ${low === high ? shown(low) : `${shown(low)} to ${shown(high)}`} connections each` : "",
        memory || "", element("span", { class: "note" }, `, ${shown(server.respawns)} respawned since it began`)),
      element("div", { class: "processes" }, ...Array.from({ length: wanted }, (_, i) => cell(i, by.get(i), full))),
    ];
  };
  const cell = (number, held, full) => {
    const note = element("span", { class: "note" }, String(number));
    if (held === undefined) return element("div", { class: "process gone", title: `process ${number} is gone` }, note, "–");
    const bar = element("span", { class: "bar", style: `width: ${((100 * held) / full).toFixed(1)}%` });
    return element("div", { class: "process", title: `process ${number} holds ${held}` }, note, shown(held), bar);
  };

  const verdict = (last) =>
    element("div", { class: "verdict" }, element("b", {}, `Last run: ${last.verdict}`),
      element("span", { class: "note" }, ` ${last.reasons.join("; ")}`));

  const table = ({ columns, rows }) =>
    element("table", {},
      element("thead", {}, element("tr", {}, ...columns.map((c) => element("th", {}, c.title)))),
      element("tbody", {}, ...rows.map((row) =>
        element("tr", {}, ...columns.map((c) => element("td", {}, String(row[c.key] ?? "")))))));

  const dark = () => {
    const rgb = getComputedStyle(document.body).backgroundColor.match(/\d+/g) || [255, 255, 255];
    return rgb.slice(0, 3).reduce((sum, part) => sum + Number(part), 0) < 384;
  };

  document.head.append(element("style", {}, CSS));
  const box = element("section", { id: "holdfast-chart", hidden: "" });
  document.body.append(box);

  const open = () => document.querySelector('[role="tab"][aria-selected="true"]')?.textContent.trim() === TAB;
  const json = async (name) => (await fetch(base + name, { cache: "no-store" })).json();
  let asked = 0;

  const refresh = async () => {
    const [timeline, state] = await Promise.all([json("timeline.json"), json("state.json")]);
    const idle = !["spawning", "running"].includes(state.state);
    document.body.classList.toggle("holdfast-idle", idle && open());
    const parts = idle ? [table(state.table)] : [];
    if (state.server?.processes_wanted > 1 || state.server_processes.length) parts.push(...processes(state));
    parts.push(element("h3", {}, "Held connections over time"), legend(state));
    if (idle && state.verdict) parts.push(verdict(state.verdict));
    box.replaceChildren(...parts, draw(timeline));
  };

  setInterval(() => {
    box.hidden = !open();
    document.body.classList.toggle("holdfast-open", !box.hidden);
    if (box.hidden) {
      document.body.classList.remove("holdfast-idle");
      asked = 0;
      return;
    }
    box.classList.toggle("dark", dark());
    if (Date.now() - asked < REFRESH_MS) return;
    asked = Date.now();
    refresh().catch(() => {}); // the master doesn't answer: the last picture stays, and Locust's page says so
  }, 200);
})();
