"use strict";
// Airflow's page shows this one in a sandboxed frame, which may neither leave for another page nor open one. What is not
// below this page's own address is therefore opened by Airflow's page itself, which is of the same origin.

(() => {
  const home = new URL("./", location.href).pathname;
  const frame = (() => {
    try {
      return window.parent !== window && window.parent.document ? window.parent : null;
    } catch {
      return null;
    }
  })();

  const showTheme = () => {
    let chosen = null;
    try {
      chosen = localStorage.getItem("theme");
    } catch {
      // a browser that keeps nothing: its own setting holds
    }
    if (chosen === "dark" || chosen === "light") {
      document.documentElement.dataset.theme = chosen;
    } else {
      delete document.documentElement.dataset.theme;
    }
  };
  showTheme();
  addEventListener("storage", showTheme);
  if (frame) {
    document.documentElement.classList.add("framed");
    new MutationObserver(showTheme).observe(frame.document.documentElement, { attributes: true });
  }

  addEventListener("click", (event) => {
    const link = event.target instanceof Element ? event.target.closest("a[href]") : null;
    if (!link || !["https:", "http:"].includes(link.protocol)) {
      return;
    }
    const isOutside = "outside" in link.dataset;
    if (!isOutside && link.origin === location.origin && link.pathname.startsWith(home)) {
      return;
    }
    const opener = (frame || window).document;
    const other = opener.createElement("a");
    other.href = link.href;
    other.rel = "noopener noreferrer";
    if (isOutside || event.ctrlKey || event.metaKey || event.shiftKey) {
      other.target = "_blank";
    }
    event.preventDefault();
    opener.body.append(other);
    other.click();
    other.remove();
  });
})();
