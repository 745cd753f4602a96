#include <stdlib.h>
void second(const char *name);
void first(void) { const char *name = getenv("STAGE"); if (name != NULL) second(name); }
