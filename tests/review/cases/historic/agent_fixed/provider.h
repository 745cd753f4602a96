int add_provider(const char *name);
