/* The words of a line in arrays as long as the line, reached through a pointer that walks along it. */

#include <ctype.h>
#include <dlfcn.h>
#include <stdio.h>

#define LINE 512

void *from_table(FILE *table)
{
    char buffer[LINE];

    while (fgets(buffer, LINE, table) != NULL) {
        char kind[LINE];
        char path[LINE];
        char *rest = buffer;

        while (isspace((unsigned char)*rest))
            rest++;
        if (sscanf(rest, "%s%s", kind, path) == 2 && kind[0] == 'L') //! none
            return dlopen("/usr/lib/table/table.so", RTLD_NOW);
    }
    return NULL;
}

void *from_line(const char *line)
{
    char buffer[LINE];
    char sort[16];
    const char *rest = buffer;

    if (fgets(buffer, LINE, stdin) == NULL)
        return NULL;
    rest = line;
    if (sscanf(rest, "%s", sort) == 1 && sort[0] == 'L') //! CWE-120
        return dlopen("/usr/lib/table/table.so", RTLD_NOW);
    return NULL;
}

/* Arrays of one name in two functions: each has its own size. */
void use(const char *text);

void rules_of(FILE *f)
{
	char entry[512];

	while (fgets(entry, sizeof entry, f))
		use(entry);
}

void hosts_of(FILE *f)
{
	char entry[256], host[256];

	while (fgets(entry, sizeof entry, f))
		if (sscanf(entry, "HOST %s", host) == 1) //! none
			use(host);
}

void users_of(FILE *f)
{
	char entry[256], user[32];

	while (fgets(entry, sizeof entry, f))
		if (sscanf(entry, "USER %s", user) == 1) //! CWE-120/CWE-787
			use(user);
}
