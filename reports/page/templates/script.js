// Filter, sort, theme. The page is complete without any of it.
(() => {
  "use strict";
  const root = document.documentElement;
  const all = (selector) => [...document.querySelectorAll(selector)];
  root.classList.add("js");

  const theme = document.getElementById("theme");
  const dark = () => (root.dataset.theme
    ? root.dataset.theme === "dark"
    : matchMedia("(prefers-color-scheme: dark)").matches);
  const label = () => { theme.textContent = dark() ? "Light theme" : "Dark theme"; };
  theme.addEventListener("click", () => { root.dataset.theme = dark() ? "light" : "dark"; label(); });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", label);
  label();

  const matrix = document.getElementById("matrix");
  if (matrix) {
    const body = matrix.tBodies[0];
    const rows = [...body.rows].filter((row) => row.dataset.claim);
    const heads = [...body.rows].filter((row) => !row.dataset.claim);
    const titles = all("#claims h3.part");
    const find = document.getElementById("find");
    const part = document.getElementById("part") || { value: "" };
    const filters = all("[data-filter]");
    let wanted = "all";
    let grouped = true;

    const apply = () => {
      const word = find.value.trim().toLowerCase();
      const seen = new Set();
      let shown = 0;
      for (const row of rows) {
        const section = document.getElementById(row.dataset.claim);
        const fits = (wanted === "all" || row.dataset.verdicts.split(" ").includes(wanted))
          && (!part.value || row.dataset.part === part.value)
          && (!word || row.textContent.toLowerCase().includes(word)
            || section.textContent.toLowerCase().includes(word));
        row.hidden = !fits;
        section.hidden = !fits;
        shown += fits ? 1 : 0;
        if (fits) { seen.add(row.dataset.part); }
      }
      for (const head of heads) { head.hidden = !grouped || !seen.has(head.dataset.part); }
      for (const title of titles) { title.hidden = !seen.has(title.dataset.part); }
      for (const button of filters) {
        button.setAttribute("aria-pressed", String(button.dataset.filter === wanted));
      }
      document.getElementById("shown").textContent = `${shown} of ${rows.length} claims shown`;
    };
    for (const button of filters) {
      button.addEventListener("click", () => { wanted = button.dataset.filter; apply(); });
    }
    find.addEventListener("input", apply);
    if (part.addEventListener) { part.addEventListener("change", apply); }

    const tasks = document.getElementById("tasks");
    tasks.addEventListener("click", () => {
      const open = tasks.getAttribute("aria-pressed") !== "true";
      tasks.setAttribute("aria-pressed", String(open));
      for (const one of all("#matrix details")) { one.open = open; }
    });

    // A link to a claim that the filter hides shows everything again.
    const reveal = () => {
      const target = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
      if (target && target.closest("[hidden]")) {
        wanted = "all";
        find.value = "";
        part.value = "";
        apply();
        target.scrollIntoView();
      }
    };
    addEventListener("hashchange", reveal);

    const rank = (row, column) => {
      if (column === "order") { return [Number(row.dataset.order)]; }
      const cell = row.cells[Number(column) + 2];
      return [Number(cell.dataset.rank), Number(cell.dataset.p), Number(row.dataset.order)];
    };
    const compare = (a, b) => {
      for (let i = 0; i < a.length; i += 1) { if (a[i] !== b[i]) { return a[i] - b[i]; } }
      return 0;
    };
    for (const button of all("button.sort")) {
      button.addEventListener("click", () => {
        const head = button.closest("th");
        const down = head.getAttribute("aria-sort") === "ascending";
        for (const other of all("#matrix th[aria-sort]")) { other.removeAttribute("aria-sort"); }
        head.setAttribute("aria-sort", down ? "descending" : "ascending");
        const sorted = [...rows].sort((a, b) => compare(rank(a, button.dataset.sort), rank(b, button.dataset.sort)));
        // The parts' headings stand only where the claims are in the catalogue's order.
        grouped = button.dataset.sort === "order" && !down;
        body.append(...(down ? sorted.reverse() : sorted));
        for (const lead of heads) { body.insertBefore(lead, rows.find((row) => row.dataset.part === lead.dataset.part)); }
        apply();
      });
    }
    apply();
  }

  let opened = [];
  addEventListener("beforeprint", () => {
    opened = all("details:not([open])");
    for (const one of opened) { one.open = true; }
  });
  addEventListener("afterprint", () => { for (const one of opened) { one.open = false; } });
})();
