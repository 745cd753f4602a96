/* A macro of a header that is not at hand: behind what a branch gives back, it leaves the function. */
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

#include "house_log.h"

int check(const char *text);
int keep(char *text, void *plugin);

int load(const char *path, const char *label)
{
	char *text = strdup(label);
	void *plugin;
	int r;

	if (text == NULL)
		return -1;
	r = check(text);
	if (r < 0) {
		free(text);
		HOUSE_TEST_RET(r, "no such label");
	}
	plugin = dlopen(path, RTLD_NOW);
	if (plugin == NULL) {
		free(text); //! none
		HOUSE_TEST_RET(-2, "cannot load");
	}
	r = keep(text, plugin);
	HOUSE_TEST_RET(r, "not kept");
	return 0;
}

int load_and_go_on(const char *path, const char *label)
{
	char *text = strdup(label);
	void *plugin;

	if (text == NULL)
		return -1;
	if (check(text) < 0) {
		free(text);
		HOUSE_COUNT(1);
	}
	plugin = dlopen(path, RTLD_NOW);
	if (plugin == NULL) {
		free(text); //! CWE-415/CWE-416
		return -2;
	}
	return keep(text, plugin);
}
