"""The sources of observations, one a file. They run in the helper and look at the child from outside."""
