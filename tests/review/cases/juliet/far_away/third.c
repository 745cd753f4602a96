void fourth(const char *name);
void third(const char *name) { fourth(name); }
