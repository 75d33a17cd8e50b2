// Curves that answer: point at one and it tells layer, value, interval and images; a click, or the slider that
// stands above a section's drawings, holds a layer in all of them. The drawings are complete without it.
(() => {
  "use strict";
  const { axes, sides, curves } = JSON.parse(document.getElementById("curve-data").textContent);
  const SECTION = "article, tr";
  const drawings = [...document.querySelectorAll("[data-curves]")];

  const make = (name, text = "", kind = "") => {
    const made = document.createElement(name);
    made.textContent = text;
    made.className = kind;
    return made;
  };
  const curvesOf = (drawing) => drawing.dataset.curves.split(" ").filter(Boolean).map((at) => curves[at]);
  const sidesOf = (drawing) => sides[drawing.dataset.sides];
  const nearest = (values, wanted) => values.reduce(
    (best, value, at) => (Math.abs(value - wanted) < Math.abs(values[best] - wanted) ? at : best), 0);

  // The layer of a drawing that lies nearest to a place on the screen.
  const layerAt = (drawing, x) => {
    const box = drawing.getBoundingClientRect();
    const [left, right] = sidesOf(drawing);
    const axis = axes[curvesOf(drawing)[0][0]];
    return axis.points[nearest(axis.depth, ((x - box.left) / box.width - left) / (right - left))];
  };

  // Some numbers of a list, with the minus that the tables have.
  const written = (numbers, first, count = 1) =>
    numbers.split(" ").slice(first, first + count).map((one) => one.replace("-", "\u2212"));

  // What a curve says at a layer; null where it was not measured there.
  const answer = ([axis, name, colour, images, before, after, mean, interval], layer) => {
    const at = axes[axis].points.indexOf(layer);
    if (at < 0) { return null; }
    const [value] = written(mean, at);
    const limits = interval ? ` [${written(interval, 2 * at, 2).join("\u00a0to\u00a0")}]` : "";
    return { name, colour, text: `${before}${value}${after}${limits}, ${images}` };
  };

  const guide = (drawing, layer) => {
    const picture = drawing.querySelector("svg.plot");
    const [left, right] = sidesOf(drawing);
    const { width, height } = picture.viewBox.baseVal;
    const axis = axes[curvesOf(drawing)[0][0]];
    const at = axis.points.indexOf(layer);
    let line = drawing.querySelector("path.guide");
    if (!line) {
      line = document.createElementNS(picture.namespaceURI, "path");
      line.setAttribute("class", "guide");
      picture.append(line);
    }
    const x = width * (left + (right - left) * axis.depth[at]);
    line.setAttribute("d", at < 0 ? "" : `M${x.toFixed()} 0V${height}`);
  };

  const clear = (drawing) => drawing.querySelectorAll(".guide, .answers").forEach((one) => one.remove());

  const tell = (drawing, layer, held) => {
    clear(drawing);
    const found = curvesOf(drawing).map((curve) => answer(curve, layer)).filter(Boolean);
    if (!found.length) { return ""; }
    guide(drawing, layer);
    const box = make("div", "", held ? "answers held" : "answers");
    box.append(make("b", `layer ${layer}`));
    for (const { name, colour, text } of found) {
      const line = make("span");
      const mark = make("i");
      mark.style.background = colour;
      line.append(mark, `${name}: ${text}`);
      box.append(line);
    }
    drawing.append(box);
    return found.map(({ name, text }) => `${name} ${text}`).join("; ");
  };

  const held = new Map();
  const sectionOf = (drawing) => drawing.closest(SECTION);
  const restore = (drawing) => {
    const layer = held.get(sectionOf(drawing));
    if (layer === undefined) { clear(drawing); } else { tell(drawing, layer, true); }
  };
  const hold = (section, layer) => {
    if (layer === undefined) { held.delete(section); } else { held.set(section, layer); }
    const inside = drawings.filter((drawing) => sectionOf(drawing) === section);
    inside.forEach(restore);
    const slider = section.querySelector("input.layer");
    if (!slider) { return; }
    slider.nextElementSibling.textContent = layer === undefined ? "none" : String(layer);
    slider.value = layer ?? slider.min;
    slider.setAttribute("aria-valuetext", layer === undefined ? "none"
      : `layer ${layer}: ${inside[0].querySelector(".answers")?.innerText.replace(/\s+/g, " ") ?? "no value"}`);
  };

  // Pointing.
  let pointed = null;
  const leave = () => { if (pointed) { restore(pointed); pointed = null; } };
  document.addEventListener("pointermove", (event) => {
    const drawing = event.target.closest?.("[data-curves]");
    if (drawing !== pointed) { leave(); }
    if (!drawing || event.target.closest(".answers") || !curvesOf(drawing).length) { return; }
    pointed = drawing;
    const layer = layerAt(drawing, event.clientX);
    tell(drawing, layer, held.get(sectionOf(drawing)) === layer);
  });
  document.documentElement.addEventListener("pointerleave", leave);
  document.addEventListener("click", (event) => {
    const drawing = event.target.closest?.("[data-curves]");
    if (!drawing || event.target.closest("summary, .answers") || !curvesOf(drawing).length) { return; }
    const section = sectionOf(drawing);
    const layer = layerAt(drawing, event.clientX);
    pointed = null;
    hold(section, held.get(section) === layer ? undefined : layer);
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") { leave(); [...held.keys()].forEach((section) => hold(section)); }
  });

  // A slider for each section, for keyboard and touch.
  const sections = new Set(drawings.map(sectionOf).filter((one) => one?.matches("article")));
  for (const section of sections) {
    const inside = drawings.filter((drawing) => sectionOf(drawing) === section && curvesOf(drawing).length);
    const points = [...new Set(inside.flatMap((one) => curvesOf(one).flatMap(([axis]) => axes[axis].points)))];
    if (points.length < 2) { continue; }
    const first = Math.min(...points);
    const slider = make("input", "", "layer");
    // One step before the first layer nothing is held.
    Object.assign(slider, { type: "range", min: first - 1, max: Math.max(...points), value: first - 1 });
    slider.setAttribute("aria-valuetext", "none");
    const label = make("label", "Pin a layer ", "asking");
    label.append(slider, make("output", "none"));
    const end = section.querySelector(".caption");
    if (end) { end.after(label); } else { (inside[0].closest(".curves") ?? inside[0].closest("figure") ?? inside[0]).before(label); }
    slider.addEventListener("input", () => {
      const layer = Number(slider.value);
      hold(section, layer < first ? undefined : layer);
    });
  }
})();
