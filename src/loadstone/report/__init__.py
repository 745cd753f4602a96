"""Reports: values from ``core`` in, text out. No decisions are made here and nothing is read or run."""
