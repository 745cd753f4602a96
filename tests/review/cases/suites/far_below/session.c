#include <stdlib.h>

void prepare(char *rows);
void tidy(char **where);

void begin_session(const char *given)
{
    char *rows = malloc(80);
    char *kept = malloc(40);
    if (rows == NULL || kept == NULL)
        return;
    rows[0] = given[0];
    free(rows);
    prepare(rows);
    tidy(&kept);
    free(kept);
}
