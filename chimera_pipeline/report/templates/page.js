"use strict";
(() => {
  const make = (name, props = {}) => Object.assign(document.createElement(name), props);
  const root = document.documentElement;

  const theme = make("button", { type: "button", id: "theme", textContent: "Light or dark" });
  theme.addEventListener("click", () => {
    const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
    root.dataset.theme = dark ? "light" : "dark";
  });
  document.querySelector("main").prepend(theme);

  const number = (text) => {
    const found = text.replace(/,/g, "").match(/^\s*(-?\d+(\.\d+)?(e-?\d+)?)/);
    return found ? parseFloat(found[1]) : null;
  };
  const compare = (a, b) => {
    const [x, y] = [number(a), number(b)];
    if (x !== null && y !== null) return x - y;
    if ((x === null) !== (y === null)) return x === null ? 1 : -1;
    return a.localeCompare(b);
  };
  const sort = (table, column, head) => {
    const down = head.getAttribute("aria-sort") === "ascending";
    table.querySelectorAll("th[aria-sort]").forEach((one) => one.removeAttribute("aria-sort"));
    head.setAttribute("aria-sort", down ? "descending" : "ascending");
    for (const body of table.tBodies) {
      const rows = [...body.rows].filter((row) => !row.classList.contains("g"));
      rows.sort((a, b) => compare(a.cells[column].textContent, b.cells[column].textContent) * (down ? -1 : 1));
      body.append(...rows);
    }
  };
  const above = (row) => { // what the rows of a group share is said once, above them
    const head = row.parentElement.rows[0];
    return head !== row && head.classList.contains("g") ? head.textContent.trim() : "";
  };
  const csv = (table) => [...table.rows].filter((row) => !row.classList.contains("g") && !row.hidden).map((row) =>
    [...(table.querySelector("tr.g") ? [row.closest("thead") ? "Group" : above(row)] : []),
      ...[...row.cells].map((one) => one.textContent)].map((words) => {
      const text = words.trim().replace(/\s+/g, " ");
      const safe = /^[=+@]|^-(?!\d)/.test(text) ? "'" + text : text;
      return /[",\n]/.test(safe) ? '"' + safe.replace(/"/g, '""') + '"' : safe;
    }).join(",")).join("\n") + "\n";
  const copy = async (text) => {
    try {
      await navigator.clipboard.writeText(text);
      return true;
    } catch {
      const area = make("textarea", { value: text });
      document.body.append(area);
      area.select();
      const done = document.execCommand("copy");
      area.remove();
      return done;
    }
  };
  document.querySelectorAll("table").forEach((table) => {
    const rows = [...table.querySelectorAll("tbody tr:not(.g)")];
    if (rows.length < 2) return;
    const tools = make("div", { className: "tools" });
    if (rows.length > 8) {
      const input = make("input", { type: "search", placeholder: "Filter rows" });
      input.setAttribute("aria-label", "Filter the rows of the table below");
      input.addEventListener("input", () => {
        const wanted = input.value.toLowerCase();
        rows.forEach((row) => { row.hidden = !(above(row) + row.textContent).toLowerCase().includes(wanted); });
      });
      tools.append(input);
    }
    const button = make("button", { type: "button", textContent: "Copy as CSV" });
    button.addEventListener("click", async () => {
      button.textContent = (await copy(csv(table))) ? "Copied" : "Copying is not allowed here";
      setTimeout(() => { button.textContent = "Copy as CSV"; }, 1500);
    });
    tools.append(button);
    (table.closest(".scroll") || table).before(tools);
    table.querySelectorAll("thead th").forEach((head, column) => {
      const words = make("button", { type: "button" });
      words.append(...head.childNodes);
      words.addEventListener("click", () => sort(table, column, head));
      head.append(words);
    });
  });

  const tip = make("div", { id: "tip", hidden: true });
  tip.setAttribute("role", "tooltip");
  document.body.append(tip);
  const hide = () => { tip.hidden = true; };
  const show = (event) => {
    const link = event.target.closest && event.target.closest('a[href^="#F"],a[href^="#a"]');
    if (!link) return hide();
    const row = document.getElementById(link.hash.slice(1));
    if (!row || !row.cells) return hide();
    const words = [...row.cells].map((one) => one.textContent.trim());
    tip.textContent = [...words, above(row)].filter(Boolean).join(" · ").slice(0, 900);
    tip.hidden = false;
    link.setAttribute("aria-describedby", "tip");
    const box = link.getBoundingClientRect();
    tip.style.left = Math.max(4, Math.min(box.left, innerWidth - tip.offsetWidth - 8)) + "px";
    const below = box.bottom + 6;
    tip.style.top = (below + tip.offsetHeight > innerHeight ? Math.max(4, box.top - tip.offsetHeight - 6) : below) + "px";
  };
  document.addEventListener("mouseover", show);
  document.addEventListener("focusin", show);
  document.addEventListener("keydown", (event) => { if (event.key === "Escape") hide(); });

  const reveal = () => {
    const target = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    for (let up = target; up; up = up.parentElement) if (up.tagName === "DETAILS") up.open = true;
    if (target) target.scrollIntoView();
  };
  addEventListener("hashchange", reveal);
  addEventListener("beforeprint", () => document.querySelectorAll("details").forEach((one) => { one.open = true; }));
  reveal();
})();
