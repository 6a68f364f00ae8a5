"use strict";
// Charts are drawn when they come into view, the others while the reader looks at those; all of them before printing.
Bokeh.set_log_level("error");
const waiting = new Map();
for (const script of document.querySelectorAll("script[data-chart]")) waiting.set(script.dataset.chart, script);

function colours() {
  const style = getComputedStyle(document.documentElement);
  return Object.fromEntries(["paper", "ink", "dim", "line"].map((name) => [name, style.getPropertyValue("--" + name).trim()]));
}

// What the colours are of, by the kind of model.
function look(kind, c) {
  if (kind === "Figure") return { outline_line_color: c.line };
  if (kind.endsWith("Axis")) return { axis_label_text_color: c.dim, major_label_text_color: c.dim, axis_line_color: c.line, major_tick_line_color: c.line, minor_tick_line_color: null, axis_label_text_font_style: "normal" };
  if (kind === "Grid") return { grid_line_color: c.line, grid_line_alpha: 0.6 };
  if (kind === "Legend") return { label_text_color: c.ink, inactive_fill_color: c.paper };
  return {};
}

function paintAll(c = colours()) {
  for (const doc of Bokeh.documents) for (const model of doc.all_models) {
    for (const [name, value] of Object.entries(look(model.type, c))) model[name] = value;
  }
}

// As many dates along an axis as there is room for.
const dates = (width) => Math.max(2, Math.min(7, Math.floor((width - 90) / 110)));

function spaceDates(doc, width) {
  for (const model of doc.all_models) if (model.type === "DatetimeTicker") model.desired_num_ticks = dates(width);
}

// A chart that is not drawn yet gets its colours first, and so is drawn once.
function dress(part, c, width) {
  if (Array.isArray(part)) { for (const one of part) dress(one, c, width); return; }
  if (part === null || typeof part !== "object") return;
  if (part.type === "object" && part.name) {
    part.attributes = { ...part.attributes, ...look(part.name, c) };
    if (part.name === "DatetimeTicker") part.attributes.desired_num_ticks = dates(width);
  }
  for (const one of Object.values(part)) dress(one, c, width);
}

// The price axis follows the stretch of time that is looked at.
function follow(doc) {
  const chart = doc.get_model_by_name("price"), candles = doc.get_model_by_name("candles");
  if (!chart || !candles) return;
  const { time, low, high } = candles.data;
  const x = chart.x_range, y = chart.y_range;
  const fit = () => {
    let bottom = Infinity, top = -Infinity;
    for (let i = 0; i < time.length; i++) {
      if (time[i] < x.start || time[i] > x.end) continue;
      if (low[i] < bottom) bottom = low[i];
      if (high[i] > top) top = high[i];
    }
    if (top <= bottom) return;
    const margin = (top - bottom) * 0.05;
    y.setv({ start: bottom - margin, end: top + margin });
  };
  x.properties.start.change.connect(fit);
  x.properties.end.change.connect(fit);
}

const shown = new Map();
const widths = new ResizeObserver((entries) => { for (const entry of entries) spaceDates(shown.get(entry.target), entry.contentRect.width); });

async function draw(id) {
  const script = waiting.get(id);
  if (!script) return;
  waiting.delete(id);
  const place = document.getElementById(id);
  const known = new Set(Bokeh.documents);
  const item = JSON.parse(script.textContent);
  dress(item.doc.roots, colours(), place.clientWidth);
  await Bokeh.embed.embed_item(item, id);
  for (const doc of Bokeh.documents) {
    if (known.has(doc)) continue;
    shown.set(place, doc);
    widths.observe(place);
    follow(doc);
  }
  place.dataset.drawn = "yes";
}

const seen = new IntersectionObserver((entries) => {
  for (const entry of entries) if (entry.isIntersecting) { seen.unobserve(entry.target); draw(entry.target.id); }
}, { rootMargin: "200px" });
for (const place of document.querySelectorAll(".chart")) seen.observe(place);

const idle = window.requestIdleCallback || ((work) => setTimeout(work, 50));
async function rest() {
  const next = waiting.keys().next();
  if (next.done) { document.documentElement.dataset.ready = "yes"; return; }
  await draw(next.value);
  idle(rest);
}
window.addEventListener("load", () => { document.documentElement.dataset.opened = String(Math.round(performance.now())); idle(rest); });

matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => paintAll());
// Paper is light whatever the screen is, and a print does not wait for the next frame: charts are painted at once.
const ink = { ink: "#000000", dim: "#444444", line: "#cccccc", paper: "#ffffff" };
let opened = [];
window.addEventListener("beforeprint", () => {
  for (const id of [...waiting.keys()]) draw(id);
  opened = [...document.querySelectorAll("details:not([open])")];
  for (const one of opened) one.open = true;
  paintAll(ink);
  for (const doc of Bokeh.documents) for (const model of doc.all_models) if (model.type === "Figure") doc.views_manager.find_one(model)?.repaint();
});
window.addEventListener("afterprint", () => {
  for (const one of opened) one.open = false;
  paintAll();
});
