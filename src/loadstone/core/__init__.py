"""Values only: what crosses a package border is one of these, frozen and made of tuples and enums."""
