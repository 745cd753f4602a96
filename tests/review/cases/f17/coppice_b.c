/* coppice: build hooks; hooks are found along a path list of the configuration. */
#include <ctype.h>
#include <dlfcn.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct conf {
	char hookpath[1024];
	char shell[64];
};

static int read_conf(const char *file, struct conf *c)
{
	char line[1200];
	FILE *f = fopen(file, "r");

	if (!f)
		return -1;
	while (fgets(line, sizeof line, f)) {
		char *eq = strchr(line, '=');
		char *end;

		if (!eq || line[0] == '#')
			continue;
		*eq++ = '\0';
		end = eq + strlen(eq);
		while (end > eq && isspace((unsigned char)end[-1]))
			*--end = '\0';
		if (strcmp(line, "hookpath") == 0)
			snprintf(c->hookpath, sizeof c->hookpath, "%s", eq);
		else if (strcmp(line, "shell") == 0)
			snprintf(c->shell, sizeof c->shell, "%s", eq);
	}
	fclose(f);
	return 0;
}

static void *search(char *list, const char *hook)
{
	char full[PATH_MAX];
	char *dir, *save = NULL;
	void *h = NULL;

	for (dir = strtok_r(list, ":", &save); dir && !h; dir = strtok_r(NULL, ":", &save)) {
		int n = snprintf(full, sizeof full, "%s/lib%s.so", dir, hook);

		if (n > 0 && (size_t)n < sizeof full)
			h = dlopen(full, RTLD_LAZY);  //! none
	}
	return h;
}

int run_hook(struct conf *c, const char *hook, int argc, char **argv)
{
	int (*entry)(int, char **);
	void *h = search(c->hookpath, hook);
	int rc;

	if (!h)
		return 0;
	*(void **)&entry = dlsym(h, "hook_main");  //! none
	if (!entry) {
		fprintf(stderr, "%s\n", dlerror());
		dlclose(h);  //! none
		return 1;
	}
	rc = entry(argc, argv);
	dlclose(h);  //! none
	return rc;
}

int main(int argc, char **argv)
{
	struct conf c = { "/usr/lib/coppice", "/bin/sh" };

	if (read_conf("/etc/coppice.conf", &c) != 0)
		perror("coppice.conf");
	return run_hook(&c, "prebuild", argc, argv);
}
