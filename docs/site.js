// A block that scrolls can be reached with the keyboard (WCAG 2.1.1).
document$.subscribe(() => {
  for (const block of document.querySelectorAll("pre > code, .md-typeset__scrollwrap, .md-typeset__table"))
    if (block.scrollWidth > block.clientWidth) block.tabIndex = 0;
});
