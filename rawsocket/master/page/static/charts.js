// Draws the three charts of a run on one time axis: held connections, latency from due, messages and failures a second.
//
// Shared by the page (live) and the report (a finished run). `holdfastCharts(element, data)` draws into `element`; a
// further call with the same element updates the charts in place, so hover and selection stay. `data`:
//
//   timeline  the columns of /lab/timeline.json; unknown values are null
//   events    [{at_s, kind, text, label}]: a labelled vertical line each
//   steady    [from_s, to_s] or null: shaded
//   levels    [{users, begun_s, steady_from_s, to_s, verdict}] of a load shape, or none: shaded one by one, with their
//             users; one that could not be held has no steady time, so all of it is shaded
//   drill     [from_s, to_s] of a fault, or null: shaded in the colour of failures; to_s is null until it has healed
//   silences  [[from_s, to_s]], or none: when the server sent nothing though replies were outstanding: shaded
//   limits    {wanted, cap, p99_ms}: a dashed line each; null: none
//   live      true while the run goes on: the time axis then grows in steps
//
// Colours are the CSS variables --hf-*, with defaults for light and dark below. An ancestor with the class `dark` or
// `light` overrides the system's setting. The y-axis only grows while a run goes on, in steps; a new run
// (its first sample is another) starts afresh. Needs uplot.js and uplot.css.
(() => {
  "use strict";

  const LIGHT = `--hf-ink:#1f2933; --hf-soft:#5b6770; --hf-grid:#e3e7eb; --hf-held:#0b7a53;
    --hf-server:#b4530a; --hf-p50:#1c6fc4; --hf-p99:#b3246e; --hf-messages:#0f6d8c; --hf-failures:#c4221f;
    --hf-limit:#6b3fa0; --hf-event:#5b6770; --hf-steady:rgba(11,122,83,.09);
    --hf-failed:rgba(196,34,31,.13); --hf-silent:rgba(180,83,10,.15)`;
  const DARK = `--hf-ink:#eef2f5; --hf-soft:#a8b3bc; --hf-grid:#333c44; --hf-held:#3ddc97;
    --hf-server:#ffa94d; --hf-p50:#74b9ff; --hf-p99:#ff8cc6; --hf-messages:#5cd2f2; --hf-failures:#ff7b72;
    --hf-limit:#c7a6ff; --hf-event:#a8b3bc; --hf-steady:rgba(61,220,151,.10);
    --hf-failed:rgba(255,123,114,.18); --hf-silent:rgba(255,169,77,.2)`;
  const PRINT_WIDTH = 680; // what fits between the margins of A4
  const CSS = `
    :where(.hf-charts) { ${LIGHT} }
    @media screen and (prefers-color-scheme: dark) { :where(.hf-charts) { ${DARK} } }
    :where(.light .hf-charts, .hf-charts.light) { ${LIGHT} }
    :where(.dark .hf-charts, .hf-charts.dark) { ${DARK} }
    .hf-charts.hf-print { ${LIGHT} }
    .hf-charts.hf-print .hf-chart { max-width: ${PRINT_WIDTH}px; }
    .hf-charts { color: var(--hf-ink); font: 14px/1.4 system-ui, Roboto, Helvetica, Arial, sans-serif; min-width: 0; }
    .hf-chart { margin: 0 0 14px; min-width: 0; break-inside: avoid; }
    .hf-chart figcaption { display: flex; flex-wrap: wrap; align-items: baseline; gap: 0 24px; margin: 0 0 2px; }
    .hf-chart .hf-title { font-weight: 600; margin-right: auto; }
    .hf-chart .hf-keys { display: flex; gap: 0 18px; }
    .hf-chart .hf-key { white-space: nowrap; color: var(--hf-soft); font-size: 13px; }
    .hf-chart .hf-key i { display: inline-block; width: 18px; margin-right: 6px; vertical-align: middle;
      border-top: 3px solid; }
    .hf-chart .hf-key b { color: var(--hf-ink); font-weight: 600; font-variant-numeric: tabular-nums; }
    .hf-plot { min-width: 0; overflow: hidden; }
    .hf-charts .uplot .u-cursor-x { border-right: 1px solid var(--hf-soft); }
    .hf-events { list-style: none; display: flex; flex-wrap: wrap; gap: 2px 22px; margin: 0; padding: 0;
      font-size: 13px; }
    .hf-events time { color: var(--hf-soft); font-variant-numeric: tabular-nums; margin-right: 6px; }
    @media print { .hf-charts .u-cursor-x, .hf-charts .u-cursor-pt { display: none; } }`;
  const FONT = "12px system-ui, Roboto, Helvetica, Arial, sans-serif";
  const AXIS = 62; // width of the y-axis: the same on all charts, so that their time axes are in line
  const LABEL_ROWS = 3;

  // -- values and their words --------------------------------------------------------------------------------------

  const known = (value) => value !== null && value !== undefined && Number.isFinite(value);
  const count = (value) => (known(value) ? Math.round(value).toLocaleString("en") : "–");
  const rate = (value) => (known(value) && value > 0 && value < 10 ? value.toFixed(1) : count(value));
  const milliseconds = (value) => {
    if (!known(value)) return "–";
    if (value >= 1000) return `${Number((value / 1000).toPrecision(3))} s`;
    return `${Number(value.toPrecision(3))} ms`;
  };
  const clock = (seconds) => {
    if (seconds < 120) return `${Math.round(seconds)} s`;
    return `${Math.floor(seconds / 60)}:${String(Math.round(seconds % 60)).padStart(2, "0")}`;
  };
  const peak = (values) => values.reduce((most, value) => (known(value) && value > most ? value : most), 0);
  const last = (values) => values.findLast((value) => known(value));
  const labelOf = ({ kind, label }) => label || String(kind).replaceAll("-", " ");

  // -- scales ------------------------------------------------------------------------------------------------------

  const niceCeiling = (value, steps = [1, 2, 2.5, 5, 10]) => {
    const power = 10 ** Math.floor(Math.log10(Math.max(value, 1)));
    return steps.find((step) => step * power >= value) * power;
  };
  const evenly = (end, most) => {
    const step = niceCeiling(end / most);
    return Array.from({ length: Math.floor(end / step + 1e-9) + 1 }, (_, i) => i * step);
  };
  const powers = (low, high) => {
    const first = Math.round(Math.log10(low));
    return Array.from({ length: Math.round(Math.log10(high)) - first + 1 }, (_, i) => 10 ** (first + i));
  };
  const seconds = (end, live) => {
    const step = end < 60 ? 10 : end < 300 ? 30 : end < 900 ? 60 : 300;
    return live ? Math.max(step, Math.ceil((end + 1) / step) * step) : Math.max(1, end);
  };
  const timeSteps = (end, width) => {
    const step = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600].find((each) => end / each <= width / 70) || 7200;
    return Array.from({ length: Math.floor(end / step) + 1 }, (_, i) => i * step);
  };

  // The top of a linear axis: above the data and those limits that are not far above them.
  const linear = (view, charted) => {
    const most = Math.max(1, ...charted.columns.map(peak));
    const near = charted.lines.map((line) => line.value).filter((value) => value <= 2.5 * most);
    return [0, niceCeiling(1.04 * Math.max(most, ...near), [1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10])];
  };
  const logarithmic = (view, charted) => {
    const all = charted.columns.flat().filter((value) => known(value) && value > 0);
    const values = [...all, ...charted.lines.map((line) => line.value)];
    const [low, high] = values.length ? [Math.min(...values), Math.max(...values)] : [1, 100];
    const bottom = 10 ** Math.floor(Math.log10(Math.max(low, 0.001)));
    return [bottom, Math.max(10 * bottom, 10 ** Math.ceil(Math.log10(high * 1.02)))];
  };

  // -- the three charts --------------------------------------------------------------------------------------------

  const KINDS = [
    {
      name: "held", title: "Held connections", show: count, axis: linear, height: 210, labels: true,
      series: [
        { column: "held", name: "clients", color: "--hf-held", width: 2.5 },
        { column: "server_held", name: "server", color: "--hf-server", width: 2, dash: [6, 4] },
      ],
      limits: ({ wanted, cap }) => [
        { value: wanted, name: `wanted ${count(wanted)}` }, { value: cap, name: `cap ${count(cap)}`, right: true },
      ],
    },
    {
      name: "latency", title: "Latency from due", show: milliseconds, axis: logarithmic, log: true, height: 190,
      series: [
        { column: "p50_ms", name: "p50", color: "--hf-p50", width: 2 },
        { column: "p99_ms", name: "p99", color: "--hf-p99", width: 2 },
      ],
      limits: ({ p99_ms }) => [{ value: p99_ms, name: `p99 at most ${milliseconds(p99_ms)}` }],
    },
    {
      name: "rates", title: "Messages and failures a second", show: rate, axis: linear, height: 170,
      series: [
        { column: "messages_s", name: "messages", color: "--hf-messages", width: 2 },
        { column: "failures_s", name: "failures", color: "--hf-failures", bars: true },
      ],
      limits: () => [],
    },
  ];

  const element = (name, attributes = {}, ...children) => {
    const node = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
    node.append(...children);
    return node;
  };

  // What a chart shows of the data.
  const charted = (kind, { timeline, limits }) => {
    const at = timeline.elapsed_s || [];
    const columns = kind.series.map(({ column }) => at.map((_, i) => timeline[column]?.[i] ?? null));
    const lines = kind.limits(limits || {}).filter(({ value }) => known(value) && value > 0);
    return { at, columns, lines };
  };

  // All figures that a sighted reader takes from the picture.
  const alternative = (kind, shown, data) => {
    if (!shown.at.length) return `${kind.title}: no samples yet`;
    const series = kind.series.map(({ name }, i) => {
      const values = shown.columns[i];
      return `${name} ${kind.show(last(values))} at the end, ${kind.show(peak(values))} at most`;
    });
    const window = shades(data, shown.at.at(-1)).map(({ from, to, names }) => `${names[0]} from ${clock(from)} to ${clock(to)}`);
    const marks = (data.events || []).map((event) => `${labelOf(event)} at ${clock(event.at_s)}`);
    const lines = shown.lines.map(({ name }) => name);
    return [`${kind.title}, ${clock(shown.at.at(-1))}: ${series.join("; ")}`, ...lines, ...window, ...marks].join("; ");
  };

  // -- drawing on the canvas; `u` is a chart of uPlot's, lengths are CSS pixels times `ratio` --------------------------

  const ratioOf = (u) => u.ctx.canvas.width / u.width;
  const painted = (u, paint) => {
    u.ctx.save();
    paint(u.ctx, ratioOf(u));
    u.ctx.restore();
  };
  const text = (ctx, ratio, color, align) => {
    ctx.font = FONT.replace("12px", `${12 * ratio}px`);
    [ctx.fillStyle, ctx.textAlign, ctx.textBaseline] = [color, align, "alphabetic"];
  };

  // What is shaded: the steady window, or that of each level of a load shape; a fault, and silences of the server.
  const shades = ({ steady, levels, drill, silences }, end) => {
    const fault = drill ? [{ from: drill[0], to: drill[1] ?? end, names: ["fault"], color: "--hf-failed" }] : [];
    const silent = (silences || []).map(([from, to]) => ({ from, to, names: ["server silent", "silent"], color: "--hf-silent" }));
    return [...windows(steady, levels || [], end), ...fault, ...silent];
  };
  const windows = (steady, levels, end) => {
    if (!levels.length) return steady ? [{ from: steady[0], to: steady[1], names: ["steady window"], color: "--hf-steady" }] : [];
    return levels.map((level) => {
      const [users, failed] = [count(level.users), level.verdict === "fail"];
      const names = failed ? [`✗ ${users} users`, `✗ ${users}`, "✗"] : [`${users} users`, users];
      const from = level.steady_from_s ?? (failed ? level.begun_s : null);
      return { from, to: level.to_s ?? end, names, color: failed ? "--hf-failed" : "--hf-steady" };
    }).filter(({ from }) => known(from));
  };
  // Their names stand at the bottom, above each other where one lies within another.
  const shade = (view) => (u) => {
    const { left, top, width, height } = u.bbox;
    const place = (at) => Math.min(Math.max(u.valToPos(at, "x", true), left), left + width);
    const taken = [];
    for (const { from, to, names, color } of shades(view.data, view.end())) {
      const [start, end] = [place(from), place(to)];
      painted(u, (ctx, ratio) => {
        ctx.fillStyle = view.color(color);
        ctx.fillRect(start, top, end - start, height);
        if (!u.holdfast.labels) return;
        text(ctx, ratio, view.color("--hf-ink"), "center");
        const name = names.find((one) => ctx.measureText(one).width + 8 * ratio <= end - start);
        if (!name) return;
        const [middle, wide] = [(start + end) / 2, ctx.measureText(name).width / 2 + 4 * ratio];
        const over = (row) => taken.some((other) => other.row === row && middle - wide < other.to && middle + wide > other.from);
        let row = 0;
        while (over(row)) row += 1;
        taken.push({ row, from: middle - wide, to: middle + wide });
        ctx.fillText(name, middle, top + height - (6 + 15 * row) * ratio);
      });
    }
  };

  const drawLimits = (view) => (u) => {
    const { left, top, width, height } = u.bbox;
    const lines = view.shown(u).lines;
    const place = (value) => u.valToPos(value, "y", true);
    for (const { value, name, right } of lines) {
      const beyond = value > u.scales.y.max;
      const y = beyond ? top + 2 : Math.min(place(value), top + height);
      painted(u, (ctx, ratio) => {
        ctx.strokeStyle = view.color("--hf-limit");
        ctx.lineWidth = 1.5 * ratio;
        ctx.setLineDash([2 * ratio, 3 * ratio]);
        if (!beyond) stroke(ctx, left, y, left + width, y);
        text(ctx, ratio, view.color("--hf-limit"), right ? "right" : "left");
        const above = Math.max(top, ...lines.map((line) => place(line.value)).filter((other) => other < y));
        const below = y - above < 17 * ratio;
        ctx.fillText(beyond ? `${name}, above this chart` : name, right ? left + width - 4 * ratio : left + 4 * ratio,
          below ? y + 14 * ratio : y - 5 * ratio);
      });
    }
  };
  const stroke = (ctx, x0, y0, x1, y1) => {
    ctx.beginPath();
    ctx.moveTo(x0, y0);
    ctx.lineTo(x1, y1);
    ctx.stroke();
  };

  // A second with failures has a bar of 4 pixels at least: one failure among thousands of messages is seen.
  const drawBars = (view) => (u) => {
    u.holdfast.series.forEach((series, i) => {
      if (!series.bars) return;
      painted(u, (ctx, ratio) => {
        const { top, height, left, width } = u.bbox;
        const wide = Math.max(2 * ratio, width / Math.max(1, u.scales.x.max) - ratio);
        ctx.beginPath();
        ctx.rect(left, top, width, height);
        ctx.clip();
        ctx.fillStyle = view.color(series.color);
        u.data[i + 1].forEach((value, at) => {
          if (!value) return;
          const y = Math.min(u.valToPos(value, "y", true), top + height - 4 * ratio);
          ctx.fillRect(u.valToPos(u.data[0][at], "x", true) - wide / 2, y, wide, top + height - y);
        });
      });
    });
  };

  // Events with the same label within a second have one; how many there are stands behind it.
  const merged = (events) => {
    const found = [];
    for (const event of events || []) {
      const name = labelOf(event);
      const same = found.find((one) => one.name === name && event.at_s - one.at < 1);
      if (same) same.number += 1;
      else found.push({ at: event.at_s, name, number: 1 });
    }
    return found.map(({ at, name, number }) => ({ at, name: number > 1 ? `${name} (${number})` : name }));
  };
  // Labels stand in rows above the plot; one for which no row has room is left to the list below the charts.
  const labels = (view, u) => {
    const { events, live } = view.data;
    const end = seconds(view.end(), live);
    const room = u.width - AXIS - 14;
    const free = Array(LABEL_ROWS).fill(-Infinity);
    u.ctx.font = FONT.replace("12px", `${12 * ratioOf(u)}px`);
    return merged(events).map(({ at, name }) => {
      const wide = u.ctx.measureText(name).width / ratioOf(u);
      const x = (at / end) * room;
      const start = Math.min(Math.max(0, x - wide / 2), room - wide);
      const row = free.findIndex((taken) => start > taken);
      if (row >= 0) free[row] = start + wide + 8;
      return { at, name, start, wide, row };
    });
  };
  const rowsOf = (view, u) => 1 + Math.max(-1, ...labels(view, u).map(({ row }) => row));

  const drawEvents = (view) => (u) => {
    const placed = labels(view, u);
    const rows = rowsOf(view, u);
    painted(u, (ctx, ratio) => {
      const { left, top, height, width } = u.bbox;
      ctx.strokeStyle = view.color("--hf-event");
      ctx.lineWidth = ratio;
      ctx.setLineDash([]);
      const base = (row) => top - (6 + 15 * (rows - 1 - row)) * ratio;
      const labelled = u.holdfast.labels ? placed.filter(({ row }) => row >= 0) : [];
      for (const event of placed) {
        const x = Math.round(u.valToPos(event.at, "x", true));
        if (x < left || x > left + width) continue;
        stroke(ctx, x, labelled.includes(event) ? base(event.row) : top, x, top + height);
      }
      for (const { name, start, wide, row } of labelled) {
        ctx.clearRect(left + (start - 2) * ratio, base(row) - 11 * ratio, (wide + 4) * ratio, 15 * ratio);
        text(ctx, ratio, view.color("--hf-ink"), "left");
        ctx.fillText(name, left + start * ratio, base(row));
      }
    });
  };

  // -- one chart -----------------------------------------------------------------------------------------------------

  const options = (view, kind, width) => {
    const color = (name) => () => view.color(name);
    const grid = { stroke: color("--hf-grid"), width: 1 };
    const common = { stroke: color("--hf-soft"), font: FONT, grid, ticks: { show: false }, gap: 6 };
    const top = (u) => (kind.labels ? 8 + 15 * rowsOf(view, u) : 10);
    return {
      width, height: heightOf(kind, width), padding: [top, 14, 0, 0], legend: { show: false },
      cursor: { y: false, drag: { x: false, y: false }, sync: { key: view.key }, points: { size: 7 } },
      scales: {
        x: { time: false, range: () => [0, seconds(view.end(), view.data.live)] },
        y: { distr: kind.log ? 3 : 1, range: (u) => view.calm(kind, u) },
      },
      axes: [
        { ...common, size: 26, splits: (u, _, low, high) => timeSteps(high, u.width - AXIS), space: 40,
          values: (_, splits) => splits.map(clock) },
        { ...common, size: AXIS, filter: (_, splits) => splits,
          splits: (_, __, low, high) => (kind.log ? powers(low, high) : evenly(high, 4)),
          values: (_, splits) => splits.map((value) => (kind.log ? milliseconds(value) : value.toLocaleString("en"))) },
      ],
      series: [{}, ...kind.series.map((series) => ({
        stroke: color(series.color), width: series.width || 0, dash: series.dash, points: { show: false },
        ...(series.bars ? { paths: () => null } : {}),
      }))],
      hooks: {
        drawClear: [shade(view)], drawAxes: [drawBars(view)], draw: [drawLimits(view), drawEvents(view)],
        setCursor: [(u) => view.hover(u)],
      },
    };
  };
  const heightOf = (kind, width) => Math.round(kind.height * (width < 500 ? 0.85 : 1));

  const caption = (kind) => {
    const keys = kind.series.map(({ name, color, dash, bars }) => {
      const line = `color: var(${color}); border-top-style: ${dash ? "dashed" : "solid"};${bars ? "border-top-width:8px" : ""}`;
      return element("span", { class: "hf-key" }, element("i", { style: line }), `${name} `, element("b", {}));
    });
    return element("figcaption", {}, element("span", { class: "hf-title" }, kind.title),
      element("span", { class: "hf-keys" }, ...keys));
  };

  // -- all three -----------------------------------------------------------------------------------------------------

  class Charts {
    constructor(root, data) {
      this.root = root;
      this.key = `holdfast-${Math.random()}`;
      this.colors = new Map();
      this.tops = new Map();
      root.classList.add("hf-charts");
      this.charts = KINDS.map((kind) => this.added(kind));
      this.list = element("ol", { class: "hf-events" });
      root.append(this.list);
      this.update(data);
      new ResizeObserver(() => this.resize()).observe(root);
      addEventListener("beforeprint", () => this.print(true));
      addEventListener("afterprint", () => this.print(false));
      matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.redraw());
    }

    added(kind) {
      const plot = element("div", { class: "hf-plot", role: "img" });
      const head = caption(kind);
      this.root.append(element("figure", { class: "hf-chart", "data-chart": kind.name }, head, plot));
      return { kind, plot, head, u: null };
    }

    update(data) {
      if (this.data?.timeline.time_utc?.[0] !== data.timeline.time_utc?.[0]) this.tops.clear();
      this.data = data;
      this.colors.clear();
      for (const chart of this.charts) {
        const shown = charted(chart.kind, data);
        chart.shown = shown;
        chart.plot.setAttribute("aria-label", alternative(chart.kind, shown, data));
        const values = [shown.at, ...shown.columns];
        if (chart.u) chart.u.setData(values);
        else this.draw(chart, values);
        this.hover(chart.u);
      }
      this.list.replaceChildren(...(data.events || []).map(({ at_s: at, text: what }) =>
        element("li", {}, element("time", {}, clock(at)), what)));
    }

    draw(chart, values) {
      chart.u = new uPlot(options(this, chart.kind, this.width()), values, (u, init) => {
        [u.holdfast, u.chart] = [chart.kind, chart];
        chart.plot.append(u.root);
        init();
      });
    }

    shown(u) {
      return u.chart.shown;
    }

    width() {
      return this.printing ? PRINT_WIDTH : Math.max(200, Math.floor(this.charts[0].plot.clientWidth || 600));
    }

    end() {
      return Math.max(1, this.longest || 0, this.data.timeline.elapsed_s?.at(-1) || 0, this.data.steady?.[1] || 0);
    }

    // The range of a y-axis: it contains each earlier one of the same run.
    calm(kind, u) {
      const [low, high] = kind.axis(this, u.chart?.shown || charted(kind, this.data));
      const [lowest, highest] = this.tops.get(kind.name) || [low, high];
      const range = [Math.min(low, lowest), Math.max(high, highest)];
      this.tops.set(kind.name, range);
      return range;
    }

    color(name) {
      if (!this.colors.has(name)) this.colors.set(name, getComputedStyle(this.root).getPropertyValue(name).trim());
      return this.colors.get(name);
    }

    // Show the values under the pointer on all charts, or the latest ones while the run goes on.
    hover(u) {
      if (!u?.chart) return;
      const { kind, head, shown } = u.chart;
      const at = u.cursor.idx ?? shown.at.length - 1;
      const pointed = !this.printing && known(u.cursor.idx) && u.cursor.left >= 0;
      head.querySelector(".hf-title").textContent = pointed ? `${kind.title} at ${clock(shown.at[at])}` : kind.title;
      head.querySelectorAll("b").forEach((cell, i) => {
        const values = shown.columns[i];
        cell.textContent = pointed ? kind.show(values[at]) : this.data.live ? kind.show(values.at(-1)) : "";
      });
    }

    resize() {
      const width = this.width();
      for (const { u, kind } of this.charts) {
        if (u && u.width !== width) u.setSize({ width, height: heightOf(kind, width) });
      }
    }

    // Where the labels of the events stand: {at, name, start, wide, row}, in order of time; row -1: there was no room.
    labels() {
      return labels(this, this.charts[0].u);
    }

    redraw() {
      this.colors.clear();
      for (const { u } of this.charts) u?.redraw(false, true);
    }

    print(on) {
      this.printing = on;
      this.root.classList.toggle("hf-print", on);
      for (const { u } of this.charts) this.hover(u);
      this.resize();
      this.redraw();
    }
  }

  document.head.append(element("style", {}, CSS));
  const drawn = new WeakMap();
  window.holdfastCharts = (root, data) => {
    if (drawn.has(root)) drawn.get(root).update(data);
    else drawn.set(root, new Charts(root, data));
    return drawn.get(root);
  };

  window.holdfastCharts.of = (root) => drawn.get(root);

  // Give several runs the same axes, so that they can be compared.
  window.holdfastCharts.alike = (views) => queueMicrotask(() => { // uPlot has drawn them, and so their ranges are known
    const end = Math.max(...views.map((view) => view.end()));
    for (const view of views) view.longest = end;
    for (const { name } of KINDS) {
      const ranges = views.map((view) => view.tops.get(name));
      const common = [Math.min(...ranges.map(([low]) => low)), Math.max(...ranges.map(([, high]) => high))];
      for (const view of views) view.tops.set(name, common);
    }
    for (const { charts } of views) charts.forEach(({ u }) => u.setData(u.data));
  });
})();
