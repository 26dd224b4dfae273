"use strict";
(() => {
  const root = document.documentElement;
  const remembered = () => { try { return localStorage.getItem("harness-theme"); } catch { return null; } };
  const remember = (theme) => { try { localStorage.setItem("harness-theme", theme); } catch { /* file:// may forbid it */ } };
  if (remembered()) root.dataset.theme = remembered();
  document.getElementById("theme").addEventListener("click", () => {
    const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
    root.dataset.theme = dark ? "light" : "dark";
    remember(root.dataset.theme);
  });
  const copied = (text) => {  // a file:// page may lack navigator.clipboard
    if (navigator.clipboard) return navigator.clipboard.writeText(text).then(() => true, () => false);
    return Promise.resolve(false);
  };
  for (const button of document.querySelectorAll(".command button")) {
    button.addEventListener("click", async () => {
      const command = button.previousElementSibling;
      if (await copied(command.textContent)) { button.textContent = "Copied"; return; }
      getSelection().selectAllChildren(command);
      button.textContent = "Selected";
    });
  }
  for (const button of document.querySelectorAll("th button")) {
    button.addEventListener("click", () => {
      const header = button.closest("th");
      const rising = header.getAttribute("aria-sort") !== "ascending";
      for (const other of header.parentElement.children) other.removeAttribute("aria-sort");
      header.setAttribute("aria-sort", rising ? "ascending" : "descending");
      const body = header.closest("table").tBodies[0];
      const column = [...header.parentElement.children].indexOf(header);
      const key = (row) => row.cells[column].dataset.sort ?? row.cells[column].textContent.trim();
      const rows = [...body.rows].sort((a, b) => key(a).localeCompare(key(b), undefined, { numeric: true }));
      body.append(...(rising ? rows : rows.reverse()));
    });
  }
})();
