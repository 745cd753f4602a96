#include <stdlib.h>

void discard(char *rows)
{
    free(rows); //! CWE-415
}

void tidy(char **where)
{
    free(*where); //! none
    *where = NULL;
}
