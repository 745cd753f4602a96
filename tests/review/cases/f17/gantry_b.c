/* gantry: loads codecs by number; the registry grows on demand. */
#include <dlfcn.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_CODEC 4096

struct codec {
	void *lib;
	int (*decode)(const uint8_t *in, size_t n, uint8_t *out, size_t *outlen);
};

static struct codec **slots;
static int nslots;

static int reserve(int id)
{
	struct codec **p;

	if (id < 0 || id >= MAX_CODEC)
		return -1;
	if (id < nslots)
		return 0;
	p = realloc(slots, ((size_t)id + 1) * sizeof *slots);
	if (!p)
		return -1;
	slots = p;
	memset(slots + nslots, 0, (size_t)(id + 1 - nslots) * sizeof *slots);
	nslots = id + 1;
	return 0;
}

int codec_load(int id)
{
	char path[64];
	struct codec *c;

	if (reserve(id) != 0)
		return -1;
	if (slots[id])
		return 0;
	c = malloc(sizeof *c);
	if (!c)
		return -1;
	snprintf(path, sizeof path, "/usr/lib/gantry/codec-%d.so", id);
	c->lib = dlopen(path, RTLD_LAZY);  //! none
	if (!c->lib) {
		free(c);  //! none
		return -1;
	}
	c->decode = (int (*)(const uint8_t *, size_t, uint8_t *, size_t *))dlsym(c->lib, "decode");  //! none
	if (!c->decode) {
		dlclose(c->lib);  //! none
		free(c);  //! none
		return -1;
	}
	slots[id] = c;
	return 0;
}

int codec_decode(int id, const uint8_t *in, size_t n, uint8_t out[4096])
{
	size_t len = 4096;

	if (id < 0 || id >= nslots || !slots[id])
		return -1;
	if (slots[id]->decode(in, n, out, &len) != 0 || len > 4096)
		return -1;
	return (int)len;
}

void codec_unload(int id)
{
	if (id < 0 || id >= nslots || !slots[id])
		return;
	dlclose(slots[id]->lib);  //! none
	free(slots[id]);  //! none
	slots[id] = NULL;
}
