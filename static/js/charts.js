// Charts: each [data-chart] is drawn from the Vega-Lite specification at its URL, in the colours of the
// page's tokens, as wide as its place. Vega is loaded with the first chart. Marks with a link are reached
// by Tab and the arrow keys; a click or Enter follows it.

const MANY = 2000;
const drawn = new Map();
let loading = null;

function script(src) {
  return new Promise((resolve, reject) => {
    const element = Object.assign(document.createElement("script"), { src, onload: resolve, onerror: reject });
    document.head.append(element);
  });
}

async function load(sources) {
  for (const src of sources) await script(src);
}

/** What a token such as var(--correct) or var(--hue-3) is, in light or dark, as Vega reads colours. */
function reader() {
  const probe = document.body.appendChild(document.createElement("i"));
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const known = new Map();
  const colour = (token) => {
    const hue = token.match(/^var\(--(hue-\d+)\)$/)?.[1];
    probe.className = hue ?? "";
    probe.style.color = hue ? "var(--hue)" : token;
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = getComputedStyle(probe).color;
    canvas.fillRect(0, 0, 1, 1);
    const [red, green, blue] = canvas.getImageData(0, 0, 1, 1).data;
    return `#${[red, green, blue].map((part) => part.toString(16).padStart(2, "0")).join("")}`;
  };
  const read = (token) => {
    if (!known.has(token)) known.set(token, colour(token));
    return known.get(token);
  };
  return { read, close: () => probe.remove() };
}

function painted(value, read) {
  if (Array.isArray(value)) return value.map((part) => painted(part, read));
  if (value && typeof value === "object") {
    return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, key === "datasets" || key === "values" ? part : painted(part, read)]));
  }
  return typeof value === "string" && value.startsWith("var(--") ? read(value) : value;
}

function rows(spec) {
  return Object.values(spec.datasets ?? {}).reduce((sum, set) => sum + set.length, 0);
}

function linked(place) {
  return [...place.querySelectorAll("svg path, svg rect, svg text, svg g")].filter((mark) => mark.__data__?.href);
}

/** A mark's name in words: its fields, without what only draws it. */
const spoken = (mark) => (mark.getAttribute("aria-label") ?? "").split("; ").filter((part) => !/^(traces|few|x): /.test(part)).map((part) => part.replace(/^[a-z_]+(?=: )/, (field) => field.replaceAll("_", " "))).join("; ");

/** Name what Vega draws, now and whenever it draws again: marks with a link are links, of which one is
    a stop of Tab; what has no name is no picture. */
function dress(place) {
  const marks = linked(place);
  const stop = marks.find((mark) => mark.getAttribute("tabindex") === "0") ?? marks[0];
  for (const mark of marks) {
    if (mark.getAttribute("role") === "link") continue;
    mark.setAttribute("tabindex", mark === stop ? "0" : "-1");
    mark.setAttribute("aria-label", spoken(mark) ? `${spoken(mark)}: open the traces` : "Open the traces");
    mark.removeAttribute("aria-roledescription");
    mark.setAttribute("role", "link");
  }
  for (const mark of place.querySelectorAll("[role=graphics-symbol]")) {
    if (spoken(mark)) mark.setAttribute("aria-label", spoken(mark));
    else for (const said of ["role", "aria-label", "aria-roledescription"]) mark.removeAttribute(said);
  }
}

function walk(event) {
  const marks = linked(event.currentTarget);
  const at = marks.indexOf(event.target);
  const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
  if (at < 0 || !(step || event.key === "Enter")) return;
  event.preventDefault();
  event.stopPropagation();
  if (!step) return location.assign(new URL(event.target.__data__.href, location.href));
  const next = marks[(at + step + marks.length) % marks.length];
  event.target.setAttribute("tabindex", "-1");
  next.setAttribute("tabindex", "0");
  next.focus();
}

async function put(chart, spec) {
  const place = document.createElement("div");
  place.className = "is-drawing";
  chart.append(place);
  const colours = reader();
  const themed = painted(spec, colours.read);
  colours.close();
  const options = { ast: true, actions: false, logLevel: window.vega.Error, defaultStyle: false, renderer: rows(spec) > MANY ? "canvas" : "svg", tooltip: { disableDefaultStyle: true } };
  try {
    const { view } = await window.vegaEmbed(place, themed, options);
    if (!chart.isConnected) return view.finalize();
    drawn.get(chart)?.view?.finalize();
    drawn.set(chart, { spec, view });
    chart.replaceChildren(place);
    place.classList.remove("is-drawing");
    dress(place);
    new MutationObserver(() => dress(place)).observe(place, { subtree: true, childList: true, attributeFilter: ["role"] });
    place.addEventListener("keydown", walk);
  } catch (error) {
    place.remove();
    throw error;
  }
}

async function draw(chart) {
  drawn.set(chart, drawn.get(chart) ?? {});
  try {
    loading ??= load(chart.dataset.scripts.split(" "));
    const answer = await fetch(chart.dataset.chart);
    if (!answer.ok) throw new Error(`${answer.status}`);
    const spec = await answer.json();
    await loading;
    await put(chart, spec);
    delete chart.dataset.failed;
  } catch (error) {
    console.warn(error);
    chart.dataset.failed = "";
    if (!drawn.get(chart)?.view) chart.textContent = "The chart could not be drawn; the table below holds its numbers.";
  }
}

/** Draw what is new, and let go of what has left the page. */
function look() {
  for (const [chart, { view }] of drawn) {
    if (chart.isConnected) continue;
    view?.finalize();
    drawn.delete(chart);
  }
  for (const chart of document.querySelectorAll("[data-chart]")) if (!drawn.has(chart)) draw(chart);
}

document.addEventListener("htmx:afterSettle", look);
document.addEventListener("page:fresh", () => document.querySelectorAll("[data-chart]").forEach(draw));
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
  for (const [chart, { spec }] of drawn) if (spec) put(chart, spec);
});
look();
