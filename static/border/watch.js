// Asks for the page anew while somebody looks at it; a page in the background stays as it was.
const seconds = Number(document.querySelector("[data-refresh]").dataset.refresh);
setInterval(() => { if (!document.hidden) { window.location.reload(); } }, seconds * 1000);
