// Interactive figures: each chart of the page is drawn by Vega-Lite, read row by row, and linked to
// the tables. Without this script, or where it fails, the static figures stay.
(() => {
  "use strict";

  const place = document.getElementById("charts");
  if (!place || typeof vegaEmbed !== "function") return;
  const charts = JSON.parse(place.textContent);
  const mounted = [];

  // RFC 7396, JSON Merge Patch
  const merge = (target, patch) => {
    if (patch === null || typeof patch !== "object" || Array.isArray(patch)) return patch;
    const merged = target && typeof target === "object" && !Array.isArray(target) ? { ...target } : {};
    for (const [key, value] of Object.entries(patch)) {
      if (value === null) delete merged[key];
      else merged[key] = merge(merged[key], value);
    }
    return merged;
  };

  const element = (tag, attributes = {}, ...children) => {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
    made.append(...children);
    return made;
  };

  const format = (value) => {
    if (typeof value !== "number") return String(value);
    if (Number.isInteger(value)) return value.toLocaleString("en");
    const size = Math.abs(value);
    const text = size >= 100 ? value.toFixed(0) : size < 0.001 ? value.toPrecision(2) : value.toFixed(3);
    return text.replace("-", "−");
  };

  const cells = (row, columns) => columns.filter((one) => row[one.key] !== null && row[one.key] !== undefined);
  const describe = (row, columns) =>
    cells(row, columns).map((one) => `${one.title} ${format(row[one.key])}`.trim()).join(", ");

  // Rows of tables that are about the same model, or the same record.
  const mark = (about) => {
    for (const row of document.querySelectorAll("tr[data-model], tr[data-record]")) {
      const { model, record } = row.dataset;
      const isSame = model === undefined ? record === String(about.position) : model === about.model;
      row.classList.toggle("linked", isSame);
    }
  };

  class LiveChart {
    constructor(chart, home) {
      this.chart = chart;
      this.home = home;
      this.chosen = chart.controls.map((control) => control.chosen);
      this.at = -1;
      this.view = null;
      // What is read is announced, so the marks themselves are hidden from screen readers.
      this.drawing = element("div", { "aria-hidden": "true" });
      this.frame = element("div", { class: "view", tabindex: "0", role: "group" }, this.drawing);
      this.frame.setAttribute("aria-label", `${chart.title}. Arrow keys read one value after the other.`);
      this.reading = element("p", { class: "reading", role: "status" });
      this.table = element("details", { class: "values" }, element("summary", {}, "Values as a table"));
      const head = element("div", { class: "controls" }, ...chart.controls.map((_, index) => this.control(index)));
      home.append(head, this.frame, this.reading, this.table);
      this.listen();
    }

    control(index) {
      const control = this.chart.controls[index];
      const list = element("select");
      control.options.forEach((option, place) => list.append(new Option(option.label, String(place))));
      list.value = String(control.chosen);
      list.disabled = control.options.length < 2;
      list.addEventListener("change", () => {
        this.chosen[index] = Number(list.value);
        this.draw();
      });
      return element("label", {}, `${control.label} `, list);
    }

    get options() {
      return this.chart.controls.map((control, index) => control.options[this.chosen[index]]);
    }

    get columns() {
      return [...this.chart.columns, ...this.options.flatMap((option) => option.columns)];
    }

    get rows() {
      const where = Object.assign({}, ...this.options.map((option) => option.where));
      const fits = (row) => Object.entries(where).every(([key, value]) => !(key in row) || row[key] === value);
      return this.chart.rows.filter(fits);
    }

    get read() {
      return this.rows.filter((row) => !row.silent);
    }

    async draw() {
      const patched = this.options.reduce((spec, option) => merge(spec, option.patch), this.chart.spec);
      const spec = { ...structuredClone(patched), data: { values: structuredClone(this.rows) } };
      const formatTooltip = (value) => this.tooltip(value);
      if (this.view) this.view.finalize();
      const { view } = await vegaEmbed(this.drawing, spec, {
        renderer: "svg",
        actions: false,
        tooltip: { formatTooltip },
      });
      this.view = view;
      view.addEventListener("click", (_, item) => this.show(this.rowOf(item), true));
      view.addEventListener("mouseover", (_, item) => this.ring(this.rowOf(item)));
      this.at = -1;
      this.reading.textContent = "Point at the figure, or focus it and press ← or →, to read values.";
      if (this.table.open) this.tabulate();
    }

    tooltip(value) {
      const row = this.chart.rows[value.key] || {};
      const lines = cells(row, this.columns).map((one) =>
        element("tr", {}, element("th", {}, one.title), element("td", {}, format(row[one.key]))));
      return element("table", {}, ...lines).outerHTML;
    }

    rowOf(item) {
      const key = item && item.datum && item.datum.key;
      return this.chart.rows[key];
    }

    ring(row) {
      if (row && !row.silent) this.view.signal("focus", row.key).runAsync();
    }

    show(row, isLinked) {
      if (!row || row.silent) return;
      this.at = this.read.findIndex((one) => one.key === row.key);
      this.ring(row);
      this.reading.textContent = describe(row, this.columns);
      if (!isLinked) return;
      mark(row);
      for (const other of mounted) {
        if (other !== this) other.follow(row.model);
      }
    }

    follow(model) {
      const rows = this.read.filter((row) => row.model === model && "strategy" in row);
      if (rows.length) this.show(rows[0], false);
      return rows.length > 0;
    }

    listen() {
      this.frame.addEventListener("keydown", (event) => {
        const rows = this.read;
        const last = rows.length - 1;
        const steps = {
          ArrowRight: Math.min(this.at + 1, last),
          ArrowDown: Math.min(this.at + 1, last),
          ArrowLeft: Math.max(this.at - 1, 0),
          ArrowUp: Math.max(this.at - 1, 0),
          Home: 0,
          End: last,
        };
        if (event.key === "Enter" && this.at >= 0) this.show(rows[this.at], true);
        else if (event.key in steps && rows.length) this.show(rows[steps[event.key]], false);
        else return;
        event.preventDefault();
      });
      this.table.addEventListener("toggle", () => this.table.open && this.tabulate());
    }

    tabulate() {
      const columns = this.columns.filter((one) => this.read.some((row) => cells(row, [one]).length));
      const line = (row) => element("tr", {}, ...columns.map((one) =>
        element("td", {}, cells(row, [one]).length ? format(row[one.key]) : "–")));
      const head = element("tr", {}, ...columns.map((one) => element("th", { scope: "col" }, one.title)));
      const body = element("tbody", {}, ...this.read.map(line));
      const table = element("table", {}, element("caption", {}, this.chart.title), element("thead", {}, head), body);
      const scroll = element("div", { class: "scroll", tabindex: "0", role: "group", "aria-label": this.chart.title }, table);
      this.table.replaceChildren(this.table.firstElementChild, scroll);
    }
  }

  const link = () => {
    for (const row of document.querySelectorAll("tr[data-model]")) {
      const model = row.dataset.model;
      const button = element("button", { type: "button", class: "locate", "aria-label": `Show ${model} in the figures` }, "in figures");
      button.addEventListener("click", () => {
        mark({ model });
        const found = mounted.filter((live) => live.follow(model));
        if (found.length) found[0].home.scrollIntoView({ block: "center" });
      });
      row.firstElementChild.append(button);
    }
  };

  const start = async () => {
    for (const chart of charts) {
      const home = document.getElementById(chart.id);
      if (!home) continue;
      home.hidden = false;
      const live = new LiveChart(chart, home);
      try {
        await live.draw();
        mounted.push(live);
        document.querySelectorAll(`[data-static-of="${chart.id}"]`).forEach((one) => one.classList.add("replaced"));
      } catch (error) {
        home.hidden = true;
        home.replaceChildren();
        console.error(error);
      }
    }
    if (mounted.some((live) => live.chart.rows.some((row) => "strategy" in row))) link();
    document.documentElement.dataset.live = String(mounted.length);
  };

  start();
})();
