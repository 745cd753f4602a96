void third(const char *name);
void second(const char *name) { third(name); }
