// A block that scrolls can be reached with the keyboard (WCAG 2.1.1).
document$.subscribe(() => {
  for (const block of document.querySelectorAll("pre > code, .md-typeset__scrollwrap, .md-typeset__table"))
    if (block.scrollWidth > block.clientWidth) block.tabIndex = 0;
});

// The theme's search names itself; lists within its navigation, and the buttons it adds to code, are no landmarks (WCAG 1.3.1, 4.1.2).
const plain = () => {
  document.querySelector(".md-search[role=dialog]")?.setAttribute("aria-label", "Search");
  for (const list of document.querySelectorAll(".md-nav .md-nav[aria-labelledby], .md-code__nav:not([role])")) {
    list.removeAttribute("aria-labelledby");
    list.removeAttribute("aria-expanded");
    list.setAttribute("role", "none");
  }
};
document$.subscribe(plain);
new MutationObserver(plain).observe(document.body, { childList: true, subtree: true });
